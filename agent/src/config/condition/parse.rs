//! From what is written behind a fact to what is asked.

use std::ops::RangeInclusive;

use super::super::values;
use super::glob::Glob;
use super::{Digits, FactName, Kind, Pattern, Test, digits, net};
use crate::arch::{Cpu, Platform};
use crate::form::acts;
use crate::limits;
use crate::mac::Mac;
use crate::uuid::Uuid;

/// A pattern, and why no machine meets it, if that is plain.
#[derive(Debug)]
pub struct Read {
    /// What was read.
    pub pattern: Pattern,
    /// What people should be told: what no machine has, and what there is.
    pub never: Option<(String, String)>,
}

/// Reads a pattern of a fact; the error is a sentence for people.
pub fn read(fact: FactName, text: &str) -> Result<Read, String> {
    if text.len() > limits::FACT_BYTES || text.chars().any(acts) {
        return Err(format!(
            "a pattern has 1 to {} bytes and no control characters",
            limits::FACT_BYTES
        ));
    }
    let plain = text.trim();
    let (negated, wanted) = match plain.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, plain),
    };
    if wanted.is_empty() {
        return Err(match negated {
            true => "behind `!` stands what is left out: `!IBM*`".to_owned(),
            false => format!(
                "an empty pattern says nothing: `*` is met by every machine that has a {fact}"
            ),
        });
    }
    if negated && wanted.starts_with('!') {
        return Err(
            "two `!` say nothing more than none: take them out, or write `\\!` for the character"
                .to_owned(),
        );
    }
    let test = match wanted {
        "*" => Test::Any,
        wanted => test(fact.kind(), wanted)?,
    };
    Ok(Read {
        never: never(fact, &test, wanted),
        pattern: Pattern {
            text: plain.to_owned(),
            negated,
            test,
        },
    })
}

/// A condition that asks for yes or no.
pub fn flag(flag: bool) -> Pattern {
    Pattern {
        text: flag.to_string(),
        negated: false,
        test: Test::Flag(flag),
    }
}

fn test(kind: Kind, wanted: &str) -> Result<Test, String> {
    Ok(match kind {
        Kind::Text | Kind::Name => Test::Text(Glob::parse(wanted)?),
        Kind::Mac => Test::Mac(Digits::parse(wanted, &digits::MAC)?),
        Kind::Uuid => Test::Uuid(Digits::parse(wanted, &digits::UUID)?),
        Kind::Card => Test::Card(Digits::parse(wanted, &digits::CARD)?),
        Kind::Busid => Test::Busid(Digits::parse(wanted, &digits::BUSID)?),
        Kind::Address => Test::Address(net::addresses(wanted)?),
        Kind::Network => Test::Address(net::network(wanted)?),
        Kind::Size => Test::Size(sizes(wanted)?),
        Kind::Cpu => Test::Cpu(those(wanted, &Cpu::ALL, |cpu| {
            [cpu.name(), cpu.ipxe_name()]
        })?),
        Kind::Platform => Test::Platform(those(wanted, &Platform::ALL, |platform| {
            [platform.ipxe_name(), platform.other_name()]
        })?),
        Kind::Flag => match wanted {
            "true" => Test::Flag(true),
            "false" => Test::Flag(false),
            _ => return Err("must be true or false".to_owned()),
        },
    })
}

