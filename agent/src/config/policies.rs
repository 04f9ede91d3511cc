//! Policies: that their profiles are there, and that one does not hide another.

use super::check::Declared;
use super::raw;
use super::report::Report;
use super::source::Place;
use super::{Condition, Policy};
use crate::limits;

/// The policies in their order, without those in which something is missing.
pub(super) fn check(
    raw: Vec<raw::Policy>,
    profiles: &Declared,
    report: &mut Report,
) -> Vec<Policy> {
    let last = raw.len().saturating_sub(1);
    let (mut policies, mut places) = (Vec::new(), Vec::new());
    for (number, policy) in raw.into_iter().enumerate() {
        if let Some(profile) = &policy.profile {
            let loss = "machines that match this policy would get nothing";
            profiles.expect(profile, loss, report);
        }
        let (Some(name), Some(profile), Some(conditions)) =
            (policy.name, policy.profile, policy.conditions)
        else {
            continue;
        };
        if conditions.is_empty() && policy.limit.is_none() && number < last {
            report
                .warning(name.place, "this policy matches every machine")
                .note("the policies behind it never count: put it last, or give it conditions");
        }
        places.push(name.place);
        policies.push(Policy {
            name: name.value,
            conditions,
            profile: profile.value,
            limit: policy.limit,
            approval: policy.approval,
        });
    }
    if policies.len() <= limits::POLICIES_COMPARED {
        hidden(&policies, &places, report);
    }
    policies
}

/// Warns of policies behind one that takes every machine that they match.
fn hidden(policies: &[Policy], places: &[Place], report: &mut Report) {
    for (number, (policy, place)) in policies.iter().zip(places).enumerate() {
        let hides = |one: &&Policy| one.limit.is_none() && !one.conditions.is_empty();
        let before = policies[..number].iter().filter(hides);
        let by = { before }.find(|one| {
            one.conditions.iter().all(|condition| {
                let mut conditions = policy.conditions.iter();
                conditions.any(|other| covers(condition, other))
            })
        });
        if let Some(by) = by {
            let name = by.name.as_str();
            report
                .warning(*place, "this policy never counts")
                .note(format!(
                    "policy `{name}` before it matches the same machines and has no limit: put this \
                     one in front of it"
                ));
        }
    }
}

/// Whether every machine that meets `other` meets `condition`, as far as that is plain to see.
fn covers(condition: &Condition, other: &Condition) -> bool {
    let is_long = |one: &Condition| one.patterns.len() > limits::PATTERNS_COMPARED;
    if condition.fact != other.fact || is_long(condition) || is_long(other) {
        return false;
    }
    let of = |one: &'_ Condition, negated: bool| {
        let patterns = one
            .patterns
            .iter()
            .filter(move |one| one.negated == negated);
        patterns.map(|one| one.test.clone()).collect::<Vec<_>>()
    };
    let (wanted, others) = (of(condition, false), of(other, false));
    let (unwanted, left_out) = (of(condition, true), of(other, true));
    let is_wanted = wanted.is_empty()
        || !others.is_empty()
            && others
                .iter()
                .all(|other| wanted.iter().any(|one| one.covers(other)));
    is_wanted
        && unwanted
            .iter()
            .all(|one| left_out.iter().any(|other| other.covers(one)))
}
