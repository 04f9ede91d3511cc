//! What one boot request gets. Touches nothing: no clock, no file, no socket.

use crate::arch::Platform;
use crate::boot::policy::{self, Counts, Outcome, Subject};
use crate::config::{Config, Installed, LocalBoot, Machine, MenuItem, Name, Policy, Unknown};
use crate::machine::phase::{self, Asked, Gets, Input, Step, Terms};
use crate::machine::{Facts, Identity, Phase, Record};

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
    Hold {
        /// What it waits for, for its screen.
        why: String,
    },
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
            Decision::Hold { .. } => "hold".to_owned(),
            Decision::Deny => "deny".to_owned(),
        }
    }
}

/// A decision and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// What the machine gets.
    pub decision: Decision,
    /// Why, in a sentence that holds nothing the machine says of itself.
    pub reason: String,
    /// The policy whose limit this uses up, by its name.
    pub counted: Option<String>,
    /// Where the machine is now, before it is sent anything.
    pub step: Step,
    /// It is sent an installation, which ends by these terms.
    pub begins: Option<Terms>,
    /// It is what a person wanted once.
    pub once: bool,
    /// A person at the machine chose it.
    pub chosen: bool,
}

/// Who asks, and all that a decision looks at.
#[derive(Clone, Copy)]
pub struct Asking<'a> {
    /// What is declared.
    pub config: &'a Config,
    /// The declared machine that it is.
    pub identity: Option<Identity<'a>>,
    /// What is known of it.
    pub record: &'a Record,
    /// What it says of itself now.
    pub facts: &'a Facts,
    /// How much of the policies' limits is used.
    pub counts: Counts<'a>,
    /// Milliseconds since 1970.
    pub now: u64,
}

/// What is meant for a machine, whatever its phase.
struct Meant<'a> {
    profile: Option<Name>,
    reason: String,
    policy: Option<&'a Policy>,
    chosen: bool,
}

/// Decides. What is meant for the machine comes from, in this order: a person (by the API), its
/// declaration, the first policy that matches and has room, `server.unknown`. Its phase then says
/// whether it gets that, its disk, or waits. What a person at the machine chose in the menu counts
/// where that gave the menu, or an installation (whose script offers the menu when it fails).
pub fn decide(asking: &Asking) -> Decided {
    let Asking { config, record, .. } = asking;
    let mut meant = meant(asking);
    if let Some(Identity {
        machine,
        also: Some(also),
    }) = asking.identity
    {
        meant.reason.push_str(&format!(
            "; one of its MACs is declared for {}, but {} is declared for its UUID or for the card \
             it boots from",
            also.name, machine.name
        ));
    }
    let facts = asking.facts;
    let unheard = !record.wishes.approved
        && match meant.policy {
            Some(policy) => policy.approval,
            None => meant.profile.is_none() && config.server.unknown == Unknown::Hold,
        };
    let asked = Asked {
        profile: meant
            .profile
            .clone()
            .and_then(|profile| Some((profile.clone(), terms(config, &profile)?))),
        held: record.wishes.held || unheard,
        is_boot: is_boot(facts),
        now: asking.now,
    };
    let step = phase::step(&record.phase, &Input::Asked(asked));
    let by_phase = by_phase(asking, &meant, &step.phase);
    let (decision, why) = by_phase;
    let mut decided = Decided {
        decision,
        reason: match why {
            Some(why) => why,
            None => meant.reason.clone(),
        },
        counted: meant
            .policy
            .filter(|policy| policy.limit.is_some() && step.phase.gets() == Gets::Install)
            .map(|policy| policy.name.as_str().to_owned()),
        begins: None,
        once: false,
        chosen: meant.chosen,
        step,
    };
    if let Some(once) = once(asking) {
        decided.reason = format!(
            "a person wants {once} once; without that: {}",
            decided.reason
        );
        decided.decision = Decision::Install { profile: once };
        decided.counted = None;
        decided.once = true;
    } else if let Some((decision, reason)) = chosen(config, facts, &decided.decision) {
        decided.reason = format!("{reason}; without that: {}", decided.reason);
        decided.decision = decision;
        decided.counted = None;
        decided.chosen = true;
    }
    if let Decision::Install { profile } = &decided.decision
        && !decided.once
    {
        let terms = terms(config, profile);
        decided.begins = terms.filter(|terms| terms.installed != Installed::Never);
    }
    decided
}

/// Holds an installation back that may be one over what another record says is installed: a loader that
/// shows only the second card of a machine makes that look like another machine with the same UUID.
/// Who is declared, was approved, got its profile from a person, or chose it at the machine is meant.
pub fn spare(decided: &mut Decided, record: &Record, twin: Option<&Record>) {
    let is_meant = decided.chosen
        || record.declared.is_some()
        || record.wishes.approved
        || record.wishes.profile.is_some();
    if let (Some(twin), Some(_), false) = (twin, decided.begins, is_meant) {
        let why = format!(
            "its UUID is that of {}, which is installed: approve it if it is another machine",
            twin.label()
        );
        decided.reason = format!("{why}; without that: {}", decided.reason);
        decided.decision = Decision::Hold { why };
        decided.begins = None;
        decided.counted = None;
    }
}

/// Whether a machine comes from a boot, and not from a script that asks again or from its menu.
pub fn is_boot(facts: &Facts) -> bool {
    facts.attempt == 0 && !facts.menu && facts.item.is_none()
}

