//! Text with open places.

/// Text in which `*` stands for any text and `?` for one character. Letter case does not count,
/// because makers change it between models. A backslash before `*`, `?`, `!` or `\` takes away what
/// the character means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<Part>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// Any text.
    Any,
    /// One character.
    One,
    /// This character, folded.
    This(char),
}

/// Without letter case. Character by character, so that where a text is cut changes nothing before.
pub fn folded(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

impl Glob {
    /// Reads a pattern; the error is a sentence for people.
    pub fn parse(text: &str) -> Result<Glob, String> {
        let mut parts = Vec::with_capacity(text.len());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                // Two of them mean no more than one, and cost.
                '*' if parts.last() == Some(&Part::Any) => {}
                '*' => parts.push(Part::Any),
                '?' => parts.push(Part::One),
                '\\' => match characters.next() {
                    Some(plain @ ('*' | '?' | '!' | '\\')) => parts.push(Part::This(plain)),
                    _ => {
                        return Err(
                            "a backslash makes a `*`, `?`, `!` or `\\` behind it a plain character: \
                             write two for a backslash, best in single quotes"
                                .to_owned(),
                        );
                    }
                },
                other => parts.extend(other.to_lowercase().map(Part::This)),
            }
        }
        Ok(Glob(parts))
    }

    /// Whether a folded text is of this form.
    pub fn matches(&self, text: &[char]) -> bool {
        let pattern = &self.0;
        let (mut p, mut t) = (0, 0);
        // After a mismatch only the last `*` is tried again, one character further on: with globs that
        // is enough, and keeps hostile patterns from taking exponential time.
        let mut retry = None;
        while t < text.len() {
            match pattern.get(p) {
                Some(Part::Any) => {
                    retry = Some((p + 1, t + 1));
                    p += 1;
                }
                Some(Part::One) => (p, t) = (p + 1, t + 1),
                Some(Part::This(character)) if *character == text[t] => (p, t) = (p + 1, t + 1),
                _ => match retry {
                    Some((after_star, next)) => {
                        (p, t) = (after_star, next);
                        retry = Some((after_star, next + 1));
                    }
                    None => return false,
                },
            }
        }
        pattern[p..].iter().all(|part| *part == Part::Any)
    }

    /// The one folded text that it stands for, if it is only one.
    pub fn literal(&self) -> Option<Vec<char>> {
        let this = |part: &Part| match part {
            Part::This(character) => Some(*character),
            _ => None,
        };
        self.0.iter().map(this).collect()
    }

    /// The characters that are written, without the open places.
    pub fn written(&self) -> impl Iterator<Item = char> {
        self.0.iter().filter_map(|part| match part {
            Part::This(character) => Some(*character),
            _ => None,
        })
    }

    /// Whether this is met by whatever meets `other`, as far as that is plain to see.
    pub fn covers(&self, other: &Glob) -> bool {
        self == other
            || self.0 == [Part::Any]
            || other.literal().is_some_and(|text| self.matches(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(pattern: &str, text: &str) -> bool {
        let text: Vec<char> = folded(text).collect();
        Glob::parse(pattern).unwrap().matches(&text)
    }

    #[test]
    fn globs_meet_what_people_expect() {
        for (pattern, text) in [
            ("IBM*", "ibm corp."),
            ("*x3550*", "System x3550 M3 -[7944]-"),
            ("?b?", "abc"),
            ("*", ""),
            ("a**c", "ac"),
            ("a*b*c", "a--b-b--c"),
            (r"a\*b\?\!\\", r"A*b?!\"),
            ("ΟΔΟΣ*", "οδοσ"),
        ] {
            assert!(meets(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("IBM", "IBM Corp."),
            ("?", ""),
            ("a*b", "abc"),
            ("", "x"),
            (r"\*", "x"),
        ] {
            assert!(!meets(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!meets(&format!("{}b", "*a".repeat(60)), &"a".repeat(128)));
    }

    #[test]
    fn a_backslash_before_anything_else_is_refused() {
        for bad in [r"a\b", r"a\"] {
            assert!(Glob::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_covers_another_where_that_is_plain() {
        let covers = |one, other| {
            let (one, other) = (Glob::parse(one).unwrap(), Glob::parse(other).unwrap());
            one.covers(&other)
        };
        assert!(covers("ibm*", "IBM Corp.") && covers("*", "a?") && covers("a?", "A?"));
        assert!(!covers("ibm", "IBM*") && !covers("b*", "IBM"));
    }
}
