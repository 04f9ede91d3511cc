//! `[[policy]]`.

use std::ops::RangeInclusive;

use super::super::condition::parse;
use super::super::defaults;
use super::super::reader::Value;
use super::super::report::Report;
use super::super::source::{Place, Placed};
use super::super::table::Table;
use super::super::{Condition, FactName, Kind, Label, Pattern, Test, raw, schema};
use super::name;
use crate::limits;

pub(super) fn read(table: Table, report: &mut Report) -> raw::Policy {
    let label = table.need("name", report);
    let label = label.and_then(|value| value.word(Label::new, report));
    let conditions = table.need("match", report);
    let conditions = conditions.and_then(|value| conditions_of(value, report));
    let profile = table
        .need("profile", report)
        .and_then(|value| name(value, report));
    let limit = table.get("limit");
    let approval = table.get("approval");
    let approval = approval.and_then(|value| value.boolean(report));
    raw::Policy {
        name: label,
        conditions,
        profile,
        limit: limit.and_then(|value| value.integer(1..=u32::MAX, report)),
        approval: approval.unwrap_or(defaults::POLICY_APPROVAL),
    }
}

fn conditions_of(value: Value, report: &mut Report) -> Option<Vec<Condition>> {
    let table = value.table(&schema::MATCH, report)?;
    let facts = FactName::ALL.into_iter();
    let facts = facts.filter_map(|fact| Some((fact, table.get(fact.key())?)));
    let mut facts: Vec<_> = facts.collect();
    // As they are written, so that people find them again.
    facts.sort_by_key(|(_, value)| value.place());
    let facts = facts.into_iter();
    let conditions = facts.filter_map(|(fact, value)| condition(fact, value, report));
    Some(conditions.collect())
}

fn condition(fact: FactName, value: Value, report: &mut Report) -> Option<Condition> {
    if fact.kind() == Kind::Flag {
        let patterns = vec![parse::flag(value.boolean(report)?)];
        return Some(Condition { fact, patterns });
    }
    let items = value.one_or_items(report)?;
    if items.is_empty() {
        return value.wrong("at least one pattern is needed, or nothing matches", report);
    }
    if items.len() > limits::PATTERNS {
        let most = format!("must have at most {} items", limits::PATTERNS);
        return value.wrong(&most, report);
    }
    let mut patterns = Vec::with_capacity(items.len());
    for item in items {
        let read = item.word(|text| parse::read(fact, text), report);
        let Some(Placed { value: read, place }) = read else {
            continue;
        };
        if let Some((what, why)) = read.never {
            report.warning(place, what).note(why);
        }
        patterns.push(Placed::new(read.pattern, place));
    }
    contradictions(fact, value.place(), &patterns, report);
    let patterns = patterns.into_iter().map(|pattern| pattern.value).collect();
    Some(Condition { fact, patterns })
}

/// Warns of what cannot be meant: patterns that leave each other out, or no machine at all.
fn contradictions(fact: FactName, whole: Place, patterns: &[Placed<Pattern>], report: &mut Report) {
    let unwanted: Vec<_> = patterns.iter().filter(|one| one.value.negated).collect();
    let everything = unwanted.iter().find(|one| one.value.test == Test::Any);
    if let Some(everything) = everything
        && !fact.is_always_known()
    {
        report
            .warning(everything.place, "no machine meets this")
            .note(format!(
                "a machine that does not tell its {fact} meets no pattern of it, not even one with \
                 `!`: put a policy for those that tell it in front of this one instead"
            ));
        return;
    }
    let wanted = || patterns.iter().filter(|one| !one.value.negated);
    let compared = unwanted.iter().take(limits::PATTERNS_COMPARED);
    for one in wanted() {
        let out = compared
            .clone()
            .find(|out| out.value.test.covers(&one.value.test));
        if let Some(out) = out {
            let what = format!(
                "`{}` never counts: `{}` leaves it out",
                one.value.text, out.value.text
            );
            report
                .warning(one.place, what)
                .note("what a pattern with `!` means is left out, whatever else the list says");
        }
    }
    let sizes = wanted().filter_map(|one| match &one.value.test {
        Test::Size(range) => Some(range),
        _ => None,
    });
    if patterns.len() > 1 && is_everything(sizes) {
        report
            .warning(
                whole,
                format!("every machine that tells its {fact} meets this"),
            )
            .note("of a list one is enough; both ends of a range are written `\"8 GiB..64 GiB\"`");
    }
}

/// Whether every size is in one of these ranges.
fn is_everything<'a>(ranges: impl Iterator<Item = &'a RangeInclusive<u64>>) -> bool {
    let mut ranges: Vec<_> = ranges.collect();
    ranges.sort_unstable_by_key(|range| *range.start());
    // The first size that none of them has so far.
    let mut next = 0;
    for range in ranges {
        if *range.start() > next {
            return false;
        }
        match range.end().checked_add(1) {
            Some(end) => next = next.max(end),
            None => return true,
        }
    }
    false
}