/// What a phase gives a machine, and why if that is not what is meant for it.
fn by_phase(asking: &Asking, meant: &Meant, phase: &Phase) -> (Decision, Option<String>) {
    let Asking { config, facts, .. } = asking;
    let local = || Decision::Local {
        method: local_boot(
            asking.identity.map(|found| found.machine),
            asking.record,
            facts.platform(),
        ),
    };
    match phase.gets() {
        Gets::Unknown => {
            let decision = match &config.server.unknown {
                Unknown::Local => local(),
                _ => Decision::Menu,
            };
            (decision, None)
        }
        Gets::Install => match &meant.profile {
            Some(profile) => {
                let profile = profile.clone();
                (Decision::Install { profile }, None)
            }
            // Only where a phase outlived what it was for; the next transition corrects it.
            None => (Decision::Menu, None),
        },
        Gets::Local => {
            let reason = match phase {
                Phase::Installed { profile } => format!("it is installed, with profile {profile}"),
                _ => "it is installed".to_owned(),
            };
            (local(), Some(reason))
        }
        Gets::Wait(why) => {
            let reason = format!("{why}; {}", meant.reason);
            (Decision::Hold { why }, Some(reason))
        }
        Gets::Nothing => (Decision::Deny, Some("it is ignored".to_owned())),
    }
}

/// What a profile says of its installations.
pub fn terms(config: &Config, profile: &Name) -> Option<Terms> {
    let profile = config.profiles.get(profile)?;
    Some(Terms {
        installed: profile.installed,
        tries: profile.tries,
        timeout: u64::try_from(profile.timeout.as_millis()).unwrap_or(u64::MAX),
    })
}

/// The profile of the one boot that a person wants. A machine whose script fails and that asks again
/// gets it again.
fn once(asking: &Asking) -> Option<Name> {
    let learnt = &asking.record.learnt;
    let again = || {
        let is_again = asking.facts.attempt > 0 && learnt.is_booted_once(asking.now);
        learnt
            .sent_once
            .as_ref()
            .filter(|_| is_again)
            .map(|(sent, _)| sent)
    };
    let wished = asking.record.wishes.once.as_ref();
    let wanted = wished.or_else(again)?;
    let can = asking.record.phase != Phase::Ignored && asking.config.profiles.contains_key(wanted);
    can.then(|| wanted.clone())
}

/// The profile that is meant for a machine, whatever its phase.
pub fn profile_of(asking: &Asking) -> Option<Name> {
    meant(asking).profile
}

/// The policy by which a machine has what is meant for it, if it is one.
pub fn policy_of<'a>(asking: &Asking<'a>) -> Option<&'a Policy> {
    meant(asking).policy
}

fn meant<'a>(asking: &Asking<'a>) -> Meant<'a> {
    let Asking {
        config,
        record,
        facts,
        ..
    } = *asking;
    let machine = asking.identity.map(|identity| identity.machine);
    let meant = |profile: &Name, reason| Meant {
        profile: Some(profile.clone()),
        reason,
        policy: None,
        chosen: false,
    };
    let mut lost = String::new();
    if let Some(profile) = &record.wishes.profile {
        if config.profiles.contains_key(profile) {
            return meant(profile, format!("a person gave it profile {profile}"));
        }
        lost = format!("; profile {profile}, which a person gave it, is not declared any more");
    }
    if let Phase::Installing(installing) = &record.phase
        && installing.chosen
        && config.profiles.contains_key(&installing.profile)
    {
        let reason = format!("{} was chosen in its menu", installing.profile);
        return Meant {
            chosen: true,
            ..meant(&installing.profile, reason)
        };
    }
    if let Some(machine) = machine
        && let Some(profile) = &machine.profile
    {
        let reason = format!(
            "machine {} is declared with profile {profile}{lost}",
            machine.name
        );
        return meant(profile, reason);
    }
    let mut full = lost;
    let subject = Subject::new(asking.identity, record, facts);
    for step in policy::steps(&config.policies, subject, asking.counts) {
        let policy = step.policy;
        let name = policy.name.as_str();
        match step.outcome {
            Outcome::Taken => {
                return Meant {
                    policy: Some(policy),
                    ..meant(&policy.profile, format!("policy `{name}` matches{full}"))
                };
            }
            Outcome::Full { used, limit } => full.push_str(&format!(
                "; the limit of policy `{name}` is used up ({used} of {limit})"
            )),
            Outcome::NoPlace { .. } => full.push_str(&format!(
                "; policy `{name}` has a limit, and this machine cannot be counted"
            )),
            Outcome::Unmet | Outcome::Behind => {}
        }
    }
    let who = match machine {
        Some(machine) => format!("machine {} is declared without a profile", machine.name),
        None => "the machine is not declared".to_owned(),
    };
    Meant {
        profile: match &config.server.unknown {
            Unknown::Profile(profile) => Some(profile.clone()),
            _ => None,
        },
        reason: format!("{who} and no policy is for it{full}"),
        policy: None,
        chosen: false,
    }
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

/// How a machine's disk is started: as a person said, as declared, as was learnt, else what works for
/// its platform (boot-facts 4.4). EDK2 stops in its boot manager when a loader ends with success, so
/// UEFI needs an error status; many BIOSes stop when a boot ROM returns at all, so there iPXE starts
/// the disk.
pub fn local_boot(machine: Option<&Machine>, record: &Record, platform: Platform) -> LocalBoot {
    let learnt = record.learnt.local_boot.as_ref().map(|(method, _)| *method);
    record
        .wishes
        .local_boot
        .or_else(|| machine.and_then(|machine| machine.local_boot))
        .or(learnt)
        .unwrap_or(usual_local_boot(platform))
}

/// What works on most machines of a platform.
pub fn usual_local_boot(platform: Platform) -> LocalBoot {
    match platform {
        Platform::Efi => LocalBoot::Exit,
        Platform::Bios => LocalBoot::Sanboot,
    }
}

#[cfg(test)]
mod tests;
