//! The machine that policies are asked about.

use std::collections::BTreeSet;

use crate::config::{Condition, FactName, Name, Value};
use crate::machine::{Facts, Identity, Record};

/// All that a policy can ask of a machine.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// What it says of itself.
    pub facts: &'a Facts,
    /// Its declared name, else the one given to it.
    pub name: Option<&'a Name>,
    /// What a person tagged it with.
    pub tags: &'a BTreeSet<Name>,
}

impl<'a> Subject<'a> {
    /// A machine that asks: which declared one it is, what is known of it, what it says now.
    pub fn new(
        identity: Option<Identity<'a>>,
        record: &'a Record,
        facts: &'a Facts,
    ) -> Subject<'a> {
        let declared = identity.map(|identity| &identity.machine.name);
        Subject {
            facts,
            name: declared.or(record.given_name.as_ref()),
            tags: &record.wishes.tags,
        }
    }

    /// Whether it meets a condition.
    pub fn meets(&self, condition: &Condition) -> bool {
        condition.is_met(self.values(condition.fact).as_deref())
    }

    /// What it has of a fact; `None`: it does not tell. Names and tags are known of every machine, so
    /// that having none is told too.
    pub fn values(&self, fact: FactName) -> Option<Vec<Value<'a>>> {
        let facts = self.facts;
        let text = |text: &'a String| (!text.is_empty()).then(|| vec![Value::text(text)]);
        let one = |value: Option<Value<'a>>| value.map(|value| vec![value]);
        match fact {
            FactName::Manufacturer => text(&facts.manufacturer),
            FactName::Product => text(&facts.product),
            FactName::Serial => text(&facts.serial),
            FactName::Asset => text(&facts.asset),
            FactName::Uuid => one(facts.uuid.map(Value::Uuid)),
            FactName::Firmware => text(&facts.firmware),
            // Of what is left out, what a request means where it must mean something is a guess.
            FactName::Platform => {
                let is_told = facts.platform.is_some() || facts.buildarch.is_some();
                one(is_told.then(|| Value::Platform(facts.platform())))
            }
            FactName::Architecture => {
                let is_told = facts.buildarch.is_some() || facts.cpu64;
                one(is_told.then(|| Value::Cpu(facts.cpu())))
            }
            FactName::Buildarch => one(facts.buildarch.map(Value::Cpu)),
            FactName::CpuVendor => text(&facts.cpu_vendor),
            FactName::CpuModel => text(&facts.cpu_model),
            FactName::Memory => one(facts
                .memory_mb
                .map(|megabytes| Value::Size(u64::from(megabytes) << 20))),
            FactName::SecureBoot => one(facts.secure_boot.map(Value::Flag)),
            FactName::Mac => {
                let macs: Vec<_> = facts.macs.iter().copied().map(Value::Mac).collect();
                (!macs.is_empty()).then_some(macs)
            }
            FactName::Nic => one(facts.nic().map(Value::Card)),
            FactName::Busid => one(Value::busid(&facts.busid)),
            FactName::Chip => text(&facts.chip),
            FactName::Ip | FactName::Subnet => one(facts
                .ip
                .map(|address| Value::Address(address.to_canonical()))),
            FactName::Hostname => text(&facts.hostname),
            FactName::Switch => text(&facts.switch),
            FactName::Port => text(&facts.port),
            FactName::Version => text(&facts.version),
            FactName::Name => Some(self.name.map(name).into_iter().collect()),
            FactName::Tag => Some(self.tags.iter().map(name).collect()),
        }
    }
}

fn name(name: &Name) -> Value<'_> {
    Value::text(name.as_str())
}
