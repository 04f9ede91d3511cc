//! The image factory's schematic: what a Talos image is made of, and the id that follows from it.
//!
//! The id is the SHA-256 of the canonical YAML (image-factory `docs/api.md` and
//! `pkg/schematic`): so it is known before the factory is asked, and its answer can be checked.

use std::cmp::Ordering;

use sha2::Digest;

use crate::config;
use crate::digest::Sha256;

use super::yaml::{Yaml, document};

/// A schematic in the factory's own words. What the configuration does not offer (`secureboot`,
/// `diskImage`) is here because the factory's published ids have it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schematic {
    /// `overlay`.
    pub overlay: Option<Overlay>,
    /// `customization.extraKernelArgs`.
    pub extra_kernel_arguments: Vec<String>,
    /// `customization.meta`: keys with values.
    pub meta: Vec<(u8, String)>,
    /// `customization.systemExtensions.officialExtensions`.
    pub extensions: Vec<String>,
    /// `customization.secureboot.includeWellKnownCertificates`.
    pub well_known_certificates: bool,
    /// `customization.diskImage.sectorSize` in bytes.
    pub sector_size: Option<u32>,
}

/// `overlay`.
#[derive(Clone, Debug, PartialEq)]
pub struct Overlay {
    /// Its container image.
    pub image: String,
    /// Its name.
    pub name: String,
    /// Its options, in the order in which the factory writes them.
    pub options: Vec<(String, Yaml)>,
}

impl Schematic {
    /// The schematic of a configured image.
    pub fn of(talos: &config::Talos) -> Schematic {
        Schematic {
            overlay: talos.overlay.as_ref().map(|overlay| Overlay {
                image: overlay.image.clone(),
                name: overlay.name.clone(),
                options: sorted(overlay.options.iter()),
            }),
            extra_kernel_arguments: talos
                .extra_kernel_arguments
                .iter()
                .map(|argument| argument.as_str().to_owned())
                .collect(),
            meta: talos
                .meta
                .iter()
                .map(|meta| (meta.key, meta.value.clone()))
                .collect(),
            extensions: talos.extensions.clone(),
            ..Schematic::default()
        }
    }

    /// What it is made of, in the factory's order, without what is empty.
    fn tree(&self) -> Yaml {
        let texts = |texts: &[String]| Yaml::List(texts.iter().cloned().map(Yaml::Text).collect());
        let one = |key: &str, value| Yaml::Map(vec![(key.to_owned(), value)]);
        let mut inner = Vec::new();
        if !self.extra_kernel_arguments.is_empty() {
            inner.push(("extraKernelArgs", texts(&self.extra_kernel_arguments)));
        }
        if !self.meta.is_empty() {
            let entry = |(key, value): &(u8, String)| {
                Yaml::Map(vec![
                    ("key".to_owned(), Yaml::Integer((*key).into())),
                    ("value".to_owned(), Yaml::Text(value.clone())),
                ])
            };
            inner.push(("meta", Yaml::List(self.meta.iter().map(entry).collect())));
        }
        if !self.extensions.is_empty() {
            let official = one("officialExtensions", texts(&self.extensions));
            inner.push(("systemExtensions", official));
        }
        if self.well_known_certificates {
            let include = one("includeWellKnownCertificates", Yaml::Bool(true));
            inner.push(("secureboot", include));
        }
        if let Some(size) = self.sector_size {
            inner.push(("diskImage", one("sectorSize", Yaml::Integer(size.into()))));
        }
        let mut outer = Vec::new();
        if let Some(overlay) = &self.overlay {
            let mut entries = vec![
                ("image".to_owned(), Yaml::Text(overlay.image.clone())),
                ("name".to_owned(), Yaml::Text(overlay.name.clone())),
            ];
            if !overlay.options.is_empty() {
                entries.push(("options".to_owned(), Yaml::Map(overlay.options.clone())));
            }
            outer.push(("overlay", Yaml::Map(entries)));
        }
        outer.push(("customization", keyed(inner)));
        keyed(outer)
    }

    /// The canonical text.
    pub fn yaml(&self) -> String {
        document(&self.tree())
    }

    /// The same as JSON, which is what is posted: the factory reads it as YAML, and its id for it
    /// then owes nothing to how Hearth writes YAML, so the comparison of both ids means something.
    pub fn json(&self) -> String {
        json(&self.tree()).to_string()
    }

    /// The id.
    pub fn id(&self) -> Sha256 {
        Sha256(sha2::Sha256::digest(self.yaml()).into())
    }
}

