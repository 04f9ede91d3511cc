//! The control side: what programs and people ask of a running agent, as JSON. [`Api::answer`] takes a
//! request ([`Asked`]) and gives an [`Answer`]; sockets are elsewhere. [`OPERATIONS`] is all that can be
//! asked, each with the [`Role`] that it takes.
//!
//! Errors are problem documents (RFC 9457). A change is answered once it is on the disk.

mod advise;
mod asked;
mod config;
mod diff;
mod fetches;
mod findings;
mod follow;
mod images;
mod list;
mod live;
mod machines;
mod metrics;
mod operation;
mod overrides;
pub mod policies;
mod problem;
mod script;
mod tokens;
mod view;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use crate::boot::gate::Keeper;
use crate::config::Config;
use crate::event::{Event, Stamped, UnderWay};
use crate::id::MachineId;
use crate::mac::Mac;
use crate::machine::{Census, Record, Restored};
use crate::store::{AuditRow, EventFilter, EventRow, Write};
use crate::sys::confine;
use crate::{limits, percent};

pub use self::config::{Fragments, NotChanged};
pub use advise::advice;
pub use asked::{Answer, Asked, Done};
pub use fetches::{Fetches, NotBegun, Task, fetch_events, of_fetches};
pub use follow::{ALIVE, Follow, piece};
pub use images::pins;
pub use live::{Found, Look, Looking};
pub use metrics::TRANSFER_SECONDS;
pub use operation::{OPERATIONS, Operation, Role};
pub use problem::Problem;
pub use tokens::Tokens;
pub use view::event;

/// What there is, for programs (OpenAPI 3.1).
pub const OPENAPI: &str = include_str!("../../api/openapi.json");

/// What the control side works with.
pub struct Api {
    /// Every machine.
    pub census: Arc<Census>,
    /// Does what is asked for, and knows what is declared.
    pub keeper: Arc<Keeper>,
    /// What `GET /api/v1/status` shows.
    pub status: Box<dyn Fn() -> Value + Send + Sync>,
    /// Who may ask from elsewhere.
    pub tokens: Tokens,
    /// Switches a machine with these cards on; a sentence of what was done, or why not.
    pub wake: Wake,
    /// Goes back to a backup; events have numbers above all that it holds from then on.
    pub restore: Restore,
    /// Fetches in the agent.
    pub fetches: Box<dyn Fetches>,
    /// Fragments of the configuration.
    pub fragments: Arc<dyn Fragments>,
    /// The folders below which this process can write; none: wherever its user may.
    pub writes: Vec<PathBuf>,
    /// What the servers are sending.
    pub under_way: Box<dyn Fn() -> Vec<UnderWay> + Send + Sync>,
    /// Looks at what is under way.
    pub looking: Looking,
    /// Findings that were drawn for it lately.
    pub found: Found,
    /// Milliseconds since 1970.
    pub now: fn() -> u64,
    /// When the event of a number that was stamped with this time happened, by the clock as it is now.
    pub happened: Happened,
}

/// Switches a machine on.
pub type Wake = Box<dyn Fn(&[Mac]) -> Result<String, String> + Send + Sync>;

/// A time by the clock as it is now.
pub type Happened = Box<dyn Fn(u64, u64) -> u64 + Send + Sync>;

/// Goes back to the backup at a path.
pub type Restore = Box<dyn Fn(&Path) -> Result<Restored, crate::store::Error> + Send + Sync>;

/// What an operation gives.
type Answered = Result<Done, Problem>;

impl Api {
    /// Answers a request.
    pub fn answer(&self, asked: &Asked) -> Answer {
        match self.try_answer(asked) {
            Ok(done) => Answer::of(done, asked),
            Err(problem) => Answer::refused(problem),
        }
    }

    /// What monitoring asks: outside `/api`, because that is where it looks. Whether the agent is well
    /// takes no token; a balancer or a supervisor has none.
    fn watched(&self, asked: &Asked) -> Option<Answered> {
        let trouble = self.census.store().trouble();
        Some(match asked.path {
            "/healthz" => Ok(json!({ "status": "alive" }).into()),
            "/readyz" => match trouble {
                Some(why) => Err(Problem::unavailable(&why)),
                None => Ok(json!({ "status": "ready" }).into()),
            },
            "/metrics" => may(asked, Some(Role::Read)).map(|()| {
                let status = (self.status)();
                let mut phases = BTreeMap::new();
                let count = |record: &Record| {
                    *phases.entry(record.phase.word()).or_default() += 1;
                    None::<()>
                };
                self.census.page(MachineId(0), usize::MAX, count);
                let text = metrics::text(&status, &phases, trouble.is_some());
                Done::text("text/plain; version=0.0.4", text)
            }),
            _ => return None,
        })
    }

