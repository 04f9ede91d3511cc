//! Writes YAML exactly as Go's yaml.v3 does, byte for byte, as far as schematics need it: an id is
//! the digest of that text. Rules from yaml.v3 `encode.go` (`stringv`), `resolve.go` and
//! `emitterc.go` (`yaml_emitter_analyze_scalar`, `yaml_emitter_increase_indent`).

mod resolve;

use resolve::reads_as_other;

/// A value with its keys in the order in which they are written.
#[derive(Clone, Debug, PartialEq)]
pub enum Yaml {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A fraction.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// A sequence; an empty one is `[]`.
    List(Vec<Yaml>),
    /// A mapping; an empty one is `{}`.
    Map(Vec<(String, Yaml)>),
}

/// Columns of one level (yaml.v3's default).
const INDENT: usize = 4;

/// The whole document, ending in a line feed.
pub fn document(value: &Yaml) -> String {
    let mut out = String::new();
    match value {
        Yaml::Map(entries) if !entries.is_empty() => map(&mut out, entries, 0),
        Yaml::List(items) if !items.is_empty() => list(&mut out, items, 0),
        _ => {
            scalar(&mut out, value, 0);
            out.push('\n');
        }
    }
    out
}

/// The next level's column: levels align to multiples of [`INDENT`].
fn deeper(column: usize) -> usize {
    INDENT * ((column + INDENT) / INDENT)
}

fn pad(out: &mut String, column: usize) {
    out.extend(std::iter::repeat_n(' ', column));
}

fn map(out: &mut String, entries: &[(String, Yaml)], column: usize) {
    for (place, (key, value)) in entries.iter().enumerate() {
        // The first key behind a `- ` is already in its column.
        if place > 0 || !out.ends_with("- ") {
            pad(out, column);
        }
        out.push_str(&text(key, column, true));
        out.push(':');
        behind_key(out, value, column);
    }
}

fn behind_key(out: &mut String, value: &Yaml, column: usize) {
    match value {
        Yaml::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            map(out, entries, deeper(column));
        }
        Yaml::List(items) if !items.is_empty() => {
            out.push('\n');
            list(out, items, deeper(column));
        }
        _ => {
            out.push(' ');
            scalar(out, value, column);
            out.push('\n');
        }
    }
}

fn list(out: &mut String, items: &[Yaml], column: usize) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 || !out.ends_with("- ") {
            pad(out, column);
        }
        out.push_str("- ");
        match item {
            Yaml::Map(entries) if !entries.is_empty() => map(out, entries, column + 2),
            Yaml::List(items) if !items.is_empty() => list(out, items, column + 2),
            _ => {
                scalar(out, item, column);
                out.push('\n');
            }
        }
    }
}

fn scalar(out: &mut String, value: &Yaml, column: usize) {
    match value {
        Yaml::Text(value) => out.push_str(&text(value, column, false)),
        Yaml::Integer(value) => out.push_str(&value.to_string()),
        Yaml::Float(value) => out.push_str(&float(*value)),
        Yaml::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Yaml::List(_) => out.push_str("[]"),
        Yaml::Map(_) => out.push_str("{}"),
    }
}

/// Go's `strconv.FormatFloat(value, 'g', -1, 64)`: scientific below 1e-4 and from 1e21 on.
fn float(value: f64) -> String {
    if value.is_nan() {
        return ".nan".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { ".inf" } else { "-.inf" }.to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific
        .split_once('e')
        .unwrap_or((scientific.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if value != 0.0 && !(-4..21).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{digits}e{sign}{:02}", exponent.abs())
    } else {
        format!("{value}")
    }
}

/// A string in the style that yaml.v3 chooses. `key`: it stands before a colon.
fn text(value: &str, column: usize, key: bool) -> String {
    let shape = Shape::of(value);
    if value.contains('\n') && shape.block_allowed && !key {
        return literal(value, deeper(column));
    }
    let plain = !value.contains('\n') && !reads_as_other(value) && shape.plain_allowed;
    if plain && !(key && value.is_empty()) {
        value.to_owned()
    } else if !value.contains('\n') && !reads_as_other(value) && shape.single_allowed {
        format!("'{}'", value.replace('\'', "''"))
    } else {
        double_quoted(value)
    }
}

fn literal(value: &str, column: usize) -> String {
    let mut out = "|".to_owned();
    if value.starts_with([' ', '\n']) {
        out.push_str(&INDENT.to_string());
    }
    if !value.ends_with('\n') {
        out.push('-');
    } else if value.len() == 1 || value.ends_with("\n\n") {
        out.push('+');
    }
    for line in value.strip_suffix('\n').unwrap_or(value).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            pad(&mut out, column);
            out.push_str(line);
        }
    }
    out
}

