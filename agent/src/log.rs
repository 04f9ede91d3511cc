//! Where log lines go: standard error for a person or daemon(8), or syslog(3).

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Lines {
    syslog: std::sync::atomic::AtomicBool,
}

static LINES: Lines = Lines {
    syslog: std::sync::atomic::AtomicBool::new(false),
};

/// Sends lines to standard error until [`configure`] says more; so the mistakes of a configuration
/// are seen.
pub fn start() {
    if log::set_logger(&LINES).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// Puts level and target in force: syslog(3), else standard error.
pub fn configure(level: LevelFilter, syslog: bool) {
    LINES
        .syslog
        .store(syslog, std::sync::atomic::Ordering::Relaxed);
    log::set_max_level(level);
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // Libraries speak of their insides; what matters of them reaches us as errors.
        metadata.target().starts_with("hearth") && metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = printable(&record.args().to_string());
        if self.syslog.load(std::sync::atomic::Ordering::Relaxed) {
            syslog(record.level(), &line);
        } else {
            let word = match record.level() {
                Level::Error => "error: ",
                Level::Warn => "warning: ",
                Level::Info => "",
                Level::Debug | Level::Trace => "debug: ",
            };
            // Nobody is left to be told that standard error is closed.
            let _ = writeln!(std::io::stderr(), "{word}{line}");
        }
    }

    fn flush(&self) {}
}

/// One line of text stays one: what comes from the network may hold line ends and escapes.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escape = character.is_control() && character != '\n';
            let escaped = escape.then(|| character.escape_default().collect::<String>());
            escaped
                .unwrap_or_else(|| character.to_string())
                .chars()
                .collect::<Vec<_>>()
        })
        .collect()
}

/// Never openlog(3): BSD's keeps the pointer that it is given, and the tag is the program's name
/// without it.
fn syslog(level: Level, line: &str) {
    use nix::syslog::{Facility, Priority, Severity};
    let severity = match level {
        Level::Error => Severity::LOG_ERR,
        Level::Warn => Severity::LOG_WARNING,
        Level::Info => Severity::LOG_INFO,
        Level::Debug | Level::Trace => Severity::LOG_DEBUG,
    };
    let priority = Priority::new(severity, Facility::LOG_DAEMON);
    for part in line.lines() {
        let _ = nix::syslog::syslog(priority, part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_from_the_network_stays_harmless() {
        assert_eq!(printable("a\u{1b}[31mb\rc"), "a\\u{1b}[31mb\\rc");
    }
}
