//! Takes up mistakes while the files are read, and puts them into words at the end.

use std::collections::BTreeSet;
use std::ops::Range;

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::excerpt::Excerpt;
use super::source::{Place, Sources};
use crate::limits;

/// All mistakes so far.
pub(super) struct Report<'s> {
    pub sources: &'s Sources,
    drafts: Vec<Draft>,
    left_off: usize,
    has_errors: bool,
    /// Taken where the limit is reached, so that a caller need not know of it.
    spare: Draft,
    /// Values that no excerpt may show.
    secrets: Vec<Place>,
    /// Lines (file, line) that are not TOML: what is read from them says nothing.
    broken: BTreeSet<(usize, usize)>,
    incomplete: bool,
}

/// A mistake before its place is turned into words.
pub(super) struct Draft {
    severity: Severity,
    place: Place,
    message: String,
    notes: Vec<String>,
    syntax: bool,
    whole_file: bool,
}

impl Draft {
    /// Says the consequence or the remedy.
    pub fn note(&mut self, text: impl Into<String>) -> &mut Draft {
        let text = text.into();
        if !text.is_empty() {
            self.notes.push(text);
        }
        self
    }
}

impl<'s> Report<'s> {
    pub fn new(sources: &'s Sources) -> Report<'s> {
        let nowhere = Place {
            file: 0,
            start: 0,
            end: 0,
        };
        Report {
            sources,
            drafts: Vec::new(),
            left_off: 0,
            has_errors: false,
            spare: Draft::new(Severity::Error, nowhere, String::new()),
            secrets: Vec::new(),
            broken: BTreeSet::new(),
            incomplete: false,
        }
    }

    /// Takes up what refuses the configuration.
    pub fn error(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Draft::new(Severity::Error, place, message.into()))
    }

    /// Takes up what leaves it valid.
    pub fn warning(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Draft::new(Severity::Warning, place, message.into()))
    }

    /// Takes up that a line is not TOML. What else seems wrong on it is a consequence of that, and
    /// is not reported.
    pub fn syntax(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        if let Some(file) = self.sources.files.get(place.file) {
            let lines = file.line_of(place.start)..=file.line_of(place.end);
            self.broken.extend(lines.map(|line| (place.file, line)));
        }
        self.incomplete = true;
        let mut draft = Draft::new(Severity::Error, place, message.into());
        draft.syntax = true;
        self.add(draft)
    }

    /// Takes up what is wrong with a file as a whole.
    pub fn whole_file(&mut self, file: usize, message: &str) -> &mut Draft {
        self.incomplete = true;
        let place = Place {
            file,
            start: 0,
            end: 0,
        };
        let mut draft = Draft::new(Severity::Error, place, message.to_owned());
        draft.whole_file = true;
        self.add(draft)
    }

    /// Takes up that one thing is declared at two places.
    pub fn twice(&mut self, what: &str, first: Place, second: Place) -> &mut Draft {
        let here = self.sources.name(first);
        self.error(second, format!("{what} is declared twice"))
            .note(format!("declared first at {here}"))
    }

    /// Keeps a value out of every excerpt.
    pub fn hide(&mut self, place: Place) {
        self.secrets.push(place);
    }

    /// Some file could not be read to its end, so that something may be missing that is in it.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Something refuses the configuration.
    pub fn has_errors(&self) -> bool {
        self.has_errors
    }

    fn add(&mut self, draft: Draft) -> &mut Draft {
        self.has_errors |= draft.severity == Severity::Error;
        let full = self.drafts.len() >= limits::CONFIG_MISTAKES;
        if full {
            self.left_off += 1;
            self.spare = draft;
            return &mut self.spare;
        }
        let place = self.drafts.len();
        self.drafts.push(draft);
        &mut self.drafts[place]
    }

    /// Everything in words, in the order of the files.
    pub fn finish(mut self) -> Diagnostics {
        let drafts = std::mem::take(&mut self.drafts);
        let mut drafts: Vec<Draft> = drafts
            .into_iter()
            .filter(|draft| {
                draft.syntax || draft.whole_file || !self.is_on_a_broken_line(draft.place)
            })
            .collect();
        drafts.sort_by_key(|draft| draft.place);
        let list = drafts.into_iter().map(|draft| self.words(draft)).collect();
        Diagnostics::new(list, self.left_off)
    }

    fn is_on_a_broken_line(&self, place: Place) -> bool {
        self.sources.files.get(place.file).is_some_and(|file| {
            let line = file.line_of(place.start);
            self.broken.contains(&(place.file, line))
        })
    }

    fn words(&self, draft: Draft) -> Diagnostic {
        let mut diagnostic = Diagnostic {
            severity: draft.severity,
            file: Default::default(),
            position: None,
            message: draft.message,
            excerpt: None,
            notes: draft.notes,
        };
        if let Some(file) = self.sources.files.get(draft.place.file) {
            diagnostic.file = file.path.clone();
            if draft.whole_file {
                return diagnostic;
            }
            let position = file.position(draft.place.start);
            let (start, line) = file.line(position.line);
            let within = |place: &Place| -> Range<usize> {
                let from = place.start.saturating_sub(start).min(line.len());
                let to = place.end.saturating_sub(start).min(line.len());
                from..to.max(from)
            };
            let secrets: Vec<_> = self
                .secrets
                .iter()
                .filter(|secret| secret.file == draft.place.file)
                .map(within)
                .filter(|range| !range.is_empty())
                .collect();
            diagnostic.position = Some((position.line, position.column));
            diagnostic.excerpt = Some(Excerpt::new(line, within(&draft.place), &secrets));
        }
        diagnostic
    }
}

impl Draft {
    fn new(severity: Severity, place: Place, message: String) -> Draft {
        Draft {
            severity,
            place,
            message,
            notes: Vec::new(),
            syntax: false,
            whole_file: false,
        }
    }
}
