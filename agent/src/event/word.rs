//! A machine's phase in a word.

use serde::{Deserialize, Serialize};

/// The phase in a word, as events, the API and people say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Word {
    /// Met, and nothing decided for it.
    Discovered,
    /// Waits for a person.
    Held,
    /// Has a profile and gets it at its next boot.
    Ready,
    /// Was sent its installation.
    Installing,
    /// Its disk is bootable.
    Installed,
    /// Its installation failed.
    Failed,
    /// Gets nothing.
    Ignored,
}

impl Word {
    /// Every phase, in the order of a machine's way.
    pub const ALL: [Word; 7] = [
        Word::Discovered,
        Word::Held,
        Word::Ready,
        Word::Installing,
        Word::Installed,
        Word::Failed,
        Word::Ignored,
    ];

    /// As it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Word::Discovered => "discovered",
            Word::Held => "held",
            Word::Ready => "ready",
            Word::Installing => "installing",
            Word::Installed => "installed",
            Word::Failed => "failed",
            Word::Ignored => "ignored",
        }
    }
}

impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
