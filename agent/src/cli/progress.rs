//! How a fetch is shown: bars on a terminal, lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::table::{bytes, time};
use crate::fetch::{Outcome, Progress};
use crate::sync::held;

/// Off a terminal, a fetch that takes longer than this says again how far it is.
const SAY_AGAIN: Duration = Duration::from_secs(30);

/// A bar over many bytes; hidden where there is no terminal.
pub fn bar(name: &str, total: Option<u64>) -> ProgressBar {
    let target = match io::stdout().is_terminal() {
        true => ProgressDrawTarget::stdout(),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(total, target);
    let style = match total {
        Some(_) => "{wide_msg} {bar:16} {bytes:>11} of {total_bytes} {bytes_per_sec:>13} {eta:>4}",
        None => "{wide_msg} {bytes:>11} {bytes_per_sec:>13}",
    };
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.set_message(name.to_owned());
    bar
}

/// Shows how a fetch goes.
#[derive(Default)]
pub struct Screen(Mutex<Option<Running>>);

/// The file that is on its way.
struct Running {
    bar: ProgressBar,
    began: Instant,
    said: Instant,
    /// Bytes that came since `began`.
    came: u64,
}

impl Screen {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        held(&self.0)
    }
}

/// Who closed the pipe does not want to be told.
fn say(text: &str) {
    let _ = writeln!(io::stdout(), "{text}");
}

fn rate(came: u64, took: Duration) -> String {
    let rate = came as f64 / took.as_secs_f64().max(1e-3);
    format!("{}/s", bytes(rate as u64))
}

impl Progress for Screen {
    fn started(&self, name: &str, total: Option<u64>, done: u64) {
        let bar = bar(name, total);
        bar.set_position(done);
        bar.reset_eta();
        if bar.is_hidden() {
            let all = total.map_or_else(|| "of unknown size".to_owned(), bytes);
            say(&match done {
                0 => format!("{name}: fetching, {all}"),
                done => format!("{name}: fetching, {all}, {} are there", bytes(done)),
            });
        }
        let now = Instant::now();
        let mut running = self.running();
        let before = running.take();
        *running = Some(Running {
            bar,
            began: before.as_ref().map_or(now, |before| before.began),
            said: now,
            came: before.map_or(0, |before| before.came),
        });
    }

    fn advanced(&self, name: &str, more: u64) {
        if let Some(running) = &mut *self.running() {
            running.came += more;
            running.bar.inc(more);
            if running.bar.is_hidden() && running.said.elapsed() > SAY_AGAIN {
                running.said = Instant::now();
                let there = bytes(running.bar.position());
                let rate = rate(running.came, running.began.elapsed());
                say(&format!("{name}: {there} are there, {rate}"));
            }
        }
    }

    fn finished(&self, name: &str, outcome: &Outcome) {
        let running = self.running().take();
        let how_fast = running.as_ref().map_or_else(String::new, |running| {
            let took = running.began.elapsed();
            let rate = rate(running.came, took);
            match took.as_secs() {
                0 => format!(", {rate}"),
                seconds => format!(" in {}, {rate}", time(seconds)),
            }
        });
        if let Some(running) = running {
            running.bar.finish_and_clear();
        }
        say(&match outcome {
            Outcome::Fetched(size) => format!("{name}: fetched, {}{how_fast}", bytes(*size)),
            Outcome::Kept => format!("{name}: there and true"),
            Outcome::KeptYours => format!("{name}: kept yours, a file that Hearth did not fetch"),
            Outcome::Absent(why) => format!("{name}: not to be had: {why}"),
            Outcome::Failed(failure) => format!("{name}: failed: {}", failure.reason),
        });
    }

    fn note(&self, line: &str) {
        match &*self.running() {
            Some(running) => running.bar.suspend(|| say(line)),
            None => say(line),
        }
    }
}
