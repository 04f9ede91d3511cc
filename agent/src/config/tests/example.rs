//! `hearth.example.toml`, the defaults and the schema say the same.

use std::path::PathBuf;

use super::super::schema::{INNER, TABLES};
use super::super::*;
use super::Folder;

const EXAMPLE: &str = include_str!("../../../hearth.example.toml");

/// The example's lines of configuration, without the sign that makes each a comment.
fn lines() -> impl Iterator<Item = &'static str> {
    let lines = EXAMPLE.lines();
    lines.filter_map(|line| match line.strip_prefix('#') {
        Some(commented) if commented.starts_with([' ', '\t']) || commented.is_empty() => None,
        Some(commented) => Some(commented),
        None => Some(line),
    })
}

fn is_example(line: &str) -> bool {
    line.ends_with("# example")
}

#[track_caller]
fn load_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Config {
    let text: Vec<&str> = lines.collect();
    let folder = Folder::with(&text.join("\n"));
    folder.write("omni.token", "hunter2");
    folder.write("root.password", "hunter2");
    folder.write(
        "answers/preseed.cfg",
        "d-i passwd/root-password string {{ variables.root_password }}\n",
    );
    folder.write("answers/late.sh", "echo {{ variables.role }}\n");
    match folder.load() {
        Ok(mut loaded) => {
            // The folder is another one each time.
            let profiles = loaded.config.profiles.values_mut();
            for answer in profiles.flat_map(|profile| profile.answers.values_mut()) {
                let below = |path: &PathBuf| path.strip_prefix(folder.path()).unwrap().to_owned();
                answer.path = answer.path.as_ref().map(below);
            }
            loaded.config
        }
        Err(diagnostics) => panic!("{diagnostics}"),
    }
}

/// What is written without a sign.
fn as_it_is() -> Config {
    load_lines(EXAMPLE.lines())
}

#[test]
fn the_example_as_it_is_says_only_what_has_no_default() {
    let written = EXAMPLE
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    let written: Vec<_> = written.collect();
    assert_eq!(written, ["[server]", "addresses = [\"192.168.1.1\"]"]);
}

#[test]
fn every_default_of_the_example_is_the_codes() {
    // Declared things have no place without their names, so they have a test of their own.
    let tables = lines().take_while(|line| !line.starts_with("[["));
    let written = load_lines(tables.filter(|line| !is_example(line)));
    assert_eq!(written, as_it_is());
    assert_eq!(written.tftp, defaults::tftp());
}

#[test]
fn every_default_of_a_declared_thing_in_the_example_is_the_codes() {
    // A key that is shown with its default and with another value: only one of the two can be read.
    let shown_twice = |line: &&str| {
        is_example(line)
            && ["meta =", "initrds ="]
                .iter()
                .any(|key| line.starts_with(key))
    };
    let places = ["origin =", "archive =", "source ="];
    let place = |line: &&str| places.iter().any(|key| line.starts_with(key));
    let all = || lines().filter(|line| !shown_twice(line) && !place(line));
    let menu = |line: &&str| !line.starts_with("items =");
    let with_defaults = load_lines(all().filter(menu));
    let without =
        load_lines(all().filter(|line| {
            is_example(line) || line.starts_with('[') || line.starts_with("addresses")
        }));
    assert_eq!(with_defaults, without);
    assert_eq!(without.images.len(), 5);
    assert_eq!(without.machines.len(), 1);
}

#[test]
fn every_other_value_that_the_example_shows_holds() {
    let places = ["origin =", "archive =", "source ="];
    for place in places {
        let others = places.iter().filter(|other| **other != place);
        let others: Vec<_> = others.collect();
        load_lines(lines().filter(|line| {
            let other_place = others.iter().any(|other| line.starts_with(**other));
            !other_place && !matches!(*line, "meta = []" | "initrds = []")
        }));
    }
}

#[test]
fn the_example_has_every_key_that_the_reader_knows() {
    let text: String = lines().collect::<Vec<_>>().join("\n");
    for table in TABLES.iter().chain(&INNER) {
        let section = section(&text, table.table);
        for key in table.keys {
            let written = section
                .split(['\n', '{', ',', ' ', '.', ']'])
                .any(|word| word == key.name);
            assert!(
                written,
                "`{}` of {} is not in the example",
                key.name,
                table.head()
            );
        }
    }
}

/// Everything that the example has below this table's heads, or behind this key.
fn section(text: &str, table: &str) -> String {
    let outer = table.split('.').next().unwrap_or(table);
    let mut inside = false;
    let mut section = String::new();
    for line in text.lines() {
        if line.starts_with('[') {
            let head = line.trim_start_matches('[');
            let head = head.split([']', '.']).next();
            inside = head == Some(outer);
        }
        if inside {
            section.push_str(line);
            section.push('\n');
        }
    }
    section
}

