//! Fetches in the agent: begun, followed, cancelled.

use serde::Deserialize;
use serde_json::{Value, json};

use super::asked::{Asked, Done};
use super::problem::Problem;
use super::{Api, stamped};
use crate::boot::site::Site;
use crate::event::Stamped;
use crate::limits;
use crate::recipe;
use crate::store::{EventFilter, Store};
use crate::timeline::{Finding, fetch_findings};

/// What is done with the files below the root, in the agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// What is wanted and is not there is fetched; without names everything.
    Fetch,
    /// What the names want is fetched anew, and what comes is pinned.
    Update,
    /// What was fetched and nothing refers to any more is removed.
    Prune,
}

impl Task {
    /// As the API has it.
    pub fn word(self) -> &'static str {
        match self {
            Task::Fetch => "fetch",
            Task::Update => "update",
            Task::Prune => "prune",
        }
    }

    /// As the audit log has it.
    fn action(self) -> &'static str {
        match self {
            Task::Fetch => "fetch",
            Task::Update => "update-lock",
            Task::Prune => "prune-lock",
        }
    }
}

/// Who fetches.
pub trait Fetches: Send + Sync {
    /// Begins a task for what these names want, and returns at once.
    ///
    /// # Errors
    /// Nothing was begun.
    fn begin(&self, task: Task, names: &[String], who: &str) -> Result<Value, NotBegun>;
    /// All that are remembered, the newest first.
    fn all(&self) -> Vec<Value>;
    /// One of them.
    fn one(&self, id: u64) -> Option<Value>;
    /// Has one end before its time; one that has ended stays as it is.
    fn cancel(&self, id: u64) -> Option<Value>;
}

/// Why a fetch was not begun.
#[derive(Debug)]
pub enum NotBegun {
    /// The fetch of this number runs.
    Busy(u64),
    /// There is no such thing to fetch: a sentence.
    Wrong(String),
    /// The system does not do its part: a sentence.
    Failed(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(default)]
    names: Vec<String>,
}

/// The last events of fetches, as far as they can be read.
pub fn fetch_events(store: &dyn Store) -> Vec<Stamped> {
    let rows = store.events(&EventFilter {
        kind: Some("fetch".to_owned()),
        newest_first: true,
        limit: limits::FETCH_EVENTS,
        ..EventFilter::default()
    });
    rows.unwrap_or_default()
        .iter()
        .filter_map(stamped)
        .collect()
}

/// What is wrong with fetches now.
pub fn of_fetches(store: &dyn Store, site: &Site) -> Vec<Finding> {
    let events = fetch_events(store);
    if events.is_empty() {
        return Vec::new();
    }
    let wanted = recipe::wanted(&site.config);
    let is_wanted = |name: &str| wanted.iter().any(|wanted| wanted.name == name);
    let is_there = |name: &str| site.catalogue.get(name).is_some();
    fetch_findings(&events, &is_wanted, &is_there)
}

impl Api {
    pub(super) fn begin_fetch(&self, task: Task, asked: &Asked) -> Result<Done, Problem> {
        let wanted: Wanted = asked.json("list of what to fetch, {\"names\": [...]}")?;
        if task == Task::Update && wanted.names.is_empty() {
            return Err(Problem::wrong(
                "what is to be pinned anew has to be named, {\"names\": [...]}: images, profiles, \
                 `loaders`, or names below the root",
            ));
        }
        if wanted.names.len() > limits::FETCH_NAMES {
            let why = format!(
                "more than {} names: leave them out, to fetch all",
                limits::FETCH_NAMES
            );
            return Err(Problem::wrong(&why));
        }
        self.begin_task(task, &wanted.names, asked)
    }

    pub(super) fn prune(&self, asked: &Asked) -> Result<Done, Problem> {
        self.begin_task(Task::Prune, &[], asked)
    }

    fn begin_task(&self, task: Task, names: &[String], asked: &Asked) -> Result<Done, Problem> {
        let begun = self.fetches.begin(task, names, asked.who);
        let begun = begun.map_err(|why| match why {
            NotBegun::Busy(id) => Problem::conflict(&format!(
                "fetch {id} is running, and there is one at a time: wait for its end, or cancel it"
            ))
            .with("running", id.into()),
            NotBegun::Wrong(why) => Problem::wrong(&why),
            NotBegun::Failed(why) => Problem::conflict(&why),
        })?;
        self.audited(
            asked.who,
            json!({ "action": task.action(), "id": begun["id"], "names": names }),
        )?;
        Ok(Done {
            status: 202,
            ..begun.into()
        })
    }

    pub(super) fn fetch_list(&self) -> Value {
        json!({ "fetches": self.fetches.all() })
    }

    pub(super) fn fetch(&self, id: &str) -> Result<Value, Problem> {
        let found = id.parse().ok().and_then(|id| self.fetches.one(id));
        found.ok_or_else(|| Problem::no_such("fetch", id))
    }

    pub(super) fn cancel_fetch(&self, id: &str, asked: &Asked) -> Result<Done, Problem> {
        let found = id.parse().ok().and_then(|id| self.fetches.cancel(id));
        let found = found.ok_or_else(|| Problem::no_such("fetch", id))?;
        self.audited(
            asked.who,
            json!({ "action": "cancel-fetch", "id": found["id"] }),
        )?;
        Ok(Done {
            status: 202,
            ..found.into()
        })
    }
}

/// For tests of other subjects: there was one, `1`, and none can be begun.
#[cfg(test)]
impl Fetches for () {
    fn begin(&self, _: Task, _: &[String], _: &str) -> Result<Value, NotBegun> {
        Err(NotBegun::Failed("there is no network".to_owned()))
    }

    fn all(&self) -> Vec<Value> {
        Vec::new()
    }

    fn one(&self, id: u64) -> Option<Value> {
        (id == 1).then(|| json!({ "id": id }))
    }

    fn cancel(&self, id: u64) -> Option<Value> {
        self.one(id)
    }
}
