//! What one boot request gets. Touches nothing: no clock, no file, no socket.

use crate::arch::Platform;
use crate::boot::assign::Assignments;
use crate::boot::policy;
use crate::config::{Config, LocalBoot, Machine, MenuItem, Name, Unknown};
use crate::machine::{Facts, Identity};

/// What a machine gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// The menu, whose items the person at the machine chooses from. Each choice asks again and
    /// becomes one of the other decisions.
    Menu,
    /// A profile's image with the profile's arguments.
    Install {
        /// The profile.
        profile: Name,
    },
    /// An image as it is, without a profile; only ever chosen in the menu.
    Image {
        /// The image.
        image: Name,
    },
    /// The local disk.
    Local {
        /// How it is started.
        method: LocalBoot,
    },
    /// A script that waits and asks again, without a menu: what the machine becomes is decided at
    /// the server.
    Hold,
    /// Nothing; the firmware moves on to its next boot entry. Given to machines that are ignored.
    Deny,
}

impl Decision {
    /// The decision in a word, with the profile or image if there is one.
    pub fn word(&self) -> String {
        match self {
            Decision::Menu => "menu".to_owned(),
            Decision::Install { profile } => format!("install {profile}"),
            Decision::Image { image } => format!("image {image}"),
            Decision::Local { .. } => "local".to_owned(),
            Decision::Hold => "hold".to_owned(),
            Decision::Deny => "deny".to_owned(),
        }
    }
}

/// A decision and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// What the machine gets.
    pub decision: Decision,
    /// Why, in a sentence that holds nothing the machine says of itself.
    pub reason: String,
    /// The policy whose limit this uses up, by its name.
    pub counted: Option<String>,
}

/// Decides. What is declared comes first: the machine's own profile, then the first policy that
/// matches and has room, then `server.unknown`. What a person at the machine chose in the menu counts
/// where that gave the menu, or an installation (whose script offers the menu when it fails).
pub fn decide(
    config: &Config,
    identity: Option<Identity>,
    facts: &Facts,
    assignments: &Assignments,
) -> Decided {
    let mut decided = declared(config, identity, facts, assignments);
    if let Some(Identity {
        machine,
        also: Some(also),
    }) = identity
    {
        decided.reason.push_str(&format!(
            "; one of its MACs is declared for {}, but {} is declared for its UUID or for the card \
             it boots from",
            also.name, machine.name
        ));
    }
    match chosen(config, facts, &decided.decision) {
        Some((decision, reason)) => Decided {
            decision,
            reason: format!("{reason}; without that: {}", decided.reason),
            counted: None,
        },
        None => decided,
    }
}

fn declared(
    config: &Config,
    identity: Option<Identity>,
    facts: &Facts,
    assignments: &Assignments,
) -> Decided {
    let machine = identity.map(|identity| identity.machine);
    let uncounted = |decision, reason| Decided {
        decision,
        reason,
        counted: None,
    };
    if let Some(machine) = machine
        && let Some(profile) = &machine.profile
    {
        let reason = format!(
            "machine {} is declared with profile {profile}",
            machine.name
        );
        let profile = profile.clone();
        return uncounted(Decision::Install { profile }, reason);
    }
    let mut full = String::new();
    for policy in &config.policies {
        if !policy::matches(policy, facts) {
            continue;
        }
        let name = policy.name.as_str();
        if assignments.has_room(policy, &facts.key()) {
            return Decided {
                decision: Decision::Install {
                    profile: policy.profile.clone(),
                },
                reason: format!("policy `{name}` matches{full}"),
                counted: policy.limit.map(|_| name.to_owned()),
            };
        }
        full.push_str(&format!("; the limit of policy `{name}` is used up"));
    }
    let who = match machine {
        Some(machine) => format!("machine {} is declared without a profile", machine.name),
        None => "the machine is not declared".to_owned(),
    };
    let decision = match &config.server.unknown {
        Unknown::Menu => Decision::Menu,
        Unknown::Hold => Decision::Hold,
        Unknown::Local => Decision::Local {
            method: local_boot(machine, facts.platform()),
        },
        Unknown::Profile(profile) => Decision::Install {
            profile: profile.clone(),
        },
    };
    uncounted(decision, format!("{who} and no policy is for it{full}"))
}

/// What was chosen at the machine, where a choice counts.
fn chosen(config: &Config, facts: &Facts, declared: &Decision) -> Option<(Decision, String)> {
    if !matches!(declared, Decision::Menu | Decision::Install { .. }) {
        return None;
    }
    if facts.menu {
        return Some((Decision::Menu, "asked for at the machine".to_owned()));
    }
    let chosen = facts.item.as_ref()?;
    let mut items = config.menu.items.iter();
    let decision = match items.find(|item| item.name() == chosen.as_str())? {
        MenuItem::Profile(profile) => Decision::Install {
            profile: profile.clone(),
        },
        MenuItem::Image(image) => Decision::Image {
            image: image.clone(),
        },
        // The menu does these by itself, so that they work when nobody answers any more.
        MenuItem::Local | MenuItem::Shell | MenuItem::Reboot => return None,
    };
    Some((decision, "chosen in the menu".to_owned()))
}

/// How a machine's disk is started: as declared, else what works for its platform (boot-facts 4.4).
/// EDK2 stops in its boot manager when a loader ends with success, so UEFI needs an error status;
/// many BIOSes stop when a boot ROM returns at all, so there iPXE starts the disk.
pub fn local_boot(machine: Option<&Machine>, platform: Platform) -> LocalBoot {
    let declared = machine.and_then(|machine| machine.local_boot);
    declared.unwrap_or(match platform {
        Platform::Efi => LocalBoot::Exit,
        Platform::Bios => LocalBoot::Sanboot,
    })
}

#[cfg(test)]
mod tests;
