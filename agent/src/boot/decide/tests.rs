use super::*;
use crate::boot::policy::Count;
use crate::boot::testing;
use crate::machine::Known;

const DECLARED: &str = r#"
    [menu]
    items = ["first", "second", "debian", "local"]
    default = "local"
    [[profile]]
    name = "first"
    image = "debian"
    [[profile]]
    name = "second"
    image = "debian"
    [[profile]]
    name = "hidden"
    image = "debian"
    [[policy]]
    name = "two servers"
    match = { manufacturer = "IBM*" }
    profile = "first"
    limit = 2
    [[policy]]
    name = "all others"
    match = { manufacturer = ["IBM*", "Dell*"], platform = "pcbios" }
    profile = "second"
    [[machine]]
    name = "oden"
    mac = "5c:f3:fc:01:02:03"
    profile = "hidden"
    [[machine]]
    name = "tor"
    uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132"
    local_boot = "exit"
"#;

fn config(server: &str) -> Config {
    let folder = tempfile::tempdir().unwrap();
    testing::config_in(folder.path(), server, &testing::with_debian(DECLARED))
}

fn decide_with(config: &Config, query: &str, record: &Record, counts: Counts) -> Decided {
    let facts = Facts::parse(query);
    let known = Known::of(config);
    decide(&Asking {
        config,
        identity: known.identify(config, &facts),
        record,
        facts: &facts,
        counts,
        now: NOW,
    })
}

const NOW: u64 = 1_000_000;

fn stranger() -> Record {
    Record::new(crate::id::MachineId(1), NOW)
}

fn of_stranger(config: &Config, query: &str) -> Decided {
    decide_with(config, query, &stranger(), &|_| Count::Others(0))
}

fn of_record(server: &str, query: &str, record: &Record) -> (String, String) {
    let decided = decide_with(&config(server), query, record, &|_| Count::Others(0));
    (decided.decision.word(), decided.reason)
}

/// The decision in words, and why.
fn of(server: &str, query: &str) -> (String, String) {
    let decided = of_stranger(&config(server), query);
    (decided.decision.word(), decided.reason)
}

fn word(server: &str, query: &str) -> String {
    of(server, query).0
}

#[test]
fn a_declared_profile_comes_first() {
    let query = "mac=5c:f3:fc:01:02:03&manufacturer=IBM";
    let (word, reason) = of("", query);
    assert_eq!(word, "install hidden");
    assert_eq!(reason, "machine oden is declared with profile hidden");
}

#[test]
fn the_first_policy_that_matches_counts() {
    assert_eq!(word("", "manufacturer=ibm+corp."), "install first");
    assert_eq!(
        word("", "manufacturer=Dell&platform=pcbios"),
        "install second"
    );
    assert_eq!(word("", "manufacturer=Dell&platform=efi"), "menu");
}

#[test]
fn a_policy_whose_limit_is_used_up_is_passed_over_with_a_word() {
    let config = config("");
    let query = "manufacturer=IBM&platform=pcbios";
    let decided = decide_with(&config, query, &stranger(), &|_| Count::Others(2));
    assert_eq!(decided.decision.word(), "install second");
    assert_eq!(
        decided.reason,
        "policy `all others` matches; the limit of policy `two servers` is used up (2 of 2)"
    );
    assert_eq!(decided.counted, None);
    let decided = decide_with(&config, query, &stranger(), &|_| Count::NoPlace);
    assert_eq!(
        decided.reason,
        "policy `all others` matches; policy `two servers` has a limit, and this machine cannot be \
         counted"
    );
    let own = decide_with(&config, query, &stranger(), &|_| Count::Own(2));
    assert_eq!(own.decision.word(), "install first", "it keeps its place");
    let decided = of_stranger(&config, query);
    assert_eq!(decided.counted.as_deref(), Some("two servers"));
}

#[test]
fn a_machine_for_which_nothing_is_declared_gets_what_unknown_says() {
    for (server, expected) in [
        ("", "menu"),
        ("unknown = \"menu\"", "menu"),
        ("unknown = \"hold\"", "hold"),
        ("unknown = \"local\"", "local"),
        ("unknown = \"profile second\"", "install second"),
    ] {
        assert_eq!(word(server, "mac=52:54:00:00:00:01"), expected, "{server}");
    }
    let (_, reason) = of("", "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132");
    assert_eq!(
        reason,
        "machine tor is declared without a profile and no policy is for it"
    );
}

