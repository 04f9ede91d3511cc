//! What a person says about a machine in place of what is declared, as one document that can be put
//! again and again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::asked::Asked;
use super::problem::Problem;
use super::{Answered, Api};
use crate::config::{LocalBoot, Name};
use crate::machine::{Action, Record};

/// The document. What is left out is taken back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Overrides {
    name: Option<Name>,
    profile: Option<Name>,
    loader: Option<String>,
    local_boot: Option<LocalBoot>,
    tags: BTreeSet<Name>,
    notes: String,
}

impl Overrides {
    fn of(record: &Record) -> Overrides {
        let wishes = &record.wishes;
        Overrides {
            name: record.given_name.clone(),
            profile: wishes.profile.clone(),
            loader: wishes.loader.clone(),
            local_boot: wishes.local_boot,
            tags: wishes.tags.clone(),
            notes: wishes.notes.clone(),
        }
    }

    /// What has to be done to get here; nothing where nothing changes, so that putting the same again
    /// leaves no trace.
    fn actions_from(self, now: &Overrides) -> Vec<Action> {
        let mut actions = Vec::new();
        let mut push = |differs: bool, action: Action| {
            if differs {
                actions.push(action);
            }
        };
        push(self.name != now.name, Action::Name { name: self.name });
        push(self.tags != now.tags, Action::Tags { tags: self.tags });
        push(self.notes != now.notes, Action::Notes { notes: self.notes });
        push(
            self.loader != now.loader,
            Action::Loader {
                loader: self.loader,
            },
        );
        push(
            self.local_boot != now.local_boot,
            Action::LocalBoot {
                method: self.local_boot,
            },
        );
        let assign = match self.profile.clone() {
            Some(profile) => Action::Assign { profile },
            None => Action::Unassign,
        };
        push(self.profile != now.profile, assign);
        actions
    }
}

impl Api {
    pub(super) fn overrides(&self, name: &str) -> Answered {
        let record = self.named(name)?;
        Ok(json!(Overrides::of(&record)).into())
    }

    pub(super) fn put_overrides(&self, name: &str, asked: &Asked) -> Result<Value, Problem> {
        let record = self.named(name)?;
        let wanted: Overrides = asked.json("document of overrides")?;
        let has_seen = |now: &Record| asked.has_seen(&json!(Overrides::of(now))).is_ok();
        let choose = |now: &Record| wanted.actions_from(&Overrides::of(now));
        let (after, actions) = self
            .keeper
            .act_all(record.id, asked.who, has_seen, choose)?;
        if !actions.is_empty() {
            let what: Vec<_> = actions.iter().map(Action::what).collect();
            let what = json!({
                "action": "overrides", "what": what, "machine": after.id, "label": after.label(),
            });
            self.audited(asked.who, what)?;
        }
        Ok(json!(Overrides::of(&after)))
    }
}