/// Those of a short list that have one of their names in a pattern.
fn those<T: Copy>(
    wanted: &str,
    all: &[T],
    names: fn(T) -> [&'static str; 2],
) -> Result<Vec<T>, String> {
    let glob = Glob::parse(wanted)?;
    let is_meant = |one: &&T| {
        let mut names = names(**one).into_iter();
        names.any(|name| glob.matches(&name.chars().collect::<Vec<_>>()))
    };
    Ok(all.iter().filter(is_meant).copied().collect())
}

/// `>= 16 GiB`, `< 8 GiB`, `16 GiB`, `8 GiB..64 GiB` with both ends counted; as bytes.
fn sizes(wanted: &str) -> Result<RangeInclusive<u64>, String> {
    let size = |text: &str| {
        values::size(text.trim()).map_err(|_| {
            "not a comparison with a size: `>= 16 GiB`, `< 8 GiB`, `8 GiB..64 GiB` (both ends \
             counted), where a size is a whole number and a unit"
                .to_owned()
        })
    };
    if let Some((first, last)) = wanted.split_once("..") {
        if first.is_empty() || last.is_empty() {
            return Err(
                "a range has both ends: for one end write `>= 8 GiB` or `<= 64 GiB`".to_owned(),
            );
        }
        let (low, high) = (size(first)?, size(last)?);
        if low > high {
            let (first, last) = (first.trim(), last.trim());
            return Err(format!(
                "the range ends before it begins: write `{last}..{first}`"
            ));
        }
        return Ok(low..=high);
    }
    // The longer sign first, as the other begins it.
    let signs = [">=", "<=", ">", "<", "="];
    let found = signs
        .iter()
        .find_map(|sign| Some((*sign, wanted.strip_prefix(sign)?)));
    let (sign, number) = found.unwrap_or(("=", wanted));
    let bytes = size(number)?;
    let none = || Err(format!("nothing is `{wanted}`"));
    Ok(match sign {
        ">=" => bytes..=u64::MAX,
        "<=" => 0..=bytes,
        ">" => match bytes.checked_add(1) {
            Some(next) => next..=u64::MAX,
            None => return none(),
        },
        "<" => match bytes.checked_sub(1) {
            Some(last) => 0..=last,
            None => return none(),
        },
        _ => bytes..=bytes,
    })
}

/// Why no machine has this, where that is plain, and what machines have.
fn never(fact: FactName, test: &Test, wanted: &str) -> Option<(String, String)> {
    let no_machine = format!("no machine has `{wanted}`");
    let why = match test {
        Test::Cpu(cpus) if cpus.is_empty() => {
            let known: Vec<_> = Cpu::ALL.iter().map(|cpu| cpu.name()).collect();
            format!("known are {}", known.join(", "))
        }
        Test::Platform(platforms) if platforms.is_empty() => {
            let known: Vec<_> = Platform::ALL.iter().map(|one| one.ipxe_name()).collect();
            format!("known are {}", known.join(", "))
        }
        Test::Mac(digits) => no_card(digits)?,
        Test::Uuid(digits)
            if digits
                .number(32)
                .is_some_and(|number| Uuid::new(number.to_be_bytes()).is_worthless()) =>
        {
            "board makers left it in many machines, so it counts as none".to_owned()
        }
        Test::Address(range) if range.end().is_multicast() && range.start().is_multicast() => {
            "these are multicast addresses, which no machine asks from".to_owned()
        }
        Test::Text(glob) if fact.kind() == Kind::Name => {
            let is_foreign = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_' | '-');
            glob.written().find(|&c| is_foreign(c))?;
            "names and tags are of letters, digits, `.`, `_` and `-`".to_owned()
        }
        // A comparison that was meant for a number.
        Test::Text(_) if wanted.starts_with(['<', '>', '=']) => {
            format!(
                "`{fact}` is text, which is not compared: write the text alone, or `!` and the text"
            )
        }
        Test::Size(range) if *range.end() < MIB => {
            "the smallest of all machines has more".to_owned()
        }
        _ => return None,
    };
    Some((no_machine, why))
}

const MIB: u64 = 1 << 20;

/// Why no network card has a MAC with these digits.
fn no_card(digits: &Digits) -> Option<String> {
    // The group bit of the first byte.
    const GROUP: u128 = 1 << 40;
    let whole = digits.number(12).map(|number| {
        let [_, _, bytes @ ..] = (number as u64).to_be_bytes();
        Mac::new(bytes)
    });
    match (whole, digits.bits(GROUP)) {
        (Some(Err(why)), _) => Some(why.to_string()),
        (None, Some(GROUP)) => {
            Some("the first byte is odd: that is a multicast address, which no card has".to_owned())
        }
        _ => None,
    }
}