#[test]
fn the_disk_is_started_as_declared_or_as_the_platform_needs_it() {
    let method = |query: &str| {
        let config = config("unknown = \"local\"");
        match of_stranger(&config, query).decision {
            Decision::Local { method } => method,
            other => panic!("{other:?}"),
        }
    };
    let tor = "uuid=44454c4c-4200-1035-8052-b4c04f4d3132";
    assert_eq!(method("platform=efi"), LocalBoot::Exit);
    assert_eq!(method("platform=pcbios"), LocalBoot::Sanboot);
    assert_eq!(method(&format!("platform=pcbios&{tor}")), LocalBoot::Exit);
}

#[test]
fn what_is_chosen_in_the_menu_counts_if_it_is_in_the_menu() {
    assert_eq!(word("", "item=second"), "install second");
    assert_eq!(word("", "item=debian"), "image debian");
    assert_eq!(word("", "item=hidden"), "menu");
    assert_eq!(word("", "item=nothing"), "menu");
    assert_eq!(word("", "item=local"), "menu", "the menu does that itself");
}

#[test]
fn an_installation_can_be_left_for_the_menu_and_from_there() {
    let oden = "mac=5c:f3:fc:01:02:03";
    let (word_of_menu, reason) = of("", &format!("{oden}&menu=1"));
    assert_eq!(word_of_menu, "menu");
    assert!(reason.ends_with("machine oden is declared with profile hidden"));
    assert_eq!(word("", &format!("{oden}&item=first")), "install first");
}

#[test]
fn a_machine_that_is_held_or_goes_to_its_disk_has_no_choice() {
    for unknown in ["hold", "local"] {
        let server = format!("unknown = \"{unknown}\"");
        for query in ["menu=1", "item=first", "item=debian"] {
            assert_eq!(word(&server, query), unknown, "{query}");
        }
    }
}

#[test]
fn a_chosen_item_does_not_use_up_a_limit() {
    let config = config("");
    let decided = of_stranger(&config, "manufacturer=IBM&item=second");
    assert_eq!(decided.counted, None);
}

#[test]
fn each_phase_gets_what_it_is_for() {
    let installed = Phase::Installed {
        profile: Name::new("first").unwrap(),
    };
    let failed = Phase::Failed {
        reason: "the disk is gone".to_owned(),
    };
    let query = "manufacturer=IBM&platform=efi";
    for (phase, word, said) in [
        (
            Phase::Discovered,
            "install first",
            "policy `two servers` matches",
        ),
        (
            Phase::Ready,
            "install first",
            "policy `two servers` matches",
        ),
        (installed, "local", "it is installed, with profile first"),
        (failed, "hold", "its installation failed: the disk is gone"),
        (Phase::Ignored, "deny", "it is ignored"),
    ] {
        let record = Record {
            phase,
            ..stranger()
        };
        let (decision, reason) = of_record("", query, &record);
        assert_eq!(decision, word);
        assert!(reason.starts_with(said), "{reason}");
    }
}

#[test]
fn a_person_counts_more_than_what_is_declared() {
    let mut record = stranger();
    record.wishes.profile = Some(Name::new("second").unwrap());
    let oden = "mac=5c:f3:fc:01:02:03";
    let (word, reason) = of_record("", oden, &record);
    assert_eq!(
        (&*word, &*reason),
        ("install second", "a person gave it profile second")
    );
    record.wishes.profile = Some(Name::new("gone").unwrap());
    let (word, reason) = of_record("", oden, &record);
    assert_eq!(word, "install hidden");
    assert!(
        reason.contains("gone, which a person gave it, is not declared"),
        "{reason}"
    );
    record.wishes.held = true;
    record.phase = Phase::Held;
    assert_eq!(of_record("", oden, &record).0, "hold");
}

#[test]
fn what_a_person_wants_once_comes_before_the_phase_and_changes_none() {
    let mut record = stranger();
    record.phase = Phase::Installed {
        profile: Name::new("first").unwrap(),
    };
    record.wishes.once = Some(Name::new("hidden").unwrap());
    let decided = decide_with(&config(""), "", &record, &|_| Count::Others(0));
    assert_eq!(decided.decision.word(), "install hidden");
    assert!(decided.once && decided.begins.is_none());
    assert_eq!(decided.step.phase, record.phase);
    record.phase = Phase::Ignored;
    assert_eq!(of_record("", "", &record).0, "deny");
}

