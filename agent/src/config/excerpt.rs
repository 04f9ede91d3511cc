//! One source line with its caret, as a terminal shows it.

use std::ops::Range;

use super::suggest::nearest;
use crate::form::acts;

/// Columns of a source line that are shown; the rest of a longer one is cut.
const WIDTH: usize = 120;
/// Columns shown before the span where the line is cut in front.
const BEFORE: usize = 40;
/// Columns of a tab.
const TAB: usize = 4;
/// Parts of the names of keys that hold secrets, with room for a typing error.
const SECRET_WORDS: [&str; 4] = ["tok", "tkn", "secret", "password"];
/// Bytes around the span's start that can be shown: four to a character.
const NEAR: usize = 4 * WIDTH;
/// Bytes around the span that are searched for secrets, so that a file of one line costs no more
/// than others.
const WINDOW: usize = 4 << 10;

/// A source line, ready to print: tabs expanded, control characters replaced, secrets masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The line.
    pub text: String,
    /// Columns before the span.
    pub indent: usize,
    /// Columns of the span, at least one.
    pub width: usize,
}

impl Excerpt {
    /// The line with a mark under `span` (bytes of `line`). What lies in `secrets`, and what looks
    /// like one, is shown as `***`.
    pub(super) fn new(line: &str, span: Range<usize>, secrets: &[Range<usize>]) -> Excerpt {
        let begin = line.floor_char_boundary(span.start.saturating_sub(WINDOW));
        let end = line.ceil_char_boundary(span.end.saturating_add(WINDOW));
        let (whole, line) = (line, line.get(begin..end).unwrap_or(""));
        let move_back = |range: &Range<usize>| {
            range.start.saturating_sub(begin)..range.end.saturating_sub(begin)
        };
        let span = move_back(&span);
        let near = line.floor_char_boundary(span.start.saturating_sub(NEAR))
            ..line.ceil_char_boundary(span.start.saturating_add(NEAR));
        let secrets = secrets.iter().map(move_back).chain(likely_secrets(line));
        let is_near = |secret: &Range<usize>| secret.start < near.end && secret.end > near.start;
        let hidden: Vec<Range<usize>> = secrets.filter(is_near).collect();
        let mut cells: Vec<Cell> = Vec::new();
        let mut columns = 0;
        let characters = line.char_indices();
        for (byte, character) in characters.filter(|(byte, _)| near.contains(byte)) {
            let shown = match hidden.iter().find(|range| range.contains(&byte)) {
                Some(range) if range.start == byte || cells.is_empty() => "***".to_owned(),
                Some(_) => String::new(),
                None => printable(character),
            };
            let width: usize = shown.chars().map(columns_of).sum();
            cells.push(Cell {
                byte,
                column: columns,
                shown,
            });
            columns += width;
        }
        let column_of = |byte: usize| {
            let at = cells.partition_point(|cell| cell.byte < byte);
            cells.get(at).map_or(columns, |cell| cell.column)
        };
        let (from, to) = (column_of(span.start), column_of(span.end));
        // A span inside a masked stretch still has to point at it.
        let to = to.max(from + 1);
        let first = if from + (to - from).min(BEFORE) > WIDTH {
            from - BEFORE
        } else {
            0
        };
        let mut text = String::new();
        let mut indent = from - first;
        if first > 0 || begin + near.start > 0 {
            text.push_str("...");
            indent += 3;
        }
        let seen = |cell: &&Cell| cell.column >= first && cell.column < first + WIDTH;
        text.extend(cells.iter().filter(seen).map(|cell| cell.shown.as_str()));
        if columns > first + WIDTH || begin + near.end < whole.len() {
            text.push_str("...");
        }
        Excerpt {
            text: text.trim_end().to_owned(),
            indent,
            width: to.min(first + WIDTH).saturating_sub(from).max(1),
        }
    }

    /// The line below: carets under the whole span.
    pub fn carets(&self) -> String {
        " ".repeat(self.indent) + &"^".repeat(self.width)
    }
}

/// A key that nobody knows but that may well hold a secret.
pub(super) fn sounds_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.contains(word))
        || nearest(&key, ["token", "jointoken", "secret", "password"]).is_some()
}

/// One character of the line.
struct Cell {
    byte: usize,
    column: usize,
    shown: String,
}

/// A character as it is shown: nothing that a terminal would obey.
fn printable(character: char) -> String {
    match character {
        '\t' => " ".repeat(TAB),
        // What turns the direction would show another line than the one that is read.
        other if acts(other) => '\u{fffd}'.to_string(),
        other => other.to_string(),
    }
}

