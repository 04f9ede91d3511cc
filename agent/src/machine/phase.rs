//! Where a machine is, and how it gets from one phase to the next. All transitions are one function,
//! [`step`]; it touches nothing.

use serde::{Deserialize, Serialize};

use crate::config::Name;
pub use crate::event::Word;

/// Where a machine is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "kebab-case")]
pub enum Phase {
    /// It was met, and nothing was decided for it: it gets what `server.unknown` says, the menu as a
    /// rule. A profile (declared, by a policy, or given by a person) makes it ready.
    #[default]
    Discovered,
    /// It waits for a person: its script asks again until somebody approves it, and it goes on by
    /// itself then. So begin machines where `server.unknown` is `hold`, and so does one that a person
    /// held.
    Held,
    /// It has a profile and gets it at its next boot. One whose profile is `installed = "never"` stays
    /// here.
    Ready,
    /// It was sent its installation. What ends this is the profile's `installed`: a call back, or the
    /// machine's next network boot. Too many tries, too long a time or a report of failure make it
    /// failed.
    Installing(Installing),
    /// Its disk is bootable: it gets `local` on every way, until a person has it installed anew.
    Installed {
        /// The profile that was installed.
        profile: Name,
    },
    /// Its installation failed; it waits as a held one does, and the reason is on its screen.
    Failed {
        /// Why, in a sentence.
        reason: String,
    },
    /// It gets nothing, on any way, and its firmware moves on.
    Ignored,
}

/// An installation under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Installing {
    /// What is installed.
    pub profile: Name,
    /// When its first script went out, in milliseconds since 1970.
    pub began: u64,
    /// How often its script went out.
    pub tries: u32,
    /// The sha256 of the installation's token, as hexadecimal digits: the token itself stands only in
    /// the machine's script.
    pub token: String,
    /// The address the token is bound to.
    pub address: std::net::IpAddr,
    /// The kernel of the installation was sent whole since the last script, so that the machine's next
    /// network boot is one after the installer ran.
    #[serde(default)]
    pub loaded: bool,
}

impl Phase {
    /// In a word.
    pub fn word(&self) -> Word {
        match self {
            Phase::Discovered => Word::Discovered,
            Phase::Held => Word::Held,
            Phase::Ready => Word::Ready,
            Phase::Installing(_) => Word::Installing,
            Phase::Installed { .. } => Word::Installed,
            Phase::Failed { .. } => Word::Failed,
            Phase::Ignored => Word::Ignored,
        }
    }
}
