use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::parse::read;
use super::*;

/// A condition of a fact with these patterns.
#[track_caller]
fn condition(fact: FactName, patterns: &[&str]) -> Condition {
    let read = |text: &&str| read(fact, text).unwrap_or_else(|why| panic!("{text}: {why}"));
    Condition {
        fact,
        patterns: patterns.iter().map(|text| read(text).pattern).collect(),
    }
}

#[track_caller]
fn made_by(patterns: &[&str], manufacturer: &str) -> bool {
    let values = [Value::text(manufacturer)];
    condition(FactName::Manufacturer, patterns).is_met(Some(&values))
}

#[track_caller]
fn has_memory(patterns: &[&str], mebibytes: u64) -> bool {
    condition(FactName::Memory, patterns).is_met(Some(&[Value::Size(mebibytes << 20)]))
}

#[test]
fn of_a_list_one_is_enough_and_what_is_behind_a_sign_is_left_out() {
    assert!(made_by(&["Dell*", "IBM*"], "ibm corp."));
    assert!(!made_by(&["Dell*", "IBM*"], "HP"));
    assert!(made_by(&["!IBM*"], "HP") && !made_by(&["!IBM*"], "IBM"));
    assert!(made_by(&["!IBM*", "!Dell*"], "HP"));
    assert!(!made_by(&["!IBM*", "!Dell*"], "Dell Inc."));
    // Both kinds: one of those without, and none of those with.
    for patterns in [["IBM*", "!*x3650*"], ["!*x3650*", "IBM*"]] {
        assert!(made_by(&patterns, "IBM x3550"));
        assert!(!made_by(&patterns, "IBM x3650"));
        assert!(
            !made_by(&patterns, "HP"),
            "one of the others is still wanted"
        );
    }
}

#[test]
fn a_fact_that_is_not_told_meets_nothing() {
    for patterns in [["IBM*"], ["!IBM*"], ["*"]] {
        let condition = condition(FactName::Manufacturer, &patterns);
        assert!(!condition.is_met(None), "{patterns:?}");
    }
    for patterns in [[">= 0 B"], ["<= 64 GiB"], ["!> 64 GiB"], ["*"]] {
        let condition = condition(FactName::Memory, &patterns);
        assert!(!condition.is_met(None), "{patterns:?}");
    }
}

#[test]
fn to_have_none_is_known_of_what_hearth_itself_knows() {
    let meets = |patterns: &[&str], tags: &[&str]| {
        let values: Vec<_> = tags.iter().copied().map(Value::text).collect();
        condition(FactName::Tag, patterns).is_met(Some(&values))
    };
    assert!(meets(&["!keep"], &[]) && meets(&["!keep"], &["lab"]));
    assert!(!meets(&["!keep"], &["lab", "keep"]));
    assert!(meets(&["lab"], &["lab", "keep"]) && !meets(&["lab"], &[]));
    assert!(meets(&["!*"], &[]) && !meets(&["!*"], &["lab"]));
    assert!(meets(&["lab", "!keep"], &["lab"]) && !meets(&["lab", "!keep"], &["keep", "lab"]));
}

#[test]
fn a_sign_or_star_that_is_meant_as_it_stands_can_be_written() {
    assert!(made_by(&[r"\!important"], "!important"));
    assert!(!made_by(&[r"\!important"], "important"));
    assert!(made_by(&[r"!\!important"], "important"));
    assert!(!made_by(&[r"!\!important"], "!Important"));
    assert!(made_by(&[r"\*\?"], "*?") && !made_by(&[r"\*\?"], "ab"));
    assert!(made_by(&["a!b"], "A!B"), "elsewhere it is a character");
    assert!(made_by(&["  ! IBM "], "HP") && !made_by(&["  ! IBM "], "ibm"));
}

