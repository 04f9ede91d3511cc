//! The texts a configuration was read from, and places in them.

use std::path::{Path, PathBuf};

/// A stretch of bytes in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// The file's number in [`Sources`].
    pub file: usize,
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

/// A value with the place where it is written.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub value: T,
    pub place: Place,
}

impl<T> Placed<T> {
    pub fn new(value: T, place: Place) -> Placed<T> {
        Placed { value, place }
    }
}

/// One file's text.
#[derive(Debug)]
pub(super) struct File {
    /// Its name, as people are told it.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Everybody on this host may read it.
    pub world_readable: bool,
    line_starts: Vec<usize>,
}

/// Line and column, both counted from 1; a column is a character, as editors count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub line: usize,
    pub column: usize,
}

impl File {
    pub fn new(path: PathBuf, text: String, world_readable: bool) -> File {
        let ends = text.match_indices('\n').map(|(place, _)| place + 1);
        let line_starts = std::iter::once(0).chain(ends).collect();
        File {
            path,
            text,
            world_readable,
            line_starts,
        }
    }

    /// The number of the line that holds this byte, counted from 1.
    pub fn line_of(&self, byte: usize) -> usize {
        self.line_starts.partition_point(|start| *start <= byte)
    }

    /// First byte and text of a line, without its end.
    pub fn line(&self, number: usize) -> (usize, &str) {
        let start = self.line_starts.get(number - 1).copied().unwrap_or(0);
        let rest = self.text.get(start..).unwrap_or("");
        let line = rest.split_once('\n').map_or(rest, |(line, _)| line);
        (start, line.strip_suffix('\r').unwrap_or(line))
    }

    /// Where a byte is.
    pub fn position(&self, byte: usize) -> Position {
        let line = self.line_of(byte);
        let (start, _) = self.line(line);
        let before = self.text.get(start..byte.min(self.text.len()));
        Position {
            line,
            column: before.map_or(0, |text| text.chars().count()) + 1,
        }
    }
}

/// All files of one configuration, in the order in which they count.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub files: Vec<File>,
}

impl Sources {
    /// `file:line:column` for people.
    pub fn name(&self, place: Place) -> String {
        match self.files.get(place.file) {
            Some(file) => {
                let Position { line, column } = file.position(place.start);
                format!("{}:{line}:{column}", file.path.display())
            }
            None => String::new(),
        }
    }

    /// The folder that relative paths in a file start from.
    pub fn folder(&self, place: Place) -> &Path {
        self.files
            .get(place.file)
            .and_then(|file| file.path.parent())
            .unwrap_or(Path::new(""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_and_lines_have_no_end() {
        let file = File::new("x".into(), "a = 1\r\nå\t= 2\n".to_owned(), false);
        assert_eq!(file.line(1), (0, "a = 1"));
        assert_eq!(file.line(2), (7, "å\t= 2"));
        let equals = file.text.rfind('=').unwrap();
        assert_eq!(file.position(equals), Position { line: 2, column: 3 });
        assert_eq!(
            file.position(file.text.len()),
            Position { line: 3, column: 1 }
        );
    }
}
