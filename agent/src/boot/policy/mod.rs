//! Which policy is for a machine. [`steps`] is the one way through the policies: [`decide`] goes it to
//! the first that takes the machine, [`explain`] to its end, so that what people are told is what
//! happens. Touches nothing.
//!
//! [`decide`]: crate::boot::decide::decide()

mod made;
mod subject;

use std::fmt;

use crate::config::{Condition, Config, FactName, Policy, Value};
use crate::machine::Record;
use crate::machine::registry::Registry;

pub use made::Made;
pub use subject::Subject;

/// How much of a policy's limit is used when a machine asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    /// So many other machines have a place.
    Others(u64),
    /// So many machines have a place, and it is one of them.
    Own(u64),
    /// It cannot be given a place, because it is not remembered.
    NoPlace,
}

/// The count of each policy for the machine that asks.
pub type Counts<'a> = &'a dyn Fn(&Policy) -> Count;

/// What the registry says of a machine's places.
pub fn counts<'a>(registry: &'a Registry, record: &'a Record) -> impl Fn(&Policy) -> Count + 'a {
    |policy| {
        count(
            record,
            policy,
            registry.counted(policy.name.as_str()) as u64,
        )
    }
}

/// The count of a policy of which so many machines have a place, for one of them or another.
pub fn count(record: &Record, policy: &Policy, used: u64) -> Count {
    match record.policy.as_deref() == Some(policy.name.as_str()) {
        true => Count::Own(used),
        false => Count::Others(used),
    }
}

/// What became of one policy for one machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Step<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The machine gets its profile.
    Taken,
    /// A condition does not hold: [`Step::misses`] says which.
    Unmet,
    /// All conditions hold, but other machines have all its places.
    Full {
        /// How many have one.
        used: u64,
        /// How many there are.
        limit: u32,
    },
    /// All conditions hold, but a machine that is not remembered cannot be counted.
    NoPlace {
        /// How many places there are.
        limit: u32,
    },
    /// It would take the machine, but one before it did.
    Behind,
}

impl Outcome {
    /// In a word, for programs.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Taken => "taken",
            Outcome::Unmet => "unmet",
            Outcome::Full { .. } => "full",
            Outcome::NoPlace { .. } => "no-place",
            Outcome::Behind => "behind",
        }
    }
}

/// A condition that does not hold for a machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Miss<'a> {
    /// The condition.
    pub condition: &'a Condition,
    /// What the machine has; `None`: it does not tell.
    pub has: Option<Vec<Value<'a>>>,
}

/// Goes through the policies in their order. At most one is [`Outcome::Taken`].
pub fn steps<'a, 's>(
    policies: &'a [Policy],
    subject: Subject<'s>,
    counts: Counts<'s>,
) -> impl Iterator<Item = Step<'a>> + use<'a, 's> {
    let mut is_taken = false;
    policies.iter().map(move |policy| {
        let outcome = match outcome(policy, subject, counts) {
            Outcome::Taken if is_taken => Outcome::Behind,
            outcome => outcome,
        };
        is_taken |= outcome == Outcome::Taken;
        Step { policy, outcome }
    })
}

/// What becomes of each policy, the one that is taken and all others.
pub fn explain<'a>(config: &'a Config, subject: Subject, counts: Counts) -> Vec<Step<'a>> {
    steps(&config.policies, subject, counts).collect()
}

/// What would become of a policy if it stood alone.
fn outcome(policy: &Policy, subject: Subject, counts: Counts) -> Outcome {
    if !policy
        .conditions
        .iter()
        .all(|condition| subject.meets(condition))
    {
        return Outcome::Unmet;
    }
    let Some(limit) = policy.limit else {
        return Outcome::Taken;
    };
    match counts(policy) {
        Count::NoPlace => Outcome::NoPlace { limit },
        Count::Others(used) if used >= u64::from(limit) => Outcome::Full { used, limit },
        Count::Others(_) | Count::Own(_) => Outcome::Taken,
    }
}

impl<'a> Step<'a> {
    /// The conditions that do not hold.
    pub fn misses<'s>(&self, subject: Subject<'s>) -> Vec<Miss<'s>>
    where
        'a: 's,
    {
        let unmet = |condition: &&Condition| !subject.meets(condition);
        let miss = |condition: &'s Condition| Miss {
            condition,
            has: subject.values(condition.fact),
        };
        self.policy
            .conditions
            .iter()
            .filter(unmet)
            .map(miss)
            .collect()
    }

    /// What became of it, in a sentence. It holds what the machine says of itself.
    pub fn sentence(&self, subject: Subject) -> String {
        match self.outcome {
            Outcome::Taken => match self.policy.conditions.is_empty() {
                true => "it matches every machine".to_owned(),
                false => "every condition holds".to_owned(),
            },
            Outcome::Unmet => {
                let misses = self.misses(subject);
                let misses: Vec<_> = misses.iter().map(Miss::to_string).collect();
                misses.join("; ")
            }
            Outcome::Full { used, limit } => {
                format!("every condition holds, but its limit is used up ({used} of {limit})")
            }
            Outcome::NoPlace { .. } => "every condition holds, but it has a limit, and a machine \
                                        that is not remembered cannot be counted"
                .to_owned(),
            Outcome::Behind => "every condition holds, but a policy before it is taken".to_owned(),
        }
    }
}

/// Values that a sentence names; a machine has no more than a few, but of tags.
const NAMED: usize = 8;
/// Patterns that a sentence names.
const PATTERNS: usize = 4;

impl fmt::Display for Miss<'_> {
    /// `product is "System x3650 M2", wanted is "*x3550*"`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fact = self.condition.fact;
        let wanted: Vec<_> = self
            .condition
            .patterns
            .iter()
            .map(|one| &*one.text)
            .collect();
        let wanted = listed(&wanted, PATTERNS);
        let Some(has) = &self.has else {
            // Else people wonder why one that is not known to be it is not taken for another.
            let is_negative = self.condition.patterns.iter().all(|one| one.negated);
            let end = match is_negative {
                true => format!("so that {wanted} cannot be held against it"),
                false => format!("wanted is {wanted}"),
            };
            return write!(f, "the machine does not tell its {fact}, {end}");
        };
        let shown: Vec<_> = has.iter().map(Value::to_string).collect();
        let shown: Vec<_> = shown.iter().map(String::as_str).collect();
        let has_what = match (fact, &shown[..]) {
            (FactName::Tag, []) => "the machine has no tag".to_owned(),
            (_, []) => format!("the machine has no {fact}"),
            (FactName::Tag, tags) => format!("its tags are {}", listed(tags, NAMED)),
            (FactName::Mac, macs) if macs.len() > 1 => {
                format!("its MACs are {}", listed(macs, NAMED))
            }
            (FactName::Ip | FactName::Subnet, from) => {
                format!("it asks from {}", listed(from, NAMED))
            }
            (_, values) => format!("{fact} is {}", listed(values, NAMED)),
        };
        match self.condition.left_out_by(has) {
            Some(pattern) => write!(f, "{has_what}, which `{}` leaves out", pattern.text),
            None => write!(f, "{has_what}, wanted is {wanted}"),
        }
    }
}

/// `a`, `b` and 3 more. What a machine says has no control characters, but may be anything else.
fn listed(texts: &[&str], most: usize) -> String {
    let shown: Vec<_> = texts
        .iter()
        .take(most)
        .map(|text| format!("`{text}`"))
        .collect();
    match texts.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
