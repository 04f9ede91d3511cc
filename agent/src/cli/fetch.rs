//! `hearth fetch`: bars on a terminal, lines elsewhere.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Failed;
use crate::config::Config;
use crate::fetch::{Failure, Fetcher, Outcome, Progress, Report};
use crate::image::prune::Pruned;

pub fn fetch(config: &Config, names: &[String]) -> Result<u8, Failed> {
    run(config, |fetcher| {
        if names.is_empty() {
            fetcher.all()
        } else {
            fetcher.named(names)
        }
    })
}

pub fn update(config: &Config, names: &[String]) -> Result<u8, Failed> {
    run(config, |fetcher| fetcher.update(names))
}

pub fn prune(config: &Config) -> Result<Vec<(String, Pruned)>, Failed> {
    let failed = |failure: Failure| Failed::new(failure.kind.exit_code(), failure.reason);
    let screen = Screen::default();
    let fetcher = Fetcher::new(config, &screen).map_err(failed)?;
    fetcher.prune().map_err(failed)
}

fn run(
    config: &Config,
    what: impl FnOnce(&Fetcher) -> Result<Report, Failure>,
) -> Result<u8, Failed> {
    let failed = |failure: Failure| Failed::new(failure.kind.exit_code(), failure.reason);
    let screen = Screen::default();
    let fetcher = Fetcher::new(config, &screen).map_err(failed)?;
    let report = what(&fetcher).map_err(failed)?;
    Ok(report.exit_code())
}

/// Shows how a fetch goes.
#[derive(Default)]
struct Screen(Mutex<Option<(ProgressBar, Instant)>>);

impl Screen {
    fn line(&self, text: &str) {
        // Who closed the pipe does not want to be told.
        let _ = writeln!(io::stdout(), "{text}");
    }
}

impl Progress for Screen {
    fn started(&self, name: &str, total: Option<u64>, done: u64) {
        let target = if io::stdout().is_terminal() {
            ProgressDrawTarget::stdout()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(total, target);
        let style = "{msg} {bar:30} {bytes}/{total_bytes} {bytes_per_sec}";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style);
        }
        bar.set_message(name.to_owned());
        bar.set_position(done);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((bar, Instant::now()));
    }

    fn advanced(&self, _name: &str, bytes: u64) {
        if let Some((bar, _)) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            bar.inc(bytes);
        }
    }

    fn finished(&self, name: &str, outcome: &Outcome) {
        let bar = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let seconds = bar
            .as_ref()
            .map_or(0.0, |(_, began)| began.elapsed().as_secs_f64());
        if let Some((bar, _)) = bar {
            bar.finish_and_clear();
        }
        self.line(&match outcome {
            Outcome::Fetched(bytes) => format!("{name}: fetched, {bytes} bytes in {seconds:.1} s"),
            Outcome::Kept => format!("{name}: there and true"),
            Outcome::KeptYours => format!("{name}: kept yours, a file that Hearth did not fetch"),
            Outcome::Absent(why) => format!("{name}: not to be had: {why}"),
            Outcome::Failed(failure) => format!("{name}: failed: {}", failure.reason),
        });
    }

    fn note(&self, line: &str) {
        self.line(line);
    }
}
