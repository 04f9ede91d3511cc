//! What a policy asks of a machine. A condition is read once, into numbers, networks and sets, so that
//! nothing is compared as text that is none: `">= 16 GiB"` is a range of bytes here.

mod digits;
mod fact;
mod glob;
mod net;
pub(super) mod parse;

use std::fmt;
use std::net::IpAddr;
use std::ops::RangeInclusive;

pub use digits::Digits;
pub use fact::{FactName, Kind};
pub use glob::Glob;

use super::values;
use crate::arch::{Cpu, Platform};
use crate::mac::Mac;
use crate::pci::PciId;
use crate::uuid::Uuid;

/// One key of `policy.match` with what is written behind it.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The fact asked for.
    pub fact: FactName,
    /// At least one. See [`Condition::is_met`] for what several mean.
    pub patterns: Vec<Pattern>,
}

/// One value of a condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    /// As it was written, with its `!`.
    pub text: String,
    /// A machine that meets the test is left out.
    pub negated: bool,
    /// What is asked.
    pub test: Test,
}

/// What is asked of one value of a fact.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `*`: that there is one.
    Any,
    /// Text, without letter case.
    Text(Glob),
    /// A MAC or the beginning of one.
    Mac(Digits),
    /// A UUID or the beginning of one, in either byte order.
    Uuid(Digits),
    /// A PCI id or a vendor.
    Card(Digits),
    /// The same with the bus.
    Busid(Digits),
    /// Addresses from the first to the last, both of one family.
    Address(RangeInclusive<IpAddr>),
    /// Bytes from the first to the last.
    Size(RangeInclusive<u64>),
    /// One of these processors.
    Cpu(Vec<Cpu>),
    /// One of these.
    Platform(Vec<Platform>),
    /// Exactly this.
    Flag(bool),
}

