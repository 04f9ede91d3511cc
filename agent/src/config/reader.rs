//! Reads values out of parsed TOML, and goes on where one is wrong: every method takes up the
//! mistake and returns `None`.

use std::ops::RangeInclusive;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::report::Report;
use super::schema::{Key, Keys};
use super::source::{Place, Placed};
use super::suggest::nearest;
use super::table::Table;
use super::values;
use crate::form::acts;

/// What is written behind a key, or one item of the list there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value<'a> {
    /// The key.
    pub key: &'static Key,
    file: usize,
    item: bool,
    data: &'a Spanned<DeValue<'a>>,
    /// The key's place.
    name: Place,
}

impl<'a> Value<'a> {
    /// What stands behind a key that is written at `name`.
    pub fn new(
        key: &'static Key,
        name: Place,
        file: usize,
        data: &'a Spanned<DeValue<'a>>,
    ) -> Value<'a> {
        Value {
            key,
            file,
            item: false,
            data,
            name,
        }
    }

    /// Where the value is written.
    pub fn place(&self) -> Place {
        place(self.file, self.data)
    }

    /// Where its key is written.
    pub fn key_place(&self) -> Place {
        self.name
    }

    /// The value as TOML has it.
    pub fn data(&self) -> &'a DeValue<'a> {
        self.data.get_ref()
    }

    /// Takes up that this is not what it has to be, with what that causes. A problem that starts
    /// with `must` goes on from the key's name.
    pub fn wrong<T>(&self, problem: &str, report: &mut Report) -> Option<T> {
        let name = self.name();
        let colon = if problem.starts_with("must ") {
            ""
        } else {
            ":"
        };
        report
            .error(self.place(), format!("{name}{colon} {problem}"))
            .note(format!("while this is wrong, {}", self.key.loss));
        None
    }

    fn name(&self) -> String {
        if self.item {
            format!("an item of `{}`", self.key.name)
        } else {
            format!("`{}`", self.key.name)
        }
    }

    fn wrong_type<T>(&self, wanted: &str, report: &mut Report) -> Option<T> {
        let found = self.data().type_str();
        let article = if found.starts_with(['a', 'i']) {
            "an"
        } else {
            "a"
        };
        let name = self.name();
        report
            .error(
                self.place(),
                format!("{name} must be {wanted}, not {article} {found}"),
            )
            .note(format!(
                "write for example `{} = {}`; while this is wrong, {}",
                self.key.name, self.key.example, self.key.loss
            ));
        None
    }

    /// A string.
    pub fn string(&self, report: &mut Report) -> Option<Placed<&'a str>> {
        match self.data() {
            DeValue::String(text) => Some(Placed::new(text.as_ref(), self.place())),
            _ => self.wrong_type("a string", report),
        }
    }

    /// A string that `parse` makes something of.
    pub fn word<T, E: std::fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
        report: &mut Report,
    ) -> Option<Placed<T>> {
        let text = self.string(report)?;
        match parse(text.value) {
            Ok(value) => Some(Placed::new(value, text.place)),
            Err(problem) => self.wrong(&problem.to_string(), report),
        }
    }

    /// One of a few words.
    pub fn choice<T: Clone>(
        &self,
        choices: &[(&str, T)],
        report: &mut Report,
    ) -> Option<Placed<T>> {
        let text = self.string(report)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text.value) {
            return Some(Placed::new(value.clone(), text.place));
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let name = self.name();
        let draft = report.error(
            text.place,
            format!("{name} must be one of: {}", words.join(", ")),
        );
        if let Some(meant) = nearest(text.value, words) {
            draft.note(format!("did you mean `{meant}`?"));
        }
        draft.note(format!("while this is wrong, {}", self.key.loss));
        None
    }

    /// `true` or `false`.
    pub fn boolean(&self, report: &mut Report) -> Option<bool> {
        match self.data() {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type("true or false", report),
        }
    }

    /// A whole number within `range`, as any of Rust's types of that size.
    pub fn integer<T>(&self, range: RangeInclusive<T>, report: &mut Report) -> Option<T>
    where
        T: TryFrom<i128> + PartialOrd + std::fmt::Display + Copy,
    {
        let DeValue::Integer(integer) = self.data() else {
            return self.wrong_type("a whole number", report);
        };
        let number = i128::from_str_radix(integer.as_str(), integer.radix());
        let number = number.ok().and_then(|number| T::try_from(number).ok());
        match number.filter(|number| range.contains(number)) {
            Some(number) => Some(number),
            None => self.out_of_range(range.start(), range.end(), report),
        }
    }

    fn out_of_range<T>(
        &self,
        low: impl std::fmt::Display,
        high: impl std::fmt::Display,
        report: &mut Report,
    ) -> Option<T> {
        let name = self.name();
        report
            .error(
                self.place(),
                format!("{name} is out of range: {low} to {high}"),
            )
            .note(format!("while this is wrong, {}", self.key.loss));
        None
    }

    /// A duration from `low` to `high`.
    pub fn duration(
        &self,
        low: Duration,
        high: Duration,
        report: &mut Report,
    ) -> Option<Placed<Duration>> {
        if let DeValue::Integer(number) = self.data() {
            let problem = format!("a duration needs a unit: `\"{}s\"`", number.as_str());
            return self.wrong(&problem, report);
        }
        let duration = self.word(values::duration, report)?;
        if (low..=high).contains(&duration.value) {
            return Some(duration);
        }
        let show = values::show_duration;
        self.out_of_range(show(low), show(high), report)
    }

    /// A size in bytes from `low` to `high`.
    pub fn size(&self, range: RangeInclusive<u64>, report: &mut Report) -> Option<u64> {
        if let DeValue::Integer(number) = self.data() {
            let problem = format!("a size needs a unit: `\"{} B\"`", number.as_str());
            return self.wrong(&problem, report);
        }
        let size = self.word(values::size, report)?.value;
        if range.contains(&size) {
            return Some(size);
        }
        let show = values::show_size;
        self.out_of_range(show(*range.start()), show(*range.end()), report)
    }

    /// The items of a list.
    pub fn items(&self, report: &mut Report) -> Option<Vec<Value<'a>>> {
        match self.data() {
            DeValue::Array(items) => Some(items.iter().map(|data| self.item(data)).collect()),
            _ => self.wrong_type("a list", report),
        }
    }

    /// The items of a list of at most `most`.
    pub fn few_items(&self, most: usize, report: &mut Report) -> Option<Vec<Value<'a>>> {
        let items = self.items(report)?;
        if items.len() > most {
            return self.wrong(&format!("must have at most {most} items"), report);
        }
        Some(items)
    }

    /// The items of a list, or the one value that stands in its place.
    pub fn one_or_items(&self, report: &mut Report) -> Option<Vec<Value<'a>>> {
        match self.data() {
            DeValue::String(_) => Some(vec![*self]),
            DeValue::Array(_) => self.items(report),
            _ => self.wrong_type("a string or a list of strings", report),
        }
    }

    fn item(&self, data: &'a Spanned<DeValue<'a>>) -> Value<'a> {
        Value {
            item: true,
            data,
            ..*self
        }
    }

    /// A list in which each string becomes something.
    pub fn words<T, E: std::fmt::Display>(
        &self,
        parse: impl Fn(&str) -> Result<T, E>,
        report: &mut Report,
    ) -> Option<Vec<Placed<T>>> {
        let items = self.items(report)?;
        let words = items.iter().filter_map(|item| item.word(&parse, report));
        Some(words.collect())
    }

    /// A table inside a table.
    pub fn table(&self, keys: &'static Keys, report: &mut Report) -> Option<Table<'a>> {
        let data = self.entries(report)?;
        let mut table = Table::new(keys, self.place());
        table.fill(self.file, data, report);
        Some(table)
    }

    /// A table whose keys are free.
    pub fn entries(&self, report: &mut Report) -> Option<&'a DeTable<'a>> {
        match self.data() {
            DeValue::Table(data) => Some(data),
            _ => self.wrong_type("a table", report),
        }
    }

    /// The entries of a table whose keys are free, each with its key's place.
    pub fn free(&self, report: &mut Report) -> Vec<(Placed<&'a str>, Value<'a>)> {
        let entries = self
            .entries(report)
            .into_iter()
            .flat_map(|data| data.iter());
        entries
            .map(|(name, data)| {
                let name_place = place(self.file, name);
                let value = Value {
                    name: name_place,
                    ..self.item(data)
                };
                (Placed::new(name.get_ref().as_ref(), name_place), value)
            })
            .collect()
    }
}

/// Where something of a file is.
pub(super) fn place<T>(file: usize, what: &Spanned<T>) -> Place {
    let span = what.span();
    Place {
        file,
        start: span.start,
        end: span.end,
    }
}

/// A word of the file in a message: cut where it is absurdly long, harmless to a terminal.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown.replace(acts, "\u{fffd}")
}