fn double_quoted(value: &str) -> String {
    let mut out = "\"".to_owned();
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\x1b' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{a0}' => out.push_str("\\_"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if printable(c) => out.push(c),
            c if (c as u32) < 0x100 => out.push_str(&format!("\\x{:02X}", c as u32)),
            c if (c as u32) < 0x10000 => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push_str(&format!("\\U{:08X}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// The emitter's idea of printable: nothing beyond U+FFFF, no control characters but line feed.
fn printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && c != '\u{feff}'
}

fn line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// In which styles a string may be written.
struct Shape {
    plain_allowed: bool,
    single_allowed: bool,
    block_allowed: bool,
}

impl Shape {
    fn of(value: &str) -> Shape {
        let characters: Vec<char> = value.chars().collect();
        let (Some(first), Some(last)) = (characters.first(), characters.last()) else {
            return Shape {
                plain_allowed: true,
                single_allowed: true,
                block_allowed: false,
            };
        };
        let mut indicators = value.starts_with("---") || value.starts_with("...");
        let (mut special, mut tab, mut breaks) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let mut before = None;
        for (place, &c) in characters.iter().enumerate() {
            let blank_next = characters
                .get(place + 1)
                .is_none_or(|&next| matches!(next, ' ' | '\t') || line_break(next));
            let blank_before = before.is_none_or(|b| matches!(b, ' ' | '\t') || line_break(b));
            indicators |= match c {
                '-' | '?' if place == 0 => blank_next,
                ':' => blank_next,
                '#' => blank_before,
                ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`' => place == 0,
                _ => false,
            };
            tab |= c == '\t';
            special |= c != '\t' && !printable(c);
            if line_break(c) {
                breaks = true;
                space_break |= before == Some(' ');
            }
            break_space |= c == ' ' && before.is_some_and(line_break);
            before = Some(c);
        }
        let edges = [first, last]
            .into_iter()
            .any(|&c| c == ' ' || line_break(c));
        let hard = break_space || space_break || tab || special;
        Shape {
            plain_allowed: !(edges || hard || breaks || indicators),
            single_allowed: !hard,
            block_allowed: !(*last == ' ' || space_break || special),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(values: &[&str]) -> String {
        let items = values.iter().map(|v| Yaml::Text((*v).to_owned())).collect();
        document(&Yaml::List(items))
    }

    #[test]
    fn kernel_arguments_stand_plain() {
        assert_eq!(
            words(&[
                "console=ttyS0,115200",
                "-console",
                "a:b",
                "ip=[::1]:x",
                "siderolabs/bnx2-bnx2x"
            ]),
            "- console=ttyS0,115200\n- -console\n- a:b\n- ip=[::1]:x\n- siderolabs/bnx2-bnx2x\n"
        );
    }

    #[test]
    fn what_would_read_as_something_else_is_quoted() {
        assert_eq!(
            words(&[
                "",
                "true",
                "123",
                "0xa",
                "1.5e3",
                "off",
                "2024-01-02",
                "12:30:00",
                "~"
            ]),
            "- \"\"\n- \"true\"\n- \"123\"\n- \"0xa\"\n- \"1.5e3\"\n- \"off\"\n- \"2024-01-02\"\n\
             - \"12:30:00\"\n- \"~\"\n"
        );
        assert_eq!(
            words(&["{}", "a: b", "a #b", "- a", "x:", "*a", " a", "it's"]),
            "- '{}'\n- 'a: b'\n- 'a #b'\n- '- a'\n- 'x:'\n- '*a'\n- ' a'\n- it's\n"
        );
        assert_eq!(
            words(&["a\tb", "\u{1F600}"]),
            "- \"a\\tb\"\n- \"\\U0001F600\"\n"
        );
    }

    #[test]
    fn lines_become_a_literal_block() {
        let value = |text: &str| {
            let entry = Yaml::Map(vec![
                ("key".to_owned(), Yaml::Integer(10)),
                ("value".to_owned(), Yaml::Text(text.to_owned())),
            ]);
            document(&Yaml::Map(vec![(
                "meta".to_owned(),
                Yaml::List(vec![entry]),
            )]))
        };
        assert_eq!(
            value("a: 1\n\nb: 2\n"),
            "meta:\n    - key: 10\n      value: |\n        a: 1\n\n        b: 2\n"
        );
        assert_eq!(
            value("a\nb"),
            "meta:\n    - key: 10\n      value: |-\n        a\n        b\n"
        );
    }

    #[test]
    fn numbers_are_written_as_go_does() {
        for (value, text) in [
            (1.0, "1"),
            (0.5, "0.5"),
            (1e21, "1e+21"),
            (1e-7, "1e-07"),
            (1e20, "100000000000000000000"),
        ] {
            assert_eq!(float(value), text);
        }
    }

    #[test]
    fn levels_are_four_columns_apart() {
        let inner = Yaml::Map(vec![("b".to_owned(), Yaml::List(vec![Yaml::Bool(true)]))]);
        assert_eq!(
            document(&Yaml::Map(vec![
                ("a".to_owned(), inner),
                ("c".to_owned(), Yaml::Map(vec![]))
            ])),
            "a:\n    b:\n        - true\nc: {}\n"
        );
    }
}
