//! `hearth fetch` and `hearth lock update`.

use super::exit::Failed;
use super::print;
use super::progress::Screen;
use super::table::bytes;
use crate::config::Config;
use crate::fetch::{Failure, Fetcher, Outcome, Report};

pub fn fetch(config: &Config, names: &[String]) -> Result<u8, Failed> {
    run(config, |fetcher| match names {
        [] => fetcher.all(),
        names => fetcher.named(names),
    })
}

pub fn update(config: &Config, names: &[String]) -> Result<u8, Failed> {
    run(config, |fetcher| fetcher.update(names))
}

fn run(
    config: &Config,
    what: impl FnOnce(&Fetcher) -> Result<Report, Failure>,
) -> Result<u8, Failed> {
    let screen = Screen::default();
    let report = what(&Fetcher::new(config, &screen)?)?;
    print(&format!("{}\n", sum(&report)))?;
    match failures(&report) {
        0 => Ok(0),
        failed => {
            let all = report.files.len();
            let text = format!("{failed} of {all} files failed, see above");
            Err(Failed::new(report.exit_code(), text))
        }
    }
}

fn failures(report: &Report) -> usize {
    let is_failed = |outcome: &Outcome| matches!(outcome, Outcome::Failed(_));
    report
        .files
        .iter()
        .filter(|(_, one)| is_failed(one))
        .count()
}

/// `7 files: 2 fetched (14.0 MB), 4 there and true, 1 failed`.
fn sum(report: &Report) -> String {
    let count = |is: fn(&Outcome) -> bool| report.files.iter().filter(|(_, one)| is(one)).count();
    let fetched: u64 = report
        .files
        .iter()
        .map(|(_, outcome)| match outcome {
            Outcome::Fetched(bytes) => *bytes,
            _ => 0,
        })
        .sum();
    let parts = [
        (
            count(|one| matches!(one, Outcome::Fetched(_))),
            format!("fetched ({})", bytes(fetched)),
        ),
        (
            count(|one| matches!(one, Outcome::Kept)),
            "there and true".to_owned(),
        ),
        (
            count(|one| matches!(one, Outcome::KeptYours)),
            "yours".to_owned(),
        ),
        (
            count(|one| matches!(one, Outcome::Absent(_))),
            "not to be had".to_owned(),
        ),
        (failures(report), "failed".to_owned()),
    ];
    let parts = parts.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<_> = parts
        .map(|(number, what)| format!("{number} {what}"))
        .collect();
    let all = report.files.len();
    match parts.is_empty() {
        true => "nothing is declared that has files".to_owned(),
        false => format!("{all} files: {}", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_tells_what_became_of_all_files() {
        let file = |outcome| ("x".to_owned(), outcome);
        let mut report = Report::default();
        assert_eq!(sum(&report), "nothing is declared that has files");
        report.files = vec![
            file(Outcome::Fetched(1_400_000)),
            file(Outcome::Fetched(600_000)),
            file(Outcome::Kept),
            file(Outcome::KeptYours),
        ];
        assert_eq!(
            sum(&report),
            "4 files: 2 fetched (2.0 MB), 1 there and true, 1 yours"
        );
    }
}
