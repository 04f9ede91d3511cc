//! `[[image]]`: the common keys, and those of each recipe.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::super::reader::Value;
use super::super::report::Report;
use super::super::schema::{self, Keys};
use super::super::table::Table;
use super::super::{Custom, Debian, Meta, Overlay, Recipe, Source, Talos, Url, defaults, raw};
use super::loaders::architectures;
use super::{arguments, name};
use crate::arch::Cpu;

/// What each recipe may hold besides `name`, `recipe` and `architectures`, and the processors that
/// it exists for.
const RECIPES: [(&str, &[&str], &[Cpu]); 5] = [
    (
        "talos",
        &[
            "version",
            "factory",
            "extensions",
            "extra_kernel_arguments",
            "overlay",
            "meta",
        ],
        &[Cpu::Amd64, Cpu::Arm64],
    ),
    (
        "debian",
        &["version", "mirror"],
        &[
            Cpu::I386,
            Cpu::Amd64,
            Cpu::Arm32,
            Cpu::Arm64,
            Cpu::Riscv64,
            Cpu::Loong64,
        ],
    ),
    ("netboot.xyz", &["url"], &Cpu::ALL),
    (
        "memtest",
        &["url", "sha256"],
        &[Cpu::I386, Cpu::Amd64, Cpu::Loong64],
    ),
    ("custom", &["kernel", "initrds", "arguments"], &Cpu::ALL),
];

/// Initrds of one image.
const MOST_INITRDS: usize = 32;

pub(super) fn read(table: Table, report: &mut Report) -> raw::Image {
    let image_name = table
        .need("name", report)
        .and_then(|value| name(value, report));
    let choices = RECIPES.map(|recipe| (recipe.0, recipe));
    let recipe = table.need("recipe", report);
    let recipe = recipe.and_then(|value| value.choice(&choices, report));
    let given = table.get("architectures");
    let given_list = given.and_then(|value| architectures(value, report));
    let Some((recipe, keys, made_for)) = recipe.map(|recipe| recipe.value) else {
        return raw::Image {
            name: image_name,
            recipe: None,
            architectures: Vec::new(),
        };
    };
    refuse_foreign_keys(&table, recipe, keys, report);
    if let (Some(value), Some(list)) = (given, &given_list) {
        if let Some(cpu) = list.iter().find(|cpu| !made_for.contains(cpu)) {
            value.wrong::<()>(&format!("`{recipe}` is not made for {cpu}"), report);
        } else if list.is_empty() {
            value.wrong::<()>("at least one processor is needed", report);
        }
    }
    let default: &[Cpu] = match recipe {
        "netboot.xyz" => &defaults::NETBOOT_XYZ_ARCHITECTURES,
        _ => &defaults::IMAGE_ARCHITECTURES,
    };
    raw::Image {
        name: image_name,
        recipe: match recipe {
            "talos" => talos(&table, report).map(Recipe::Talos),
            "debian" => debian(&table, report).map(Recipe::Debian),
            "netboot.xyz" => url(&table, "url", defaults::NETBOOT_XYZ_URL, report)
                .map(|url| Recipe::NetbootXyz { url }),
            "memtest" => memtest(&table, report),
            _ => custom(&table, report).map(Recipe::Custom),
        },
        architectures: given_list.unwrap_or_else(|| default.to_vec()),
    }
}

/// An image that a menu item implies, with every default.
pub(in super::super) fn implied(recipe: &str) -> Option<(Recipe, Vec<Cpu>)> {
    match recipe {
        "netboot.xyz" => Some((
            Recipe::NetbootXyz {
                url: Url::new(defaults::NETBOOT_XYZ_URL).ok()?,
            },
            defaults::NETBOOT_XYZ_ARCHITECTURES.to_vec(),
        )),
        "memtest" => Some((
            Recipe::Memtest {
                url: Url::new(defaults::MEMTEST_URL).ok()?,
                sha256: None,
            },
            defaults::IMAGE_ARCHITECTURES.to_vec(),
        )),
        _ => None,
    }
}

