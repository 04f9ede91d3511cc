//! The configuration in force, and its fragments.

use std::path::Path;

use serde_json::{Value, json};

use super::Api;
use super::asked::{Asked, Done};
use super::diff::difference;
use super::problem::Problem;
use crate::config::{Change, Diagnostics, Written, fragment};

/// Where fragments are kept and put in force.
pub trait Fragments: Send + Sync {
    /// The files of the configuration in force, without what is secret in them.
    fn written(&self) -> Vec<Written>;
    /// What the whole configuration would be after a change: its warnings, or its mistakes.
    ///
    /// # Errors
    /// The mistakes.
    fn check(&self, change: &Change) -> Result<Diagnostics, Diagnostics>;
    /// Makes a change, and returns once it is in force.
    ///
    /// # Errors
    /// Nothing was changed.
    fn change(&self, change: Change) -> Result<(), NotChanged>;
    /// A fragment as it lies on the disk.
    fn text(&self, state: &Path, name: &str) -> Option<String>;
    /// What it was before its last change.
    fn previous(&self, state: &Path, name: &str) -> Option<String>;
}

/// Why a change was not made.
#[derive(Debug)]
pub enum NotChanged {
    /// The whole configuration would not hold.
    Mistakes(Diagnostics),
    /// It could not be written or put in force: a sentence.
    Failed(String),
}

impl From<NotChanged> for Problem {
    fn from(why: NotChanged) -> Problem {
        match why {
            NotChanged::Mistakes(mistakes) => refused(&mistakes),
            NotChanged::Failed(reason) => Problem::conflict(&reason),
        }
    }
}

fn refused(mistakes: &Diagnostics) -> Problem {
    Problem::wrong("the configuration would not hold; nothing was changed")
        .with("diagnostics", mistakes.to_string().into())
}

const KIND: &str = "text/plain; charset=utf-8";
/// What a fragment is called while it is only checked and has no name.
const CHECKED: &str = "zz-checked";

impl Api {
    fn state(&self) -> std::path::PathBuf {
        self.keeper.site().config.server.state.clone()
    }

    /// What is declared in all files together.
    pub(super) fn configuration(&self) -> Value {
        let written = self.fragments.written();
        let mut tables = serde_json::Map::new();
        for file in &written {
            let table: toml::Table = file.text.parse().unwrap_or_default();
            for (name, value) in table {
                let value = serde_json::to_value(value).unwrap_or_default();
                match (tables.get_mut(&name), value) {
                    (Some(Value::Array(there)), Value::Array(more)) => there.extend(more),
                    (Some(Value::Object(there)), Value::Object(more)) => there.extend(more),
                    (_, value) => {
                        tables.insert(name, value);
                    }
                }
            }
        }
        let files: Vec<_> = written.iter().map(|file| &file.path).collect();
        json!({ "files": files, "configuration": tables })
    }

    pub(super) fn fragment_list(&self) -> Value {
        let state = self.state();
        // The first is hearth.toml itself.
        let written = self.fragments.written();
        let shown = written.iter().skip(1).map(|one| self.shown(&state, one));
        json!({ "fragments": shown.collect::<Vec<_>>() })
    }

    fn shown(&self, state: &Path, one: &Written) -> Value {
        let origin = if one.by_api { "api" } else { "file" };
        let has_previous = one.by_api && self.fragments.previous(state, one.name()).is_some();
        json!({
            "name": one.name(), "origin": origin, "path": one.path, "bytes": one.text.len(),
            "previous": has_previous,
        })
    }

    fn in_force(&self, name: &str) -> Option<Written> {
        let mut written = self.fragments.written().into_iter().skip(1);
        // One of the API first: it is the one that can be changed.
        let all: Vec<_> = written.by_ref().filter(|one| one.name() == name).collect();
        let by_api = all.iter().find(|one| one.by_api).cloned();
        by_api.or_else(|| all.into_iter().next())
    }

    pub(super) fn fragment(&self, name: &str) -> Result<Done, Problem> {
        let found = self.in_force(name);
        let found = found.ok_or_else(|| Problem::no_such("fragment", name))?;
        Ok(Done::text(KIND, found.text))
    }

    pub(super) fn check_configuration(&self, asked: &Asked) -> Result<Value, Problem> {
        let name = asked
            .query
            .split('&')
            .find_map(|pair| pair.strip_prefix("name="));
        let name = name.unwrap_or(CHECKED).to_owned();
        fragment::name_holds(&name).map_err(|why| Problem::wrong(&why))?;
        let text = Some(body(asked)?.to_owned());
        let warnings = self.fragments.check(&Change { name, text });
        let warnings = warnings.map_err(|mistakes| refused(&mistakes))?;
        Ok(json!({ "valid": true, "warnings": warnings.to_string() }))
    }

