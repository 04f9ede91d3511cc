//! Images and loaders: what is declared, what of it is there, and what is pinned.

use serde_json::{Value, json};

use super::Api;
use crate::boot::site::Site;
use crate::config::{Image, Recipe};
use crate::image::lock::{Locked, Owner};

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
pub(super) fn lock(site: &Site) -> Value {
    let row = |(name, locked): (&str, &Locked)| {
        let member = locked.member.as_ref();
        json!({
            "path": name, "size": locked.size, "sha256": locked.sha256.to_string(),
            "url": without_password(&locked.url), "owner": locked.owner.to_string(),
            "pinned": locked.pinned.to_string(), "when": locked.when.saturating_mul(1_000),
            "member": member.map(|member| member.name.as_str()), "text": locked.text,
        })
    };
    json!({ "lock": site.lock.pins().map(row).collect::<Vec<_>>() })
}

/// A URL without the name and password that may stand before its host (RFC 3986 section 3.2.1).
fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_left_out() {
        for (url, shown) in [
            ("https://me:pass@a.example/x@y?z", "https://a.example/x@y?z"),
            ("https://a.example/x", "https://a.example/x"),
            ("file:///srv/a@b", "file:///srv/a@b"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