/// One value of a machine's fact, in the type in which it is compared.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Text, and the same without letter case.
    Text(&'a str, Vec<char>),
    /// One of its cards.
    Mac(Mac),
    /// SMBIOS UUID.
    Uuid(Uuid),
    /// PCI id of the boot card.
    Card(PciId),
    /// The same with the bus: as iPXE says it, and its number.
    Busid(&'a str, u128),
    /// Where it asks from.
    Address(IpAddr),
    /// Bytes.
    Size(u64),
    /// A processor.
    Cpu(Cpu),
    /// BIOS or UEFI.
    Platform(Platform),
    /// Yes or no.
    Flag(bool),
}

impl Condition {
    /// Whether a machine with these values meets it; `None`: it does not tell the fact.
    ///
    /// One of the patterns without `!` must meet one of the values, if there are such patterns, and
    /// none with `!` may meet any. A fact that is not told meets nothing, not even what is negated:
    /// policies lead to installations, and what is not known must not start one.
    pub fn is_met(&self, values: Option<&[Value]>) -> bool {
        let Some(values) = values else {
            return false;
        };
        let meets = |pattern: &Pattern| values.iter().any(|value| pattern.test.meets(value));
        let mut wanted = self.patterns.iter().filter(|pattern| !pattern.negated);
        let mut unwanted = self.patterns.iter().filter(|pattern| pattern.negated);
        let has_wanted = wanted.clone().next().is_some();
        (!has_wanted || wanted.any(meets)) && !unwanted.any(meets)
    }

    /// The first pattern with `!` that leaves out a machine with these values.
    pub fn left_out_by(&self, values: &[Value]) -> Option<&Pattern> {
        let meets = |pattern: &&Pattern| values.iter().any(|value| pattern.test.meets(value));
        let mut unwanted = self.patterns.iter().filter(|pattern| pattern.negated);
        unwanted.find(meets)
    }
}

impl Test {
    /// Whether a value is what is asked for. One of another kind never is.
    pub fn meets(&self, value: &Value) -> bool {
        match (self, value) {
            (Test::Any, _) => true,
            (Test::Text(glob), Value::Text(_, folded)) => glob.matches(folded),
            (Test::Mac(digits), Value::Mac(mac)) => digits.matches(digits::of_bytes(&mac.bytes())),
            (Test::Uuid(digits), Value::Uuid(uuid)) => {
                let either = [*uuid, uuid.swapped()];
                either.iter().any(|uuid| digits.matches(uuid.number()))
            }
            (Test::Card(digits), Value::Card(card)) => {
                digits.matches(u128::from(card.vendor) << 16 | u128::from(card.device))
            }
            (Test::Busid(digits), Value::Busid(_, number)) => digits.matches(*number),
            (Test::Address(range), Value::Address(address)) => range.contains(address),
            (Test::Size(range), Value::Size(bytes)) => range.contains(bytes),
            (Test::Cpu(cpus), Value::Cpu(cpu)) => cpus.contains(cpu),
            (Test::Platform(platforms), Value::Platform(platform)) => platforms.contains(platform),
            (Test::Flag(wanted), Value::Flag(flag)) => wanted == flag,
            _ => false,
        }
    }

    /// Whether every value that meets `other` meets this one too. It may say no where that is hard
    /// to tell, never yes where it is not so.
    pub fn covers(&self, other: &Test) -> bool {
        match (self, other) {
            (Test::Any, _) => true,
            (Test::Text(glob), Test::Text(other)) => glob.covers(other),
            (Test::Mac(digits), Test::Mac(other))
            | (Test::Uuid(digits), Test::Uuid(other))
            | (Test::Card(digits), Test::Card(other))
            | (Test::Busid(digits), Test::Busid(other)) => digits.covers(other),
            (Test::Address(range), Test::Address(other)) => {
                range.contains(other.start()) && range.contains(other.end())
            }
            (Test::Size(range), Test::Size(other)) => {
                range.contains(other.start()) && range.contains(other.end())
            }
            (Test::Cpu(cpus), Test::Cpu(others)) => others.iter().all(|cpu| cpus.contains(cpu)),
            (Test::Platform(these), Test::Platform(others)) => {
                others.iter().all(|platform| these.contains(platform))
            }
            (Test::Flag(flag), Test::Flag(other)) => flag == other,
            _ => false,
        }
    }
}

impl<'a> Value<'a> {
    /// Text.
    pub fn text(text: &'a str) -> Value<'a> {
        Value::Text(text, glob::folded(text).collect())
    }

    /// What iPXE calls a card; `None`: it is no bus id.
    pub fn busid(text: &'a str) -> Option<Value<'a>> {
        let digits = Digits::parse(text, &digits::BUSID).ok()?;
        Some(Value::Busid(text, digits.number(10)?))
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Text(text, _) | Value::Busid(text, _) => f.write_str(text),
            Value::Mac(mac) => mac.fmt(f),
            Value::Uuid(uuid) => uuid.fmt(f),
            Value::Card(card) => card.fmt(f),
            Value::Address(address) => address.fmt(f),
            Value::Size(bytes) => f.write_str(&values::show_size(*bytes)),
            Value::Cpu(cpu) => cpu.fmt(f),
            Value::Platform(platform) => platform.fmt(f),
            Value::Flag(flag) => flag.fmt(f),
        }
    }
}

impl fmt::Display for Condition {
    /// As it would be written in the configuration: `product = ["*x3550*", "!*M4*"]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = |pattern: &Pattern| match pattern.test {
            Test::Flag(flag) => flag.to_string(),
            _ => quoted(&pattern.text),
        };
        let written: Vec<_> = self.patterns.iter().map(written).collect();
        match &written[..] {
            [only] => write!(f, "{} = {only}", self.fact),
            all => write!(f, "{} = [{}]", self.fact, all.join(", ")),
        }
    }
}

/// A TOML string; in single quotes where that saves doubling the backslashes.
fn quoted(text: &str) -> String {
    match (text.contains(['\\', '"']), text.contains('\'')) {
        (false, _) => format!("\"{text}\""),
        (true, false) => format!("'{text}'"),
        (true, true) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
    }
}

#[cfg(test)]
mod tests;
