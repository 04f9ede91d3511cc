//! From files to tables: what several files write becomes one table or one list.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::DeValue;

use super::reader::{place, shown};
use super::report::Report;
use super::schema::{Keys, TABLES};
use super::source::Place;
use super::suggest::nearest;
use super::syntax::Document;
use super::table::Table;

/// Every table of every file.
#[derive(Debug, Default)]
pub(super) struct Tables<'a> {
    once: BTreeMap<&'static str, Table<'a>>,
    lists: BTreeMap<&'static str, Vec<Table<'a>>>,
}

/// Puts the tables of all documents together.
pub(super) fn merge<'a>(documents: &'a [Document<'a>], report: &mut Report) -> Tables<'a> {
    let mut tables = Tables::default();
    for (file, document) in documents.iter().enumerate() {
        for (name, value) in document.get_ref().iter() {
            let at = place(file, name);
            match TABLES.iter().find(|keys| keys.table == name.get_ref()) {
                Some(keys) => tables.add(keys, file, at, value, report),
                None => unknown(name.get_ref(), at, report),
            }
        }
    }
    tables
}

fn unknown(name: &str, at: Place, report: &mut Report) {
    let owner = TABLES.iter().find(|keys| keys.find(name).is_some());
    let meant = nearest(name, TABLES.iter().map(|keys| keys.table));
    let meant = TABLES.iter().find(|keys| Some(keys.table) == meant);
    let draft = report.error(at, format!("unknown table or key `{}`", shown(name)));
    match (meant, owner) {
        (Some(keys), _) => draft.note(format!("did you mean `{}`?", keys.head())),
        (None, Some(keys)) => draft.note(format!("it is a key of `{}`: put it there", keys.head())),
        (None, None) => {
            let known: Vec<_> = TABLES.iter().map(|keys| keys.head()).collect();
            draft.note(format!("known are {}", known.join(", ")))
        }
    };
}

impl<'a> Tables<'a> {
    fn add(
        &mut self,
        keys: &'static Keys,
        file: usize,
        at: Place,
        value: &'a Spanned<DeValue<'a>>,
        report: &mut Report,
    ) {
        match value.get_ref() {
            DeValue::Table(data) if !keys.repeated => {
                let table = self.once.entry(keys.table);
                let table = table.or_insert_with(|| Table::new(keys, place(file, value)));
                table.fill(file, data, report);
            }
            DeValue::Array(items) if keys.repeated => {
                for item in items.iter() {
                    let here = place(file, item);
                    let DeValue::Table(data) = item.get_ref() else {
                        report
                            .error(here, format!("each item of `{}` is a table", keys.table))
                            .note(format!("write `{}` before each of them", keys.head()));
                        continue;
                    };
                    let mut table = Table::new(keys, here);
                    table.fill(file, data, report);
                    self.lists.entry(keys.table).or_default().push(table);
                }
            }
            _ if keys.repeated => {
                report
                    .error(at, format!("`{}` is a list of tables", keys.table))
                    .note(format!("write `{}` before each of them", keys.head()));
            }
            _ => {
                report
                    .error(at, format!("`{}` is one table", keys.table))
                    .note(format!("write `{}` once, and its keys below", keys.head()));
            }
        }
    }

    /// A table that is written once in all; empty if it is nowhere.
    pub fn once(&mut self, keys: &'static Keys) -> Table<'a> {
        let found = self.once.remove(keys.table);
        found.unwrap_or_else(|| Table::absent(keys))
    }

    /// The tables of this kind, in the order of the files.
    pub fn list(&mut self, keys: &'static Keys) -> Vec<Table<'a>> {
        self.lists.remove(keys.table).unwrap_or_default()
    }
}