#[test]
fn sizes_are_compared_as_numbers() {
    let gib = 1 << 10;
    for (pattern, met, missed) in [
        (">= 16 GiB", 16 * gib, 16 * gib - 1),
        (">=16GiB", 16 * gib, 9 * gib),
        ("> 16 GiB", 16 * gib + 1, 16 * gib),
        ("<= 8 GiB", 8 * gib, 8 * gib + 1),
        ("< 8 GiB", 8 * gib - 1, 8 * gib),
        ("16 GiB", 16 * gib, 16 * gib + 1),
        ("= 16 GiB", 16 * gib, 15 * gib),
        ("!= 16 GiB", 15 * gib, 16 * gib),
        ("8 GiB..64 GiB", 8 * gib, 8 * gib - 1),
        ("8GiB .. 64GiB", 64 * gib, 64 * gib + 1),
        ("!8 GiB..64 GiB", 128 * gib, 16 * gib),
        // 16 GB are less than 16 GiB, as everywhere.
        (">= 16 GB", 16 * gib, 15 * 1000),
    ] {
        assert!(has_memory(&[pattern], met), "{pattern} {met}");
        assert!(!has_memory(&[pattern], missed), "{pattern} {missed}");
    }
    // As text the first would be the larger.
    assert!(!has_memory(&[">= 16 GiB"], 9 * gib));
    assert!(has_memory(&[">= 8 GiB", "!>= 64 GiB"], 63 * gib));
    assert!(!has_memory(&[">= 8 GiB", "!>= 64 GiB"], 64 * gib));
}

#[test]
fn processors_and_platforms_are_known_by_both_of_their_names() {
    let runs = |pattern: &str, cpu: Cpu| {
        condition(FactName::Architecture, &[pattern]).is_met(Some(&[Value::Cpu(cpu)]))
    };
    assert!(runs("amd64", Cpu::Amd64) && runs("X86_64", Cpu::Amd64) && !runs("amd64", Cpu::I386));
    assert!(runs("arm*", Cpu::Arm32) && runs("arm*", Cpu::Arm64) && !runs("!arm*", Cpu::Arm64));
    let boots = |pattern: &str, platform: Platform| {
        condition(FactName::Platform, &[pattern]).is_met(Some(&[Value::Platform(platform)]))
    };
    assert!(boots("uefi", Platform::Efi) && boots("BIOS", Platform::Bios));
    assert!(!boots("!efi", Platform::Efi) && boots("*", Platform::Bios));
}

#[test]
fn a_uuid_is_met_in_either_byte_order_whole_or_by_its_beginning() {
    let uuid: Uuid = "4c4c4544-0042-3510-8052-b4c04f4d3132".parse().unwrap();
    for (pattern, met) in [
        ("4c4c4544-0042-3510-8052-b4c04f4d3132", true),
        ("44454C4C-4200-1035-8052-b4c04f4d3132", true),
        ("4c4c4544-*", true),
        ("44454c4c-*", true),
        ("*-b4c04f4d3132", true),
        ("!44454c4c-*", false),
        ("deadbeef-*", false),
    ] {
        let condition = condition(FactName::Uuid, &[pattern]);
        for uuid in [uuid, uuid.swapped()] {
            assert_eq!(
                condition.is_met(Some(&[Value::Uuid(uuid)])),
                met,
                "{pattern}"
            );
        }
    }
}

#[test]
fn what_is_left_out_is_left_out_for_any_of_several_cards() {
    let macs =
        ["5c:f3:fc:01:02:03", "00:1a:64:01:02:03"].map(|mac| Value::Mac(mac.parse().unwrap()));
    let meets = |patterns: &[&str]| condition(FactName::Mac, patterns).is_met(Some(&macs));
    assert!(meets(&["5c:f3:fc:*"]) && meets(&["00:1a:64"]));
    assert!(!meets(&["!00:1a:64"]) && !meets(&["5c:f3:fc:*", "!00:1a:64"]));
}

