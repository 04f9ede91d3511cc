//! From files to tables: what several files write becomes one table or one list.

use std::collections::BTreeMap;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::{Table, place, shown};
use super::report::Report;
use super::schema::{Keys, TABLES};
use super::source::{Place, Sources};
use super::suggest::nearest;

/// Every table of every file.
#[derive(Debug, Default)]
pub(super) struct Tables<'a> {
    once: BTreeMap<&'static str, Table<'a>>,
    lists: BTreeMap<&'static str, Vec<Table<'a>>>,
}

/// A file's tables as TOML has them.
pub(super) type Document<'a> = Spanned<DeTable<'a>>;

/// Parses every file; what is not TOML is taken up, and the rest of the file still counts.
pub(super) fn parse<'s>(sources: &'s Sources, report: &mut Report) -> Vec<Document<'s>> {
    let parse_one = |(number, file): (usize, &'s super::source::File)| {
        let (document, errors) = DeTable::parse_recoverable(&file.text);
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let end = file.text.len();
            let place = Place {
                file: number,
                start: span.start.min(end),
                end: span.end.min(end),
            };
            syntax(error.message(), place, &file.text, &document, report);
        }
        document
    };
    sources.files.iter().enumerate().map(parse_one).collect()
}

fn syntax(message: &str, at: Place, text: &str, document: &Document, report: &mut Report) {
    let found = text.get(at.start..at.end).unwrap_or("");
    if message == "duplicate key" {
        let mut first = None;
        let key = found.trim_matches(['"', '\'']);
        find_first(key, at, text, document.get_ref(), None, &mut first);
        let name = first.map(|first| report.sources.name(first));
        let draft = report.syntax(at, format!("`{}` is written twice", shown(key)));
        if let Some(name) = name {
            draft.note(format!("written first at {name}"));
        }
        draft.note("it would be open which of them counts");
    } else if message.starts_with("string values must be quoted") && found.is_empty() {
        report
            .syntax(at, "a value is missing here")
            .note("write one, or take the line out to get the default");
    } else if message.starts_with("string values must be quoted") {
        report.syntax(at, "this is no value: a string has to stand in quotes");
    } else {
        report.syntax(at, format!("this is not TOML: {message}"));
    }
}

/// The nearest place before `second` where `key` is written in a table that is still open there.
fn find_first(
    key: &str,
    second: Place,
    text: &str,
    table: &DeTable,
    inline: Option<std::ops::Range<usize>>,
    first: &mut Option<Place>,
) {
    let open = inline.is_none_or(|span| span.contains(&second.start));
    for (name, value) in table.iter() {
        let here = place(second.file, name);
        let nearer = first.is_none_or(|first| here.start > first.start);
        if open && nearer && name.get_ref() == key && here.start < second.start {
            *first = Some(here);
        }
        let nested = std::slice::from_ref(value);
        let nested = match value.get_ref() {
            DeValue::Array(items) => items.as_ref(),
            _ => nested,
        };
        for inner in nested {
            if let DeValue::Table(entries) = inner.get_ref() {
                let span = inner.span();
                let braces = text.get(span.clone()).is_some_and(|t| t.starts_with('{'));
                find_first(key, second, text, entries, braces.then_some(span), first);
            }
        }
    }
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
    match (owner, meant) {
        (Some(keys), _) => draft.note(format!("it is a key of `{}`: put it there", keys.head())),
        (None, Some(keys)) => draft.note(format!("did you mean `{}`?", keys.head())),
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
                        report.error(here, format!("each item of `{}` is a table", keys.table));
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
        let nowhere = Place {
            file: 0,
            start: 0,
            end: 0,
        };
        let found = self.once.remove(keys.table);
        found.unwrap_or_else(|| Table::new(keys, nowhere))
    }

    /// The tables of this kind, in the order of the files.
    pub fn list(&mut self, keys: &'static Keys) -> Vec<Table<'a>> {
        self.lists.remove(keys.table).unwrap_or_default()
    }
}
