//! The gate over a site that can be swapped: TFTP and HTTP ask it for everything.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::Instant;

use crate::boot::learn::{self, ForLoader};
use crate::boot::loader;
use crate::boot::site::{DEFAULT, Site};
use crate::boot::told::Talk;
use crate::boot::{Answer, Gate, Given, Request, Told};
use crate::clock::now_ms;
use crate::config::Config;
use crate::event::{Event, Report, Sink};
use crate::id::MachineId;
use crate::image::catalogue::{Entry, Origin};
use crate::image::lock::Lock;
use crate::limits;
use crate::mac::Mac;
use crate::machine::registry::Registry;
use crate::machine::trust::{self, Trust};
use crate::machine::{Census, Facts, Phase, Record};
use crate::sync::held;
use crate::sys::neighbour;

/// Reads the lock from the disk, for a rescan; the error is a sentence.
pub type ReadLock = Box<dyn Fn(&Config) -> Result<Lock, String> + Send + Sync>;

/// Finds the MAC of an address on a network of ours.
pub type Neighbour = fn(IpAddr) -> Option<Mac>;

/// The gatekeeper: keeps the site in force, and answers from it.
pub struct Keeper {
    site: RwLock<Arc<Site>>,
    pub(super) census: Arc<Census>,
    pub(super) sink: Arc<dyn Sink>,
    /// When the root was last read because of a request; held while it is read.
    scanned: Mutex<Option<Instant>>,
    /// The warnings that were logged, so that a rescan does not repeat them.
    warned: Mutex<Vec<String>>,
    read_lock: ReadLock,
    neighbour: Neighbour,
    neighbour_now: Neighbour,
    is_on_link: fn(IpAddr) -> bool,
    /// How much each installation has said.
    pub(super) talk: Mutex<HashMap<MachineId, Talk>>,
}

impl Keeper {
    /// Takes the first site, whose warnings were told already.
    pub fn new(
        site: Site,
        census: Arc<Census>,
        sink: Arc<dyn Sink>,
        read_lock: ReadLock,
    ) -> Keeper {
        Keeper {
            census,
            warned: Mutex::new(site.warnings.clone()),
            site: RwLock::new(Arc::new(site)),
            sink,
            scanned: Mutex::default(),
            read_lock,
            neighbour: neighbour::mac_of,
            neighbour_now: neighbour::mac_now,
            is_on_link: neighbour::is_on_link,
            talk: Mutex::default(),
        }
    }

    /// The same with another table of neighbours, and every address on a network of ours.
    pub fn with_neighbours(self, neighbour: Neighbour) -> Keeper {
        Keeper {
            neighbour,
            neighbour_now: neighbour,
            is_on_link: |_| true,
            ..self
        }
    }

