//! Bad configurations and every word that is said of them: `cases/*.txt`.
//!
//! A case starts with `=== name`, then come the file's lines, then `---`, then what is said.
//! `@@ path` starts another file; `\t` is a tab and `␛` an escape character. Where no `[server]` is written, a right one is put at the end.

use std::fmt::Write;

use super::{Environment, Folder};

const SERVER: &str = "\n[server]\naddresses = [\"192.168.1.1\"]\n";

struct Case<'a> {
    name: &'a str,
    files: Vec<(&'a str, String)>,
    said: String,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let blocks = text.split("\n=== ").map(|b| b.trim_start_matches("=== "));
    let cases = blocks.map(|block| {
        let (name, rest) = block.split_once('\n').unwrap();
        let (input, said) = rest.split_once("\n---").unwrap();
        let mut files = vec![("hearth.toml", String::new())];
        for line in input.lines() {
            match line.strip_prefix("@@ ") {
                Some(path) => files.push((path, String::new())),
                None => {
                    let line = line.replace("\\t", "\t").replace('␛', "\u{1b}");
                    writeln!(files.last_mut().unwrap().1, "{line}").unwrap();
                }
            }
        }
        if !files.iter().any(|(_, text)| text.contains("[server]")) {
            files[0].1.push_str(SERVER);
        }
        Case {
            name,
            files,
            said: said.trim().to_owned(),
        }
    });
    cases.collect()
}

fn said_of(case: &Case) -> String {
    let folder = Folder::new();
    for (path, text) in &case.files {
        folder.write(path, text);
    }
    let environment = Environment {
        local_addresses: Some(vec!["192.168.1.1".parse().unwrap(), "::1".parse().unwrap()]),
        later: false,
    };
    match folder.load_in(&environment) {
        Ok(loaded) => folder.words(&loaded.warnings),
        Err(diagnostics) => folder.words(&diagnostics),
    }
}

#[track_caller]
fn hold(text: &str, least: usize) {
    let cases = cases(text);
    assert!(cases.len() >= least, "{} cases", cases.len());
    let mut wrong = String::new();
    for case in &cases {
        let said = said_of(case);
        if said != case.said {
            write!(wrong, "\n=== {}\n---\n{said}\n", case.name).unwrap();
        }
    }
    assert!(wrong.is_empty(), "other words than expected:\n{wrong}");
}

#[test]
fn words_are_as_expected_for_what_is_no_toml() {
    hold(include_str!("cases/syntax.txt"), 8);
}

#[test]
fn words_are_as_expected_for_tables_and_keys() {
    hold(include_str!("cases/keys.txt"), 12);
}

#[test]
fn words_are_as_expected_for_values() {
    hold(include_str!("cases/values.txt"), 30);
}

#[test]
fn words_are_as_expected_for_names_and_references() {
    hold(include_str!("cases/references.txt"), 12);
}

#[test]
fn words_are_as_expected_for_machines() {
    hold(include_str!("cases/machines.txt"), 12);
}

#[test]
fn words_are_as_expected_for_answers_and_variables() {
    hold(include_str!("cases/answers.txt"), 8);
}

#[test]
fn words_are_as_expected_for_secrets() {
    hold(include_str!("cases/secrets.txt"), 5);
}

#[test]
fn words_are_as_expected_for_policies() {
    hold(include_str!("cases/policies.txt"), 8);
}
