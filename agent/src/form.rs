//! Types whose JSON is the text that people write, and which characters of a text are shown.

/// A character that a terminal or a browser acts on in place of showing it: a control character, one that
/// ends a line, or one that turns the direction of what follows (Unicode annex 9), so that another
/// line is read than the one that is there.
pub(crate) fn acts(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}'
        )
}

/// One line stays one and harmless: what comes from the network may hold line ends and escapes.
pub(crate) fn printable(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if acts(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

/// Text of a stranger as one line: without blanks at its ends, with `stand_in` for every character that
/// [`acts`], and cut before it is longer than `limit` bytes.
pub(crate) fn one_line(text: &str, stand_in: char, limit: usize) -> String {
    let mut line = String::new();
    for character in text.trim().chars() {
        let shown = if acts(character) { stand_in } else { character };
        if line.len() + shown.len_utf8() > limit {
            break;
        }
        line.push(shown);
    }
    line
}

/// Serializes a type by `Display` and reads it by `FromStr`, where it stands: a start reads some
/// hundred thousand of them.
macro_rules! as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<$type, D::Error> {
                struct Text;

                impl serde::de::Visitor<'_> for Text {
                    type Value = $type;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str("a text")
                    }

                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                }

                deserializer.deserialize_str(Text)
            }
        }
    };
}

pub(crate) use as_text;
