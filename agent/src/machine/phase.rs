//! Where a machine is, and how it gets from one phase to the next. All transitions are one function,
//! [`step`]; it touches nothing.
//!
//! What a machine gets when it asks follows from the phase it is in *after* asking: [`Gets`].

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::config::{Installed, Name};
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
    /// itself then. So begin machines where `server.unknown` is `hold` or their policy wants approval,
    /// and so does one that a person held.
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
    /// Until when its time was counted, in milliseconds since 1970: the agent's last start or end. `None`: it
    /// has neither started nor ended since.
    #[serde(default)]
    pub counted: Option<u64>,
    /// How many boots its script went out for; of a script that is sent now, 1 for a boot and 0 for a
    /// machine that asks again.
    pub tries: u32,
    /// The sha256 of the installation's token, as hexadecimal digits: the token itself stands only in
    /// the machine's script. `None`: it has none, nothing is to call back.
    pub token: Option<String>,
    /// The address the token is bound to.
    pub address: IpAddr,
    /// It was chosen in the machine's menu, so nothing else has to mean it for the machine.
    #[serde(default)]
    pub chosen: bool,
    /// The last file that its script loads, by its catalogue name.
    pub last_file: Option<String>,
    /// That file was sent whole since the last script, so the machine's next network boot is one
    /// after its installer ran.
    #[serde(default)]
    pub loaded: bool,
}

/// What a profile says of its installations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// What tells that the disk is bootable.
    pub installed: Installed,
    /// How often the script may go out.
    pub tries: u32,
    /// Milliseconds from the first script to the end.
    pub timeout: u64,
}

/// A machine asks what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// The profile that is meant for it, with its terms.
    pub profile: Option<(Name, Terms)>,
    /// It waits for a person: one held it, or nobody has said yet that it may have what is meant for
    /// it, or what it is to get.
    pub held: bool,
    /// It comes from a boot, not from a script that asks again or from its menu.
    pub is_boot: bool,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// Something that moves a machine on.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// It asks what to do.
    Asked(Asked),
    /// It was sent the script of an installation.
    Sent(Installing),
    /// The last file of its installation's script was sent whole.
    Loaded,
    /// The installer says that the disk is bootable.
    Done,
    /// The installer says that it failed, and why.
    Failed(String),
    /// Time passed; milliseconds since 1970, and the terms of the profile that is installed.
    Time(u64, Option<Terms>),
    /// A person gave it a profile.
    Assign,
    /// A person took its profile away.
    Unassign,
    /// A person approved it, or let it go on.
    Release,
    /// A person wants it installed anew at its next boot.
    Reinstall,
    /// A person says that this profile is on its disk.
    Local(Name),
    /// A person wants it to wait.
    Hold,
    /// A person wants it to get nothing.
    Ignore,
}

/// What a machine gets when it asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gets {
    /// What `server.unknown` says.
    Unknown,
    /// The installation of its profile.
    Install,
    /// Its disk.
    Local,
    /// A script that waits and asks again, and says why.
    Wait(String),
    /// Nothing.
    Nothing,
}

/// What comes of an input.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The phase now.
    pub phase: Phase,
    /// Why it is another one than before; empty if it is not.
    pub reason: String,
}

impl Step {
    fn to(phase: Phase, reason: impl Into<String>) -> Step {
        Step {
            phase,
            reason: reason.into(),
        }
    }
}

/// The transition function. What an input does not concern stays as it is: an installer's call that
/// comes late changes nothing.
pub fn step(phase: &Phase, input: &Input) -> Step {
    let stay = || Step::to(phase.clone(), "");
    match (phase, input) {
        (_, Input::Ignore) => Step::to(Phase::Ignored, "ignored by a person"),
        (_, Input::Hold) => Step::to(Phase::Held, "held by a person"),
        (_, Input::Reinstall) => Step::to(Phase::Ready, "to be installed anew, by a person"),
        (_, Input::Local(profile)) => {
            let profile = profile.clone();
            Step::to(Phase::Installed { profile }, "installed, says a person")
        }
        (Phase::Ignored | Phase::Held | Phase::Failed { .. }, Input::Release) => {
            Step::to(Phase::Discovered, "released by a person")
        }
        (Phase::Discovered | Phase::Held | Phase::Failed { .. }, Input::Assign) => {
            Step::to(Phase::Ready, "got a profile from a person")
        }
        (Phase::Ready | Phase::Installing(_) | Phase::Failed { .. }, Input::Unassign) => {
            Step::to(Phase::Discovered, "its profile was taken away by a person")
        }
        (Phase::Ready | Phase::Discovered | Phase::Installing(_), Input::Sent(sent)) => {
            sent_again(phase, sent)
        }
        (Phase::Installing(installing), Input::Loaded) => Step::to(
            Phase::Installing(Installing {
                loaded: true,
                ..installing.clone()
            }),
            "",
        ),
        (Phase::Installing(installing), Input::Done) => {
            let profile = installing.profile.clone();
            Step::to(Phase::Installed { profile }, "the installer called back")
        }
        (Phase::Installing(_), Input::Failed(why)) => failed(format!("the installer says: {why}")),
        (Phase::Installing(installing), Input::Time(now, terms)) => {
            let late = terms.and_then(|terms| too_late(installing, &terms, *now));
            late.unwrap_or_else(stay)
        }
        (phase, Input::Asked(asked)) => asks(phase, asked),
        (
            Phase::Discovered
            | Phase::Held
            | Phase::Ready
            | Phase::Installing(_)
            | Phase::Installed { .. }
            | Phase::Failed { .. }
            | Phase::Ignored,
            Input::Sent(_)
            | Input::Loaded
            | Input::Done
            | Input::Failed(_)
            | Input::Time(..)
            | Input::Assign
            | Input::Unassign
            | Input::Release,
        ) => stay(),
    }
}

