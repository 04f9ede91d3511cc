//! What a person or program does with a machine. [`Action::apply`] is pure; the gate's
//! [`act`](crate::boot::gate::Keeper::act) keeps what came of it and tells it.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::phase::{Input, Phase, Step, step};
use super::record::Record;
use crate::config::{Config, LocalBoot, Name, Profile};
use crate::event::Event;
use crate::form::acts;
use crate::image::catalogue;
use crate::limits;

/// One action, as the API reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// It may have what is meant for it: neither `server.unknown = "hold"` nor a policy with `approval`
    /// holds it any more.
    Approve,
    /// It gets this profile, whatever is declared and whatever policies say.
    Assign {
        /// The profile.
        profile: Name,
    },
    /// It gets what is declared, or what a policy says, again.
    Unassign,
    /// It is installed anew at its next boot.
    Reinstall,
    /// Its disk is bootable, whatever Hearth saw of it.
    Local {
        /// The profile that is on it; none: the one that is meant for the machine.
        #[serde(default)]
        profile: Option<Name>,
    },
    /// It waits until it is released.
    Hold,
    /// It goes on, after it was held, ignored, or failed.
    Release,
    /// It gets nothing, on any way.
    Ignore,
    /// It is ignored no more.
    Unignore,
    /// It boots a profile once, for a look from outside; nothing else changes.
    Rescue {
        /// The profile.
        profile: Name,
    },
    /// The same, for any other reason.
    Boot {
        /// The profile.
        profile: Name,
    },
    /// The one boot that was asked for and has not happened is not wanted any more.
    CancelBoot,
    /// It gets this loader; none: the declared one or what it asks for, and what was learnt of its
    /// loaders is forgotten.
    Loader {
        /// A catalogue name.
        #[serde(default)]
        loader: Option<String>,
    },
    /// How its disk is started; none: as declared or as its platform needs it, and what was learnt
    /// is forgotten.
    LocalBoot {
        /// The way.
        #[serde(default)]
        method: Option<LocalBoot>,
    },
    /// Its tags, in place of those it had.
    Tags {
        /// All of them.
        tags: BTreeSet<Name>,
    },
    /// Its notes, in place of those it had.
    Notes {
        /// The text.
        notes: String,
    },
    /// What people call it; none: what is declared, or its card.
    Name {
        /// The name.
        #[serde(default)]
        name: Option<Name>,
    },
    /// Nothing is known of it any more; the next time it asks it is new.
    Forget,
}

/// Why an action was not done: a sentence with the remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such machine.
    NoMachine(String),
    /// It names something that is not there, or a value that cannot be.
    Wrong(String),
    /// The machine is not where the action makes sense.
    Conflict(String),
    /// The machine is not as whoever acts has seen it.
    Changed,
    /// It is in force in memory, and the disk does not have it.
    NotKept(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NoMachine(why)
            | Refusal::Wrong(why)
            | Refusal::Conflict(why)
            | Refusal::NotKept(why) => f.write_str(why),
            Refusal::Changed => f.write_str("the machine was changed meanwhile: look at it again"),
        }
    }
}

impl std::error::Error for Refusal {}

/// A machine that was installed when it was held or ignored is so again once it is released: it would
/// be installed over what it has otherwise.
fn released(record: &Record, input: &Input) -> Option<Step> {
    let profile = record.learnt.on_disk.clone()?;
    let waits = matches!(record.phase, Phase::Held | Phase::Ignored);
    (waits && *input == Input::Release).then(|| Step {
        phase: Phase::Installed { profile },
        reason: "released by a person, and installed as before".to_owned(),
    })
}

