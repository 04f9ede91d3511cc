//! What is not TOML: put into words, and cut out so far that the rest of the file still counts.

use std::borrow::Cow;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::reader::{place, shown};
use super::report::Report;
use super::source::{Place, Sources};

/// A file's tables as TOML has them.
pub(super) type Document<'a> = Spanned<DeTable<'a>>;

/// Mistakes of a file for which it is searched; each search walks the whole file.
const SEARCHES: usize = 100;

/// The texts to parse: each file's own, unless the head of a table in it has no end. Behind such a
/// head the parser takes in everything up to the next `]`, so the whole section is blanked, by as
/// many bytes as it has.
pub(super) fn texts<'s>(sources: &'s Sources, report: &mut Report) -> Vec<Cow<'s, str>> {
    let mut texts = Vec::new();
    for (number, file) in sources.files.iter().enumerate() {
        let mut blanks = Vec::new();
        let mut text = Cow::Borrowed(file.text.as_str());
        let (_, errors) = DeTable::parse_recoverable(&file.text);
        for error in errors {
            if !matches!(
                error.message().split(',').next(),
                Some("unclosed table" | "unclosed array table")
            ) {
                continue;
            }
            let line = file.line_of(error.span().map_or(0, |span| span.start));
            let (start, head) = file.line(line);
            let place = Place {
                file: number,
                start,
                end: start + head.len(),
            };
            report
                .syntax(place, "the head of this table is not closed")
                .note("what stands below it is not read, up to the next table");
            let rest = file.text.get(place.end..).unwrap_or("");
            let next = rest
                .find("\n[")
                .map_or(file.text.len(), |next| place.end + next);
            blanks.push(start..next);
        }
        if !blanks.is_empty() {
            text = Cow::Owned(blanked(&file.text, &blanks));
        }
        texts.push(text);
    }
    texts
}

/// The text with every byte of `ranges` a blank, except line ends.
fn blanked(text: &str, ranges: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in ranges {
        let part = bytes.get_mut(range.clone()).unwrap_or_default();
        part.iter_mut()
            .filter(|b| **b != b'\n')
            .for_each(|b| *b = b' ');
    }
    // Whole lines were blanked, so it still is UTF-8.
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Parses every file; what is not TOML is taken up, and the rest of the file still counts.
pub(super) fn parse<'t>(texts: &'t [Cow<'_, str>], report: &mut Report) -> Vec<Document<'t>> {
    let parse_one = |(number, text): (usize, &'t Cow<'_, str>)| {
        let (document, errors) = DeTable::parse_recoverable(text);
        for (count, error) in errors.into_iter().enumerate() {
            if report.is_full() {
                report.left_off();
                continue;
            }
            let span = error.span().unwrap_or(0..0);
            let place = Place {
                file: number,
                start: span.start.min(text.len()),
                end: span.end.min(text.len()),
            };
            let searched = (count < SEARCHES).then_some(&document);
            take_up(error.message(), place, text, searched, report);
        }
        document
    };
    texts.iter().enumerate().map(parse_one).collect()
}

/// Puts one mistake into words. The document is searched for what it contradicts, if it is given.
fn take_up(message: &str, at: Place, text: &str, document: Option<&Document>, report: &mut Report) {
    let found = text.get(at.start..at.end).unwrap_or("");
    let unquoted = message.starts_with("string values must be quoted");
    if message == "duplicate key" {
        let first = document.and_then(|document| {
            let mut search = Search {
                key: found.trim_matches(['"', '\'']),
                second: at,
                text,
                first: None,
            };
            first_head(at, text).or_else(|| {
                search.table(document.get_ref(), None);
                search.first
            })
        });
        let draft = report.syntax(at, format!("`{}` is written twice", shown(found)));
        if let Some(first) = first {
            draft.note_place("written first at", first);
        }
        draft.note("it would be open which of them counts");
    } else if unquoted && found.is_empty() {
        report
            .syntax(at, "a value is missing here")
            .note("write one, or take the line out to get the default");
    } else if unquoted
        || message.starts_with("invalid float") && found.starts_with(char::is_alphabetic)
    {
        report
            .syntax(at, "this is no value: a string has to stand in quotes")
            .note("the line is not read");
    } else {
        report
            .syntax(at, format!("this is not TOML: {message}"))
            .note("the line is not read");
    }
}

/// The first head of the table whose second head holds `second`.
fn first_head(second: Place, text: &str) -> Option<Place> {
    let start = text
        .get(..second.start)?
        .rfind('\n')
        .map_or(0, |end| end + 1);
    let head = |line: &str| -> Option<String> {
        let line = line.trim_start();
        let end = line.starts_with('[').then(|| line.find(']'))??;
        Some(line.get(..end)?.replace([' ', '\t'], ""))
    };
    let wanted = head(text.get(start..)?.lines().next()?)?;
    let mut from = 0;
    for line in text.get(..start)?.split_inclusive('\n') {
        if head(line).as_ref() == Some(&wanted) {
            let start = from + line.find('[')?;
            return Some(Place {
                file: second.file,
                start,
                end: start + 1,
            });
        }
        from += line.len();
    }
    None
}

/// Looks for where a key was written first.
struct Search<'t> {
    key: &'t str,
    second: Place,
    text: &'t str,
    first: Option<Place>,
}

impl Search<'_> {
    /// Takes the nearest place before the second one, in a table that is still open there.
    fn table(&mut self, table: &DeTable, inline: Option<Range<usize>>) {
        let open = inline.is_none_or(|span| span.contains(&self.second.start));
        for (name, value) in table.iter() {
            let here = place(self.second.file, name);
            let nearer = self.first.is_none_or(|first| here.start > first.start);
            if open && nearer && name.get_ref() == self.key && here.start < self.second.start {
                self.first = Some(here);
            }
            let inner = match value.get_ref() {
                DeValue::Array(items) => items.as_ref(),
                _ => std::slice::from_ref(value),
            };
            for one in inner {
                if let DeValue::Table(entries) = one.get_ref() {
                    let span = one.span();
                    let braces = self.text.get(span.clone());
                    let braces = braces.is_some_and(|text| text.starts_with('{'));
                    self.table(entries, braces.then_some(span));
                }
            }
        }
    }
}