/// How many columns of a terminal a character takes: the wide ones of Unicode Standard Annex 11,
/// in blocks, and the combining ones that take none.
fn columns_of(character: char) -> usize {
    match u32::from(character) {
        0x300..=0x36f | 0x200b..=0x200d | 0x20d0..=0x20ff | 0xfe00..=0xfe0f | 0xfeff => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// Stretches of a line that are secrets by their looks, for lines that could not be parsed and for
/// secrets in places where none belongs: what follows `token =`, `jointoken=` and the like, and the
/// password of a URL.
fn likely_secrets(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // ASCII only, so that byte places stay the same.
    let lower = line.to_ascii_lowercase();
    let words = SECRET_WORDS.iter();
    for (place, word) in words.flat_map(|word| lower.match_indices(word)) {
        let rest = lower.get(place + word.len()..).unwrap_or("");
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || "_-".contains(c));
        let to_sign = rest.trim_start_matches(['"', '\'', ' ', '\t']);
        let Some(value) = to_sign.strip_prefix('=') else {
            continue;
        };
        let value = value.trim_start_matches([' ', '\t']);
        // A table such as `{ file = "path" }` holds no secret itself.
        if value.starts_with('{') {
            continue;
        }
        let start = line.len() - value.len();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let length = match quote {
            Some(quote) => closing(value, quote).map_or(value.len(), |end| end + 1),
            None => value
                .find(['"', '\'', '&', ' ', ',', '}'])
                .unwrap_or(value.len()),
        };
        found.push(start..start + length);
    }
    for (place, sign) in line.match_indices("://") {
        let start = place + sign.len();
        let rest = line.get(start..).unwrap_or("");
        let authority = rest.split(['/', '"', '\'', ' ']).next().unwrap_or("");
        if let Some(at) = authority.rfind('@') {
            found.push(start..start + at);
        }
    }
    found
}

/// Where the string that starts with `quote` ends.
fn closing(value: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    value.char_indices().skip(1).find_map(|(byte, character)| {
        if escaped {
            escaped = false;
            None
        } else if character == '\\' && quote == '"' {
            escaped = true;
            None
        } else {
            (character == quote).then_some(byte)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marked(line: &str, what: &str) -> (String, String) {
        let start = line.find(what).unwrap();
        let excerpt = Excerpt::new(line, start..start + what.len(), &[]);
        (excerpt.text.clone(), excerpt.carets())
    }

    #[test]
    fn the_caret_stands_below_its_span_behind_tabs_and_wide_characters() {
        assert_eq!(
            marked("\tmac\t= \"é\"", "\"é\""),
            ("    mac    = \"é\"".into(), " ".repeat(13) + "^^^")
        );
        assert_eq!(
            marked("title = \"起動\" # x", "\"起動\""),
            ("title = \"起動\" # x".into(), " ".repeat(8) + "^^^^^^")
        );
    }

    #[test]
    fn a_long_line_is_cut_around_its_span() {
        let line = format!(
            "a = \"{}\", wrong, {}",
            "x".repeat(9_000),
            "y".repeat(9_000)
        );
        let (text, carets) = marked(&line, "wrong");
        assert!(text.len() <= WIDTH + 6, "{text}");
        let start = carets.find('^').unwrap();
        assert_eq!(&text[start..start + carets.trim().len()], "wrong");
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_printed() {
        let (text, _) = marked("a = \u{1b}[31m\u{202e}x", "x");
        assert_eq!(text, "a = \u{fffd}[31m\u{fffd}x");
    }

    #[test]
    fn secrets_are_masked_even_where_nobody_parsed_them() {
        for line in [
            r#"token = "hunter2""#,
            r#"token = "hunter2"#,
            r#"jointokn = "hunter2"#,
            r#"my-password-x = 'hunter2"#,
            r#"omni = { api = "x", token = "hunter2", events = 1 }"#,
            r#"Token='hunter2'"#,
            r#"token = hunter2 x"#,
            r#""token" = "hunter2""#,
            r#"token = "a\"hunter2""#,
            r#"arguments = ["siderolink.api=https://x/?jointoken=hunter2"]"#,
            r#"proxy = "http://me:hunter2@proxy:3128/""#,
        ] {
            let excerpt = Excerpt::new(line, 0..line.len(), &[]);
            assert!(!excerpt.text.contains("hunter2"), "{}", excerpt.text);
            assert!(excerpt.text.contains("***"), "{}", excerpt.text);
        }
        let file = r#"token = { file = "omni.token" }"#;
        assert_eq!(Excerpt::new(file, 0..5, &[]).text, file);
    }

    #[test]
    fn the_text_around_a_masked_secret_stays() {
        let line = r#"omni = { token = "hunter2", evnts = 1 }"#;
        assert_eq!(
            marked(line, "evnts"),
            (
                r#"omni = { token = ***, evnts = 1 }"#.into(),
                " ".repeat(22) + "^^^^^"
            )
        );
    }
}