    /// The site in force.
    pub fn site(&self) -> Arc<Site> {
        Arc::clone(&self.site.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts another site in force, after a reload that told its warnings; requests under way keep the
    /// one they have.
    pub fn replace(&self, site: Site) {
        *held(&self.warned) = site.warnings.clone();
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(site);
    }

    /// Writes the `default.ipxe` of a site that a rescan made, and logs what it says that was not
    /// said before.
    fn publish(&self) {
        let site = self.site();
        let mut warnings = site.warnings.clone();
        if let Err(error) = site.write_default() {
            let root = site.config.server.root.display();
            warnings.push(format!("cannot write {DEFAULT} into {root}: {error}"));
        }
        let mut warned = held(&self.warned);
        for warning in warnings.iter().filter(|new| !warned.contains(new)) {
            log::warn!("{warning}");
        }
        *warned = warnings;
    }

    /// The site after the root was read again. That happens at most once in
    /// [`limits::RESCAN_INTERVAL`], so that asking for names that nobody has keeps no disk busy.
    /// Requests that come while it is read wait for it.
    fn rescanned(&self) -> Arc<Site> {
        self.rescan(held(&self.scanned));
        self.site()
    }

    /// Takes up what came into the root just now, however short ago it was looked at.
    pub fn take_up(&self) {
        let mut scanned = held(&self.scanned);
        *scanned = None;
        self.rescan(scanned);
    }

    /// The same for something that is there but may have become more: nobody waits for it.
    pub(super) fn perhaps_rescanned(&self) -> Arc<Site> {
        match self.scanned.try_lock() {
            Ok(scanned) => self.rescan(scanned),
            Err(TryLockError::Poisoned(scanned)) => self.rescan(scanned.into_inner()),
            Err(TryLockError::WouldBlock) => {}
        }
        self.site()
    }

    fn rescan(&self, mut scanned: MutexGuard<Option<Instant>>) {
        if scanned.is_some_and(|last| last.elapsed() < limits::RESCAN_INTERVAL) {
            return;
        }
        *scanned = Some(Instant::now());
        let config = Arc::clone(&self.site().config);
        let built = (self.read_lock)(&config).and_then(|lock| {
            Site::build(Arc::clone(&config), lock)
                .map_err(|error| format!("cannot read {}: {error}", config.server.root.display()))
        });
        match built {
            Ok(site) => {
                let mut current = self.site.write().unwrap_or_else(PoisonError::into_inner);
                // A reload may have come in between, and knows better.
                if Arc::ptr_eq(&current.config, &config) {
                    *current = Arc::new(site);
                }
            }
            Err(error) => {
                log::warn!("looking for new files: {error}; what was known stays in force");
                return;
            }
        }
        self.publish();
    }

    /// Whether a request comes from the machine that it claims; `known` are the cards that were known
    /// of it before.
    pub(super) fn trust(&self, facts: &Facts, known: &[Mac], request: &Request) -> Trust {
        let is_on_link = (self.is_on_link)(request.peer.ip().to_canonical());
        trust::check(facts, known, self.neighbour_of(request), is_on_link)
    }

    /// The machine that a request for a file comes from, which says nothing of it: the neighbour
    /// table knows which card has the address. Behind a router it does not, and the machine that was
    /// heard of from that address last counts.
    fn sender(&self, site: &Site, request: &Request) -> (Option<Mac>, Option<Record>) {
        if self.census.look().is_empty() && !site.has_loaders {
            return (None, None);
        }
        let mac = self.neighbour_of(request);
        let record = match mac {
            Some(mac) => self.census.with_mac(mac),
            None => self.census.at_address(request.peer.ip().to_canonical()),
        };
        (mac, record)
    }

    /// The card that has the address of a request, as far as it is known.
    pub(super) fn neighbour_of(&self, request: &Request) -> Option<Mac> {
        (self.neighbour)(request.peer.ip().to_canonical())
    }

    /// The same at this very moment, where a secret or the end of an installation depends on it.
    pub(super) fn neighbour_now(&self, request: &Request) -> Option<Mac> {
        (self.neighbour_now)(request.peer.ip().to_canonical())
    }

    /// The loader that this client gets in place of the one it asks for: a person's wish, what is
    /// declared, or what was learnt.
    fn other_loader(
        &self,
        site: &Site,
        name: &str,
        mac: Option<Mac>,
        record: Option<&Record>,
        request: &Request,
    ) -> Option<String> {
        if !loader::is_loader(name) {
            return None;
        }
        let wish = record.and_then(|record| record.wishes.loader.clone());
        let declared = || mac.and_then(|mac| site.loader_of(mac)).map(str::to_owned);
        let learnt = || record.and_then(|record| record.learnt.loader.clone());
        let (given, reason) = match (wish, declared()) {
            (Some(wish), _) => (wish, "a person said so".to_owned()),
            (None, Some(declared)) => (declared, "as declared".to_owned()),
            (None, None) => learnt()?,
        };
        if given == name || !loader::can_stand_in(name, &given) {
            return None;
        }
        let who = mac.map_or_else(String::new, |mac| mac.to_string());
        if site.entry(&given, request.local).is_none() {
            log::warn!("{who} is to get {given}, which is not there: it gets {name}");
            return None;
        }
        let event = Event::Loader {
            asked: name.to_owned(),
            given: given.clone(),
            reason: reason.clone(),
        };
        match record {
            Some(record) => self.sink.event_of(record.id, event),
            None => log::info!("{who} gets {given} where it asks for {name}: {reason}"),
        }
        Some(given)
    }

    /// Why a machine in its phase does not get a file, if it does not.
    fn refusal(
        &self,
        site: &Site,
        name: &str,
        mac: Option<Mac>,
        record: &Record,
    ) -> Option<String> {
        let installed = || format!("{} is installed and boots its disk", record.label());
        let now = now_ms();
        let is_once = record.wishes.once.is_some();
        let is_loading = is_once || record.learnt.is_booted_once(now);
        match &record.phase {
            Phase::Ignored => Some(format!("{} is ignored", record.label())),
            Phase::Installed { .. } if is_once => None,
            Phase::Installed { .. } if loader::is_loader(name) => {
                let declared = record.declared.as_ref();
                let declared = declared.and_then(|name| site.config.machines.get(name)?.local_boot);
                let asks = |_: &Registry, record: &mut Record| {
                    learn::loader_of_installed(record, declared, mac, now_ms())
                };
                match self.census.transact(record.id, asks)? {
                    (ForLoader::Denied, _) => Some(installed()),
                    (ForLoader::Given(event), _) => {
                        if let Some(event) = event {
                            self.sink.event_of(record.id, event);
                        }
                        None
                    }
                }
            }
            // What leads to its disk if it is asked for all the same is `/script`.
            Phase::Installed { .. } if name != DEFAULT && !is_loading => {
                let entry = site.catalogue.get(name)?;
                (entry.origin == Origin::Lock).then(installed)
            }
            _ => None,
        }
    }
}

impl Gate for Keeper {
    fn file(&self, name: &str, request: &Request) -> Answer {
        let mut site = self.site();
        if name == DEFAULT && site.incomplete {
            site = self.perhaps_rescanned();
        }
        let (mac, record) = self.sender(&site, request);
        let refusal = record.as_ref();
        let refusal = refusal.and_then(|record| self.refusal(&site, name, mac, record));
        if let Some(why) = refusal {
            return Answer::Denied(why);
        }
        let other = self.other_loader(&site, name, mac, record.as_ref(), request);
        let name = other.as_deref().unwrap_or(name);
        let fresh = |site: &Site| {
            let entry = site.entry(name, request.local);
            entry.filter(|entry: &Arc<Entry>| entry.is_fresh())
        };
        match fresh(&site).or_else(|| fresh(&self.rescanned())) {
            Some(entry) => Answer::File(entry),
            None => Answer::NotFound,
        }
    }

    fn script(&self, query: &str, request: &Request) -> String {
        self.attend(query, request)
    }

    fn report(&self, token: &str, report: Report, text: &str, request: &Request) -> Told {
        self.told(token, report, text, request)
    }

    fn answer(&self, token: &str, name: &str, request: &Request) -> Given {
        self.answer_to(token, name, request)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod ways;
