//! What a read request gets: a file, or a refusal in words.

use std::io;

use crate::boot::{Answer, Gate, Request};
use crate::event::Outcome;
use crate::image::catalogue::normalise;
use crate::limits;
use crate::tftp::blocks::Source;
use crate::tftp::packet::{self, Read};
use crate::tftp::places::Taking;

/// A file that is to be sent.
#[derive(Debug)]
pub struct Granted {
    /// Its catalogue name.
    pub name: String,
    /// Its bytes.
    pub source: Source,
    /// How many.
    pub size: u64,
}

/// Why a request gets nothing: what the client is told and what the event says.
#[derive(Debug, PartialEq)]
pub struct Refusal {
    /// TFTP's error code.
    pub code: u16,
    /// What the client is told. It names nothing of this host but what was asked for.
    pub text: String,
    /// What the event says.
    pub outcome: Outcome,
}

impl Refusal {
    fn of(code: u16, text: String) -> Refusal {
        let outcome = Outcome::Refused(text.clone());
        Refusal {
            code,
            text,
            outcome,
        }
    }

    /// This server takes no files.
    pub fn upload() -> Refusal {
        Refusal::of(packet::ACCESS, "read-only: no uploads".to_owned())
    }

    /// There is no place; `None`: nothing is to be said, the answer is on its way.
    pub fn no_place(why: &Taking) -> Option<Refusal> {
        let why = match why {
            Taking::Repeated => return None,
            Taking::AddressFull(count) => format!("{count} transfers go to this address"),
            Taking::Full(count) => format!("{count} transfers are under way"),
        };
        Some(Refusal::of(
            packet::UNDEFINED,
            format!("busy, try again: {why}"),
        ))
    }

    /// The system has nothing left to do it with.
    pub fn exhausted(error: &io::Error) -> Refusal {
        Refusal {
            code: packet::UNDEFINED,
            text: "busy, try again".to_owned(),
            outcome: Outcome::Failed(format!("no descriptor for the transfer: {error}")),
        }
    }

    fn not_found(read: &Read) -> Refusal {
        Refusal {
            code: packet::NOT_FOUND,
            text: format!("file not found: {}", shown(read.name)),
            outcome: Outcome::NotFound,
        }
    }
}

/// Text of a client for people: bounded, and without anything that a terminal would obey.
pub fn shown(text: &[u8]) -> String {
    let bounded = &text[..text.len().min(limits::NAME_BYTES)];
    String::from_utf8_lossy(bounded)
        .escape_default()
        .to_string()
}

/// Refuses modes other than octet: netascii changes the bytes, mail went out of use with RFC 1350.
///
/// # Errors
/// The refusal.
pub fn check_mode(read: &Read) -> Result<(), Refusal> {
    if read.mode.eq_ignore_ascii_case(b"octet") {
        return Ok(());
    }
    let mode = shown(&read.mode[..read.mode.len().min(16)]);
    Err(Refusal::of(
        packet::UNDEFINED,
        format!("only octet mode is supported: {mode:?} is not"),
    ))
}

