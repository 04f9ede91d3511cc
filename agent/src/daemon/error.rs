//! Why the agent did not start.

use std::fmt;

/// Why the agent did not start, or did not go on: each holds the whole sentence.
#[derive(Debug)]
pub enum Error {
    /// The configuration is refused; the text is all its mistakes.
    Config(String),
    /// Another agent uses the run folder.
    Running(String),
    /// A folder or file cannot be used.
    Files(String),
    /// The database cannot be used.
    Store(String),
    /// The lock has no meaning.
    Lock(String),
    /// A port or address cannot be used.
    Listen(String),
    /// The user may not do it.
    Permission(String),
    /// The system lacks something.
    System(String),
    /// A part of the agent ended by itself.
    Ended(String),
}

impl Error {
    /// The exit code of sysexits.h.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Lock(_) => 65,
            Error::Listen(_) => 69,
            Error::Ended(_) => 70,
            Error::System(_) => 71,
            Error::Files(_) => 73,
            Error::Store(_) => 74,
            Error::Running(_) => 75,
            Error::Permission(_) => 77,
            Error::Config(_) => 78,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Config(text)
            | Error::Running(text)
            | Error::Files(text)
            | Error::Store(text)
            | Error::Lock(text)
            | Error::Listen(text)
            | Error::Permission(text)
            | Error::System(text)
            | Error::Ended(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Error {}