#[test]
fn a_condition_prints_as_it_is_written_and_reads_as_it_prints() {
    for (fact, patterns, printed) in [
        (
            FactName::Manufacturer,
            &["IBM*"][..],
            r#"manufacturer = "IBM*""#,
        ),
        (
            FactName::Product,
            &["*x*", "!*M4*"],
            r#"product = ["*x*", "!*M4*"]"#,
        ),
        (FactName::Product, &[r"\*"], r"product = '\*'"),
        (FactName::Product, &[r#"a"b"#], r#"product = 'a"b'"#),
        (
            FactName::Product,
            &[r#"a"'\\b"#],
            r#"product = "a\"'\\\\b""#,
        ),
        (FactName::Memory, &[">= 16 GiB"], r#"memory = ">= 16 GiB""#),
    ] {
        let condition = condition(fact, patterns);
        assert_eq!(condition.to_string(), printed);
        let table: toml::Table = printed.parse().unwrap();
        let value = &table[fact.key()];
        let written: Vec<_> = match value.as_array() {
            Some(all) => all.iter().filter_map(toml::Value::as_str).collect(),
            None => value.as_str().into_iter().collect(),
        };
        assert_eq!(written, patterns);
    }
    let flag = Condition {
        fact: FactName::SecureBoot,
        patterns: vec![parse::flag(false)],
    };
    assert_eq!(flag.to_string(), "secure_boot = false");
}

#[test]
fn every_fact_has_a_key_of_its_own_and_is_in_the_schema() {
    let keys = FactName::ALL.map(FactName::key);
    let schema: Vec<_> = super::super::schema::MATCH
        .keys
        .iter()
        .map(|key| key.name)
        .collect();
    assert_eq!(keys.to_vec(), schema);
    for fact in FactName::ALL {
        assert_eq!(FactName::of_key(fact.key()), Some(fact));
    }
}

#[test]
fn every_fact_is_in_the_chapter_for_people() {
    let chapter = include_str!("../../../../docs/policies.md");
    let rows: String = chapter
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for fact in FactName::ALL {
        assert!(rows.contains(&format!("`{fact}`")), "{fact}");
    }
}

#[test]
fn what_one_covers_the_other_meets() {
    let test = |fact, text| read(fact, text).unwrap().pattern.test;
    for (fact, wide, narrow) in [
        (FactName::Memory, ">= 8 GiB", "16 GiB..32 GiB"),
        (FactName::Mac, "5c:f3:*", "5c:f3:fc:01:02:03"),
        (FactName::Nic, "14e4", "14e4:1639"),
        (FactName::Ip, "192.168.0.0/16", "192.168.1.7"),
        (FactName::Subnet, "fd00::/8", "fd00:1::/64"),
        (FactName::Architecture, "arm*", "arm64"),
        (FactName::Serial, "KQ*", "kq12"),
        (FactName::Serial, "*", "K?"),
    ] {
        assert!(
            test(fact, wide).covers(&test(fact, narrow)),
            "{wide} {narrow}"
        );
        assert!(
            !test(fact, narrow).covers(&test(fact, wide)),
            "{narrow} {wide}"
        );
    }
    assert!(!test(FactName::Ip, "0.0.0.0/0").covers(&test(FactName::Ip, "::1")));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_pattern_of_any_fact_can_be_read(
        text in prop_oneof!["\\PC{0,40}", "[!*?<>=.:/0-9a-fGiBM -]{0,24}"],
        number in 0..FactName::ALL.len(),
    ) {
        let fact = FactName::ALL[number];
        if let Ok(read) = read(fact, &text) {
            // It prints as what reads as the same.
            prop_assert!(read.pattern.test.covers(&read.pattern.test), "{text}");
            let again = super::parse::read(fact, &read.pattern.text).unwrap().pattern;
            prop_assert_eq!(again, read.pattern);
        }
    }

    #[test]
    fn a_network_has_the_addresses_that_begin_with_its_bits(
        base: u32, bits in 0..=32_u32, near in 0..64_u32, flip in 0..32_u32, address: u32,
    ) {
        let first = if bits == 0 { 0 } else { base >> (32 - bits) << (32 - bits) };
        let network = format!("{}/{bits}", Ipv4Addr::from(first));
        let condition = condition(FactName::Subnet, &[&network]);
        for address in [address, base ^ near, base ^ (1 << flip), base] {
            let begin = |number: u32| format!("{number:032b}")[..bits as usize].to_owned();
            let value = Value::Address(Ipv4Addr::from(address).into());
            prop_assert_eq!(condition.is_met(Some(&[value])), begin(address) == begin(base));
        }
    }

    #[test]
    fn a_comparison_is_that_of_numbers(number in 0..200_u64, other in 0..200_u64, high in 0..200_u64) {
        let is = |pattern: String| {
            let condition = condition(FactName::Memory, &[&pattern]);
            condition.is_met(Some(&[Value::Size(number << 30)]))
        };
        prop_assume!(other > 0);
        prop_assert_eq!(is(format!("< {other} GiB")), number < other);
        prop_assert_eq!(is(format!("<= {other} GiB")), number <= other);
        prop_assert_eq!(is(format!("> {other} GiB")), number > other);
        prop_assert_eq!(is(format!(">= {other} GiB")), number >= other);
        prop_assert_eq!(is(format!("{other} GiB")), number == other);
        prop_assert_eq!(is(format!("!= {other} GiB")), number != other);
        prop_assume!(high >= other);
        prop_assert_eq!(is(format!("{other} GiB..{high} GiB")), (other..=high).contains(&number));
    }
}
