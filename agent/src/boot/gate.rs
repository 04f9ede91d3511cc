//! The gate over a site that can be swapped: TFTP and HTTP ask it for everything.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, TryLockError};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::boot::assign::Assignments;
use crate::boot::loader;
use crate::boot::site::{DEFAULT, Site};
use crate::boot::{Answer, Gate, Request};
use crate::config::{Config, Name};
use crate::event::{Event, Sink};
use crate::id::MachineId;
use crate::image::catalogue::Entry;
use crate::image::lock::Lock;
use crate::limits;
use crate::mac::Mac;
use crate::machine::{Action, Census, Facts, Record, Refusal};
use crate::sys::neighbour;

/// Reads the lock from the disk, for a rescan; the error is a sentence.
pub type ReadLock = Box<dyn Fn(&Config) -> Result<Lock, String> + Send + Sync>;

/// Finds the MAC of an address on a network of ours.
pub type Neighbour = fn(IpAddr) -> Option<Mac>;

/// The gatekeeper: keeps the site in force, and answers from it.
pub struct Keeper {
    site: RwLock<Arc<Site>>,
    census: Arc<Census>,
    sink: Arc<dyn Sink>,
    assignments: Mutex<Assignments>,
    /// Held while it is decided for one machine, so that two of them do not take the last place of a
    /// policy, and nobody decides from what an action is changing. Never while the disk is waited for.
    deciding: Mutex<()>,
    /// When the root was last read because of a request; held while it is read.
    scanned: Mutex<Option<Instant>>,
    /// The warnings that were logged, so that a rescan does not repeat them.
    warned: Mutex<Vec<String>>,
    read_lock: ReadLock,
    neighbour: Neighbour,
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
            assignments: Mutex::default(),
            deciding: Mutex::default(),
            scanned: Mutex::default(),
            read_lock,
            neighbour: neighbour::mac_of,
        }
    }

    /// The same with another table of neighbours.
    pub fn with_neighbours(self, neighbour: Neighbour) -> Keeper {
        Keeper { neighbour, ..self }
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

    /// The same for something that is there but may have become more: nobody waits for it.
    fn perhaps_rescanned(&self) -> Arc<Site> {
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

    /// Does what a person or program asked for: changes the record, tells it, and waits until the
    /// disk has it. `who` is a token's name or a user of this host.
    ///
    /// # Errors
    /// [`Refusal`]; nothing was changed but for [`Refusal::NotKept`].
    pub fn act(&self, id: MachineId, action: &Action, who: &str) -> Result<Record, Refusal> {
        let none = || Refusal::NoMachine(format!("there is no machine {id}: see the list of them"));
        let site = self.site();
        let (record, events, pending) = {
            let _deciding = held(&self.deciding);
            if let Action::Name { name: Some(name) } = action
                && let Some(other) = self.census.named(name.as_str())
                && other.id != id
            {
                return Err(Refusal::Conflict(format!(
                    "machine {} has the name {name}: choose another",
                    other.id
                )));
            }
            if *action == Action::Forget {
                let (record, pending) = self.census.forget(id).ok_or_else(none)?;
                (record, Vec::new(), pending)
            } else {
                let change = |record: &mut Record| {
                    let events = action.apply(record, &site.config, now())?;
                    Ok((record.clone(), events))
                };
                let (changed, pending) = self.census.change(id, change).ok_or_else(none)?;
                let (record, events) = changed?;
                (record, events, pending)
            }
        };
        let told = Event::Action {
            who: who.to_owned(),
            what: action.what(),
        };
        for event in std::iter::once(told).chain(events) {
            self.sink.event_of(id, event);
        }
        match pending.wait() {
            Ok(()) => Ok(record),
            Err(error) => Err(Refusal::NotKept(format!(
                "{} of {} is in force, but not on the disk: {error}",
                action.what(),
                record.label()
            ))),
        }
    }

    /// The loader that this client gets in place of the one it asks for, if it is a declared machine
    /// that has one: TFTP says nothing of a machine, but the neighbour table says which MAC has the
    /// address.
    fn declared_loader<'a>(
        &self,
        site: &'a Site,
        name: &str,
        request: &Request,
    ) -> Option<&'a str> {
        if !loader::is_loader(name) || !site.has_loaders {
            return None;
        }
        let mac = (self.neighbour)(request.peer.ip().to_canonical())?;
        let declared = site.loader_of(mac)?;
        if !loader::can_stand_in(name, declared) {
            return None;
        }
        if site.entry(declared, request.local).is_none() {
            log::warn!("{mac} is declared to get {declared}, which is not there: it gets {name}");
            return None;
        }
        log::info!("{mac} gets {declared} where it asks for {name}, as declared");
        Some(declared)
    }
}

/// Milliseconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let since = since.map_or(0, |since| since.as_millis());
    u64::try_from(since).unwrap_or(u64::MAX)
}

/// What a lock guards is whole at every moment, so a thread that panicked left nothing half done.
fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Gate for Keeper {
    fn file(&self, name: &str, request: &Request) -> Answer {
        let mut site = self.site();
        if name == DEFAULT && site.incomplete {
            site = self.perhaps_rescanned();
        }
        let declared = self.declared_loader(&site, name, request);
        let name = declared.unwrap_or(name);
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
        let mut facts = Facts::parse(query);
        facts.ip = Some(request.peer.ip().to_canonical());
        let mut site = self.site();
        if site.incomplete {
            site = self.perhaps_rescanned();
        }
        let decided = {
            let mut assignments = held(&self.assignments);
            let decided = site.decide(&facts, &assignments);
            if let Some(policy) = &decided.counted {
                assignments.count(policy, &facts.key());
            }
            decided
        };
        let reason = match site.unready(&decided, &facts) {
            Some(why) => format!("{}; {}", decided.reason, why.sentence),
            None => decided.reason.clone(),
        };
        let declared = site.identify(&facts).map(|identity| &identity.machine.name);
        let (met, _) = self.census.meet(&facts, declared, facts.ip, now());
        for (machine, event) in met.events {
            self.sink.event_of(machine, event);
        }
        let event = Event::Script {
            peer: request.peer,
            machine: declared.map_or_else(|| facts.label(), Name::to_string),
            decision: decided.decision.word(),
            reason,
        };
        match met.id {
            Some(machine) => self.sink.event_of(machine, event),
            None => self.sink.event(event),
        }
        site.script(&decided, &facts, request.local)
    }
}

#[cfg(test)]
mod tests;
