//! The layers of the crate: a module imports only from layers below its own, the edges never import
//! each other, and nothing goes in a circle. `lib.rs` says what each module is for.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From top to bottom. Within a layer modules may import each other, but for the edges.
const LAYERS: [&[&str]; 7] = [
    &["cli"],
    &["daemon"],
    EDGES,
    &["timeline"],
    &[
        "answer", "boot", "dhcp", "event", "image", "machine", "recipe",
    ],
    &["config", "store"],
    &[
        "arch",
        "clock",
        "credential",
        "digest",
        "form",
        "id",
        "limits",
        "log",
        "mac",
        "nic",
        "pci",
        "percent",
        "stamp",
        "sync",
        "sys",
        "template",
        "tls",
        "uuid",
    ],
];
/// Sockets, files of the network, clocks.
const EDGES: &[&str] = &["api", "fetch", "http", "notify", "observe", "power", "tftp"];

/// What only some modules may write: the word, who may, and why.
const WORDS: [(&str, &[&str], &str); 7] = [
    ("println!", &["cli"], "only the command line prints"),
    ("print!", &["cli"], "only the command line prints"),
    ("stdout()", &["cli"], "only the command line prints"),
    (
        "stderr()",
        &["cli", "log"],
        "only the command line and the log print",
    ),
    (
        "process::exit",
        &[],
        "only main ends the process, by returning",
    ),
    ("unsafe", &["sys"], "unsafe code is in sys"),
    (
        "process::Command",
        &[],
        "no program is ever started, so none with data of the network",
    ),
];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Why `module` may not import `other`; `None` if it may.
fn refusal(module: &str, other: &str) -> Option<String> {
    let (Some(own), Some(its)) = (layer(module), layer(other)) else {
        return Some(format!(
            "{module} imports {other}: one of them is in no layer"
        ));
    };
    if module == other {
        None
    } else if its < own {
        Some(format!("{module} imports {other}, which is above it"))
    } else if EDGES.contains(&module) && EDGES.contains(&other) {
        Some(format!(
            "{module} imports {other}: edges never import each other"
        ))
    } else {
        None
    }
}

/// The code without comments and without what stands in quotes on one line.
fn code(text: &str) -> String {
    let line = |line: &str| {
        let line = line.split("//").next().unwrap_or_default();
        let outside = line.split('"').step_by(2);
        outside.collect::<Vec<_>>().join("\"\"")
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn word(text: &str) -> &str {
    let end = text.find(|c| !is_word(c)).unwrap_or(text.len());
    &text[..end]
}

/// The first words of a use tree: `a::b` is `a`, `{a::{b, c}, d}` is `a` and `d`.
fn heads(tree: &str) -> Vec<&str> {
    let Some(inside) = tree.strip_prefix('{') else {
        return vec![word(tree)];
    };
    let (mut depth, mut heads, mut begins) = (0, Vec::new(), true);
    for (at, character) in inside.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            _ if begins && is_word(character) => {
                heads.push(word(&inside[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    heads
}

/// The top-level modules that code of the module at `depth` (1: `tftp`, 2: `tftp::worker`) names.
fn imports(text: &str, depth: usize) -> BTreeSet<String> {
    let code = code(text);
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        names.extend(
            heads(&code[at + "crate::".len()..])
                .into_iter()
                .map(str::to_owned),
        );
    }
    let up = "super::".repeat(depth);
    for (at, _) in code.match_indices(&up) {
        let head = word(&code[at + up.len()..]);
        if layer(head).is_some() {
            names.insert(head.to_owned());
        }
    }
    names
}

struct Source {
    path: PathBuf,
    module: String,
    depth: usize,
    text: String,
}

impl Source {
    /// Tests may look at who uses what they test.
    fn without_tests(&self) -> &str {
        let is_test = self.path.ends_with("tests.rs") || self.path.ends_with("testing.rs");
        match self.text.split_once("#[cfg(test)]\nmod tests {") {
            _ if is_test => "",
            Some((code, _)) => code,
            None => &self.text,
        }
    }
}

fn sources(folder: &Path, above: &[String], found: &mut Vec<Source>) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut here = above.to_vec();
        if stem != "mod" {
            here.push(stem);
        }
        if path.is_dir() {
            sources(&path, &here, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(Source {
                module: here[0].clone(),
                depth: here.len(),
                text: fs::read_to_string(&path).unwrap(),
                path,
            });
        }
    }
}

fn tree() -> Vec<Source> {
    let mut found = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &[],
        &mut found,
    );
    assert!(found.len() > 100, "only {} files were read", found.len());
    found
}

fn modules() -> Vec<Source> {
    let mut found = tree();
    found.retain(|source| !matches!(source.module.as_str(), "lib" | "main"));
    found
}

#[test]
fn every_module_imports_downward_only() {
    let mut wrong = Vec::new();
    for source in modules() {
        for other in imports(&source.text, source.depth) {
            let why = refusal(&source.module, &other);
            wrong.extend(why.map(|why| format!("{}: {why}", source.path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_goes_in_a_circle() {
    let mut below: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in modules() {
        let mut names = imports(source.without_tests(), source.depth);
        names.remove(&source.module);
        below.entry(source.module).or_default().extend(names);
    }
    while let Some(free) = below.iter().find(|(_, names)| names.is_empty()) {
        let free = free.0.clone();
        below.remove(&free);
        below.values_mut().for_each(|names| {
            names.remove(&free);
        });
    }
    assert!(below.is_empty(), "these import each other: {below:?}");
}

#[test]
fn main_is_one_call() {
    let main = tree().into_iter().find(|source| source.module == "main");
    let code = code(&main.unwrap().text);
    assert!(code.contains("hearth::cli::main()"));
    assert_eq!(code.matches("hearth::").count(), 1);
}

#[test]
fn what_only_some_may_do_nobody_else_does() {
    let mut wrong = Vec::new();
    for source in modules() {
        let code = code(source.without_tests());
        for (what, who, why) in WORDS {
            let mut places = code.match_indices(what);
            let alone = |at: usize| at == 0 || !code[..at].ends_with(is_word);
            let whole =
                places.any(|(at, _)| alone(at) && !code[at + what.len()..].starts_with(is_word));
            if whole && !who.contains(&source.module.as_str()) {
                wrong.push(format!("{}: {what}: {why}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_way_to_import_is_seen() {
    let all = |text: &str, depth| imports(text, depth).into_iter().collect::<Vec<_>>();
    let text = "use crate::{\n    boot::{Gate, gate::Keeper},\n    http, tftp::Server,\n};\n\
                let x = crate::mac::Mac::new(); // crate::cli\nlet y = \"crate::daemon\";";
    assert_eq!(all(text, 1), ["boot", "http", "mac", "tftp"]);
    assert_eq!(all("use super::super::http::Server;", 2), ["http"]);
    assert_eq!(all("use super::worker::Worker;", 2), [""; 0]);
}

#[test]
fn a_violation_is_found() {
    assert!(refusal("config", "boot").is_some());
    assert!(refusal("tftp", "http").is_some());
    assert!(refusal("http", "daemon").is_some());
    assert!(refusal("sys", "config").is_some());
    assert!(refusal("newcomer", "config").is_some());
    assert!(refusal("tftp", "boot").is_none());
    assert!(refusal("boot", "event").is_none());
}
