//! Mistakes as people read them: where, what, the line, and what it would cause.

use std::fmt;
use std::path::PathBuf;

use super::excerpt::Excerpt;

/// How much a mistake matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// It holds, but hardly as it was meant.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
        })
    }
}

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// The file.
    pub file: PathBuf,
    /// Line and column from 1, a column being a character; `None`: the file as a whole.
    pub position: Option<(usize, usize)>,
    /// What is wrong, in one sentence.
    pub message: String,
    /// The source line; what is secret in it is masked.
    pub excerpt: Option<Excerpt>,
    /// What else the reader has to know: another place, the consequence, the remedy.
    pub notes: Vec<String>,
}

impl fmt::Display for Diagnostic {
    /// Several lines, without a line end at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some((line, column)) = self.position {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}: {}", self.severity, self.message)?;
        let line = self.position.map_or(0, |(line, _)| line);
        let gutter = line.to_string().len();
        if let Some(excerpt) = &self.excerpt {
            write!(f, "\n {line} | {}", excerpt.text)?;
            write!(f, "\n {:gutter$} | {}", "", excerpt.carets())?;
        }
        for note in &self.notes {
            write!(f, "\n {:gutter$} = {note}", "")?;
        }
        Ok(())
    }
}

/// All mistakes of all files, in the order of the files and of the places in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics {
    list: Vec<Diagnostic>,
    left_off: usize,
}

impl Diagnostics {
    pub(super) fn new(list: Vec<Diagnostic>, left_off: usize) -> Diagnostics {
        Diagnostics { list, left_off }
    }

    /// One after the other.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.list.iter()
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many errors and how many warnings are listed.
    pub fn count(&self) -> (usize, usize) {
        let errors = self.iter().filter(|one| one.severity == Severity::Error);
        let errors = errors.count();
        (errors, self.list.len() - errors)
    }
}

impl<'a> IntoIterator for &'a Diagnostics {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for Diagnostics {
    /// Each one as a block of lines, an empty line between two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, one) in self.iter().enumerate() {
            if number > 0 {
                f.write_str("\n\n")?;
            }
            one.fmt(f)?;
        }
        if self.left_off > 0 {
            write!(f, "\n\n{} more mistakes are not shown", self.left_off)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
