//! How a command ended: the exit codes of sysexits.h.

use std::io;

/// Wrong use of the command line.
pub const USAGE: u8 = 64;
/// Data that must be something else: a lock, a fetched file.
pub const DATA: u8 = 65;
/// A file or folder that is not there.
pub const NO_INPUT: u8 = 66;
/// Something elsewhere does not answer: the agent, an origin.
pub const UNAVAILABLE: u8 = 69;
/// A file cannot be made.
pub const CANNOT_CREATE: u8 = 73;
/// Reading or writing failed.
pub const IO: u8 = 74;
/// The configuration is refused.
pub const CONFIG: u8 = 78;

/// What a command did not manage: its sentence for standard error, and its exit code.
#[derive(Debug)]
pub struct Failed {
    /// 0: it is no failure, and nothing is said.
    pub code: u8,
    /// Lower case, no full stop.
    pub text: String,
}

impl Failed {
    /// A failure.
    pub fn new(code: u8, text: impl Into<String>) -> Failed {
        Failed {
            code,
            text: text.into(),
        }
    }
}

impl From<io::Error> for Failed {
    /// Writing to standard output. Who closes the pipe has read enough: `hearth lock print | head`
    /// is a success.
    fn from(error: io::Error) -> Failed {
        let code = match error.kind() {
            io::ErrorKind::BrokenPipe => 0,
            _ => IO,
        };
        Failed::new(code, format!("writing to standard output: {error}"))
    }
}

impl From<crate::fetch::Failure> for Failed {
    fn from(failure: crate::fetch::Failure) -> Failed {
        Failed::new(failure.kind.exit_code(), failure.reason)
    }
}
