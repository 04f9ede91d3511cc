//! Takes events: a log line each, counters, and the last few for `hearth status`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::arch::{Platform, loader_name};
use crate::boot::site::Site;
use crate::event::{Event, Outcome, Sink, Via};
use crate::limits;
use crate::recipe;

/// What happened since the start.
pub struct Journal {
    started: Instant,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    tftp: Totals,
    http: Totals,
    scripts: u64,
    reload_error: Option<String>,
    last: VecDeque<Value>,
}

#[derive(Default)]
struct Totals {
    transfers: u64,
    failed: u64,
    bytes: u64,
    repeats: u64,
}

impl Totals {
    fn json(&self) -> Value {
        json!({
            "transfers": self.transfers, "failed": self.failed, "bytes": self.bytes,
            "repeats": self.repeats,
        })
    }
}

impl Default for Journal {
    fn default() -> Self {
        Journal {
            started: Instant::now(),
            kept: Mutex::default(),
        }
    }
}

impl Sink for Journal {
    fn event(&self, event: Event) {
        let line = line(&event);
        match &event {
            Event::Transfer {
                outcome: Outcome::Failed(_),
                ..
            } => log::warn!("{line}"),
            _ => log::info!("{line}"),
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &event {
            Event::Transfer {
                via,
                bytes,
                repeats,
                outcome,
                ..
            } => {
                let totals = if *via == Via::Tftp {
                    &mut kept.tftp
                } else {
                    &mut kept.http
                };
                totals.transfers += 1;
                totals.bytes += bytes;
                totals.repeats += u64::from(*repeats);
                totals.failed += u64::from(!matches!(outcome, Outcome::Done | Outcome::Probe));
            }
            Event::Script { .. } => kept.scripts += 1,
        }
        let when = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        kept.last
            .push_back(json!({ "time": when.as_secs(), "event": line }));
        if kept.last.len() > limits::STATUS_EVENTS {
            kept.last.pop_front();
        }
    }
}

impl Journal {
    /// Keeps how the last reload went.
    pub fn reloaded(&self, error: Option<String>) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .reload_error = error;
    }

    /// What `hearth status` shows.
    pub fn status(&self, site: &Site) -> Value {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<Value> = missing(site)
            .into_iter()
            .map(|(what, remedy)| json!({ "what": what, "remedy": remedy }))
            .collect();
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "uptime": self.started.elapsed().as_secs(),
            "addresses": site.config.server.addresses,
            "tftp_port": site.config.server.tftp_port,
            "http_port": site.config.server.http_port,
            "files": site.catalogue.iter().count(),
            "missing": missing,
            "tftp": kept.tftp.json(),
            "http": kept.http.json(),
            "scripts": kept.scripts,
            "reload_error": kept.reload_error,
            "events": kept.last,
        })
    }
}

/// What is declared and not there yet, each with the command that brings it.
pub fn missing(site: &Site) -> Vec<(String, String)> {
    let have = |name: &str| site.catalogue.get(name).is_some();
    let mut missing = Vec::new();
    for cpu in &site.config.loaders.architectures {
        let loader = loader_name(Platform::Efi, *cpu, "snponly.efi");
        if !have(&loader) {
            missing.push((
                format!("the loader {loader} is missing"),
                "hearth fetch loaders".to_owned(),
            ));
        }
    }
    for image in site.config.images.values() {
        for cpu in &image.architectures {
            let bootable = recipe::bootable(image, &site.lock, &have, *cpu, Platform::Efi);
            if let Err(recipe::NotBootable::Missing(_)) = bootable {
                let name = &image.name;
                missing.push((
                    format!("image {name} is not fetched"),
                    format!("hearth fetch {name}"),
                ));
                break;
            }
        }
    }
    missing
}

fn line(event: &Event) -> String {
    match event {
        Event::Script {
            peer,
            machine,
            decision,
            reason,
        } => {
            format!("{machine} at {} gets {decision}: {reason}", peer.ip())
        }
        Event::Transfer {
            via,
            peer,
            name,
            bytes,
            size,
            took,
            repeats,
            outcome,
        } => {
            let via = if *via == Via::Tftp { "TFTP" } else { "HTTP" };
            let mut line = format!("{via} {name} to {}: ", peer.ip());
            line.push_str(&match outcome {
                Outcome::Done => {
                    let seconds = took.as_secs_f64();
                    let rate = *bytes as f64 / seconds.max(1e-6) / 1e6;
                    format!("{bytes} bytes in {seconds:.3} s, {rate:.1} MB/s")
                }
                Outcome::Probe => "asked for the size only".to_owned(),
                Outcome::NotFound => "not found".to_owned(),
                Outcome::Refused(why) => format!("refused: {why}"),
                Outcome::Failed(why) => {
                    let size = size.map(|size| format!(" of {size}")).unwrap_or_default();
                    format!("ended after {bytes}{size} bytes: {why}")
                }
            });
            if *repeats > 0 {
                line.push_str(&format!(", {repeats} packets sent again"));
            }
            line
        }
    }
}
