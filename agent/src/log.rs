//! Where log lines go: standard error, or syslog(3).
//!
//! On a terminal and in a file a line begins with its time. Into a pipe it goes without: daemon(8),
//! syslog and the journal of systemd write the time themselves, and the journal is told the priority
//! too (sd-daemon(3)).
//!
//! `hearth serve` hands its lines to a thread of their own ([`queue`]), so that a log that nobody
//! takes any more (a stopped terminal, a hung syslogd) stops no transfer.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::form::printable;
use crate::sync::held;
use crate::{limits, stamp};

/// What stands before a line on standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Style {
    /// The time and the level.
    Stamped,
    /// The level.
    Plain,
    /// The priority as systemd's journal reads it: `<4>`.
    Journal,
}

struct Line {
    level: Level,
    time: SystemTime,
    text: String,
}

enum Message {
    Line(Line),
    /// All lines before this one are written when the answer comes.
    Flush(SyncSender<()>),
}

struct Lines {
    style: OnceLock<Style>,
    syslog: AtomicBool,
    queue: OnceLock<SyncSender<Message>>,
    /// Lines that had no place in the queue.
    lost: AtomicU64,
    /// One line is written at a time.
    writing: Mutex<()>,
}

static LINES: Lines = Lines {
    style: OnceLock::new(),
    syslog: AtomicBool::new(false),
    queue: OnceLock::new(),
    lost: AtomicU64::new(0),
    writing: Mutex::new(()),
};

/// Sends lines to standard error until [`configure`] says more, so that the mistakes of a
/// configuration are seen.
pub fn start() {
    LINES.style.get_or_init(style_of_stderr);
    if log::set_logger(&LINES).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// Puts level and target in force: syslog(3), else standard error.
pub fn configure(level: LevelFilter, syslog: bool) {
    LINES.syslog.store(syslog, Ordering::Relaxed);
    log::set_max_level(level);
}

/// Whether lines go to syslog(3).
pub fn is_syslog() -> bool {
    LINES.syslog.load(Ordering::Relaxed)
}

/// From now on lines are written by a thread of their own. Call [`flush`] before the process ends.
///
/// # Errors
/// The system has no thread left.
pub fn queue() -> io::Result<()> {
    let (queue, lines) = mpsc::sync_channel(limits::LOG_LINES);
    let thread = std::thread::Builder::new().name("log".to_owned());
    thread.spawn(move || write_all(&lines))?;
    let _ = LINES.queue.set(queue);
    Ok(())
}

/// Waits until every line so far is written, but no longer than `longest`.
pub fn flush(longest: Duration) {
    let Some(queue) = LINES.queue.get() else {
        return;
    };
    let (done, written) = mpsc::sync_channel(1);
    // A queue that is full is not waited for: nobody takes its lines.
    if queue.try_send(Message::Flush(done)).is_ok() {
        let _ = written.recv_timeout(longest);
    }
}

fn write_all(messages: &Receiver<Message>) {
    for message in messages {
        match message {
            Message::Line(line) => LINES.write(&line),
            Message::Flush(done) => {
                let _ = done.send(());
            }
        }
        let lost = LINES.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            LINES.write(&Line {
                level: Level::Warn,
                time: SystemTime::now(),
                text: format!("{lost} log lines are lost: whoever reads the log was too slow"),
            });
        }
    }
}

impl Lines {
    fn write(&self, line: &Line) {
        let _writing = held(&self.writing);
        if self.syslog.load(Ordering::Relaxed) {
            return syslog(line);
        }
        let style = self.style.get().copied().unwrap_or(Style::Plain);
        // Nobody is left to be told that standard error is closed.
        let _ = io::stderr().write_all(written(line, style).as_bytes());
    }
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
        let line = Line {
            level: record.level(),
            time: SystemTime::now(),
            text: printable(&record.args().to_string()),
        };
        let Some(queue) = self.queue.get() else {
            return self.write(&line);
        };
        if let Err(TrySendError::Full(_)) = queue.try_send(Message::Line(line)) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn flush(&self) {
        flush(limits::LOG_FLUSH);
    }
}

/// A line as it goes to standard error, with its end, in one piece.
fn written(line: &Line, style: Style) -> String {
    let word = match line.level {
        Level::Error => "error: ",
        Level::Warn => "warning: ",
        Level::Info => "",
        Level::Debug | Level::Trace => "debug: ",
    };
    let text = &line.text;
    match style {
        Style::Plain => format!("{word}{text}\n"),
        Style::Journal => format!("<{}>{text}\n", priority(line.level)),
        Style::Stamped => {
            let since = line.time.duration_since(UNIX_EPOCH);
            let time = stamp::from_seconds(since.unwrap_or(Duration::ZERO).as_secs());
            format!("{time} {word}{text}\n")
        }
    }
}

fn style_of_stderr() -> Style {
    use nix::sys::stat::{SFlag, fstat};
    let Ok(stat) = fstat(io::stderr()) else {
        return Style::Plain;
    };
    let here = format!("{}:{}", stat.st_dev, stat.st_ino);
    if std::env::var("JOURNAL_STREAM").is_ok_and(|journal| journal == here) {
        return Style::Journal;
    }
    match SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT {
        SFlag::S_IFREG | SFlag::S_IFCHR => Style::Stamped,
        _ => Style::Plain,
    }
}

/// The severity of syslog(3) and sd-daemon(3).
fn priority(level: Level) -> u8 {
    match level {
        Level::Error => 3,
        Level::Warn => 4,
        Level::Info => 6,
        Level::Debug | Level::Trace => 7,
    }
}

/// Never openlog(3): BSD's keeps the pointer that it is given, and the tag is the program's name
/// without it.
fn syslog(line: &Line) {
    use nix::syslog::{Facility, Priority, Severity, syslog};
    let severity = match line.level {
        Level::Error => Severity::LOG_ERR,
        Level::Warn => Severity::LOG_WARNING,
        Level::Info => Severity::LOG_INFO,
        Level::Debug | Level::Trace => Severity::LOG_DEBUG,
    };
    let _ = syslog(
        Priority::new(severity, Facility::LOG_DAEMON),
        line.text.as_str(),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(level: Level, text: &str) -> Line {
        Line {
            level,
            time: UNIX_EPOCH + Duration::from_secs(951_827_696),
            text: printable(text),
        }
    }

    #[test]
    fn a_line_from_the_network_stays_one_line_and_harmless() {
        let evil = line(Level::Warn, "a\u{1b}[31mb\rc\nerror: forged\u{9b}");
        assert_eq!(
            written(&evil, Style::Plain),
            "warning: a\\u{1b}[31mb\\rc\\nerror: forged\\u{9b}\n"
        );
    }

    #[test]
    fn a_line_has_what_its_reader_does_not_know() {
        let one = line(Level::Error, "no disk");
        assert_eq!(
            written(&one, Style::Stamped),
            "2000-02-29T12:34:56Z error: no disk\n"
        );
        assert_eq!(written(&one, Style::Plain), "error: no disk\n");
        assert_eq!(written(&one, Style::Journal), "<3>no disk\n");
    }
}