fn refuse_foreign_keys(table: &Table, recipe: &str, keys: &[&str], report: &mut Report) {
    for value in table.written() {
        let key = value.key.name;
        if matches!(key, "name" | "recipe" | "architectures") || keys.contains(&key) {
            continue;
        }
        let owners = RECIPES.iter().filter(|(_, keys, _)| keys.contains(&key));
        let owners: Vec<_> = owners.map(|(name, _, _)| format!("`{name}`")).collect();
        report
            .error(
                value.key_place(),
                format!("`{key}` is no key of the recipe `{recipe}`"),
            )
            .note(format!(
                "it belongs to the recipe {}; `{recipe}` has {}",
                owners.join(" or "),
                keys.join(", ")
            ));
    }
}

fn url(table: &Table, key: &'static str, default: &str, report: &mut Report) -> Option<Url> {
    match table.get(key) {
        Some(value) => Some(value.word(Url::new, report)?.value),
        None => Url::new(default).ok(),
    }
}

fn talos(table: &Table, report: &mut Report) -> Option<Talos> {
    let version = table.need("version", report);
    let version = version.and_then(|value| value.word(talos_version, report));
    let factory = url(table, "factory", defaults::TALOS_FACTORY, report);
    let extensions = table.get("extensions");
    let extensions = extensions.and_then(|value| value.words(container_image, report));
    let overlay = table.get("overlay").map(|value| overlay(value, report));
    let meta = table.get("meta").map(|value| meta(value, report));
    let extra_kernel_arguments = arguments(table.get("extra_kernel_arguments"), report);
    Some(Talos {
        version: version?.value,
        factory: factory?,
        extensions: extensions
            .unwrap_or_default()
            .into_iter()
            .map(|one| one.value)
            .collect(),
        extra_kernel_arguments,
        overlay: match overlay {
            Some(overlay) => Some(overlay?),
            None => None,
        },
        meta: meta.unwrap_or_default(),
    })
}

/// `v1.11.2`, `v1.12.0-beta.1`.
fn talos_version(text: &str) -> Result<String, String> {
    let plain = text.strip_prefix('v').unwrap_or(text);
    let (numbers, suffix) = plain.split_once('-').unwrap_or((plain, "x"));
    let parts: Vec<_> = numbers.split('.').collect();
    let numbers_hold = parts.len() == 3 && parts.iter().all(|part| is_number(part));
    let suffix_holds = !suffix.is_empty()
        && suffix
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
    if !numbers_hold || !suffix_holds || text.len() > 40 {
        Err("must be a Talos version such as `v1.11.2`".to_owned())
    } else if plain == text {
        Err(format!("a Talos version starts with `v`: `v{text}`"))
    } else {
        Ok(text.to_owned())
    }
}

fn is_number(text: &str) -> bool {
    (1..=9).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

/// `siderolabs/bnx2-bnx2x`: the name that the factory lists.
fn container_image(text: &str) -> Result<String, String> {
    let part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            && !part.starts_with('.')
    };
    if text.len() <= 128 && text.split('/').count() >= 2 && text.split('/').all(part) {
        Ok(text.to_owned())
    } else {
        Err("must be a name as the factory lists it, such as `siderolabs/bnx2-bnx2x`".to_owned())
    }
}

fn overlay(value: Value, report: &mut Report) -> Option<Overlay> {
    let table = value.table(&schema::OVERLAY, report)?;
    let image = table.need("image", report);
    let image = image.and_then(|value| value.word(container_image, report));
    let name = table
        .need("name", report)
        .and_then(|value| name(value, report));
    let options = table.get("options");
    let options = options.map_or_else(Vec::new, |value| value.free(report));
    let options = options.into_iter().map(|(name, value)| {
        let plain = plain_value(value.data());
        (name.value.to_owned(), plain)
    });
    Some(Overlay {
        options: options.collect::<BTreeMap<_, _>>(),
        image: image?.value,
        name: name?.value.as_str().to_owned(),
    })
}

