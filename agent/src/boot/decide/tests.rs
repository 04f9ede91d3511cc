use super::*;
use crate::boot::testing;
use crate::machine::Known;

const DECLARED: &str = r#"
    [menu]
    items = ["first", "second", "debian", "local"]
    default = "local"
    [[image]]
    name = "debian"
    recipe = "debian"
    version = "bookworm"
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
    testing::config_in(folder.path(), server, DECLARED)
}

fn decide_with(config: &Config, query: &str, assignments: &Assignments) -> Decided {
    let facts = Facts::parse(query);
    let known = Known::of(config);
    decide(config, known.identify(config, &facts), &facts, assignments)
}

/// The decision in words, and why.
fn of(server: &str, query: &str) -> (String, String) {
    let decided = decide_with(&config(server), query, &Assignments::default());
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
    let mut assignments = Assignments::default();
    let mut ask = |machine: u8| {
        let query = format!("manufacturer=IBM&mac=52:54:00:00:00:{machine:02x}");
        let decided = decide_with(&config, &query, &assignments);
        if let Some(policy) = &decided.counted {
            assignments.count(policy, &Facts::parse(&query).key());
        }
        (decided.decision.word(), decided.reason)
    };
    for machine in [1, 2, 1, 2] {
        assert_eq!(ask(machine).0, "install first");
    }
    let (word, reason) = ask(3);
    assert_eq!(word, "install second");
    assert_eq!(
        reason,
        "policy `all others` matches; the limit of policy `two servers` is used up"
    );
    assert_eq!(ask(1).0, "install first", "who was counted keeps its place");
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
        match decide_with(&config, query, &Assignments::default()).decision {
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
    let decided = decide_with(
        &config,
        "manufacturer=IBM&item=second",
        &Assignments::default(),
    );
    assert_eq!(decided.counted, None);
}

#[test]
fn a_machine_that_is_two_is_the_one_of_its_uuid_and_the_reason_says_so() {
    let query = "uuid=4c4c4544-0042-3510-8052-b4c04f4d3132&mac=5c:f3:fc:01:02:03";
    let (word, reason) = of("", query);
    assert_eq!(word, "menu");
    assert!(
        reason.contains("one of its MACs is declared for oden, but tor is declared"),
        "{reason}"
    );
}
