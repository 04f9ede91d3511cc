//! Any policies and any machine.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::super::*;
use super::{NOW, config, record, written};
use crate::boot::decide::{self, Asking, decide};
use crate::config;

/// Conditions and machines of few values, so that they often meet.
fn any_pattern() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        r#"manufacturer = "IBM*""#,
        r#"manufacturer = "!IBM*""#,
        r#"manufacturer = ["*", "!Dell"]"#,
        r#"memory = ">= 16 GiB""#,
        r#"memory = "!8 GiB..64 GiB""#,
        r#"mac = "52:54:00:*""#,
        r#"ip = "192.168.1.0/24""#,
        r#"subnet = "!192.168.1.0/24""#,
        r#"tag = "lab""#,
        r#"tag = ["!lab"]"#,
        "secure_boot = true",
        r#"architecture = "arm64""#,
    ])
    .prop_map(str::to_owned)
}

/// Lists that often hide each other.
fn any_list() -> impl Strategy<Value = String> {
    let patterns = [
        "IBM", "IBM*", "*x", "Dell", "*", "!IBM", "!IBM*", "!*x", "!Dell",
    ];
    let patterns = prop::collection::vec(prop::sample::select(patterns.to_vec()), 1..4);
    patterns.prop_map(|patterns| format!("{{ manufacturer = {patterns:?} }}"))
}

fn any_policies() -> impl Strategy<Value = Vec<(String, Option<u32>)>> {
    let conditions = prop::collection::btree_set(any_pattern(), 0..3).prop_map(|patterns| {
        let mut keys = BTreeSet::new();
        let one_a_key = patterns
            .iter()
            .filter(|one| keys.insert(one.split(' ').next()));
        format!(
            "{{ {} }}",
            one_a_key.cloned().collect::<Vec<_>>().join(", ")
        )
    });
    prop::collection::vec((conditions, prop::option::of(1..4_u32)), 0..6)
}

fn any_query() -> impl Strategy<Value = String> {
    let one = |key: &'static str, values: &'static [&'static str]| {
        prop::option::of(prop::sample::select(values)).prop_map(move |value| {
            value.map_or_else(String::new, |value| format!("&{key}={value}"))
        })
    };
    (
        one("manufacturer", &["IBM", "Dell", "HP"]),
        one("memsize", &["4096", "16384", "131072"]),
        one("mac", &["52:54:00:00:00:01", "5c:f3:fc:00:00:01"]),
        one("ip", &["192.168.1.7", "10.0.0.1", "fd00::1"]),
        one("secureboot", &["0", "1"]),
        one("buildarch", &["arm64", "x86_64"]),
    )
        .prop_map(|(a, b, c, d, e, f)| format!("x=x{a}{b}{c}{d}{e}{f}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_explained_is_what_is_decided(
        policies in any_policies(),
        query in any_query(),
        tagged: bool,
        used in prop::collection::vec(0..5_u64, 6),
        own in prop::option::of(0..6_usize),
    ) {
        let policies: Vec<_> = policies.iter().map(|(text, limit)| (&**text, *limit)).collect();
        let config = config(&policies);
        let record = record(&query, if tagged { &["lab"] } else { &[] });
        let counts = |policy: &Policy| {
            let number: usize = policy.name.as_str().parse().unwrap();
            match own == Some(number) {
                true => Count::Own(used[number]),
                false => Count::Others(used[number]),
            }
        };
        let asking = Asking {
            config: &config,
            identity: None,
            record: &record,
            facts: &record.facts,
            counts: &counts,
            now: NOW,
        };
        let subject = Subject::new(None, &record, &record.facts);
        let steps = explain(&config, subject, &counts);
        prop_assert_eq!(steps.len(), config.policies.len());

        let decided = decide(&asking);
        let taken = steps.iter().position(|step| step.outcome == Outcome::Taken);
        let name = |number: usize| config.policies[number].name.as_str();
        prop_assert_eq!(decide::policy_of(&asking).map(|one| one.name.as_str()), taken.map(name));
        prop_assert_eq!(decided.decision.word(), if taken.is_some() { "install p" } else { "menu" });
        let limited = taken.filter(|number| config.policies[*number].limit.is_some());
        prop_assert_eq!(decided.counted.as_deref(), limited.map(name));
        for (number, step) in steps.iter().enumerate() {
            let full = format!("the limit of policy `{number}` is used up");
            let is_before = taken.is_none_or(|taken| number < taken);
            let is_full = matches!(step.outcome, Outcome::Full { .. });
            prop_assert_eq!(decided.reason.contains(&full), is_full && is_before);
            // Each says of itself what it would say if it stood alone.
            prop_assert_eq!(step.outcome == Outcome::Unmet, !step.misses(subject).is_empty());
            let is_behind = step.outcome == Outcome::Behind;
            prop_assert!(!is_behind || taken.is_some_and(|taken| taken < number));
            prop_assert!(!step.sentence(subject).is_empty());
        }
        prop_assert!(steps.iter().filter(|step| step.outcome == Outcome::Taken).count() <= 1);
    }

    #[test]
    fn a_policy_that_is_said_never_to_count_never_does(
        policies in prop::collection::vec((any_list(), prop::option::of(1..3_u32)), 2..4),
        told in prop::sample::select(vec!["IBM", "IBMx", "Dell", "Dellx", ""]),
    ) {
        let policies: Vec<_> = policies.iter().map(|(text, limit)| (&**text, *limit)).collect();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("hearth.toml");
        let server = "[server]\naddresses = [\"192.168.1.1\"]";
        std::fs::write(&file, format!("{}{server}", written(&policies))).unwrap();
        let loaded = config::load(&file, &config::Environment::default()).unwrap();
        let record = record(&format!("manufacturer={told}"), &[]);
        let subject = Subject::new(None, &record, &record.facts);
        for warning in loaded.warnings.iter().filter(|one| one.message == "this policy never counts") {
            let line = warning.excerpt.as_ref().unwrap().text.clone();
            let number: usize = line.split('"').nth(1).unwrap().parse().unwrap();
            // With room in every limit, and with none.
            for used in [0, 9] {
                let steps = explain(&loaded.config, subject, &|_| Count::Others(used));
                prop_assert_ne!(steps[number].outcome, Outcome::Taken);
            }
        }
    }
}
