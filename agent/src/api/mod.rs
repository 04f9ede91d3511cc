//! The control side: what programs and people ask of a running agent, as JSON. [`Api::answer`] takes a
//! method, a path and a body and gives a status and a body; sockets are elsewhere.
//!
//! Errors are problem documents (RFC 9457). A change is answered once it is on the disk.

mod machines;
mod metrics;
pub mod policies;
mod problem;
mod view;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::boot::gate::Keeper;
use crate::config::Config;
use crate::event::{Event, Stamped};
use crate::limits;
use crate::mac::Mac;
use crate::machine::{Census, Record};
use crate::store::{AuditRow, EventFilter, EventRow, Write};
use problem::Problem;

/// What the control side works with.
pub struct Api {
    /// Every machine.
    pub census: Arc<Census>,
    /// Does what is asked for, and knows what is declared.
    pub keeper: Arc<Keeper>,
    /// What `GET /api/v1/status` shows.
    pub status: Box<dyn Fn() -> Value + Send + Sync>,
    /// Whether DHCP is listened to.
    pub hears_dhcp: Box<dyn Fn() -> bool + Send + Sync>,
    /// Switches a machine with these cards on; a sentence of what was done, or why not.
    pub wake: Wake,
    /// Milliseconds since 1970.
    pub now: fn() -> u64,
}

/// Switches a machine on.
pub type Wake = Box<dyn Fn(&[Mac]) -> Result<String, String> + Send + Sync>;

/// One request.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// `GET`, ...
    pub method: &'a str,
    /// Still percent-encoded.
    pub path: &'a str,
    /// Still percent-encoded.
    pub query: &'a str,
    /// JSON, where there is one.
    pub body: &'a [u8],
    /// Who asks.
    pub who: &'a str,
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body; a text where it is one.
    pub body: Value,
    /// The methods there are, where it was another.
    pub allow: Option<&'static str>,
}

/// What a path's parts mean, and by which methods they are asked.
const ROUTES: [(&str, &str); 13] = [
    ("status", "GET"),
    ("machines", "GET"),
    ("machines/*", "GET"),
    ("machines/*/actions", "POST"),
    ("machines/*/events", "GET"),
    ("machines/*/timeline", "GET"),
    ("machines/*/wake", "POST"),
    ("events", "GET"),
    ("findings", "GET"),
    ("audit", "GET"),
    ("policies", "GET"),
    ("policies/test", "POST"),
    ("profiles", "GET"),
];
/// The same for what is asked about the database.
const COPIES: [(&str, &str); 2] = [("backup", "POST"), ("restore", "POST")];

impl Api {
    /// Answers a request.
    pub fn answer(&self, asked: &Asked) -> Answer {
        match self.try_answer(asked) {
            Ok(body) => Answer {
                status: 200,
                body,
                allow: None,
            },
            Err(problem) => Answer {
                status: problem.status,
                allow: problem.allow,
                body: problem.document(),
            },
        }
    }

    /// What monitoring asks: outside `/api`, because that is where it looks.
    fn watched(&self, path: &str) -> Option<Result<Value, Problem>> {
        let trouble = self.census.store().trouble();
        Some(match path {
            "/healthz" => Ok(json!({ "status": "alive" })),
            "/readyz" => match trouble {
                Some(why) => Err(Problem::unavailable(&why)),
                None => Ok(json!({ "status": "ready" })),
            },
            "/metrics" => {
                let status = (self.status)();
                let mut phases = BTreeMap::new();
                for record in self.census.look().iter() {
                    *phases.entry(record.phase.word()).or_default() += 1;
                }
                Ok(metrics::text(&status, &phases, trouble.is_some()).into())
            }
            _ => return None,
        })
    }

    fn try_answer(&self, asked: &Asked) -> Result<Value, Problem> {
        if let Some(answer) = self.watched(asked.path) {
            return match asked.method {
                "GET" | "HEAD" => answer,
                _ => Err(Problem::method("GET")),
            };
        }
        let rest = asked.path.strip_prefix("/api/v1/");
        let parts: Vec<String> = rest
            .unwrap_or_default()
            .split('/')
            .map(|part| view::decoded(part.as_bytes()))
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let method = match asked.method {
            "HEAD" => "GET",
            method => method,
        };
        let known = ROUTES
            .iter()
            .chain(&COPIES)
            .find(|(route, _)| fits(route, &parts));
        match known {
            None => return Err(Problem::not_found(asked.path)),
            Some((_, allow)) if *allow != method => return Err(Problem::method(allow)),
            Some(_) => {}
        }
        let site = self.keeper.site();
        match parts[..] {
            ["status"] => Ok((self.status)()),
            ["machines"] => self.machines(asked.query, &site.config),
            ["machines", name] => self.machine(name, &site.config),
            ["machines", name, "actions"] => self.act(name, asked, &site.config),
            ["machines", name, "events"] => self.events_of(name, asked.query),
            ["machines", name, "wake"] => self.wake(name, asked),
            ["machines", name, "timeline"] => self.timeline(name, &site.config),
            ["events"] => self.events(view::filter(asked.query)?),
            ["findings"] => Ok(self.findings(&site.config)),
            ["audit"] => self.audit(asked.query),
            ["policies"] => Ok(self.policies(&site)),
            ["policies", "test"] => self.test_policies(asked, &site),
            ["profiles"] => Ok(policies::declared_profiles(&site.config)),
            ["backup"] => self.copy(asked, |path| self.census.store().backup(path)),
            ["restore"] => self.copy(asked, |path| {
                for warning in self.census.restore(path)? {
                    log::warn!("{warning}");
                }
                Ok(())
            }),
            _ => Err(Problem::not_found(asked.path)),
        }
    }

