//! `hearth check`.

use std::io::{self, Write};
use std::path::Path;

use super::exit::{CONFIG, Failed};
use super::print;
use crate::{config, daemon};

/// Shows every mistake; valid is what `hearth serve` would take on this host, at once or, with `later`,
/// once its addresses are there.
pub fn check(path: &Path, later: bool) -> Result<u8, Failed> {
    let host = config::Environment {
        later,
        ..daemon::environment()
    };
    let (mistakes, code) = match config::load(path, &host) {
        Ok(loaded) => (loaded.warnings, 0),
        Err(mistakes) => (mistakes, CONFIG),
    };
    let (errors, warnings) = mistakes.count();
    if !mistakes.is_empty() {
        let mut sum = Vec::new();
        sum.extend(count(errors, "error"));
        sum.extend(count(warnings, "warning"));
        let _ = writeln!(io::stderr(), "{mistakes}\n\n{}", sum.join(", "));
    }
    if code == 0 {
        print("configuration is valid\n")?;
    }
    Ok(code)
}

fn count(number: usize, what: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    }
}
