//! What is known of network cards: the driver that Linux has for one, and what Talos needs so that it
//! works. The table is `agent/data/nics.toml`, which names its sources.

use std::collections::{BTreeMap, HashMap};
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use crate::pci::PciId;

const TABLE: &str = include_str!("../data/nics.toml");

/// What a card needs in Talos.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Talos {
    /// Nothing: driver and firmware are in the main image, or the card has its own.
    Works,
    /// The driver is there, and does not start without the firmware of an extension.
    Firmware,
    /// It works, and with the firmware of an extension better.
    Better,
    /// The driver itself is in an extension.
    Driver,
    /// Only later versions have the driver.
    Newer,
    /// There is no driver.
    Missing,
}

/// A driver of Linux.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// Its module.
    pub name: String,
    /// What its cards need in Talos.
    pub talos: Talos,
    /// The system extensions that have it, as the image factory lists them; the first is the one that
    /// it does not work without.
    #[serde(default)]
    pub extensions: Vec<String>,
    /// Devices by vendor, in hexadecimal digits.
    cards: BTreeMap<String, String>,
}

impl Driver {
    fn ids(&self) -> impl Iterator<Item = PciId> {
        self.cards.iter().flat_map(|(vendor, devices)| {
            let ids = devices.split_whitespace();
            ids.filter_map(move |device| format!("{vendor}:{device}").parse().ok())
        })
    }

    /// Whether it does not work without an extension that is not among these.
    pub fn lacks(&self, extensions: &[String]) -> Option<&str> {
        let first = self.extensions.first()?;
        let needs = matches!(self.talos, Talos::Firmware | Talos::Driver);
        (needs && !extensions.contains(first)).then_some(first)
    }
}

/// The driver of a card; `None`: it is in no list that the table was made of.
pub fn driver_of(card: PciId) -> Option<&'static Driver> {
    static CARDS: OnceLock<HashMap<PciId, &'static Driver>> = OnceLock::new();
    let cards = CARDS.get_or_init(|| {
        let all = drivers().iter();
        all.flat_map(|driver| driver.ids().map(move |id| (id, driver)))
            .collect()
    });
    cards.get(&card).copied()
}

fn drivers() -> &'static [Driver] {
    #[derive(Deserialize)]
    struct Table {
        driver: Vec<Driver>,
    }
    static DRIVERS: OnceLock<Vec<Driver>> = OnceLock::new();
    // A test reads it too: what is built in can be read.
    DRIVERS.get_or_init(|| {
        toml::from_str::<Table>(TABLE)
            .map(|table| table.driver)
            .unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn driver(card: &str) -> Option<&'static Driver> {
        driver_of(card.parse().unwrap())
    }

    #[test]
    fn cards_that_people_have_are_known() {
        for (card, name, talos) in [
            ("14e4:1639", "bnx2", Talos::Firmware),
            ("14e4:168e", "bnx2x", Talos::Firmware),
            ("8086:1533", "igb", Talos::Works),
            ("10ec:8168", "r8169", Talos::Better),
            ("10ec:8139", "8139too", Talos::Works),
            ("15b3:1015", "mlx5_core", Talos::Works),
            ("1af4:1000", "virtio_net", Talos::Works),
            ("1077:1656", "qede", Talos::Firmware),
            ("1425:5401", "cxgb4", Talos::Driver),
            ("11ab:4320", "skge", Talos::Missing),
        ] {
            let found = driver(card).unwrap();
            assert_eq!((found.name.as_str(), found.talos), (name, talos), "{card}");
        }
        assert_eq!(driver("1af4:ffff"), None);
    }

    #[test]
    fn what_an_image_lacks_is_the_extension_that_the_card_does_not_work_without() {
        let bnx2 = driver("14e4:1639").unwrap();
        assert_eq!(bnx2.lacks(&[]), Some("siderolabs/bnx2-bnx2x"));
        assert_eq!(bnx2.lacks(&["siderolabs/bnx2-bnx2x".to_owned()]), None);
        assert_eq!(driver("10ec:8168").unwrap().lacks(&[]), None, "it works");
    }

    #[test]
    fn every_row_of_the_table_holds() {
        let mut ids = HashSet::new();
        let mut names = HashSet::new();
        assert!(drivers().len() > 50);
        for driver in drivers() {
            assert!(names.insert(&driver.name), "{} is there twice", driver.name);
            let wants = matches!(
                driver.talos,
                Talos::Firmware | Talos::Better | Talos::Driver
            );
            assert_eq!(wants, !driver.extensions.is_empty(), "{}", driver.name);
            for extension in &driver.extensions {
                assert!(extension.starts_with("siderolabs/"), "{extension}");
            }
            let written: usize = driver
                .cards
                .values()
                .map(|devices| devices.split_whitespace().count())
                .sum();
            let read: Vec<_> = driver.ids().collect();
            assert_eq!(read.len(), written, "{}: an id is no id", driver.name);
            assert!(!read.is_empty(), "{}", driver.name);
            for id in read {
                assert!(ids.insert(id), "{id} has two drivers");
            }
        }
    }
}
