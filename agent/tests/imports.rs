//! The layers of the crate: a module imports only from layers below its own, and the edges never
//! import each other. `lib.rs` says what each module is for.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

/// From top to bottom. Within a layer modules may import each other, but for the edges.
const LAYERS: [&[&str]; 6] = [
    &["cli"],
    &["daemon"],
    EDGES,
    &["boot", "dhcp", "event", "image", "machine", "recipe"],
    &["config"],
    &["arch", "digest", "limits", "log", "mac", "sys", "uuid"],
];
const EDGES: &[&str] = &["fetch", "http", "tftp"];

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Why `module` may not import `other`; `None` if it may.
fn refusal(module: &str, other: &str) -> Option<String> {
    if module == other {
        return None;
    }
    let (own, its) = (layer(module)?, layer(other)?);
    if its < own {
        Some(format!("{module} imports {other}, which is above it"))
    } else if EDGES.contains(&module) && EDGES.contains(&other) {
        Some(format!(
            "{module} imports {other}: edges never import each other"
        ))
    } else {
        None
    }
}

/// The modules that a text names behind `crate::`, in one path or in braces.
fn imports(text: &str) -> Vec<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.collect::<Vec<_>>().join("\n");
    let mut names = Vec::new();
    for after in code.split("crate::").skip(1) {
        let group = after
            .strip_prefix('{')
            .and_then(|rest| rest.split_once("};"));
        let paths = group.map_or_else(|| vec![after], |(inside, _)| inside.split(',').collect());
        names.extend(paths.iter().map(|path| {
            let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
            path.trim()
                .chars()
                .take_while(|c| word(*c))
                .collect::<String>()
        }));
    }
    names
}

fn check(folder: &Path, module: Option<&str>, wrong: &mut Vec<String>, files: &mut usize) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = module.unwrap_or(&stem);
        if path.is_dir() {
            check(&path, Some(module), wrong, files);
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !matches!(module, "lib" | "main")
        {
            *files += 1;
            assert!(
                layer(module).is_some(),
                "{module} is in no layer: {}",
                path.display()
            );
            let text = fs::read_to_string(&path).unwrap();
            let refused = imports(&text)
                .into_iter()
                .filter_map(|other| refusal(module, &other));
            wrong.extend(refused.map(|why| format!("{}: {why}", path.display())));
        }
    }
}

#[test]
fn every_module_imports_downward_only() {
    let (mut wrong, mut files) = (Vec::new(), 0);
    check(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        None,
        &mut wrong,
        &mut files,
    );
    assert!(files > 30, "only {files} files were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_violation_is_found() {
    assert_eq!(
        imports("use crate::{http, tftp::Server};\nlet x = crate::boot::f();"),
        ["http", "tftp", "boot"]
    );
    assert!(refusal("config", "boot").is_some());
    assert!(refusal("tftp", "http").is_some());
    assert!(refusal("tftp", "boot").is_none());
    assert!(refusal("boot", "event").is_none());
}