fn keyed(entries: Vec<(&str, Yaml)>) -> Yaml {
    Yaml::Map(
        entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

fn json(value: &Yaml) -> serde_json::Value {
    match value {
        Yaml::Text(text) => text.as_str().into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Float(number) => (*number).into(),
        Yaml::Bool(truth) => (*truth).into(),
        Yaml::List(items) => items.iter().map(json).collect(),
        Yaml::Map(entries) => entries
            .iter()
            .map(|(key, value)| (key.clone(), json(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
    }
}

fn sorted<'a>(entries: impl Iterator<Item = (&'a String, &'a toml::Value)>) -> Vec<(String, Yaml)> {
    let mut entries: Vec<_> = entries
        .map(|(key, value)| (key.clone(), from_toml(value)))
        .collect();
    entries.sort_by(|(a, _), (b, _)| natural(a, b));
    entries
}

fn from_toml(value: &toml::Value) -> Yaml {
    match value {
        toml::Value::String(text) => Yaml::Text(text.clone()),
        toml::Value::Integer(number) => Yaml::Integer(*number),
        toml::Value::Float(number) => Yaml::Float(*number),
        toml::Value::Boolean(truth) => Yaml::Bool(*truth),
        toml::Value::Datetime(time) => Yaml::Text(time.to_string()),
        toml::Value::Array(items) => Yaml::List(items.iter().map(from_toml).collect()),
        toml::Value::Table(table) => Yaml::Map(sorted(table.iter())),
    }
}

/// yaml.v3's order of keys (`sorter.go`): numbers in names count as numbers, and letters come
/// after everything else.
fn natural(a: &str, b: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut digits = false;
    for (place, (&x, &y)) in left.iter().zip(&right).enumerate() {
        if x == y {
            digits = x.is_numeric();
            continue;
        }
        let letters = (x.is_alphabetic(), y.is_alphabetic());
        if letters == (true, true) {
            return x.cmp(&y);
        }
        if letters.0 || letters.1 {
            return if digits == letters.0 {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        }
        let run = |text: &[char], from: usize| -> (usize, u64) {
            let digits: String = text[from..]
                .iter()
                .take_while(|c| c.is_ascii_digit())
                .collect();
            (digits.len(), digits.parse().unwrap_or(0))
        };
        let mut from = place;
        if matches!(x, '0') || matches!(y, '0') {
            // Zeros in front count with the digits before them.
            while from > 0 && left[from - 1].is_ascii_digit() {
                from -= 1;
            }
        }
        let ((length_x, number_x), (length_y, number_y)) = (run(&left, from), run(&right, from));
        return number_x
            .cmp(&number_y)
            .then(length_x.cmp(&length_y))
            .then(x.cmp(&y));
    }
    left.len().cmp(&right.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The factory's own vectors: `pkg/schematic/schematic_test.go`.
    fn published() -> Vec<(Schematic, &'static str)> {
        let texts = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect();
        vec![
            (
                Schematic::default(),
                "376567988ad370138ad8b2698212367b8edcb69b5fd68c80be1f2ec7d603b4ba",
            ),
            (
                Schematic {
                    extra_kernel_arguments: texts(&["noapic", "nolapic"]),
                    ..Schematic::default()
                },
                "9cba8e32753f91a16c1837ab8abf356af021706ef284aef07380780177d9a06c",
            ),
            (
                Schematic {
                    meta: vec![(10, "foo".to_owned())],
                    ..Schematic::default()
                },
                "d308a2a5ee2277bed5fbaa104fcbc8d59122abfa737df987a95b4ca763459a7f",
            ),
            (
                Schematic {
                    overlay: Some(Overlay {
                        image: "siderolabs/sbc-raspberrypi".to_owned(),
                        name: "rpi_generic".to_owned(),
                        options: Vec::new(),
                    }),
                    ..Schematic::default()
                },
                "ee21ef4a5ef808a9b7484cc0dda0f25075021691c8c09a276591eedb638ea1f9",
            ),
            (
                Schematic {
                    well_known_certificates: true,
                    ..Schematic::default()
                },
                "fa8e05f142a851d3ee568eb0a8e5841eaf6b0ebc8df9a63df16ac5ed2c04f3e6",
            ),
        ]
    }

    #[test]
    fn the_factorys_published_ids_are_computed() {
        for (schematic, id) in published() {
            assert_eq!(schematic.id().to_string(), id, "{}", schematic.yaml());
        }
    }

    #[test]
    fn the_id_of_a_disk_image_begins_and_ends_as_published() {
        let schematic = Schematic {
            sector_size: Some(4096),
            ..Schematic::default()
        };
        let id = schematic.id().to_string();
        assert!(id.starts_with("92833e9d") && id.ends_with("d1ea"), "{id}");
    }

    #[test]
    fn a_whole_schematic_is_written_in_the_factorys_order() {
        let schematic = Schematic {
            overlay: Some(Overlay {
                image: "a/b".to_owned(),
                name: "c".to_owned(),
                options: vec![("data".to_owned(), Yaml::Text("on".to_owned()))],
            }),
            extra_kernel_arguments: vec!["vga=791".to_owned()],
            meta: vec![(10, "{}".to_owned())],
            extensions: vec!["siderolabs/bnx2-bnx2x".to_owned()],
            well_known_certificates: true,
            sector_size: Some(512),
        };
        assert_eq!(
            schematic.yaml(),
            "overlay:
    image: a/b
    name: c
    options:
        data: \"on\"
customization:
    extraKernelArgs:
        - vga=791
    meta:
        - key: 10
          value: '{}'
    systemExtensions:
        officialExtensions:
            - siderolabs/bnx2-bnx2x
    secureboot:
        includeWellKnownCertificates: true
    diskImage:
        sectorSize: 512
"
        );
        assert_eq!(
            schematic.json().matches("officialExtensions").count(),
            1,
            "{}",
            schematic.json()
        );
    }

    #[test]
    fn keys_of_options_stand_in_natural_order() {
        let mut keys = vec!["b10", "b9", "a", "b", "B", "1", "a-b", "a_b"];
        keys.sort_by(|a, b| natural(a, b));
        assert_eq!(keys, ["1", "B", "a", "a-b", "a_b", "b", "b9", "b10"]);
    }
}
