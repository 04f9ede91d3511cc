//! Policies and profiles: what is declared, and which policy a machine meets.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::{Api, Asked};
use crate::boot::decide::{self, Asking, Decided};
use crate::boot::decide_among;
use crate::boot::policy::{self, Made, Miss, Step, Subject};
use crate::boot::site::Site;
use crate::config::{Condition, Config, FactName, Installed, Name, Omni, Policy, Profile, Unknown};
use crate::id::MachineId;
use crate::limits;
use crate::machine::Record;

/// What `POST /api/v1/policies/test` is asked: a machine, a made-up one, or a machine with other
/// facts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Its name, MAC, UUID or number.
    #[serde(default)]
    machine: Option<Called>,
    /// What it has, by the keys of `policy.match`.
    #[serde(default)]
    facts: Map<String, Value>,
}

/// How a machine is called: programs have its number as one.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a machine is a text or a number")]
enum Called {
    Text(String),
    Number(u64),
}

impl Api {
    /// Every policy in its order, with how many machines it has.
    pub(super) fn policies(&self, site: &Site) -> Value {
        let meant = match site
            .config
            .policies
            .iter()
            .any(|policy| policy.limit.is_none())
        {
            true => self.meant(site),
            false => BTreeMap::new(),
        };
        let registry = self.census.look();
        let machines = |policy: &crate::config::Policy| {
            let name = policy.name.as_str();
            Some(match policy.limit {
                Some(_) => registry.counted(name) as u64,
                None => meant.get(name).copied().unwrap_or(0),
            })
        };
        declared_policies(&site.config, &machines)
    }

    /// How many known machines each policy is meant for now.
    fn meant(&self, site: &Site) -> BTreeMap<String, u64> {
        let used = {
            let registry = self.census.look();
            let names = site
                .config
                .policies
                .iter()
                .map(|policy| policy.name.as_str());
            let used = names.map(|name| (name, registry.counted(name) as u64));
            used.collect::<BTreeMap<_, _>>()
        };
        let (mut meant, mut after) = (BTreeMap::new(), Some(MachineId(0)));
        while let Some(begin) = after {
            // Copies: what is meant for a machine takes longer than others should wait.
            let whole = |record: &Record| Some(record.clone());
            let (records, next) = self.census.page(begin, limits::LOOK_AT_ONCE, whole);
            after = next;
            for record in &records {
                let counts = |policy: &Policy| {
                    let used = used.get(policy.name.as_str());
                    policy::count(record, policy, used.copied().unwrap_or(0))
                };
                let now = (self.now)();
                let asking = site.asking(record, &record.facts, &counts, now);
                if let Some(policy) = decide::policy_of(&asking) {
                    *meant.entry(policy.name.as_str().to_owned()).or_default() += 1;
                }
            }
        }
        meant
    }

    /// Which policy a machine meets, and why no other.
    pub(super) fn test_policies(&self, asked: &Asked, site: &Site) -> Result<Value, Problem> {
        let wanted: Wanted =
            asked.json("{\"machine\": \"oden\"}, {\"facts\": {\"memory\": \"16 GiB\"}} or both")?;
        let called = wanted.machine.map(|called| match called {
            Called::Text(text) => text,
            Called::Number(number) => number.to_string(),
        });
        let known = called.map(|name| {
            let met = self.census.named(&name);
            met.or_else(|| declared_record(&site.config, &name, (self.now)()))
                .ok_or_else(|| Problem::no_machine(&name))
        });
        let record = made_up(
            &site.config,
            known.transpose()?,
            &wanted.facts,
            (self.now)(),
        )
        .map_err(|why| Problem::wrong(&why))?;
        let registry = self.census.look();
        let decided = decide_among(site, &registry, &record, &record.facts, (self.now)());
        let counts = policy::counts(&registry, &record);
        let asking = site.asking(&record, &record.facts, &counts, (self.now)());
        Ok(tested(&asking, &decided))
    }
}

/// A declared machine that nobody met yet.
pub fn declared_record(config: &Config, name: &str, now: u64) -> Option<Record> {
    let machine = config.machines.get(&Name::new(name).ok()?)?;
    let mut made = Made::new(now);
    made.declared(machine);
    Some(made.finish(config))
}

/// A machine with these facts; `known` is what they stand in place of. Facts are texts, numbers, yes
/// and no, or lists of them.
///
/// # Errors
/// A sentence for people: nothing is said, there is no such fact, or it cannot be this.
pub fn made_up(
    config: &Config,
    known: Option<Record>,
    facts: &Map<String, Value>,
    now: u64,
) -> Result<Record, String> {
    if known.is_none() && facts.is_empty() {
        return Err("name a machine, or say what a made-up one has".to_owned());
    }
    let mut made = known.map_or_else(|| Made::new(now), Made::of);
    for (key, value) in facts {
        let text = |value: &Value| match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
            _ => Err(format!(
                "{key} must be a text, a number, true, false, or a list of these"
            )),
        };
        let values = match value {
            Value::Array(values) => values.iter().map(text).collect::<Result<Vec<_>, _>>()?,
            value => vec![text(value)?],
        };
        made.set(key, &values)?;
    }
    Ok(made.finish(config))
}

