//! What is declared, and whether it is there.

use crate::arch::{CLIENTS, Cpu, Platform};
use crate::boot::site::Site;
use crate::config::{Config, LoaderSource};
use crate::recipe::{self, NotBootable};

/// Something declared that has files.
#[derive(Debug, PartialEq)]
pub struct Ready {
    /// A loader, and not an image.
    pub is_loader: bool,
    /// An image's name, or a loader's catalogue name.
    pub name: String,
    /// Files that are not there; none: it can be booted.
    pub missing: Vec<String>,
    /// What a person does about it.
    pub remedy: String,
}

impl Ready {
    /// What is missing and what to do, for the log and `hearth status`; `None` if it is there.
    pub fn warning(&self) -> Option<String> {
        let what = match (self.missing.is_empty(), self.is_loader) {
            (true, _) => return None,
            (false, true) => format!("the loader {} is missing", self.name),
            (false, false) => format!("image {} is not fetched", self.name),
        };
        Some(format!("{what}; {}", self.remedy))
    }
}

/// Loaders first, then images by name.
pub fn ready(site: &Site) -> Vec<Ready> {
    let have = |name: &str| site.catalogue.get(name).is_some();
    let mut list = loaders(&site.config, &have);
    for image in site.config.images.values() {
        let mut missing = Vec::new();
        for cpu in recipe::architectures(image) {
            let boot = recipe::bootable(image, &site.lock, &have, cpu, Platform::Efi);
            if let Err(NotBootable::Missing(names)) = boot {
                missing.extend(names);
            }
        }
        missing.dedup();
        list.push(Ready {
            is_loader: false,
            name: image.name.to_string(),
            missing,
            remedy: format!("run `hearth fetch {}`", image.name),
        });
    }
    list
}

/// The loaders that DHCP servers are told to give out, by what `loaders.architectures` keeps.
fn loaders(config: &Config, have: &dyn Fn(&str) -> bool) -> Vec<Ready> {
    let kept = &config.loaders.architectures;
    let mut list: Vec<Ready> = Vec::new();
    for client in &CLIENTS {
        // A BIOS loader is one for all x86 processors.
        let x86 = kept.iter().any(|cpu| matches!(cpu, Cpu::I386 | Cpu::Amd64));
        let is_kept = kept.contains(&client.cpu) || client.platform == Platform::Bios && x86;
        let name = client.loader();
        if !is_kept || list.iter().any(|one| one.name == name) {
            continue;
        }
        let missing = match have(&name) {
            true => Vec::new(),
            false => vec![name.clone()],
        };
        let remedy = match config.loaders.source {
            LoaderSource::None => format!("put it into {}", config.server.root.display()),
            _ => "run `hearth fetch loaders`".to_owned(),
        };
        list.push(Ready {
            is_loader: true,
            name,
            missing,
            remedy,
        });
    }
    list
}