    fn try_answer(&self, asked: &Asked) -> Answered {
        let method = match asked.method {
            "HEAD" => "GET",
            method => method,
        };
        if let Some(answer) = self.watched(asked) {
            return match method {
                "GET" => answer,
                _ => Err(Problem::method("GET")),
            };
        }
        let rest = asked.path.strip_prefix("/api/v1/");
        let parts: Vec<String> = rest
            .unwrap_or_default()
            .split('/')
            .map(percent::decoded_text)
            .collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let Some(operation) = operation::of(&parts).find(|one| one.method == method) else {
            let known: Vec<_> = operation::of(&parts).map(|one| one.method).collect();
            return Err(match known[..] {
                [] => Problem::not_found(asked.path),
                _ => Problem::method(&known.join(", ")),
            });
        };
        may(asked, operation.role)?;
        self.operate(method, &parts, asked)
    }

    /// Every operation of [`operation::OPERATIONS`].
    fn operate(&self, method: &str, parts: &[&str], asked: &Asked) -> Answered {
        let site = self.keeper.site();
        let config = &site.config;
        if let ("GET", ["events" | "audit"] | ["machines", _, "events"]) = (method, parts) {
            self.settle();
        }
        Ok(match (method, parts) {
            (_, ["openapi.json"]) => Done::text("application/json", OPENAPI.to_owned()),
            (_, ["status"]) => (self.status)().into(),
            (_, ["live"]) => self.live(asked.query, &site)?.into(),
            (_, ["machines"]) => self.machines(asked.query)?.into(),
            (_, ["machines", name]) => self.machine(name, config)?.into(),
            (_, ["machines", name, "actions"]) => self.act(name, asked, config)?.into(),
            (_, ["machines", name, "advice"]) => self.advice(name)?.into(),
            (_, ["machines", name, "events"]) => self.events_of(name, asked.query)?.into(),
            ("PUT", ["machines", name, "overrides"]) => self.put_overrides(name, asked)?.into(),
            (_, ["machines", name, "overrides"]) => self.overrides(name)?,
            (_, ["machines", name, "script"]) => self.script(name, asked, &site)?.into(),
            (_, ["machines", name, "wake"]) => self.wake(name, asked)?.into(),
            (_, ["machines", name, "timeline"]) => self.timeline(name, config)?.into(),
            (_, ["events"]) => self.events(view::filter(asked.query)?)?.into(),
            (_, ["findings"]) => self.findings(&site).into(),
            (_, ["audit"]) => self.audit(asked.query)?.into(),
            (_, ["policies"]) => self.policies(&site).into(),
            (_, ["policies", "test"]) => self.test_policies(asked, &site)?.into(),
            (_, ["profiles"]) => policies::declared_profiles(config).into(),
            (_, ["lock"]) => pins(&site.lock).into(),
            (_, ["images"]) => self.images(&site).into(),
            (_, ["loaders"]) => self.loaders(&site).into(),
            (_, ["lock", "update"]) => self.begin_fetch(Task::Update, asked)?,
            (_, ["lock", "prune"]) => self.prune(asked)?,
            ("POST", ["fetches"]) => self.begin_fetch(Task::Fetch, asked)?,
            (_, ["fetches"]) => self.fetch_list().into(),
            ("DELETE", ["fetches", id]) => self.cancel_fetch(id, asked)?,
            (_, ["fetches", id]) => self.fetch(id)?.into(),
            (_, ["config"]) => self.configuration().into(),
            (_, ["config", "check"]) => self.check_configuration(asked)?.into(),
            (_, ["config", "fragments"]) => self.fragment_list().into(),
            ("PUT", ["config", "fragments", name]) => self.put_fragment(name, asked)?,
            ("DELETE", ["config", "fragments", name]) => self.delete_fragment(name, asked)?.into(),
            (_, ["config", "fragments", name]) => self.fragment(name)?,
            (_, ["config", "fragments", name, "revert"]) => {
                self.revert_fragment(name, asked)?.into()
            }
            ("POST", ["tokens"]) => self.create_token(asked)?,
            (_, ["tokens"]) => self.token_list().into(),
            (_, ["tokens", name]) => self.revoke_token(name, asked)?.into(),
            (_, ["backup"]) => self.copy(asked, |path| self.backup(path, config))?.into(),
            (_, ["restore"]) => self.copy(asked, |path| self.restore(path))?.into(),
            _ => return Err(Problem::not_found(asked.path)),
        })
    }

    fn backup(&self, path: &Path, config: &Config) -> Result<(), crate::store::Error> {
        let root = &config.server.root;
        let folder = path.parent().unwrap_or(path);
        if !self.writes.is_empty() && !confine::is_within(folder, &self.writes) {
            let writes: Vec<_> = self
                .writes
                .iter()
                .map(|one| one.display().to_string())
                .collect();
            return Err(crate::store::Error(format!(
                "hearth cannot write {}: it confined itself to {}; name one of these but {}, and move \
                 the file",
                path.display(),
                writes.join(", "),
                root.display()
            )));
        }
        if confine::is_within(folder, std::slice::from_ref(root)) {
            return Err(crate::store::Error(format!(
                "{} is below {}, whose files everybody may read over TFTP and HTTP: name another folder",
                path.display(),
                root.display()
            )));
        }
        self.census.store().backup(path)
    }

