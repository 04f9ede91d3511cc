//! What the agent knows, shown once, or with `--watch` again whenever it changes.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::client::Client;
use super::exit::{Failed, UNAVAILABLE};
use super::follow::Stream;
use super::print;
use crate::{limits, stamp};

/// How a view is shown.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Output {
    /// For programs
    #[arg(long)]
    pub json: bool,
    /// Show it again whenever it changes, until Ctrl-C
    #[arg(long)]
    pub watch: bool,
}

/// A view.
pub struct View<'v> {
    /// Asks the agent for what is shown.
    pub ask: &'v dyn Fn(&mut Client) -> Result<Value, Failed>,
    /// The same for people.
    pub people: &'v dyn Fn(&Value) -> String,
    /// How old it may become where no event says that it changed.
    pub every: Duration,
}

/// Shows a view.
pub fn show(path: &Path, output: Output, view: &View) -> Result<u8, Failed> {
    let mut client = Client::of(path);
    if output.watch {
        return watch(&mut client, output.json, view);
    }
    let answer = (view.ask)(&mut client)?;
    match output.json {
        true => print(&format!("{answer:#}\n"))?,
        false => print(&(view.people)(&answer))?,
    }
    Ok(0)
}

fn watch(client: &mut Client, json: bool, view: &View) -> Result<u8, Failed> {
    // Before anything is shown: what happens from here on is not missed.
    let mut events = client.follow("events", None)?;
    let mut screen = Screen::new(json);
    loop {
        let began = Instant::now();
        match (view.ask)(client) {
            Ok(answer) => screen.show(&answer, view.people)?,
            Err(failed) if failed.code == UNAVAILABLE => {
                events = again(client, "events", None, &failed)?;
                continue;
            }
            Err(failed) => return Err(failed),
        }
        // A long list is not asked for all the time.
        let pause = began.elapsed().saturating_mul(4).max(limits::WATCH_PAUSE);
        let every = view.every.max(pause);
        if let Err(error) = events.changed(every, pause) {
            events = again(
                client,
                "events",
                None,
                &Failed::new(UNAVAILABLE, error.to_string()),
            )?;
        }
    }
}

/// Waits until the agent is there again, and says so.
pub fn again(
    client: &mut Client,
    path: &str,
    last: Option<u64>,
    why: &Failed,
) -> Result<Stream, Failed> {
    note(&format!("the agent is gone ({}): waiting for it", why.text));
    loop {
        match client.follow(path, last) {
            Ok(stream) => {
                note("the agent is there again");
                return Ok(stream);
            }
            Err(failed) if failed.code == UNAVAILABLE => thread::sleep(limits::WATCH_RETRY),
            Err(failed) => return Err(failed),
        }
    }
}

fn note(text: &str) {
    let when = stamp::plain(stamp::now());
    // A closed standard error changes nothing.
    let _ = writeln!(io::stderr(), "{when} {text}");
}

/// Where a view is shown again and again.
struct Screen {
    json: bool,
    terminal: bool,
    /// The answer without the time, and the text of it.
    last: Option<(String, String)>,
}

impl Screen {
    fn new(json: bool) -> Screen {
        Screen {
            json,
            terminal: io::stdout().is_terminal() && !json,
            last: None,
        }
    }

    fn show(&mut self, answer: &Value, people: &dyn Fn(&Value) -> String) -> Result<(), Failed> {
        // Time passes, which is no change.
        let mut lasting = answer.clone();
        if let Some(fields) = lasting.as_object_mut() {
            fields.remove("uptime");
        }
        let now = lasting.to_string();
        let text = if self.json {
            String::new()
        } else {
            people(answer)
        };
        let is_first = self.last.is_none();
        let is_new = self.last.as_ref().is_none_or(|(value, seen)| {
            // What nobody sees is no change for people.
            *value != now && (self.json || *seen != text)
        });
        if self.terminal {
            // Also if nothing changed: its size may have.
            let size = terminal_size::terminal_size();
            let size = size.map(|(width, height)| (usize::from(width.0), usize::from(height.0)));
            print(&drawn(&text, size))?;
        } else if is_new && self.json {
            print(&format!("{answer}\n"))?;
        } else if is_new {
            let between = if is_first { "" } else { "\n" };
            print(&format!("{between}{text}"))?;
        }
        self.last = Some((now, text));
        Ok(())
    }
}

/// A text over what a terminal of so many columns and rows shows, cut to it.
fn drawn(text: &str, size: Option<(usize, usize)>) -> String {
    let (columns, rows) = size.unwrap_or((80, 24));
    // The last row is the cursor's.
    let rows = rows.saturating_sub(1).max(1);
    let lines: Vec<&str> = text.lines().collect();
    let cut = |line: &str| line.chars().take(columns).collect::<String>();
    let mut shown: Vec<String> = lines.iter().take(rows).map(|line| cut(line)).collect();
    if lines.len() > rows
        && let Some(last) = shown.last_mut()
    {
        *last = cut(&format!("... and {} lines more", lines.len() - rows + 1));
    }
    let rest_of_line = "\x1b[K\n";
    let lines = shown.into_iter().map(|line| line + rest_of_line);
    format!("\x1b[H{}\x1b[J", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_drawn_fits_the_terminal() {
        let end = "\x1b[K\n";
        assert_eq!(
            drawn("one\ntwo\n", Some((80, 24))),
            format!("\x1b[Hone{end}two{end}\x1b[J")
        );
        assert_eq!(
            drawn("a wide line\ntwo\nthree\nfour\n", Some((6, 4))),
            format!("\x1b[Ha wide{end}two{end}... an{end}\x1b[J")
        );
        assert_eq!(drawn("one\n", Some((0, 0))), format!("\x1b[H{end}\x1b[J"));
    }
}
