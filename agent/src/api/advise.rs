//! What Hearth knows of a machine's hardware, and what follows for what it is to boot.

use serde_json::{Value, json};

use super::{Api, Problem};
use crate::boot::decide::{self, Asking};
use crate::boot::policy;
use crate::config::{Config, Image, Name, Recipe};
use crate::machine::{Phase, Record};
use crate::nic::{self, Talos};
use crate::pci::PciId;

impl Api {
    /// What is known of a machine's card and what is meant for it.
    pub(super) fn advice(&self, name: &str) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let profile = self.profile_of(&record);
        let config = &self.keeper.site().config;
        let image = image(config, profile.as_ref());
        let mut value = advice(record.facts.nic(), &record.facts.chip, image);
        value["label"] = record.label().into();
        value["profile"] = json!(profile);
        Ok(value)
    }

    /// The profile that a machine is on its way to, or has, or would get.
    pub(super) fn profile_of(&self, record: &Record) -> Option<Name> {
        match &record.phase {
            Phase::Installing(installing) => return Some(installing.profile.clone()),
            Phase::Installed { profile } => return Some(profile.clone()),
            _ => {}
        }
        let site = self.keeper.site();
        let registry = self.census.look();
        let counts = policy::counts(&registry, record);
        decide::profile_of(&Asking {
            config: &site.config,
            identity: site.identify(&record.facts),
            record,
            facts: &record.facts,
            counts: &counts,
            now: (self.now)(),
        })
    }
}

/// The image of a profile.
pub(super) fn image<'a>(config: &'a Config, profile: Option<&Name>) -> Option<&'a Image> {
    let profile = config.profiles.get(profile?)?;
    config.images.get(&profile.image)
}

/// The extensions of a Talos image.
fn extensions(image: Option<&Image>) -> Option<&[String]> {
    match &image?.recipe {
        Recipe::Talos(talos) => Some(&talos.extensions),
        _ => None,
    }
}

/// What is known of a card, whose `chip` iPXE named, for a machine that is to boot an image. For
/// programs, with a sentence for people.
pub fn advice(card: Option<PciId>, chip: &str, image: Option<&Image>) -> Value {
    let driver = card.and_then(nic::driver_of);
    json!({
        "card": card.map(|card| card.to_string()),
        "chip": chip,
        "driver": driver.map(|driver| &driver.name),
        "talos": driver.map(|driver| driver.talos),
        "extensions": driver.map(|driver| &driver.extensions),
        "image": image.map(|image| image.name.as_str()),
        "lacks": lacks(card, image),
        "text": sentence(card, chip, image),
    })
}

/// The extension that a card does not work without and a Talos image does not have.
pub fn lacks(card: Option<PciId>, image: Option<&Image>) -> Option<&'static str> {
    nic::driver_of(card?)?.lacks(extensions(image)?)
}

/// What is known of a card, and what to do, in a sentence or two.
pub fn sentence(card: Option<PciId>, chip: &str, image: Option<&Image>) -> String {
    let Some(card) = card else {
        return "nothing is known of its network card: iPXE named none".to_owned();
    };
    let chip = match chip {
        "" => String::new(),
        chip => format!(" ({chip})"),
    };
    let Some(driver) = nic::driver_of(card) else {
        return format!(
            "its network card {card}{chip} is in no list that Hearth knows: see whether Linux has a \
             driver for it, and for Talos whether a system extension has it (`hearth talos \
             extensions`)"
        );
    };
    let name = &driver.name;
    if image.is_some() && extensions(image).is_none() {
        return format!(
            "its network card is {card}{chip}, which Linux drives with {name}: see whether the system \
             has that driver and its firmware, or a static address"
        );
    }
    let first = driver.extensions.first().map_or("", String::as_str);
    let all = driver.extensions.join(", ");
    let known = match driver.talos {
        Talos::Works => format!("Talos has its driver {name}"),
        Talos::Firmware => {
            format!("Talos has its driver {name}, which needs the firmware of {first}")
        }
        Talos::Better => format!("Talos has its driver {name}; with {first} it works better"),
        Talos::Driver => format!("its driver {name} is in the system extension {all}"),
        Talos::Newer => format!("only later versions of Talos have its driver {name}"),
        Talos::Missing => {
            format!("its driver {name} is neither in Talos nor in a system extension")
        }
    };
    let card = format!("its network card is {card}{chip}: {known}");
    let (Some(image), Some(extensions)) = (image, extensions(image)) else {
        return card;
    };
    match driver.lacks(extensions) {
        Some(_) => {
            let missing = driver.extensions.iter();
            let missing = missing.filter(|one| !extensions.contains(one));
            let missing: Vec<_> = missing.map(|one| format!("\"{one}\"")).collect();
            format!(
                "{card}, which image {} lacks: add {} to its `extensions`, and run `hearth fetch {}`",
                image.name,
                missing.join(", "),
                image.name
            )
        }
        None if matches!(driver.talos, Talos::Firmware | Talos::Driver) => {
            format!("{card}, and image {} has it", image.name)
        }
        None => card,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing;

    fn config(extensions: &str) -> Config {
        testing::config(&format!(
            "[[image]]\nname = \"talos\"\nrecipe = \"talos\"\nversion = \"v1.11.2\"\n\
             extensions = [{extensions}]\n"
        ))
    }

    fn said(card: &str, extensions: &str) -> (String, Value) {
        let config = config(extensions);
        let image = config
            .images
            .values()
            .find(|image| image.name.as_str() == "talos");
        let value = advice(card.parse().ok(), "", image);
        (value["text"].as_str().unwrap().to_owned(), value)
    }

    #[test]
    fn what_an_image_lacks_is_named_with_the_place_where_it_belongs() {
        let (text, value) = said("14e4:1639", "");
        assert!(
            text.ends_with(
                "which image talos lacks: add \"siderolabs/bnx2-bnx2x\" to its `extensions`, and run \
                 `hearth fetch talos`"
            ),
            "{text}"
        );
        assert_eq!(value["lacks"], "siderolabs/bnx2-bnx2x");
        let (text, value) = said("14e4:1639", "\"siderolabs/bnx2-bnx2x\"");
        assert!(text.ends_with("and image talos has it"), "{text}");
        assert_eq!(value["lacks"], Value::Null);
        assert_eq!(value["driver"], "bnx2");
    }

    #[test]
    fn what_is_not_known_is_said() {
        assert!(
            said("1234:5678", "")
                .0
                .contains("no list that Hearth knows")
        );
        assert!(said("", "").0.contains("iPXE named none"));
        assert!(said("11ab:4320", "").0.contains("neither in Talos nor"));
    }
}
