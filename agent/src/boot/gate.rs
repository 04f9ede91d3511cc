//! The gate over a site that can be swapped: TFTP and HTTP ask it for everything.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use crate::arch::Platform;
use crate::boot::decide::{Assignments, decide};
use crate::boot::site::Site;
use crate::boot::{Answer, Gate, Request};
use crate::config::Config;
use crate::event::{Event, Sink};
use crate::image::lock::Lock;
use crate::limits;
use crate::machine::{Facts, identify};
use crate::sys::neighbour;

/// Makes the lock anew from the disk, for a rescan.
pub type ReadLock = Box<dyn Fn(&Config) -> Result<Lock, String> + Send + Sync>;

/// Keeps the site in force.
pub struct Keeper {
    site: RwLock<Arc<Site>>,
    sink: Arc<dyn Sink>,
    assignments: Mutex<Assignments>,
    scanned: Mutex<Instant>,
    read_lock: ReadLock,
}

impl Keeper {
    /// Takes the first site.
    pub fn new(site: Site, sink: Arc<dyn Sink>, read_lock: ReadLock) -> Keeper {
        Keeper {
            site: RwLock::new(Arc::new(site)),
            sink,
            assignments: Mutex::default(),
            scanned: Mutex::new(Instant::now()),
            read_lock,
        }
    }

    /// The site in force.
    pub fn site(&self) -> Arc<Site> {
        self.site
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Puts another site in force; requests under way keep the one they have.
    pub fn replace(&self, site: Site) {
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(site);
    }

    /// Reads the tree again, at most once in [`limits::RESCAN_INTERVAL`], so that a name that nobody
    /// has cannot be used to keep the disk busy.
    fn rescan(&self) -> Option<Arc<Site>> {
        {
            let mut scanned = self.scanned.lock().unwrap_or_else(PoisonError::into_inner);
            if scanned.elapsed() < limits::RESCAN_INTERVAL {
                return None;
            }
            *scanned = Instant::now();
        }
        let config = self.site().config.clone();
        let built = (self.read_lock)(&config).and_then(|lock| {
            Site::build(config.clone(), lock)
                .map_err(|error| format!("reading {}: {error}", config.server.root.display()))
        });
        match built {
            Ok(site) => {
                self.replace(site);
                Some(self.site())
            }
            Err(error) => {
                log::warn!("looking for new files: {error}");
                None
            }
        }
    }

    /// The loader that this client gets whatever its firmware asks for, if it is a declared machine
    /// that has one. The neighbour table says which MAC has the address.
    fn declared_loader(site: &Site, name: &str, request: &Request) -> Option<String> {
        let platform = loader_platform(name)?;
        let mut declared = BTreeMap::new();
        for machine in site.config.machines.values() {
            if let Some(loader) = &machine.loader {
                declared.extend(machine.macs.iter().map(|mac| (*mac, loader)));
            }
        }
        if declared.is_empty() {
            return None;
        }
        let loader = *declared.get(&neighbour::mac_of(request.peer.ip())?)?;
        (loader_platform(loader) == Some(platform)).then(|| loader.clone())
    }
}

/// The platform of a loader's name; `None` for all other files.
fn loader_platform(name: &str) -> Option<Platform> {
    match name.rsplit('/').next()? {
        "undionly.kpxe" | "ipxe.pxe" | "ipxe.kpxe" => Some(Platform::Bios),
        "ipxe.efi" | "snponly.efi" => Some(Platform::Efi),
        _ => None,
    }
}

impl Gate for Keeper {
    fn file(&self, name: &str, request: &Request) -> Answer {
        let site = self.site();
        let chosen = Keeper::declared_loader(&site, name, request);
        let name = chosen.as_deref().unwrap_or(name);
        let fresh = |site: &Site| site.entry(name, request.local).filter(is_fresh);
        let entry = fresh(&site).or_else(|| self.rescan().and_then(|site| fresh(&site)));
        entry.map_or(Answer::NotFound, |entry| Answer::File(Arc::new(entry)))
    }

    fn script(&self, query: &str, request: &Request) -> String {
        let mut facts = Facts::parse(query);
        facts.ip = Some(request.peer.ip());
        let site = self.site();
        let machine = identify(&site.config, &facts);
        let choice = {
            let mut assignments = self
                .assignments
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let choice = decide(&site.config, machine, &facts, &assignments);
            assignments.count(&choice, &facts.label());
            choice
        };
        self.sink.event(Event::Script {
            peer: request.peer,
            machine: machine.map_or_else(|| facts.label(), |machine| machine.name.to_string()),
            decision: choice.decision.word(),
            reason: choice.reason.clone(),
        });
        site.script(&choice, machine, &facts, request.local)
    }
}

/// Whether the file on the disk is still the one that the catalogue means.
fn is_fresh(entry: &crate::image::catalogue::Entry) -> bool {
    match &entry.content {
        crate::image::catalogue::Content::Memory(_) => true,
        crate::image::catalogue::Content::File(path) => {
            std::fs::symlink_metadata(path).is_ok_and(|metadata| {
                metadata.is_file()
                    && metadata.len() == entry.size
                    && metadata
                        .modified()
                        .is_ok_and(|modified| modified == entry.modified)
            })
        }
    }
}