fn failed(reason: String) -> Step {
    Step::to(
        Phase::Failed {
            reason: reason.clone(),
        },
        reason,
    )
}

fn asks(phase: &Phase, asked: &Asked) -> Step {
    let stay = || Step::to(phase.clone(), "");
    match (phase, &asked.profile) {
        (Phase::Ignored | Phase::Failed { .. } | Phase::Installed { .. }, _) => stay(),
        // One that a person held waits until a person lets it go; one that waits because nobody had
        // something for it goes on as soon as somebody has.
        (Phase::Held, _) if asked.held => stay(),
        (Phase::Discovered | Phase::Ready, Some((profile, _))) if asked.held => Step::to(
            Phase::Held,
            format!("profile {profile} is meant for it, once somebody approves it"),
        ),
        (Phase::Discovered | Phase::Held, Some((profile, _))) => {
            Step::to(Phase::Ready, format!("profile {profile} is meant for it"))
        }
        (Phase::Discovered, None) if asked.held => {
            Step::to(Phase::Held, "nobody has said yet what it is to get")
        }
        (Phase::Held, None) => Step::to(Phase::Discovered, "nothing holds it any more"),
        (Phase::Discovered, None) => stay(),
        (Phase::Ready | Phase::Installing(_), None) => {
            Step::to(Phase::Discovered, "no profile is meant for it any more")
        }
        (Phase::Ready, Some(_)) => stay(),
        (Phase::Installing(installing), Some((profile, _))) if installing.profile != *profile => {
            Step::to(
                Phase::Ready,
                format!("profile {profile} is meant for it now"),
            )
        }
        (Phase::Installing(installing), Some((_, terms))) => {
            asks_while_installing(installing, terms, asked).unwrap_or_else(stay)
        }
    }
}

fn asks_while_installing(installing: &Installing, terms: &Terms, asked: &Asked) -> Option<Step> {
    if terms.installed == Installed::NextBoot && installing.loaded && asked.is_boot {
        let profile = installing.profile.clone();
        let reason = "it is back after its installer was sent whole";
        return Some(Step::to(Phase::Installed { profile }, reason));
    }
    if terms.installed == Installed::Never {
        return Some(Step::to(
            Phase::Ready,
            "its profile is offered at each boot",
        ));
    }
    if let Some(late) = too_late(installing, terms, asked.now) {
        return Some(late);
    }
    (asked.is_boot && installing.tries >= terms.tries).then(|| {
        failed(format!(
            "it was sent its installation {} times, and nothing said that it was done",
            installing.tries
        ))
    })
}

fn too_late(installing: &Installing, terms: &Terms, now: u64) -> Option<Step> {
    let took = now.saturating_sub(installing.began);
    (took >= terms.timeout && terms.installed != Installed::Never).then(|| {
        let minutes = took / 60_000;
        failed(format!(
            "its installation began {minutes} minutes ago, and nothing said that it was done"
        ))
    })
}

fn sent_again(phase: &Phase, sent: &Installing) -> Step {
    match phase {
        Phase::Installing(before) if before.profile == sent.profile => Step::to(
            Phase::Installing(Installing {
                began: before.began,
                counted: before.counted,
                tries: before.tries.saturating_add(sent.tries),
                ..sent.clone()
            }),
            "",
        ),
        _ => Step::to(
            Phase::Installing(Installing {
                tries: sent.tries.max(1),
                ..sent.clone()
            }),
            format!("it was sent the installation of {}", sent.profile),
        ),
    }
}

impl Phase {
    /// The profile that it is on its way to, or has.
    pub fn profile(&self) -> Option<&Name> {
        match self {
            Phase::Installing(installing) => Some(&installing.profile),
            Phase::Installed { profile } => Some(profile),
            _ => None,
        }
    }

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

    /// What a machine in this phase gets.
    pub fn gets(&self) -> Gets {
        match self {
            Phase::Discovered => Gets::Unknown,
            Phase::Held => {
                Gets::Wait("it is held until somebody approves or releases it".to_owned())
            }
            Phase::Ready | Phase::Installing(_) => Gets::Install,
            Phase::Installed { .. } => Gets::Local,
            Phase::Failed { reason } => Gets::Wait(format!("its installation failed: {reason}")),
            Phase::Ignored => Gets::Nothing,
        }
    }
}

#[cfg(test)]
mod tests;
