//! Whatever stands in a file, reading it ends, in words.

use std::fmt::Write;

use proptest::prelude::*;

use super::super::schema::{INNER, Keys, TABLES};
use super::Folder;

/// Loads bytes and looks at every diagnostic; returns how many there are.
fn survive(bytes: &[u8]) -> usize {
    let folder = Folder::new();
    folder.write("hearth.toml", bytes);
    let diagnostics = match folder.load() {
        Ok(loaded) => loaded.warnings,
        Err(diagnostics) => {
            assert!(diagnostics.count().0 > 0, "refused without an error");
            diagnostics
        }
    };
    for one in &diagnostics {
        let words = one.to_string();
        let harmless = |c: char| !c.is_control() || c == '\n';
        assert!(words.chars().all(harmless), "{words:?}");
        if let Some((line, column)) = one.position {
            assert!(line >= 1 && column >= 1);
        }
        if let Some(excerpt) = &one.excerpt {
            assert!(excerpt.width >= 1 && excerpt.indent + excerpt.width <= 400);
        }
    }
    diagnostics.iter().count()
}

/// A value of any type, often one that some key wants.
fn value() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("talos".to_owned()),
        Just("local".to_owned()),
        Just("v1.11.2".to_owned()),
        Just("192.168.1.5/24".to_owned()),
        Just("5c:f3:fc:01:02:03".to_owned()),
        Just("https://x.example/file".to_owned()),
        Just("5s".to_owned()),
        Just("1 GiB".to_owned()),
        Just("!>= 1 GiB".to_owned()),
        Just("192.168.1.0/24".to_owned()),
        Just("*".to_owned()),
        Just("!*a?".to_owned()),
        "\\PC{0,12}",
        "[a-z0-9:./-]{0,20}",
    ];
    let leaf = prop_oneof![
        word.prop_map(|text| format!("{text:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|yes| yes.to_string()),
        Just("0xffffffffffffffffffffffff".to_owned()),
        Just("1979-05-27".to_owned()),
        Just("-inf".to_owned()),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let entry = (any_key(), inner.clone()).prop_map(|(key, value)| format!("{key} = {value}"));
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(|items| format!("[{}]", items.join(", "))),
            prop::collection::vec(entry, 0..4)
                .prop_map(|entries| format!("{{ {} }}", entries.join(", "))),
        ]
    })
}

fn any_key() -> impl Strategy<Value = &'static str> {
    let all = TABLES.iter().chain(&INNER).flat_map(|table| table.keys);
    let names: Vec<&str> = all.map(|key| key.name).collect();
    prop::sample::select(names)
}