/// A value without its places. Numbers that TOML itself cannot hold become their text.
fn plain_value(data: &DeValue) -> toml::Value {
    match data {
        DeValue::String(text) => toml::Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(
                |_| toml::Value::String(number.to_string()),
                toml::Value::Integer,
            ),
        DeValue::Float(number) => number.as_str().parse().map_or_else(
            |_| toml::Value::String(number.to_string()),
            toml::Value::Float,
        ),
        DeValue::Boolean(value) => toml::Value::Boolean(*value),
        DeValue::Datetime(value) => toml::Value::Datetime(*value),
        DeValue::Array(items) => {
            let items = items.iter().map(|item| plain_value(item.get_ref()));
            toml::Value::Array(items.collect())
        }
        DeValue::Table(entries) => {
            let entries = entries.iter();
            let plain = entries
                .map(|(name, value)| (name.get_ref().to_string(), plain_value(value.get_ref())));
            toml::Value::Table(plain.collect())
        }
    }
}

fn meta(value: Value, report: &mut Report) -> Vec<Meta> {
    let items = value.items(report).unwrap_or_default();
    let mut seen = Vec::new();
    let mut list = Vec::new();
    for item in items {
        let Some(table) = item.table(&schema::META, report) else {
            continue;
        };
        let key = table.need("key", report);
        let number = key.and_then(|value| value.integer(0..=u8::MAX, report));
        let text = table.need("value", report);
        let text = text.and_then(|value| value.string(report));
        if let (Some(key), Some(number)) = (key, number) {
            match seen.iter().find(|(other, _)| *other == number) {
                Some((_, first)) => {
                    report
                        .twice(&format!("META key {number}"), *first, key.place())
                        .note("Talos would get only one of the two");
                }
                None => seen.push((number, key.place())),
            }
        }
        if let (Some(key), Some(text)) = (number, text) {
            list.push(Meta {
                key,
                value: text.value.to_owned(),
            });
        }
    }
    list
}

fn debian(table: &Table, report: &mut Report) -> Option<Debian> {
    let version = table.need("version", report);
    let version = version.and_then(|value| value.word(suite, report));
    let mirror = url(table, "mirror", defaults::DEBIAN_MIRROR, report);
    Some(Debian {
        version: version?.value,
        mirror: mirror?,
    })
}

/// `bookworm`, `trixie`, `stable`.
fn suite(text: &str) -> Result<String, String> {
    let first = text.starts_with(|c: char| c.is_ascii_lowercase());
    let rest = text
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if first && rest && text.len() <= 40 {
        Ok(text.to_owned())
    } else {
        Err("must be a Debian suite's name such as `bookworm`, `trixie` or `stable`".to_owned())
    }
}

fn memtest(table: &Table, report: &mut Report) -> Option<Recipe> {
    let url = url(table, "url", defaults::MEMTEST_URL, report);
    let sha256 = table.get("sha256");
    let sha256 = match sha256 {
        Some(value) => Some(value.word(str::parse, report)?.value),
        None => None,
    };
    Some(Recipe::Memtest { url: url?, sha256 })
}

fn custom(table: &Table, report: &mut Report) -> Option<Custom> {
    let kernel = table.need("kernel", report);
    let kernel = kernel.and_then(|value| source(value, &schema::KERNEL, report));
    let initrds = table.get("initrds");
    let initrds = initrds
        .and_then(|value| value.few_items(MOST_INITRDS, report))
        .unwrap_or_default();
    let initrds: Vec<_> = initrds
        .iter()
        .map(|item| source(*item, &schema::INITRD, report))
        .collect();
    let arguments = arguments(table.get("arguments"), report);
    Some(Custom {
        kernel: kernel?,
        initrds: initrds.into_iter().flatten().collect(),
        arguments,
    })
}

/// A URL, or a table of URL and digest.
fn source(value: Value, keys: &'static Keys, report: &mut Report) -> Option<Source> {
    let (url, sha256) = match value.data() {
        DeValue::String(_) => (Some(value), None),
        DeValue::Table(_) => {
            let table = value.table(keys, report)?;
            (table.need("url", report), table.get("sha256"))
        }
        _ => {
            let problem = "must be a URL, or `{ url = \"...\", sha256 = \"...\" }`";
            return value.wrong(problem, report);
        }
    };
    let url = url.and_then(|value| value.word(Url::new, report));
    let sha256 = sha256.map(|value| value.word(str::parse, report));
    let url = url?;
    Some(Source {
        url: url.value,
        sha256: match sha256 {
            Some(sha256) => Some(sha256?.value),
            None => None,
        },
    })
}
