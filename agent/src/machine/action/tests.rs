use super::*;
use crate::boot::testing;
use crate::event::Word;
use crate::id::MachineId;
use crate::machine::phase::Installing;

fn config() -> Config {
    declared("")
}

/// Two profiles, a machine, and what else is declared.
fn declared(more: &str) -> Config {
    let text = r#"
        [[profile]]
        name = "p"
        image = "debian"
        [[profile]]
        name = "q"
        image = "debian"
        [[machine]]
        name = "oden"
        mac = "5c:f3:fc:01:02:03"
        profile = "q"
        "#;
    testing::config(&testing::with_debian(&format!("{text}{more}")))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn record(phase: Phase) -> Record {
    Record {
        phase,
        ..Record::new(MachineId(1), 5)
    }
}

fn every_phase() -> [Phase; 7] {
    [
        Phase::Discovered,
        Phase::Held,
        Phase::Ready,
        Phase::Installing(Installing {
            profile: name("p"),
            began: 1,
            counted: None,
            tries: 1,
            chosen: false,
            token: None,
            address: [10, 0, 0, 1].into(),
            last_file: None,
            loaded: false,
        }),
        Phase::Installed { profile: name("p") },
        Phase::Failed {
            reason: "x".to_owned(),
        },
        Phase::Ignored,
    ]
}

/// Where each phase leads to; `None`: refused.
fn table(action: &Action) -> [Option<Word>; 7] {
    let config = config();
    every_phase().map(|phase| {
        let before = record(phase);
        let mut after = before.clone();
        match action.apply(&mut after, &config, 9) {
            Ok(events) => {
                let word = after.phase.word();
                assert_eq!(events.len(), usize::from(word != before.phase.word()));
                assert_eq!(after.since == 9, !events.is_empty());
                Some(word)
            }
            Err(_) => {
                assert_eq!(after, before, "a refusal changes nothing");
                None
            }
        }
    })
}

#[test]
fn every_action_is_known_in_every_phase() {
    use Word::{Discovered as D, Failed as F, Held as H, Ignored as X, Installed as I};
    use Word::{Installing as G, Ready as R};
    let stay = [D, H, R, G, I, F, X].map(Some);
    let p = || name("p");
    let cases = [
        (
            Action::Approve,
            [Some(D), Some(D), Some(R), Some(G), Some(I), None, None],
        ),
        (
            Action::Assign { profile: p() },
            [R, R, R, G, I, R, X].map(Some),
        ),
        (Action::Unassign, stay),
        (Action::Reinstall, [Some(R); 7]),
        (Action::Local { profile: Some(p()) }, [Some(I); 7]),
        (
            Action::Local { profile: None },
            [None, None, None, Some(I), Some(I), None, None],
        ),
        (Action::Hold, [Some(H); 7]),
        (Action::Release, [D, D, R, G, I, D, D].map(Some)),
        (Action::Ignore, [Some(X); 7]),
        (
            Action::Unignore,
            [None, None, None, None, None, None, Some(D)],
        ),
        (Action::Rescue { profile: p() }, stay),
        (Action::Boot { profile: p() }, stay),
        (Action::CancelBoot, stay),
        (Action::Loader { loader: None }, stay),
        (Action::LocalBoot { method: None }, stay),
        (
            Action::Tags {
                tags: BTreeSet::new(),
            },
            stay,
        ),
        (
            Action::Notes {
                notes: String::new(),
            },
            stay,
        ),
        (Action::Name { name: None }, stay),
        (Action::Forget, stay),
    ];
    for (action, expected) in cases {
        assert_eq!(table(&action), expected, "{action:?}");
        assert!(!action.what().is_empty());
    }
}

#[test]
fn a_profile_that_is_not_declared_is_refused_by_name() {
    let profile = || name("nothing");
    for action in [
        Action::Assign { profile: profile() },
        Action::Boot { profile: profile() },
        Action::Rescue { profile: profile() },
        Action::Local {
            profile: Some(profile()),
        },
    ] {
        let mut before = record(Phase::Discovered);
        let refused = action.apply(&mut before, &config(), 1).unwrap_err();
        assert!(refused.to_string().contains("no profile nothing"));
    }
}

#[test]
fn a_profile_that_is_taken_away_leads_back() {
    let mut machine = record(Phase::Discovered);
    let assign = Action::Assign { profile: name("p") };
    assign.apply(&mut machine, &config(), 1).unwrap();
    assert!(machine.wishes.approved);
    let events = Action::Unassign.apply(&mut machine, &config(), 2).unwrap();
    assert_eq!(machine.phase, Phase::Discovered);
    assert!(matches!(
        &events[..],
        [Event::Phase {
            from: Word::Ready,
            ..
        }]
    ));
}

#[test]
fn what_is_on_a_disk_follows_from_what_is_declared() {
    let mut machine = record(Phase::Ready);
    machine.declared = Some(name("oden"));
    let local = Action::Local { profile: None };
    local.apply(&mut machine, &config(), 1).unwrap();
    assert_eq!(machine.phase, Phase::Installed { profile: name("q") });
}

#[test]
fn a_name_of_a_declared_machine_is_that_machines_alone() {
    let action = Action::Name {
        name: Some(name("oden")),
    };
    let mut other = record(Phase::Discovered);
    assert!(matches!(
        action.apply(&mut other, &config(), 1),
        Err(Refusal::Conflict(_))
    ));
    other.declared = Some(name("oden"));
    assert!(action.apply(&mut other, &config(), 1).is_ok());
}

#[test]
fn values_that_cannot_be_are_refused() {
    let mut machine = record(Phase::Discovered);
    let loader = Some("../etc/passwd".to_owned());
    for action in [
        Action::Loader { loader },
        Action::Notes {
            notes: "x".repeat(limits::NOTES_BYTES + 1),
        },
        Action::Notes {
            notes: "\u{1b}[2J".to_owned(),
        },
        Action::Tags {
            tags: (0..=limits::TAGS).map(|n| name(&format!("t{n}"))).collect(),
        },
    ] {
        assert!(
            action.apply(&mut machine, &config(), 1).is_err(),
            "{action:?}"
        );
    }
    assert_eq!(machine, record(Phase::Discovered));
}

#[test]
fn an_action_is_read_as_the_api_writes_it() {
    let read = |text: &str| serde_json::from_str::<Action>(text);
    assert_eq!(read(r#"{"action":"approve"}"#).unwrap(), Action::Approve);
    assert_eq!(
        read(r#"{"action":"boot","profile":"p"}"#).unwrap(),
        Action::Boot { profile: name("p") }
    );
    assert_eq!(
        read(r#"{"action":"local"}"#).unwrap(),
        Action::Local { profile: None }
    );
    assert!(read(r#"{"action":"dance"}"#).is_err());
}

#[test]
fn a_place_in_a_limit_is_free_once_the_machine_gets_something_else() {
    let config = declared("[[policy]]\nname = \"two\"\nmatch = {}\nprofile = \"p\"\nlimit = 2\n");
    let after = |action: Action| {
        let mut record = record(Phase::Installed { profile: name("p") });
        record.policy = Some("two".to_owned());
        action.apply(&mut record, &config, 9).unwrap();
        record.policy.is_some()
    };
    let (p, q) = (name("p"), name("q"));
    for kept in [
        Action::Assign { profile: p.clone() },
        Action::Unassign,
        Action::Reinstall,
        Action::Hold,
        Action::Release,
        Action::Local { profile: None },
        Action::Local { profile: Some(p) },
        Action::Boot { profile: q.clone() },
    ] {
        assert!(after(kept.clone()), "{kept:?}");
    }
    for freed in [
        Action::Assign { profile: q.clone() },
        Action::Local { profile: Some(q) },
        Action::Ignore,
    ] {
        assert!(!after(freed.clone()), "{freed:?}");
    }
}

#[test]
fn notes_hold_nothing_that_a_terminal_would_obey() {
    let notes = |text: &str| {
        let action = Action::Notes {
            notes: text.to_owned(),
        };
        action.apply(&mut record(Phase::Ready), &config(), 9)
    };
    assert!(notes("rack 7\n\tunder the stairs, å 起 👩‍🔧").is_ok());
    for text in ["\u{1b}[2J", "a\u{202e}b", "\u{2066}x", "a\u{2028}b"] {
        let why = notes(text).unwrap_err().to_string();
        assert!(why.contains("a terminal would obey"), "{text:?}: {why}");
    }
}

#[test]
fn what_was_installed_outlives_that_it_is_held_or_ignored() {
    let config = config();
    let act = |record: &mut Record, action: Action| action.apply(record, &config, 9).unwrap();
    for (away, back) in [
        (Action::Hold, Action::Release),
        (Action::Hold, Action::Approve),
        (Action::Ignore, Action::Unignore),
        (Action::Ignore, Action::Release),
    ] {
        let mut one = record(Phase::Installed { profile: name("p") });
        act(&mut one, away.clone());
        assert_ne!(one.phase.word(), Word::Installed, "{away:?}");
        act(&mut one, back);
        assert_eq!(one.phase, Phase::Installed { profile: name("p") });
        act(&mut one, away.clone());
        act(&mut one, Action::Hold);
        act(&mut one, Action::Ignore);
        act(&mut one, Action::Unignore);
        assert_eq!(one.phase, Phase::Installed { profile: name("p") });
        // What is given to it meanwhile counts from the next installation on.
        act(&mut one, Action::Ignore);
        act(&mut one, Action::Assign { profile: name("q") });
        act(&mut one, Action::Release);
        assert_eq!(one.phase, Phase::Installed { profile: name("p") });
        // Only that a person wants it anew counts instead.
        act(&mut one, away.clone());
        act(&mut one, Action::Reinstall);
        act(&mut one, Action::Hold);
        act(&mut one, Action::Release);
        assert_eq!(one.phase, Phase::Discovered, "{away:?}");
    }
}