fn table() -> impl Strategy<Value = String> {
    prop::sample::select(TABLES.to_vec()).prop_flat_map(|keys: &'static Keys| {
        let names: Vec<&str> = keys.keys.iter().map(|key| key.name).collect();
        let entries = prop::collection::btree_map(prop::sample::select(names), value(), 0..6);
        entries.prop_map(move |entries| {
            let mut text = format!("{}\n", keys.head());
            for (key, value) in entries {
                writeln!(text, "{key} = {value}").unwrap();
            }
            text
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        survive(&bytes);
    }

    #[test]
    fn any_text_that_looks_like_toml_is_survived(text in "([\\[\\]{}=.\"'#\\\\,\n\t a-e0-9é]|\\[\\[|\"\"\"|''')*") {
        survive(text.as_bytes());
    }

    #[test]
    fn any_tables_of_known_keys_are_survived(tables in prop::collection::vec(table(), 0..8)) {
        survive(tables.join("\n").as_bytes());
    }

    #[test]
    fn the_sample_with_any_bytes_changed_is_survived(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = include_bytes!("sample.toml").to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        survive(&bytes);
    }
}

#[test]
fn endless_nesting_is_survived() {
    for text in [
        "a.".repeat(200_000) + "a = 1",
        format!("[{}a]", "a.".repeat(200_000)),
        format!("a = {}", "[".repeat(200_000)),
        format!("a = {}", "{ a = ".repeat(200_000)),
        "[".repeat(200_000),
    ] {
        assert!(survive(text.as_bytes()) > 0);
    }
}

#[test]
fn a_file_full_of_mistakes_is_told_of_in_bounded_words() {
    let in_lines = "[[machine]]\nfoo = 1\n".repeat(4_000);
    let in_one_line = format!("machine = [{}]", "{ foo = 1 }, ".repeat(4_000));
    let broken_heads = "[[image\n".repeat(4_000);
    let one_key = "a = 1\n".repeat(4_000);
    for text in [in_lines, in_one_line, broken_heads, one_key] {
        let folder = Folder::with(&text);
        let diagnostics = folder.load().unwrap_err();
        assert_eq!(diagnostics.count().0, crate::limits::CONFIG_MISTAKES);
        let words = diagnostics.to_string();
        assert!(words.len() < 1_000_000, "{} bytes", words.len());
        assert!(words.ends_with("more mistakes are not shown"));
    }
}

/// The processor's time of this thread: what else the machine does counts for nothing.
fn spent() -> std::time::Duration {
    use nix::sys::resource::{UsageWho, getrusage};
    use nix::sys::time::TimeValLike;
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    let time = usage.user_time() + usage.system_time();
    std::time::Duration::from_micros(time.num_microseconds().unsigned_abs())
}

/// So many times what a file of 2,000 plain profiles costs here: hosts are slow and fast.
fn plain_files(many: u32) -> std::time::Duration {
    let profile = |number| format!("[[profile]]\nname = \"p{number}\"\nimage = \"i\"\n");
    let text: String = (0..2_000).map(profile).collect();
    let began = spent();
    survive(text.as_bytes());
    (spent() - began) * many
}

#[test]
fn many_secrets_in_one_line_cost_no_more_than_elsewhere_and_stay_masked() {
    let profile = "{ omni = { token = \"hunter2\" }, foo = 1 }, ";
    let folder = Folder::with(&format!("profile = [{}]", profile.repeat(15_000)));
    let began = spent();
    let diagnostics = folder.load().unwrap_err();
    // Before, each character that is shown was held against each secret: minutes for this file.
    let took = spent() - began;
    assert!(took < plain_files(400), "{took:?}");
    assert!(!diagnostics.to_string().contains("hunter2"));
}

#[test]
fn a_menu_of_very_many_profiles_is_read_in_time() {
    let profile = |number| format!("[[profile]]\nname = \"p{number}\"\n");
    let text: String = (0..90_000).map(profile).collect();
    let began = spent();
    assert_eq!(survive(text.as_bytes()), crate::limits::CONFIG_MISTAKES);
    // Before, each item was held against each other one.
    let took = spent() - began;
    assert!(took < plain_files(400), "{took:?}");
}

#[test]
fn policies_with_very_many_patterns_are_read_in_time() {
    let base = "[[image]]\nname = \"i\"\nrecipe = \"netboot.xyz\"\n[[profile]]\nname = \"p\"\nimage = \"i\"\n\
                [server]\naddresses = [\"192.168.1.1\"]\n";
    let policy = |name: usize, patterns: usize, suffix: &str| {
        let patterns: Vec<_> = (0..patterns)
            .map(|number| format!("\"{name}{number}{suffix}\""))
            .collect();
        let patterns = patterns.join(", ");
        format!(
            "[[policy]]\nname = \"{name}\"\nprofile = \"p\"\nmatch = {{ serial = [{patterns}] }}\n"
        )
    };
    let began = spent();
    let most = crate::limits::PATTERNS;
    assert_eq!(
        survive(format!("{base}{}", policy(0, most, "")).as_bytes()),
        0
    );
    assert_eq!(
        survive(format!("{base}{}", policy(0, most + 1, "")).as_bytes()),
        1
    );
    let halves: Vec<_> = (0..most / 2)
        .map(|number| format!("\"a{number}\", \"!b{number}\""))
        .collect();
    let halves = policy(0, 1, "").replace("\"00\"", &halves.join(", "));
    assert_eq!(survive(format!("{base}{halves}").as_bytes()), 0);
    // As many as are held against each other, none of which hides another, and some more.
    for count in [crate::limits::POLICIES_COMPARED, 5_000] {
        let policies: String = (0..count).map(|name| policy(name, 16, "?*x")).collect();
        assert_eq!(survive(format!("{base}{policies}").as_bytes()), 0);
    }
    let took = spent() - began;
    assert!(took < plain_files(400), "{took:?}");
}
