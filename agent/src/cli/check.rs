//! `hearth check`.

use std::io::{self, Write};
use std::path::Path;

use super::exit::{CONFIG, Failed};
use super::print;
use crate::{config, daemon};

/// Shows every mistake; valid is what `hearth serve` would take on this host, at once or, with `later`,
/// once its addresses are there; with `later` what else would end a start is looked at too.
pub fn check(path: &Path, later: bool) -> Result<u8, Failed> {
    let host = config::Environment {
        later,
        ..daemon::environment()
    };
    let (mistakes, config) = match config::load(path, &host) {
        Ok(loaded) => (loaded.warnings, Some(loaded.config)),
        Err(mistakes) => (mistakes, None),
    };
    let (errors, warnings) = mistakes.count();
    if !mistakes.is_empty() {
        let mut sum = Vec::new();
        sum.extend(count(errors, "error"));
        sum.extend(count(warnings, "warning"));
        let _ = writeln!(io::stderr(), "{mistakes}\n\n{}", sum.join(", "));
    }
    let Some(config) = config else {
        return Ok(CONFIG);
    };
    print("configuration is valid\n")?;
    if later {
        let fits = daemon::fits(&config);
        let taken = fits.map_err(|error| Failed::new(error.exit_code(), error.to_string()))?;
        if let Some(taken) = taken {
            let _ = writeln!(io::stderr(), "warning: {taken}");
        }
    }
    Ok(0)
}

fn count(number: usize, what: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    }
}
