//! What `GET /api/v1/status` answers: numbers and times for programs, each with its unit.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use serde_json::{Value, json};

use super::fragments::Fragments;
use super::journal::{Journal, Totals};
use super::ready::{Ready, ready};
use super::webhooks::Webhooks;
use crate::boot::site::Site;
use crate::clock;
use crate::event::{Event, Sink, UnderWay};
use crate::id::MachineId;
use crate::stamp::now;
use crate::sync::held;
use crate::{http, limits, tftp};

/// Reads a server's counters.
pub type Meter<T> = Box<dyn Fn() -> T + Send + Sync>;

/// What the status is made of, besides the site.
pub struct Status {
    /// Events.
    pub journal: Journal,
    /// The TFTP server's, once it runs.
    pub tftp: OnceLock<Meter<tftp::Stats>>,
    /// The HTTP server's, once it runs.
    pub http: OnceLock<Meter<http::Stats>>,
    /// The transfers that the TFTP server has under way, once it runs.
    pub tftp_running: OnceLock<Meter<Vec<UnderWay>>>,
    /// The files that the HTTP server sends, once it runs.
    pub http_running: OnceLock<Meter<Vec<UnderWay>>>,
    /// The interfaces on which DHCP is heard.
    observed: Mutex<Vec<String>>,
    /// The addresses of the configuration that no interface has now.
    waits_for: Mutex<Vec<IpAddr>>,
    /// Who is told of events.
    pub webhooks: Webhooks,
    /// Fragments that came by the API.
    pub fragments: Arc<Fragments>,
    /// The folders below which this process can write; none: wherever its user may.
    pub writes: Vec<PathBuf>,
    configuration: Mutex<Configuration>,
}

/// Where the configuration in force came from, and what became of the last other one.
#[derive(Clone, Debug, Default)]
struct Configuration {
    files: Vec<PathBuf>,
    /// Seconds since 1970.
    since: u64,
    /// Reloads that were tried.
    reloads: u64,
    refused: Option<(u64, String)>,
}

impl Sink for Status {
    fn event(&self, event: Event) {
        self.journal.event(event);
    }

    fn event_of(&self, machine: MachineId, event: Event) {
        self.journal.event_of(machine, event);
    }
}

impl Status {
    /// Begins to count.
    pub fn new(
        files: Vec<PathBuf>,
        journal: Journal,
        fragments: Fragments,
        writes: Vec<PathBuf>,
    ) -> Status {
        Status {
            journal,
            tftp: OnceLock::new(),
            http: OnceLock::new(),
            tftp_running: OnceLock::new(),
            http_running: OnceLock::new(),
            observed: Mutex::default(),
            waits_for: Mutex::default(),
            webhooks: Webhooks::default(),
            fragments: Arc::new(fragments),
            writes,
            configuration: Mutex::new(Configuration {
                files,
                since: now(),
                reloads: 0,
                refused: None,
            }),
        }
    }

    /// A reload is over: the files that are in force now, or why it was refused.
    pub fn reloaded(&self, result: Result<Vec<PathBuf>, String>) {
        let mut configuration = self.configuration();
        configuration.reloads += 1;
        match result {
            Ok(files) => {
                configuration.files = files;
                configuration.since = now();
                configuration.refused = None;
            }
            Err(reason) => configuration.refused = Some((now(), reason)),
        }
    }

    /// The interfaces on which DHCP is heard.
    pub fn observed(&self) -> MutexGuard<'_, Vec<String>> {
        held(&self.observed)
    }

    /// The addresses of the configuration that no interface has now.
    pub fn waits_for(&self) -> MutexGuard<'_, Vec<IpAddr>> {
        held(&self.waits_for)
    }

    /// Everything that the servers are sending.
    pub fn under_way(&self) -> Vec<UnderWay> {
        let servers = [self.tftp_running.get(), self.http_running.get()];
        servers
            .into_iter()
            .flatten()
            .flat_map(|all| all())
            .collect()
    }

    fn configuration(&self) -> MutexGuard<'_, Configuration> {
        held(&self.configuration)
    }

    /// The whole status.
    pub fn value(&self, site: &Site) -> Value {
        let server = &site.config.server;
        let configuration = self.configuration().clone();
        let ready = ready(site);
        let tftp = self.tftp.get().map(|stats| stats());
        let http = self.http.get().map(|stats| stats());
        crate::log::flush(limits::STATUS_LOG_WAIT);
        let observed = self.observed().clone();
        let waits_for = self.waits_for().clone();
        let webhooks = self.webhooks.status();
        let backlog = self.journal.backlog();
        let kept = self.journal.kept();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "process": std::process::id(),
            "started": clock::began() / 1_000,
            "uptime": clock::lasts_ms() / 1_000,
            "addresses": server.addresses,
            "waits_for": waits_for,
            "tftp_port": server.tftp_port,
            "http_port": server.http_port,
            "root": server.root,
            "writes": self.writes,
            "configuration": {
                "files": configuration.files,
                "since": configuration.since,
                "reloads": configuration.reloads,
                "refused": configuration.refused.map(|(time, error)| json!({
                    "time": time, "error": error,
                })),
            },
            "declared": {
                "machines": site.config.machines.len(),
                "profiles": site.config.profiles.len(),
                "policies": site.config.policies.len(),
            },
            "files": site.catalogue.iter().count(),
            "warnings": site.warnings,
            "loaders": states(&ready, true),
            "images": states(&ready, false),
            "tftp": with(totals(&kept.tftp), json!({
                "active": tftp.map(|tftp| tftp.active),
                "repeats": kept.tftp.repeats,
            })),
            "http": with(totals(&kept.http), json!({
                "connections": http.map(|http| http.connections),
                "limit": http.map(|http| http.limit),
                "requests": http.map(|http| http.requests),
                "turned_away": http.map(|http| http.turned_away),
            })),
            "database": {
                "waiting": backlog.changes,
                "waiting_bytes": backlog.bytes,
                "events_dropped": backlog.events_dropped,
            },
            "observe": { "interfaces": observed },
            "webhooks": webhooks,
            "scripts": kept.scripts,
            "decisions": kept.decisions,
            "events": kept.last,
        })
    }
}

fn totals(totals: &Totals) -> Value {
    json!({
        "transfers": totals.transfers, "failed": totals.failed, "bytes": totals.bytes,
        "seconds": totals.took.as_secs_f64(), "took": totals.within,
    })
}

fn with(mut one: Value, other: Value) -> Value {
    if let (Value::Object(one), Value::Object(other)) = (&mut one, other) {
        one.extend(other);
    }
    one
}

fn states(ready: &[Ready], loaders: bool) -> Vec<Value> {
    let of = ready.iter().filter(|one| one.is_loader == loaders);
    of.map(|one| {
        let is_there = one.missing.is_empty();
        json!({
            "name": one.name,
            "state": if is_there { "ready" } else { "missing" },
            "missing": one.missing,
            "remedy": (!is_there).then_some(&one.remedy),
        })
    })
    .collect()
}