/// The policies, as programs read them. `machines` is how many a policy has, where that is known.
pub fn declared_policies(config: &Config, machines: &dyn Fn(&Policy) -> Option<u64>) -> Value {
    let policies = config.policies.iter().enumerate();
    let policies = policies.map(|(number, policy)| {
        let conditions: Vec<_> = policy.conditions.iter().map(Condition::to_string).collect();
        json!({
            "number": number + 1,
            "name": policy.name.as_str(),
            "profile": policy.profile,
            "conditions": conditions,
            "limit": policy.limit,
            "approval": policy.approval,
            "machines": machines(policy),
        })
    });
    json!({
        "policies": policies.collect::<Vec<_>>(),
        "otherwise": otherwise(config),
    })
}

/// What became of every policy for a machine that asks, and what the machine gets.
pub fn tested(asking: &Asking, decided: &Decided) -> Value {
    let Asking { config, record, .. } = *asking;
    let subject = Subject::new(asking.identity, record, asking.facts);
    let steps = policy::explain(config, subject, asking.counts);
    let taken = steps
        .iter()
        .find(|step| step.outcome == policy::Outcome::Taken);
    let has = FactName::ALL
        .into_iter()
        .filter(|fact| *fact != FactName::Subnet);
    let has = has.filter_map(|fact| {
        let values = subject.values(fact)?;
        let values: Vec<_> = values.iter().map(ToString::to_string).collect();
        (!values.is_empty()).then(|| (fact.key().to_owned(), json!(values)))
    });
    // A made-up machine has no number, and is called by what was made up.
    let is_known = record.id != MachineId(0);
    let label = is_known
        .then(|| record.label())
        .or(subject.name.map(Name::to_string));
    json!({
        "machine": label,
        "known": is_known,
        "has": has.collect::<Map<_, _>>(),
        "policies": steps.iter().enumerate().map(|(number, one)| step(number, one, subject)).collect::<Vec<_>>(),
        // Else it has a profile of its own, and would be taken for nothing.
        "applies": taken.is_none() || decide::policy_of(asking).is_some(),
        "taken": taken.map(|step| step.policy.name.as_str()),
        "otherwise": otherwise(config),
        "decision": decided.decision.word(),
        "reason": decided.reason,
    })
}

fn step<'a>(number: usize, step: &Step<'a>, subject: Subject<'a>) -> Value {
    let unmet = |miss: &Miss| {
        let has = miss.has.as_ref();
        let has = has.map(|has| has.iter().map(ToString::to_string).collect::<Vec<_>>());
        json!({
            "fact": miss.condition.fact.key(),
            "condition": miss.condition.to_string(),
            "has": has,
            "why": miss.to_string(),
        })
    };
    let misses = step.misses(subject);
    json!({
        "number": number + 1,
        "name": step.policy.name.as_str(),
        "profile": step.policy.profile,
        "limit": step.policy.limit,
        "approval": step.policy.approval,
        "outcome": step.outcome.word(),
        "why": step.sentence(subject),
        "unmet": misses.iter().map(unmet).collect::<Vec<_>>(),
    })
}

/// What a machine gets for which nothing is meant.
fn otherwise(config: &Config) -> String {
    match &config.server.unknown {
        Unknown::Menu => "menu".to_owned(),
        Unknown::Hold => "hold".to_owned(),
        Unknown::Local => "local".to_owned(),
        Unknown::Profile(profile) => format!("profile {profile}"),
    }
}

/// The profiles, as programs read them. Secrets are left out.
pub fn declared_profiles(config: &Config) -> Value {
    let profiles: Vec<_> = config
        .profiles
        .values()
        .map(|one| profile(config, one))
        .collect();
    json!({ "profiles": profiles })
}

fn profile(config: &Config, profile: &Profile) -> Value {
    let policies = config
        .policies
        .iter()
        .filter(|policy| policy.profile == profile.name);
    let policies: Vec<_> = policies.map(|policy| policy.name.as_str()).collect();
    let machines = config.machines.values();
    let machines = machines.filter(|machine| machine.profile.as_ref() == Some(&profile.name));
    let arguments: Vec<_> = profile.arguments.iter().map(ToString::to_string).collect();
    let omni = |omni: &Omni| {
        json!({
            "api": omni.api,
            "has_token": omni.token.is_some(),
            "events": omni.events,
            "logs": omni.logs,
        })
    };
    json!({
        "name": profile.name,
        "label": profile.label.as_str(),
        "image": profile.image,
        "arguments": arguments,
        "omni": profile.omni.as_ref().map(omni),
        "installed": match profile.installed {
            Installed::Callback => "callback",
            Installed::NextBoot => "next-boot",
            Installed::Never => "never",
        },
        "tries": profile.tries,
        "timeout_s": profile.timeout.as_secs(),
        "policies": policies,
        "machines": machines.map(|machine| &machine.name).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests;