    fn restore(&self, path: &Path) -> Result<(), crate::store::Error> {
        let restored = (self.restore)(path)?;
        self.tokens.replace(restored.tokens);
        let warnings = restored.warnings;
        warnings.iter().for_each(|warning| log::warn!("{warning}"));
        Ok(())
    }

    /// Waits for what happened before to be where it is read from: whoever asks after something happened
    /// sees it. A disk that takes nothing is not waited for.
    fn settle(&self) {
        let store = self.census.store();
        if store.trouble().is_none() {
            let _ = store.settled().wait();
        }
    }

    fn events(&self, filter: EventFilter) -> Result<Value, Problem> {
        let events = self.read(&filter)?;
        Ok(json!({ "events": events.iter().map(view::event).collect::<Vec<_>>() }))
    }

    fn read(&self, filter: &EventFilter) -> Result<Vec<Stamped>, Problem> {
        let rows = self.census.store().events(filter);
        Ok(rows?.iter().filter_map(stamped).collect())
    }

    /// What happened to a machine, the newest last.
    fn story(&self, record: &Record) -> Result<Vec<Stamped>, Problem> {
        self.whole_story(record, &self.of_nobody()?)
    }

    /// The same, with what was heard of nobody known. A machine that nobody had met yet has no number
    /// when it first asks for an address: those events are known by its card.
    fn whole_story(&self, record: &Record, heard: &[Stamped]) -> Result<Vec<Stamped>, Problem> {
        self.story_of(record, &view::last_events(record.id), heard)
    }

    /// The same, with those of its events that a filter chooses.
    fn story_of(
        &self,
        record: &Record,
        filter: &EventFilter,
        heard: &[Stamped],
    ) -> Result<Vec<Stamped>, Problem> {
        let mut story = self.read(filter)?;
        let is_its = |event: &&Stamped| match &event.event {
            Event::Dhcp(dhcp) => record.macs.contains(&dhcp.mac),
            _ => false,
        };
        story.extend(heard.iter().filter(is_its).cloned());
        story.sort_by_key(|event| event.seq);
        for event in &mut story {
            event.at = (self.happened)(event.seq, event.at);
        }
        Ok(story)
    }

    /// What was heard lately of machines that nobody had met.
    fn of_nobody(&self) -> Result<Vec<Stamped>, Problem> {
        let mut heard = self.read(&EventFilter {
            kind: Some("dhcp".to_owned()),
            newest_first: true,
            limit: limits::PAGE,
            ..EventFilter::default()
        })?;
        heard.retain(|event| event.machine.is_none());
        Ok(heard)
    }

    fn audit(&self, query: &str) -> Result<Value, Problem> {
        let filter = view::filter(query)?;
        let rows = self.census.store().audit(filter.before, filter.limit);
        let shown = |row: &AuditRow| {
            let what: Value = serde_json::from_str(&row.what).unwrap_or_default();
            json!({ "seq": row.seq, "at": row.at, "who": row.who, "what": what })
        };
        Ok(json!({ "audit": rows?.iter().map(shown).collect::<Vec<_>>() }))
    }

    /// Copies the database from or to a file of this host.
    fn copy(
        &self,
        asked: &Asked,
        copy: impl FnOnce(&Path) -> Result<(), crate::store::Error>,
    ) -> Result<Value, Problem> {
        let body: Value = asked.json("JSON")?;
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
        let row = self.audit_row(who, &what);
        Ok(self.census.store().write(vec![row]).wait()?)
    }

    fn audit_row(&self, who: &str, what: &Value) -> Write {
        Write::Audit(AuditRow {
            seq: 0,
            at: (self.now)(),
            who: who.to_owned(),
            what: what.to_string(),
        })
    }
}

/// Whether who asks may do what takes this role.
fn may(asked: &Asked, needed: Option<Role>) -> Result<(), Problem> {
    match (needed, asked.role) {
        (None, _) => Ok(()),
        (Some(_), None) => Err(Problem::unknown(
            "this takes a token: `hearth token create` on the firewall makes one",
        )),
        (Some(needed), Some(role)) if role < needed => Err(Problem::forbidden(role, needed)),
        _ => Ok(()),
    }
}

/// An event as it was kept. One of a later Hearth, which this one does not know, is left out.
pub fn stamped(row: &EventRow) -> Option<Stamped> {
    let mut stamped: Stamped = serde_json::from_str(&row.data).ok()?;
    // The row knows better: machines were merged since.
    stamped.machine = row.machine;
    Some(stamped)
}

#[cfg(test)]
mod tests;
