//! Fetches in the agent: begun, followed, cancelled.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Api;
use super::asked::{Asked, Done};
use super::problem::Problem;
use crate::limits;

/// Who fetches.
pub trait Fetches: Send + Sync {
    /// Begins to fetch what these names want, everything if there is none, and returns at once.
    ///
    /// # Errors
    /// Nothing was begun.
    fn begin(&self, names: &[String], who: &str) -> Result<Value, NotBegun>;
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

impl Api {
    pub(super) fn begin_fetch(&self, asked: &Asked) -> Result<Done, Problem> {
        let wanted: Wanted = asked.json("list of what to fetch, {\"names\": [...]}")?;
        if wanted.names.len() > limits::FETCH_NAMES {
            let why = format!(
                "more than {} names: leave them out, to fetch all",
                limits::FETCH_NAMES
            );
            return Err(Problem::wrong(&why));
        }
        let begun = self.fetches.begin(&wanted.names, asked.who);
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
            json!({ "action": "fetch", "id": begun["id"], "names": wanted.names }),
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
    fn begin(&self, _: &[String], _: &str) -> Result<Value, NotBegun> {
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