#[test]
fn a_held_machine_goes_on_once_it_is_approved_or_has_a_profile() {
    let server = "unknown = \"hold\"";
    let mut record = stranger();
    let decided = decide_with(&config(server), "", &record, &|_| Count::Others(0));
    assert_eq!(decided.step.phase, Phase::Held);
    record.phase = Phase::Held;
    assert_eq!(
        of_record(server, "manufacturer=IBM", &record).0,
        "install first"
    );
    record.wishes.approved = true;
    assert_eq!(of_record(server, "", &record).0, "menu");
}

#[test]
fn what_was_learnt_of_a_disk_counts_where_nobody_said_anything() {
    let mut record = stranger();
    record.phase = Phase::Installed {
        profile: Name::new("first").unwrap(),
    };
    record.learnt.local_boot = Some((LocalBoot::Sanboot, "back".to_owned()));
    let method =
        |record: &Record, query: &str| match decide_with(&config(""), query, record, &|_| {
            Count::Others(0)
        })
        .decision
        {
            Decision::Local { method } => method,
            other => panic!("{other:?}"),
        };
    assert_eq!(method(&record, "platform=efi"), LocalBoot::Sanboot);
    let tor = "platform=efi&uuid=4c4c4544-0042-3510-8052-b4c04f4d3132";
    assert_eq!(method(&record, tor), LocalBoot::Exit, "declared");
    record.wishes.local_boot = Some(LocalBoot::Exit);
    assert_eq!(method(&record, "platform=efi"), LocalBoot::Exit);
}

#[test]
fn a_policy_with_approval_waits_for_a_person_and_uses_up_no_place_meanwhile() {
    let mut config = config("");
    config.policies[0].approval = true;
    let of =
        |record: &Record| decide_with(&config, "manufacturer=IBM", record, &|_| Count::Others(0));
    let mut record = stranger();
    for phase in [Phase::Discovered, Phase::Held, Phase::Ready] {
        record.phase = phase;
        let decided = of(&record);
        assert_eq!(decided.decision.word(), "hold");
        assert_eq!(decided.step.phase, Phase::Held);
        assert_eq!((decided.counted, decided.begins), (None, None));
        assert!(
            decided.reason.contains("policy `two servers` matches"),
            "{}",
            decided.reason
        );
    }
    let chosen = decide_with(&config, "manufacturer=IBM&item=second", &record, &|_| {
        Count::Others(0)
    });
    assert_eq!(
        chosen.decision.word(),
        "hold",
        "nothing is chosen at the machine instead"
    );
    record.wishes.approved = true;
    record.phase = Phase::Discovered;
    let decided = of(&record);
    assert_eq!(decided.decision.word(), "install first");
    assert_eq!(decided.counted.as_deref(), Some("two servers"));
    record.wishes.approved = false;
    record.wishes.profile = Some(Name::new("hidden").unwrap());
    assert_eq!(
        of(&record).decision.word(),
        "install hidden",
        "a person said so"
    );
}

#[test]
fn what_may_be_installed_already_is_not_installed_over_without_a_word_of_a_person() {
    let config = config("");
    let mut config = config;
    for profile in config.profiles.values_mut() {
        profile.installed = Installed::NextBoot;
    }
    let twin = Record {
        phase: Phase::Installed {
            profile: Name::new("first").unwrap(),
        },
        ..stranger()
    };
    let decided = |record: &Record, query: &str, twin: Option<&Record>| {
        let mut decided = decide_with(&config, query, record, &|_| Count::Others(0));
        spare(&mut decided, record, twin);
        decided.decision.word()
    };
    let query = "manufacturer=IBM&mac=52:54:00:00:00:02";
    let mut record = stranger();
    assert_eq!(decided(&record, query, Some(&twin)), "hold");
    assert_eq!(decided(&record, query, None), "install first");
    assert_eq!(
        decided(&record, "item=second", Some(&twin)),
        "install second"
    );
    record.wishes.approved = true;
    assert_eq!(decided(&record, query, Some(&twin)), "install first");
}
