//! `[[policy]]`.

use super::super::reader::Value;
use super::super::report::Report;
use super::super::table::Table;
use super::super::{Condition, FactName, Label, raw, schema};
use super::name;
use crate::arch::{Cpu, Platform};
use crate::limits;

const FACTS: [(&str, FactName); 10] = [
    ("manufacturer", FactName::Manufacturer),
    ("product", FactName::Product),
    ("serial", FactName::Serial),
    ("asset", FactName::Asset),
    ("mac", FactName::Mac),
    ("uuid", FactName::Uuid),
    ("platform", FactName::Platform),
    ("architecture", FactName::Architecture),
    ("ip", FactName::Ip),
    ("busid", FactName::Busid),
];

pub(super) fn read(table: Table, report: &mut Report) -> raw::Policy {
    let label = table.need("name", report);
    let label = label.and_then(|value| value.word(Label::new, report));
    let conditions = table.need("match", report);
    let conditions = conditions.and_then(|value| conditions_of(value, report));
    let profile = table
        .need("profile", report)
        .and_then(|value| name(value, report));
    let limit = table.get("limit");
    raw::Policy {
        name: label,
        conditions,
        profile,
        limit: limit.and_then(|value| value.integer(1..=u32::MAX, report)),
    }
}

fn conditions_of(value: Value, report: &mut Report) -> Option<Vec<Condition>> {
    let table = value.table(&schema::MATCH, report)?;
    let facts = FACTS
        .iter()
        .filter_map(|(key, fact)| Some((table.get(key)?, *fact)));
    let conditions = facts.filter_map(|(value, fact)| {
        let items = value.one_or_items(report)?;
        if items.is_empty() {
            return value.wrong("at least one pattern is needed, or nothing matches", report);
        }
        let patterns = items.iter().filter_map(|item| {
            let pattern = item.word(pattern, report)?;
            if never_matches(fact, &pattern.value) {
                report
                    .warning(pattern.place, format!("no machine has `{}`", pattern.value))
                    .note(format!("known are {}", known_values(fact).join(", ")));
            }
            Some(pattern.value)
        });
        Some(Condition {
            fact,
            patterns: patterns.collect(),
        })
    });
    Some(conditions.collect())
}

fn pattern(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > limits::FACT_BYTES || text.chars().any(char::is_control) {
        Err(format!(
            "a pattern has 1 to {} bytes and no control characters",
            limits::FACT_BYTES
        ))
    } else {
        Ok(text.to_owned())
    }
}

/// What a fact can be, where that is a short list.
fn known_values(fact: FactName) -> Vec<&'static str> {
    match fact {
        FactName::Platform => vec![Platform::Bios.ipxe_name(), Platform::Efi.ipxe_name()],
        FactName::Architecture => Cpu::ALL.iter().map(|cpu| cpu.name()).collect(),
        _ => Vec::new(),
    }
}

fn never_matches(fact: FactName, pattern: &str) -> bool {
    let known = known_values(fact);
    !known.is_empty()
        && !pattern.contains(['*', '?'])
        && !known.iter().any(|one| one.eq_ignore_ascii_case(pattern))
}
