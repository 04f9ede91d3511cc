//! What one boot request gets. Touches nothing: no clock, no file, no socket.

use std::collections::{BTreeMap, BTreeSet};

use crate::arch::Platform;
use crate::boot::policy;
use crate::config::{Config, LocalBoot, Machine, MenuItem, Name, Unknown};
use crate::machine::Facts;

/// What a machine gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Decision {
    /// The menu.
    Menu,
    /// A profile.
    Install {
        /// Its name.
        profile: Name,
    },
    /// An image without a profile, chosen in the menu.
    Image {
        /// Its name.
        image: Name,
    },
    /// The local disk.
    Local {
        /// How it is started.
        method: LocalBoot,
    },
    /// A script that waits and asks again.
    Hold,
    /// The iPXE shell, chosen in the menu.
    Shell,
    /// A restart, chosen in the menu.
    Reboot,
}

impl Decision {
    /// A word, with what it names, for log lines.
    pub fn word(&self) -> String {
        match self {
            Decision::Menu => "menu".to_owned(),
            Decision::Install { profile } => format!("install {profile}"),
            Decision::Image { image } => format!("image {image}"),
            Decision::Local { .. } => "local".to_owned(),
            Decision::Hold => "hold".to_owned(),
            Decision::Shell => "shell".to_owned(),
            Decision::Reboot => "reboot".to_owned(),
        }
    }
}

/// Which machines a policy with a `limit` was used for. It is kept in memory and counts from the
/// agent's start.
#[derive(Clone, Debug, Default)]
pub struct Assignments {
    machines: BTreeMap<usize, BTreeSet<String>>,
}

impl Assignments {
    /// Whether the policy at this place may be used for this machine.
    fn has_room(&self, place: usize, limit: Option<u32>, machine: &str) -> bool {
        let Some(limit) = limit else { return true };
        let used = self.machines.get(&place);
        used.is_none_or(|used| used.contains(machine) || used.len() < limit as usize)
    }

    /// Takes down what a decision used.
    pub fn count(&mut self, choice: &Choice, machine: &str) {
        if let Some(place) = choice.counted {
            self.machines
                .entry(place)
                .or_default()
                .insert(machine.to_owned());
        }
    }
}

/// A decision and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What the machine gets.
    pub decision: Decision,
    /// Why, in a sentence.
    pub reason: String,
    /// The place of a policy with a limit that this uses up.
    counted: Option<usize>,
}

/// Decides. A choice in the menu counts most, then the machine's own profile, then the first policy
/// that matches, then `server.unknown`.
pub fn decide(
    config: &Config,
    machine: Option<&Machine>,
    facts: &Facts,
    assignments: &Assignments,
) -> Choice {
    let local = Decision::Local {
        method: local_boot(machine, facts.platform()),
    };
    let choice = |decision, reason: String| Choice {
        decision,
        reason,
        counted: None,
    };
    if let Some(item) = &facts.item
        && let Some(item) = config
            .menu
            .items
            .iter()
            .find(|known| known.name() == item.as_str())
    {
        let decision = match item {
            MenuItem::Profile(name) => Decision::Install {
                profile: name.clone(),
            },
            MenuItem::Image(name) => Decision::Image {
                image: name.clone(),
            },
            MenuItem::Local => local,
            MenuItem::Shell => Decision::Shell,
            MenuItem::Reboot => Decision::Reboot,
        };
        return choice(decision, "chosen in the menu".to_owned());
    }
    if let Some((machine, profile)) =
        machine.and_then(|machine| Some((machine, machine.profile.clone()?)))
    {
        let reason = format!("machine {} has this profile", machine.name);
        return choice(Decision::Install { profile }, reason);
    }
    for (place, policy) in config.policies.iter().enumerate() {
        if policy::matches(policy, facts)
            && assignments.has_room(place, policy.limit, &facts.label())
        {
            return Choice {
                decision: Decision::Install {
                    profile: policy.profile.clone(),
                },
                reason: format!("policy `{}` matches", policy.name.as_str()),
                counted: policy.limit.map(|_| place),
            };
        }
    }
    let decision = match &config.server.unknown {
        Unknown::Menu => Decision::Menu,
        Unknown::Hold => Decision::Hold,
        Unknown::Local => local,
        Unknown::Profile(profile) => Decision::Install {
            profile: profile.clone(),
        },
    };
    let who = if machine.is_some() {
        "declared without a profile"
    } else {
        "not declared"
    };
    choice(
        decision,
        format!("{who}, and no policy matches: server.unknown"),
    )
}

/// How this machine's disk is started: as declared, else what works for its platform
/// (boot-facts 4.4: EDK2 stops in its boot manager after a loader that ends with success, and many
/// BIOSes stop after a boot ROM that returns).
pub fn local_boot(machine: Option<&Machine>, platform: Platform) -> LocalBoot {
    machine
        .and_then(|machine| machine.local_boot)
        .unwrap_or(match platform {
            Platform::Efi => LocalBoot::Exit,
            Platform::Bios => LocalBoot::Sanboot,
        })
}