/// Asks the gate what the name means for this client and opens it.
///
/// # Errors
/// The refusal.
pub fn grant(gate: &dyn Gate, read: &Read, request: &Request) -> Result<Granted, Refusal> {
    let Some(name) = normalise(read.name) else {
        return Err(Refusal::not_found(read));
    };
    // A file that changed after it was listed is looked up once more: the gate lists anew.
    for _ in 0..2 {
        let entry = match gate.file(&name, request) {
            Answer::File(entry) => entry,
            Answer::NotFound => return Err(Refusal::not_found(read)),
            Answer::Denied(why) => return Err(Refusal::of(packet::ACCESS, why)),
        };
        match Source::open(&entry) {
            Ok(source) => {
                return Ok(Granted {
                    name,
                    source,
                    size: entry.size,
                });
            }
            Err(error) if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => {
                return Err(Refusal::exhausted(&error));
            }
            Err(error) => log::warn!("TFTP: opening {name}: {error}"),
        }
    }
    Err(Refusal::not_found(read))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::SystemTime;

    use super::*;
    use crate::event::Via;
    use crate::image::catalogue::{Content, Entry, Origin};

    /// Knows `here`, denies `denied`, and lists `fresh` rightly only at the second look.
    #[derive(Default)]
    struct Fake(AtomicU32);

    impl Gate for Fake {
        fn file(&self, name: &str, _: &Request) -> Answer {
            let entry = |content| Entry {
                size: 4,
                modified: SystemTime::UNIX_EPOCH,
                content,
                origin: Origin::Own,
            };
            let memory = Content::Memory(Arc::from(&b"file"[..]));
            let stale = Content::File("/nowhere/secret".into());
            let looks = self.0.fetch_add(1, Ordering::Relaxed);
            match name {
                "here" => Answer::File(Arc::new(entry(memory))),
                "fresh" if looks == 1 => Answer::File(Arc::new(entry(memory))),
                "fresh" | "stale" => Answer::File(Arc::new(entry(stale))),
                "denied" => Answer::Denied("this machine boots its disk".to_owned()),
                _ => Answer::NotFound,
            }
        }

        fn script(&self, _: &str, _: &Request) -> String {
            String::new()
        }
    }

    fn ask(name: &[u8]) -> Result<Granted, Refusal> {
        let read = Read {
            name,
            mode: b"octet",
            options: Default::default(),
        };
        let request = Request {
            via: Via::Tftp,
            peer: "10.0.0.9:70".parse().unwrap(),
            local: "10.0.0.1".parse().unwrap(),
        };
        grant(&Fake::default(), &read, &request)
    }

    #[test]
    fn names_as_firmware_writes_them_are_understood() {
        for name in [
            &b"here"[..],
            b"/here",
            b"//here",
            b"\\here",
            b"here\xFF",
            b"here\x01",
        ] {
            let granted = ask(name).unwrap();
            assert_eq!((granted.name.as_str(), granted.size), ("here", 4));
        }
    }

    #[test]
    fn what_is_in_no_catalogue_is_not_found() {
        for name in [
            &b""[..],
            b"none",
            b"../here",
            b"/etc/passwd",
            b"here/../here",
            &[b'a'; 900],
        ] {
            let refusal = ask(name).unwrap_err();
            assert_eq!((refusal.code, refusal.outcome), (1, Outcome::NotFound));
            assert!(
                refusal.text.starts_with("file not found: "),
                "{}",
                refusal.text
            );
            assert!(refusal.text.len() < 300, "{}", refusal.text);
        }
        assert_eq!(
            ask(b"a\x1bb").unwrap_err().text,
            "file not found: a\\u{1b}b"
        );
    }

    #[test]
    fn a_file_that_changed_is_looked_up_once_more() {
        assert_eq!(ask(b"fresh").unwrap().size, 4);
        let refusal = ask(b"stale").unwrap_err();
        assert_eq!(refusal.text, "file not found: stale");
    }

    #[test]
    fn a_decision_against_a_client_is_told_in_its_words() {
        let refusal = ask(b"denied").unwrap_err();
        assert_eq!(
            (refusal.code, refusal.text.as_str()),
            (2, "this machine boots its disk")
        );
    }

    #[test]
    fn modes_other_than_octet_are_refused_in_words() {
        let checked = |mode| {
            check_mode(&Read {
                name: b"here",
                mode,
                options: Default::default(),
            })
        };
        assert!(checked(b"octet").is_ok() && checked(b"OcTeT").is_ok());
        for (mode, word) in [
            (&b"netascii"[..], "netascii"),
            (b"mail", "mail"),
            (b"", "\"\""),
        ] {
            let text = checked(mode).unwrap_err().text;
            assert!(text.starts_with("only octet mode is supported: "), "{text}");
            assert!(text.contains(word), "{text}");
        }
    }

    #[test]
    fn a_full_server_says_so_and_a_repeated_request_gets_nothing() {
        let busy = Refusal::no_place(&Taking::AddressFull(4)).unwrap();
        assert_eq!(
            (busy.code, busy.text.starts_with("busy, try again")),
            (0, true)
        );
        assert_eq!(Refusal::no_place(&Taking::Repeated), None);
    }
}
