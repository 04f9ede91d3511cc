//! Takes up mistakes while the files are read, and puts them into words at the end.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::diagnostic::{Diagnostic, Diagnostics, Severity};
use super::excerpt::Excerpt;
use super::source::{Place, Sources};
use crate::limits;
use crate::sys::confine::real;

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
    /// Files that hold secrets, with where each is named.
    private: Vec<(Place, PathBuf)>,
    /// Files of a person's that machines will get, with where each is named.
    offered: Vec<(Place, PathBuf)>,
}

/// A mistake before its place is turned into words.
pub(super) struct Draft {
    severity: Severity,
    place: Place,
    message: String,
    /// Each with a place that it ends in, put into words only if it is shown.
    notes: Vec<(String, Option<Place>)>,
    syntax: bool,
    whole_file: bool,
    /// The mistake is on this line of another file, which the configuration names.
    within: Option<(PathBuf, usize)>,
}

impl Draft {
    /// Says the consequence or the remedy.
    pub fn note(&mut self, text: impl Into<String>) -> &mut Draft {
        let text = text.into();
        if !text.is_empty() {
            self.notes.push((text, None));
        }
        self
    }

    /// Names another place, behind `text`.
    pub fn note_place(&mut self, text: impl Into<String>, place: Place) -> &mut Draft {
        self.notes.push((text.into(), Some(place)));
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
            private: Vec::new(),
            offered: Vec::new(),
        }
    }

    /// Takes up what refuses the configuration.
    pub fn error(&mut self, place: Place, message: impl Into<String>) -> &mut Draft {
        self.add(Draft::new(Severity::Error, place, message.into()))
    }

    /// Takes up what is wrong on a line of another file; `place` is where the configuration names it.
    pub fn error_within(
        &mut self,
        place: Place,
        path: PathBuf,
        line: usize,
        message: String,
    ) -> &mut Draft {
        let mut draft = Draft::new(Severity::Error, place, message);
        draft.within = Some((path, line));
        self.add(draft)
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

    /// Takes up that a file cannot be read.
    pub fn unreadable(&mut self, file: usize, message: &str) -> &mut Draft {
        self.incomplete = true;
        self.whole_file(file, message)
    }

    /// Takes up what is wrong with a file as a whole.
    pub fn whole_file(&mut self, file: usize, message: &str) -> &mut Draft {
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
        self.error(second, format!("{what} is declared twice"))
            .note_place("declared first at", first)
    }

    /// Keeps a value out of every excerpt.
    pub fn hide(&mut self, place: Place) {
        self.secrets.push(place);
    }

    /// A file's text without the values that no excerpt may show.
    pub fn shown(&self, file: usize) -> String {
        let mut text = self
            .sources
            .files
            .get(file)
            .map_or("", |file| &file.text)
            .to_owned();
        let mut secrets: Vec<_> = self.secrets.iter().filter(|one| one.file == file).collect();
        // From the last on, so that the places of those before stay true.
        secrets.sort_by_key(|one| std::cmp::Reverse((one.start, one.end)));
        let mut end = text.len();
        for secret in secrets {
            if secret.end <= end && text.get(secret.start..secret.end).is_some() {
                text.replace_range(secret.start..secret.end, "\"(secret)\"");
                end = secret.start;
            }
        }
        text
    }

    /// Remembers a file that no machine may get.
    pub fn keep_private(&mut self, place: Place, path: PathBuf) {
        self.private.push((place, path));
    }

    /// Remembers a file that any machine may get, because the configuration says so.
    pub fn keep_offered(&mut self, place: Place, path: PathBuf) {
        self.offered.push((place, path));
    }

    /// Takes up files that are to be offered and are private, or Hearth's own below `state`: who may
    /// only declare things would read by them what is shown to nobody.
    pub fn refuse_private_files_offered(&mut self, state: &Path) {
        let state = real(state);
        let own = self.sources.files.iter().map(|file| real(&file.path));
        let private: BTreeSet<_> = own
            .chain(self.private.iter().map(|(_, path)| real(path)))
            .collect();
        for (place, path) in std::mem::take(&mut self.offered) {
            let path = real(&path);
            if private.contains(&path) || path.starts_with(&state) {
                self.error(place, "this file is no loader, and not for machines")
                    .note("everybody on the network could read it: name the loader's file");
            }
        }
    }

    /// Takes up private files, the configuration's own among them, that lie below `root` and so
    /// could be asked for.
    pub fn refuse_private_files_below(&mut self, root: &Path) {
        let note = "every machine of the network could read it: put it elsewhere";
        let below =
            |path: &Path| std::path::absolute(path).is_ok_and(|path| path.starts_with(root));
        for file in 0..self.sources.files.len() {
            if below(&self.sources.files[file].path) {
                self.whole_file(file, "this file lies in `root`").note(note);
            }
        }
        for (place, path) in std::mem::take(&mut self.private) {
            if below(&path) {
                self.error(place, "this secret lies in `root`").note(note);
            }
        }
    }

    /// Some file could not be read to its end, so that something may be missing that is in it.
    pub fn is_incomplete(&self) -> bool {
        self.incomplete
    }

    /// Further mistakes are only counted, so that nothing need be looked up for them.
    pub fn is_full(&self) -> bool {
        self.drafts.len() >= limits::CONFIG_MISTAKES
    }

    /// Counts a mistake that there is no room for.
    pub fn left_off(&mut self) {
        self.left_off += 1;
    }

    /// Something refuses the configuration.
    pub fn has_errors(&self) -> bool {
        self.has_errors
    }

    fn add(&mut self, draft: Draft) -> &mut Draft {
        self.has_errors |= draft.severity == Severity::Error;
        if self.is_full() {
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

    /// What stands here is on a line that is not TOML.
    pub fn is_on_a_broken_line(&self, place: Place) -> bool {
        self.sources.files.get(place.file).is_some_and(|file| {
            let line = file.line_of(place.start);
            self.broken.contains(&(place.file, line))
        })
    }

    fn words(&self, draft: Draft) -> Diagnostic {
        let put = |(text, place): (String, Option<Place>)| match place {
            Some(place) => format!("{text} {}", self.sources.name(place)),
            None => text,
        };
        let mut diagnostic = Diagnostic {
            severity: draft.severity,
            file: Default::default(),
            position: None,
            message: draft.message,
            excerpt: None,
            notes: draft.notes.into_iter().map(put).collect(),
        };
        if let Some((path, line)) = draft.within {
            diagnostic.file = path;
            diagnostic.position = Some((line, 1));
        } else if let Some(file) = self.sources.files.get(draft.place.file) {
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
            within: None,
        }
    }
}
