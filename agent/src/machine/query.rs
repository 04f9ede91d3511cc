//! The query of `/script`, as iPXE writes it: `key=value` with `&` between, percent-encoded.

use crate::form::one_line;
use crate::{limits, percent};

/// The pairs of a query in order, at most [`limits::QUERY_BYTES`] of it. A `+` is a blank, as people
/// and programs other than iPXE write it.
pub fn pairs(query: &str) -> impl Iterator<Item = (&str, Vec<u8>)> {
    let mut end = query.len().min(limits::QUERY_BYTES);
    while !query.is_char_boundary(end) {
        end -= 1;
    }
    query[..end]
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, text)| (key, value(text)))
}

fn value(text: &str) -> Vec<u8> {
    percent::decoded(text.replace('+', " ").as_bytes())
}

/// The bytes that pairs of hexadecimal digits mean; `None` if they are something else.
pub fn from_hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

fn digit(character: u8) -> Option<u8> {
    char::from(character)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Text that a machine says of itself: at most [`limits::FACT_BYTES`], characters that act and bytes
/// that are no UTF-8 replaced, so that a log or a terminal shows it as one line.
pub fn text(bytes: &[u8]) -> String {
    one_line(
        &String::from_utf8_lossy(bytes),
        char::REPLACEMENT_CHARACTER,
        limits::FACT_BYTES,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::form::acts;

    fn all(query: &str) -> Vec<(&str, String)> {
        pairs(query)
            .map(|(key, value)| (key, text(&value)))
            .collect()
    }

    #[test]
    fn escapes_and_blanks_are_decoded_and_broken_escapes_stay() {
        let of = |written: &str| text(&value(written));
        assert_eq!(of("IBM%20Corp."), "IBM Corp.");
        assert_eq!(of("a+b"), "a b");
        assert_eq!(of("%c3%A4"), "\u{e4}");
        assert_eq!(of("100%"), "100%");
        assert_eq!(of("%zz%4"), "%zz%4");
        assert_eq!(of("%ff"), "\u{fffd}");
        assert_eq!(of("a%0ab"), "a\u{fffd}b");
    }

    #[test]
    fn pairs_without_a_value_are_no_pairs() {
        assert_eq!(
            all("a=1&&b&c=&=d&e=f=g"),
            [
                ("a", "1".to_owned()),
                ("c", String::new()),
                ("", "d".to_owned()),
                ("e", "f=g".to_owned())
            ]
        );
    }

    #[test]
    fn a_long_query_is_cut() {
        let query = format!("a={}", "\u{e4}".repeat(limits::QUERY_BYTES));
        let bytes: usize = pairs(&query).map(|(_, value)| value.len()).sum();
        assert!(bytes <= limits::QUERY_BYTES && bytes > limits::QUERY_BYTES - 8);
    }

    #[test]
    fn hexadecimal_text_is_bytes_or_nothing() {
        assert_eq!(from_hex(b"49424D").as_deref(), Some(&b"IBM"[..]));
        assert_eq!(from_hex(b"").as_deref(), Some(&b""[..]));
        for bad in ["4", "4g", "0x41", "+1"] {
            assert_eq!(from_hex(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_is_bounded_and_one_line_whatever_comes(query: String) {
            for (_, value) in all(&query) {
                prop_assert!(value.len() <= limits::FACT_BYTES);
                prop_assert!(!value.chars().any(acts));
            }
        }
    }
}
