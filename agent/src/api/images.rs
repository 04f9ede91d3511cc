//! Images and loaders: what is declared, what of it is there, and what is pinned.

use serde_json::{Value, json};

use super::Api;
use crate::boot::site::Site;
use crate::config::{Image, Recipe};
use crate::credential;
use crate::image::lock::{Lock, Locked, Owner};

impl Api {
    pub(super) fn images(&self, site: &Site) -> Value {
        let status = (self.status)();
        let row = |image: &Image| {
            let (recipe, version) = made_of(&image.recipe);
            let owner = Owner::Image(image.name.clone());
            let state = of(&status["images"], image.name.as_str());
            json!({
                "name": image.name.as_str(), "recipe": recipe, "version": version,
                "state": state["state"], "missing": state["missing"], "remedy": state["remedy"],
                "files": files(site, &owner),
            })
        };
        json!({ "images": site.config.images.values().map(row).collect::<Vec<_>>() })
    }

    pub(super) fn loaders(&self, site: &Site) -> Value {
        let status = (self.status)();
        json!({ "loaders": status["loaders"], "files": files(site, &Owner::Loaders) })
    }
}

fn of<'a>(states: &'a Value, name: &str) -> &'a Value {
    let mut states = states.as_array().into_iter().flatten();
    states
        .find(|one| one["name"] == name)
        .unwrap_or(&Value::Null)
}

fn made_of(recipe: &Recipe) -> (&'static str, Option<&str>) {
    match recipe {
        Recipe::Talos(talos) => ("talos", Some(&talos.version)),
        Recipe::Debian(debian) => ("debian", Some(&debian.version)),
        Recipe::NetbootXyz { .. } => ("netboot.xyz", None),
        Recipe::Memtest { .. } => ("memtest", None),
        Recipe::Custom(_) => ("custom", None),
    }
}

/// The pinned files of an owner.
fn files(site: &Site, owner: &Owner) -> Vec<Value> {
    let files = site
        .lock
        .files()
        .filter(|(_, locked)| locked.owner == *owner);
    let row = |(name, locked): (&str, &Locked)| {
        json!({
            "path": name, "size": locked.size, "sha256": locked.sha256.to_string(),
            "pinned": locked.pinned.to_string(), "there": site.catalogue.get(name).is_some(),
        })
    };
    files.map(row).collect()
}

/// Everything that is pinned.
pub fn pins(lock: &Lock) -> Value {
    let row = |(name, locked): (&str, &Locked)| {
        let member = locked.member.as_ref();
        json!({
            "path": name, "size": locked.size, "sha256": locked.sha256.to_string(),
            "url": credential::hidden(&locked.url), "owner": locked.owner.to_string(),
            "pinned": locked.pinned.to_string(), "when": locked.when.saturating_mul(1_000),
            "member": member.map(|member| member.name.as_str()), "text": locked.text,
        })
    };
    json!({ "lock": lock.pins().map(row).collect::<Vec<_>>() })
}