impl Action {
    /// Changes a record; returns what is to be told. `now` is in milliseconds since 1970.
    ///
    /// # Errors
    /// [`Refusal`]; the record is as it was.
    pub fn apply(
        &self,
        record: &mut Record,
        config: &Config,
        now: u64,
    ) -> Result<Vec<Event>, Refusal> {
        let input = self.input(record, config)?;
        self.wish(record);
        match self {
            Action::Ignore => record.policy = None,
            Action::Assign { profile }
            | Action::Local {
                profile: Some(profile),
            } => record.leaves_place(profile, config),
            _ => {}
        }
        let event = input.and_then(|input| {
            let step = released(record, &input).unwrap_or_else(|| step(&record.phase, &input));
            record.learnt.on_disk = match (&step.phase, &record.phase) {
                (Phase::Held | Phase::Ignored, Phase::Installed { profile }) => {
                    Some(profile.clone())
                }
                (Phase::Held | Phase::Ignored, _) => record.learnt.on_disk.take(),
                _ => None,
            };
            record.enter(step.phase, step.reason, now)
        });
        Ok(event.into_iter().collect())
    }

    /// Checks the action, and says what it is to the machine's phase.
    fn input(&self, record: &Record, config: &Config) -> Result<Option<Input>, Refusal> {
        let wrong = |why: String| Err(Refusal::Wrong(why));
        Ok(match self {
            Action::Approve => match record.phase {
                Phase::Held => Some(Input::Release),
                Phase::Ignored | Phase::Failed { .. } => {
                    return Err(Refusal::Conflict(format!(
                        "approving {}: it is {}; release it first",
                        record.label(),
                        record.phase.word()
                    )));
                }
                _ => None,
            },
            Action::Assign { profile } => {
                declared(config, profile)?;
                Some(Input::Assign)
            }
            Action::Unassign => record.wishes.profile.as_ref().map(|_| Input::Unassign),
            Action::Reinstall => Some(Input::Reinstall),
            Action::Local { profile } => {
                Some(Input::Local(on_disk(profile.as_ref(), record, config)?))
            }
            Action::Hold => Some(Input::Hold),
            Action::Release => Some(Input::Release),
            Action::Ignore => Some(Input::Ignore),
            Action::Unignore if record.phase == Phase::Ignored => Some(Input::Release),
            Action::Unignore => {
                return Err(Refusal::Conflict(format!(
                    "{} is not ignored, it is {}: there is nothing to take back",
                    record.label(),
                    record.phase.word()
                )));
            }
            Action::Rescue { profile } | Action::Boot { profile } => {
                declared(config, profile)?;
                if config
                    .profiles
                    .get(profile)
                    .is_some_and(Profile::needs_answers)
                {
                    return wrong(format!(
                        "profile {profile} needs answers, which only an installation gets: \
                         `assign` it, or boot a profile without answers"
                    ));
                }
                None
            }
            Action::Loader {
                loader: Some(loader),
            } if catalogue::normalise(loader.as_bytes()).as_ref() != Some(loader) => {
                return wrong(format!(
                    "`{}` is no name of a loader; write it as in the catalogue: `snponly.efi`, \
                     `arm64/snponly.efi`",
                    loader.escape_debug()
                ));
            }
            Action::Tags { tags } if tags.len() > limits::TAGS => {
                return wrong(format!(
                    "a machine has at most {} tags: leave some out",
                    limits::TAGS
                ));
            }
            Action::Notes { notes } if notes.len() > limits::NOTES_BYTES => {
                return wrong(format!(
                    "notes have at most {} bytes, these have {}: shorten them",
                    limits::NOTES_BYTES,
                    notes.len()
                ));
            }
            Action::Notes { notes }
                if notes.contains(|c: char| acts(c) && !matches!(c, '\n' | '\t')) =>
            {
                return wrong(
                    "notes are text, and these hold a character that a terminal would obey in \
                     place of showing it: take it out"
                        .to_owned(),
                );
            }
            Action::Name { name: Some(name) }
                if config.machines.contains_key(name) && record.declared.as_ref() != Some(name) =>
            {
                return Err(Refusal::Conflict(format!(
                    "another machine is declared as {name}: choose another name"
                )));
            }
            Action::CancelBoot
            | Action::Loader { .. }
            | Action::LocalBoot { .. }
            | Action::Tags { .. }
            | Action::Notes { .. }
            | Action::Name { .. }
            | Action::Forget => None,
        })
    }

