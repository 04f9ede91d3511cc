//! `hearth top`: the machines that are booting, as they boot.
//!
//! What the agent says is a [`snapshot`]; with what a person chose it is the [`view`], which [`draw`]
//! and [`row`] put into a buffer, as [`look`] has it. All that is pure; the [`feed`] asks the agent, and the
//! [`terminal`] is at the edge.

mod draw;
mod feed;
mod look;
mod row;
mod snapshot;
mod terminal;
mod view;

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::mpsc;
use std::time::Instant;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::client::Client;
use super::exit::{Failed, IO, USAGE};
use super::print;
use crate::limits;
use feed::News;
use look::Look;
use terminal::{Input, Screen};
use view::{Ask, View};

/// Columns of a frame that goes to no terminal and of which `COLUMNS` says nothing.
const COLUMNS: u16 = 80;

pub fn top(path: &Path, once: bool, json: bool) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    if json {
        let answer = client.get("live")?;
        print(&format!("{answer:#}\n"))?;
        return Ok(0);
    }
    let variable = |name: &str| std::env::var(name).ok();
    let look = Look::of(variable);
    let mut view = View::default();
    if !once && !io::stdout().is_terminal() {
        return Err(Failed::new(
            USAGE,
            "standard output is no terminal; `hearth top --once` prints one frame as text, `hearth top \
             --json` one snapshot for programs",
        ));
    }
    view.take(feed::look(&mut client)?);
    if once {
        let columns = variable("COLUMNS").and_then(|text| text.parse().ok());
        print(&frame(view, columns.unwrap_or(COLUMNS), look))?;
        return Ok(0);
    }
    let broken = |error: io::Error| Failed::new(IO, format!("using the terminal: {error}"));
    let (tell, news) = mpsc::sync_channel(limits::TOP_NEWS);
    let (want, wanted) = mpsc::channel();
    feed::signals(tell.clone()).map_err(broken)?;
    feed::start(client, wanted, tell).map_err(broken)?;
    let mut screen = Screen::take().map_err(broken)?;
    let mut answered = Instant::now();
    loop {
        view.age = u64::try_from(answered.elapsed().as_millis()).unwrap_or(u64::MAX);
        screen.draw(&mut view, look).map_err(broken)?;
        let mut input = terminal::input(limits::TOP_KEYS).map_err(broken)?;
        while let Input::Key(key) = input {
            match view.press(key) {
                Ask::Nothing => {}
                Ask::Quit => return Ok(0),
                Ask::Suspend => screen.suspend().map_err(broken)?,
                // The feed ends with this function only.
                Ask::Timeline(machine) => drop(want.send(machine)),
            }
            // All that were pressed meanwhile, before it is drawn.
            input = terminal::input(std::time::Duration::ZERO).map_err(broken)?;
        }
        for one in news.try_iter() {
            match one {
                News::Live(snapshot) => {
                    answered = Instant::now();
                    view.take(snapshot);
                }
                News::Timeline(machine, text) => view.tell(machine, &text),
                News::Trouble(why) => view.fail(&why),
                // As a shell tells a signal from an exit.
                News::Signal(signal) => {
                    return Ok(u8::try_from(128 + signal as i32).unwrap_or(u8::MAX));
                }
            }
        }
    }
}

/// One frame as text, as long as it has to be.
fn frame(mut view: View, columns: u16, look: Look) -> String {
    view.whole = true;
    let machines = view.machines().len().min(usize::from(u16::MAX / 4)) as u16;
    let area = Rect::new(0, 0, columns.clamp(20, 500), machines * 2 + 12);
    let mut buffer = Buffer::empty(area);
    draw::draw(&mut buffer, area, &mut view, look);
    lines(&buffer)
}

/// A buffer as text, without blanks at the ends of lines and of all.
fn lines(buffer: &Buffer) -> String {
    let area = buffer.area;
    let line = |y: u16| {
        let cells = (area.left()..area.right()).filter_map(|x| buffer.cell((x, y)));
        let line: String = cells.map(|cell| cell.symbol()).collect();
        format!("{}\n", line.trim_end())
    };
    let text: String = (area.top()..area.bottom()).map(line).collect();
    format!("{}\n", text.trim_end())
}
