//! A table of known keys, filled from one file or several.

use std::collections::BTreeMap;

use toml::de::DeTable;

use super::excerpt::sounds_secret;
use super::reader::{self, Value, place, shown};
use super::report::Report;
use super::schema::{Keys, TABLES};
use super::source::Place;
use super::suggest::nearest;

/// A table of known keys.
#[derive(Debug)]
pub(super) struct Table<'a> {
    keys: &'static Keys,
    /// Its head, or the whole of it if it is written in one line.
    pub place: Place,
    /// No file has it.
    absent: bool,
    /// Lines of it are not TOML, so that a key which seems to be missing may be there.
    damaged: bool,
    values: BTreeMap<&'static str, Value<'a>>,
}

impl<'a> Table<'a> {
    pub fn new(keys: &'static Keys, place: Place) -> Table<'a> {
        Table {
            keys,
            place,
            absent: false,
            damaged: false,
            values: BTreeMap::new(),
        }
    }

    /// A table that no file has.
    pub fn absent(keys: &'static Keys) -> Table<'a> {
        let nowhere = Place {
            file: 0,
            start: 0,
            end: 0,
        };
        Table {
            absent: true,
            ..Table::new(keys, nowhere)
        }
    }

    /// Takes up the keys of `data`; reports those that are not known, and those that another file
    /// has written before.
    pub fn fill(&mut self, file: usize, data: &'a DeTable<'a>, report: &mut Report) {
        for (name, value) in data.iter() {
            let place = place(file, name);
            if report.is_on_a_broken_line(place) {
                self.damaged = true;
                continue;
            }
            let Some(key) = self.keys.find(name.get_ref()) else {
                // A secret's key may be the one that is misspelt.
                if self.keys.find("token").is_some() || sounds_secret(name.get_ref()) {
                    report.hide(reader::place(file, value));
                }
                self.unknown(name.get_ref(), place, report);
                continue;
            };
            if let Some(first) = self.values.get(key.name) {
                let what = format!("`{}` of `{}`", key.name, self.keys.head());
                report
                    .twice(&what, first.key_place(), place)
                    .note("it would be open which of them counts");
                continue;
            }
            let value = Value::new(key, place, file, value);
            self.values.insert(key.name, value);
        }
    }

    fn unknown(&self, name: &str, place: Place, report: &mut Report) {
        let draft = report.error(
            place,
            format!("unknown key `{}` in `{}`", shown(name), self.keys.head()),
        );
        let known = self.keys.keys.iter().map(|key| key.name);
        let elsewhere = TABLES.iter().find(|table| table.find(name).is_some());
        match (nearest(name, known), elsewhere) {
            (Some(meant), _) => draft.note(format!("did you mean `{meant}`?")),
            (None, Some(table)) => draft.note(format!(
                "it is a key of `{}`, not of this table",
                table.head()
            )),
            (None, None) => {
                let known: Vec<_> = self.keys.keys.iter().map(|key| key.name).collect();
                draft.note(format!("known here: {}", known.join(", ")))
            }
        };
    }

    /// What is written behind a key, if it is.
    pub fn get(&self, key: &'static str) -> Option<Value<'a>> {
        debug_assert!(self.keys.find(key).is_some(), "{key} is not in the schema");
        self.values.get(key).copied()
    }

    /// What is written behind a key that has to be there.
    pub fn need(&self, key: &'static str, report: &mut Report) -> Option<Value<'a>> {
        let value = self.get(key);
        let unknown = self.damaged || self.absent && report.is_incomplete();
        if let (None, Some(known), false) = (value, self.keys.find(key), unknown) {
            let message = format!("`{key}` is missing in `{}`", self.keys.head());
            let draft = if self.absent {
                report.whole_file(self.place.file, &message)
            } else {
                report.error(self.place, message)
            };
            draft.note(format!(
                "without it {}; write for example `{key} = {}`",
                known.loss, known.example
            ));
        }
        value
    }

    /// The keys that are written.
    pub fn written(&self) -> impl Iterator<Item = &Value<'a>> {
        self.values.values()
    }
}