    /// Keeps what was said.
    fn wish(&self, record: &mut Record) {
        let (wishes, learnt) = (&mut record.wishes, &mut record.learnt);
        match self {
            Action::Approve => (wishes.approved, wishes.held) = (true, false),
            Action::Assign { profile } => {
                wishes.profile = Some(profile.clone());
                (wishes.approved, wishes.held) = (true, false);
            }
            Action::Unassign => wishes.profile = None,
            Action::Reinstall => {
                (wishes.approved, wishes.held) = (true, false);
                learnt.sent_local = None;
            }
            Action::Hold => (wishes.held, wishes.approved) = (true, false),
            Action::Release | Action::Unignore | Action::Local { .. } => wishes.held = false,
            Action::Rescue { profile } | Action::Boot { profile } => {
                wishes.once = Some(profile.clone());
            }
            Action::CancelBoot => wishes.once = None,
            Action::Loader { loader } => {
                wishes.loader.clone_from(loader);
                (learnt.loader, learnt.stalls) = (None, None);
            }
            Action::LocalBoot { method } => {
                wishes.local_boot = *method;
                learnt.local_boot = None;
            }
            Action::Tags { tags } => wishes.tags.clone_from(tags),
            Action::Notes { notes } => wishes.notes.clone_from(notes),
            Action::Name { name } => record.given_name.clone_from(name),
            Action::Ignore | Action::Forget => {}
        }
    }

    /// In a word and its values, for events and the audit log.
    pub fn what(&self) -> String {
        let with = |word: &str, value: Option<String>| match value {
            Some(value) => format!("{word} {value}"),
            None => format!("{word} -"),
        };
        match self {
            Action::Approve => "approve".to_owned(),
            Action::Assign { profile } => format!("assign {profile}"),
            Action::Unassign => "unassign".to_owned(),
            Action::Reinstall => "reinstall".to_owned(),
            Action::Local { profile: None } => "local".to_owned(),
            Action::Local {
                profile: Some(profile),
            } => format!("local {profile}"),
            Action::Hold => "hold".to_owned(),
            Action::Release => "release".to_owned(),
            Action::Ignore => "ignore".to_owned(),
            Action::Unignore => "unignore".to_owned(),
            Action::Rescue { profile } => format!("rescue {profile}"),
            Action::Boot { profile } => format!("boot {profile}"),
            Action::CancelBoot => "cancel-boot".to_owned(),
            Action::Loader { loader } => with("loader", loader.clone()),
            Action::LocalBoot { method } => with("local-boot", method.map(|way| way.to_string())),
            Action::Tags { tags } => {
                let tags: Vec<_> = tags.iter().map(Name::to_string).collect();
                format!("tags {}", tags.join(" "))
            }
            Action::Notes { .. } => "notes".to_owned(),
            Action::Name { name } => with("name", name.as_ref().map(Name::to_string)),
            Action::Forget => "forget".to_owned(),
        }
    }
}

fn declared(config: &Config, profile: &Name) -> Result<(), Refusal> {
    match config.profiles.contains_key(profile) {
        true => Ok(()),
        false => Err(Refusal::Wrong(format!(
            "there is no profile {profile}: declare it, or name one of `hearth profiles`"
        ))),
    }
}

/// The profile that a person means when nothing but "it is installed" is said.
fn on_disk(said: Option<&Name>, record: &Record, config: &Config) -> Result<Name, Refusal> {
    if let Some(profile) = said {
        return declared(config, profile).map(|()| profile.clone());
    }
    let machine = record.declared.as_ref();
    let machine = machine.and_then(|name| config.machines.get(name));
    let of_policy = || {
        let name = record.policy.as_deref()?;
        let mut policies = config.policies.iter();
        policies.find(|policy| policy.name.as_str() == name)
    };
    record
        .phase
        .profile()
        .or(record.wishes.profile.as_ref())
        .or_else(|| machine?.profile.as_ref())
        .or_else(|| of_policy().map(|policy| &policy.profile))
        .cloned()
        .ok_or_else(|| {
            Refusal::Wrong(format!(
                "nothing says which profile is on the disk of {}: name it",
                record.label()
            ))
        })
}

#[cfg(test)]
mod tests;