/// A date is never what a key wants, so every key that is really read is told of.
#[test]
fn every_key_of_the_schema_is_read() {
    let recipes = ["talos", "debian", "netboot.xyz", "memtest", "custom"];
    for table in TABLES {
        for key in table.keys {
            let mut text = format!("{}\n{} = 1979-05-27\n", table.head(), key.name);
            let told = |text: &str| {
                let words = Folder::with(text).load().unwrap_err().to_string();
                words.contains(&format!("hearth.toml:2:{}: error: ", key.name.len() + 4))
            };
            let found = if table.table == "image" && !matches!(key.name, "name" | "recipe") {
                recipes
                    .iter()
                    .any(|recipe| told(&format!("{text}recipe = \"{recipe}\"\n")))
            } else {
                text.push('\n');
                told(&text)
            };
            assert!(found, "`{}` of {} is not read", key.name, table.head());
        }
    }
    for (table, around) in [
        (
            "image.overlay",
            "[[image]]\nrecipe = \"talos\"\noverlay = { KEY = 1979-05-27 }",
        ),
        (
            "image.meta",
            "[[image]]\nrecipe = \"talos\"\nmeta = [{ KEY = 1979-05-27 }]",
        ),
        (
            "image.kernel",
            "[[image]]\nrecipe = \"custom\"\nkernel = { KEY = 1979-05-27 }",
        ),
        (
            "image.initrds",
            "[[image]]\nrecipe = \"custom\"\ninitrds = [{ KEY = 1979-05-27 }]",
        ),
        ("profile.omni", "[[profile]]\n\nomni = { KEY = 1979-05-27 }"),
        (
            "profile.omni.token",
            "[[profile]]\n\nomni = { token = { KEY = 1979-05-27 } }",
        ),
        (
            "profile.answers",
            "[[profile]]\n\nanswers = { x = { KEY = 1979-05-27 } }",
        ),
        (
            "profile.variables",
            "[[profile]]\n\nvariables = { x = { KEY = 1979-05-27 } }",
        ),
        ("policy.match", "[[policy]]\n\nmatch = { KEY = 1979-05-27 }"),
    ] {
        let table = INNER.iter().find(|keys| keys.table == table).unwrap();
        for key in table.keys {
            let text = around.replace("KEY", key.name);
            let line = text.lines().nth(2).unwrap();
            let column = line.find("1979").unwrap() + 1;
            let words = Folder::with(&text).load().unwrap_err().to_string();
            let place = format!("hearth.toml:3:{column}: error: ");
            assert!(
                words.contains(&place),
                "`{}` of {} is not read:\n{words}",
                key.name,
                table.table
            );
        }
    }
}

const DOCS: &str = include_str!("../../../../docs/configuration.md");

/// The rows of the reference for people: heading, key, default.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut heading = "";
    let mut rows = Vec::new();
    for line in DOCS.lines() {
        if let Some(text) = line.strip_prefix("## ") {
            heading = text.trim_matches(['`', '[', ']']);
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let ["", key, _, default, _, ""] = cells.as_slice()
            && key.starts_with('`')
        {
            rows.push((heading, key.trim_matches('`'), *default));
        }
    }
    rows
}

#[test]
fn the_reference_has_every_key_and_no_other() {
    let rows = rows();
    for table in TABLES.iter().chain(&INNER) {
        let heading = table.table.split('.').next().unwrap();
        for key in table.keys {
            let found = rows
                .iter()
                .any(|(of, name, _)| *of == heading && *name == key.name);
            assert!(
                found,
                "`{}` of {} is not in the reference",
                key.name,
                table.head()
            );
        }
    }
    for (heading, key, _) in rows {
        let known = TABLES.iter().chain(&INNER).any(|table| {
            table.table.split('.').next() == Some(heading) && table.find(key).is_some()
        });
        assert!(
            known,
            "the reference has `{key}` in `{heading}`, the reader has not"
        );
    }
}

#[test]
fn the_reference_and_the_example_have_the_same_defaults() {
    let rows = rows();
    let mut table = String::new();
    let mut compared = 0;
    for line in lines() {
        if line.starts_with('[') {
            let head = line.trim_start_matches('[').split([']', '.']).next();
            table = head.unwrap_or_default().to_owned();
        } else if let Some((key, value)) = line.split_once(" = ")
            && !is_example(line)
            && !matches!(key, "addresses" | "label")
        {
            let quoted = format!("`{value}`");
            let said = rows.iter().any(|(of, name, default)| {
                *of == table && *name == key && default.contains(&quoted)
            });
            assert!(
                said,
                "the reference does not say that `{key}` of `{table}` is {quoted}"
            );
            compared += 1;
        }
    }
    assert!(compared > 40, "{compared}");
}