    pub(super) fn put_fragment(&self, name: &str, asked: &Asked) -> Result<Done, Problem> {
        fragment::name_holds(name).map_err(|why| Problem::wrong(&why))?;
        let text = body(asked)?.to_owned();
        self.is_as_seen(name, asked)?;
        let there = self.fragments.text(&self.state(), name);
        if there.as_ref() != Some(&text) {
            self.change(name, Some(text), "apply-fragment", asked)?;
        }
        let shown = self.told(name);
        Ok(match there {
            Some(_) => shown.into(),
            None => Done::made(shown),
        })
    }

    pub(super) fn delete_fragment(&self, name: &str, asked: &Asked) -> Result<Value, Problem> {
        self.is_of_the_api(name)?;
        self.is_as_seen(name, asked)?;
        let shown = self.told(name);
        self.change(name, None, "delete-fragment", asked)?;
        Ok(shown)
    }

    /// Puts what it was before its last change in force; what it is now is then what it was before.
    pub(super) fn revert_fragment(&self, name: &str, asked: &Asked) -> Result<Value, Problem> {
        fragment::name_holds(name).map_err(|_| Problem::no_such("fragment", name))?;
        let previous = self.fragments.previous(&self.state(), name);
        let previous =
            previous.ok_or_else(|| Problem::no_such("earlier version of the fragment", name))?;
        self.change(name, Some(previous), "revert-fragment", asked)?;
        Ok(self.told(name))
    }

    fn is_of_the_api(&self, name: &str) -> Result<(), Problem> {
        match self.in_force(name) {
            Some(one) if one.by_api => Ok(()),
            Some(one) => Err(Problem::conflict(&format!(
                "{} is a file of this host: change it there, and reload",
                one.path.display()
            ))),
            None => Err(Problem::no_such("fragment", name)),
        }
    }

    fn is_as_seen(&self, name: &str, asked: &Asked) -> Result<(), Problem> {
        let shown = self.in_force(name).filter(|one| one.by_api);
        asked.has_seen_text(shown.as_ref().map(|one| one.text.as_str()))
    }

    fn told(&self, name: &str) -> Value {
        let found = self.in_force(name).filter(|one| one.by_api);
        found.map_or(Value::Null, |one| self.shown(&self.state(), &one))
    }

    fn change(
        &self,
        name: &str,
        text: Option<String>,
        action: &str,
        asked: &Asked,
    ) -> Result<(), Problem> {
        let before = self.shown_text(name);
        self.fragments.change(Change {
            name: name.to_owned(),
            text,
        })?;
        let told = difference(&before, &self.shown_text(name));
        self.audited(
            asked.who,
            json!({
                "action": action, "fragment": name, "added": told.added, "removed": told.removed,
                "diff": told.text,
            }),
        )
    }

    /// What is in force of a fragment of the API, without its secrets.
    fn shown_text(&self, name: &str) -> String {
        let found = self.in_force(name).filter(|one| one.by_api);
        found.map_or_else(String::new, |one| one.text)
    }
}

/// The text of a body.
fn body<'a>(asked: &Asked<'a>) -> Result<&'a str, Problem> {
    if asked.body.is_empty() {
        return Err(Problem::wrong("the body is empty: it must be TOML"));
    }
    std::str::from_utf8(asked.body)
        .map_err(|error| Problem::wrong(&format!("the body is no text in UTF-8: {error}")))
}

/// For tests of other subjects: there is one, `1`, and every change goes well.
#[cfg(test)]
impl Fragments for () {
    fn written(&self) -> Vec<Written> {
        let file = |path: &str, by_api| Written {
            path: path.into(),
            by_api,
            text: String::new(),
        };
        vec![file("hearth.toml", false), file("conf.d/1.toml", true)]
    }

    fn check(&self, _: &Change) -> Result<Diagnostics, Diagnostics> {
        Ok(Diagnostics::default())
    }

    fn change(&self, _: Change) -> Result<(), NotChanged> {
        Ok(())
    }

    fn text(&self, _: &Path, _: &str) -> Option<String> {
        None
    }

    fn previous(&self, _: &Path, _: &str) -> Option<String> {
        Some(String::new())
    }
}