    fn events(&self, filter: EventFilter) -> Result<Value, Problem> {
        let events = self.read(&filter)?;
        Ok(json!({ "events": events.iter().map(view::event).collect::<Vec<_>>() }))
    }

    fn read(&self, filter: &EventFilter) -> Result<Vec<Stamped>, Problem> {
        let rows = self.census.store().events(filter);
        let rows = rows.map_err(|error| Problem::unavailable(&error.to_string()))?;
        Ok(rows.iter().filter_map(stamped).collect())
    }

    /// What happened to a machine since it is known, the newest last.
    fn own_story(&self, record: &Record) -> Result<Vec<Stamped>, Problem> {
        let mut story = self.read(&view::last_events(record.id))?;
        story.reverse();
        Ok(story)
    }

    /// What happened to a machine, the newest last. A machine that nobody had met yet has no number
    /// when it first asks for an address: those events are known by its card.
    fn story(&self, record: &Record) -> Result<Vec<Stamped>, Problem> {
        let mut story = self.own_story(record)?;
        let heard = self.read(&EventFilter {
            kind: Some("dhcp".to_owned()),
            newest_first: true,
            limit: limits::PAGE,
            ..EventFilter::default()
        })?;
        let is_its = |event: &Stamped| match &event.event {
            Event::Dhcp(dhcp) => event.machine.is_none() && record.macs.contains(&dhcp.mac),
            _ => false,
        };
        story.extend(heard.into_iter().filter(is_its));
        story.sort_by_key(|event| event.seq);
        Ok(story)
    }

    fn audit(&self, query: &str) -> Result<Value, Problem> {
        let filter = view::filter(query)?;
        let rows = self.census.store().audit(filter.before, filter.limit);
        let rows = rows.map_err(|error| Problem::unavailable(&error.to_string()))?;
        let shown = |row: &AuditRow| {
            let what: Value = serde_json::from_str(&row.what).unwrap_or_default();
            json!({ "seq": row.seq, "at": row.at, "who": row.who, "what": what })
        };
        Ok(json!({ "audit": rows.iter().map(shown).collect::<Vec<_>>() }))
    }

    /// Copies the database from or to a file of this host.
    fn copy(
        &self,
        asked: &Asked,
        copy: impl FnOnce(&Path) -> Result<(), crate::store::Error>,
    ) -> Result<Value, Problem> {
        let body: Value = serde_json::from_slice(asked.body)
            .map_err(|error| Problem::wrong(&format!("the body is no JSON: {error}")))?;
        let path = body["path"].as_str().filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| {
            Problem::wrong("the body must be {\"path\": \"/a/file/of/this/host\"}, from the root")
        })?;
        copy(Path::new(path)).map_err(|error| Problem::conflict(&error.to_string()))?;
        let verb = asked.path.rsplit('/').next().unwrap_or_default();
        self.audited(asked.who, json!({ "action": verb, "path": path }))?;
        Ok(json!({ "path": path }))
    }

    /// Writes down who did what, and waits until it is on the disk.
    fn audited(&self, who: &str, what: Value) -> Result<(), Problem> {
        let row = AuditRow {
            seq: 0,
            at: (self.now)(),
            who: who.to_owned(),
            what: what.to_string(),
        };
        let written = self.census.store().write(vec![Write::Audit(row)]).wait();
        written.map_err(|error| Problem::unavailable(&error.to_string()))
    }

    fn findings(&self, config: &Config) -> Value {
        let machines: Vec<_> = self.census.look().iter().cloned().collect();
        let mut all = Vec::new();
        for record in machines {
            let Ok(events) = self.own_story(&record) else {
                continue;
            };
            let found = crate::timeline::findings(&events, &self.context(&record, config));
            for finding in found {
                let mut value = serde_json::to_value(&finding).unwrap_or_default();
                value["machine"] = record.id.0.into();
                value["label"] = record.label().into();
                all.push(value);
            }
            if all.len() >= limits::PAGE {
                break;
            }
        }
        json!({ "findings": all })
    }
}

fn fits(route: &str, parts: &[&str]) -> bool {
    let route: Vec<&str> = route.split('/').collect();
    let pairs = route.iter().zip(parts);
    route.len() == parts.len()
        && pairs
            .clone()
            .all(|(known, part)| known == part || *known == "*" && !part.is_empty())
}

/// An event as it was kept. One of a later Hearth, which this one does not know, is left out.
fn stamped(row: &EventRow) -> Option<Stamped> {
    let mut stamped: Stamped = serde_json::from_str(&row.data).ok()?;
    // The row knows better: machines were merged since.
    stamped.machine = row.machine;
    Some(stamped)
}

#[cfg(test)]
mod tests;
