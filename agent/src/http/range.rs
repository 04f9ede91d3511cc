//! Which bytes a `Range` field asks for: RFC 9110 section 14, on values alone.

/// A part of a file: `first` to `last`, both included (RFC 9110 section 14.1.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Position of the first byte.
    pub first: u64,
    /// Position of the last byte; never before `first`.
    pub last: u64,
}

impl Span {
    /// How many bytes it has; never 0.
    pub fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// The whole file, as if the field were not there.
    Whole,
    /// One part: 206.
    Part(Span),
    /// Nothing of what was asked for exists: 416.
    Unsatisfiable,
}

/// Reads the value of a `Range` field for a file of `size` bytes.
///
/// What cannot be understood selects the whole file: an unknown unit must be ignored and a broken
/// or wasteful set may be (RFC 9110 sections 14.1.1, 14.2). Several ranges are such a set: no boot
/// client asks for them, and a `multipart/byteranges` answer would serve nobody.
pub fn select(value: &[u8], size: u64) -> Selection {
    let Ok(value) = std::str::from_utf8(value) else {
        return Selection::Whole;
    };
    let Some((unit, set)) = value.split_once('=') else {
        return Selection::Whole;
    };
    // RFC 9110 section 14.1: names of units are compared without letter case.
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Selection::Whole;
    }
    // RFC 9110 section 5.6.1.2: a recipient accepts empty elements of a list.
    let mut specs = set.split(',').map(trim).filter(|spec| !spec.is_empty());
    let (Some(spec), None) = (specs.next(), specs.next()) else {
        return Selection::Whole;
    };
    let Some((first, last)) = spec.split_once('-') else {
        return Selection::Whole;
    };
    match (first, last) {
        ("", last) => match number(last) {
            None => Selection::Whole,
            Some(0) => Selection::Unsatisfiable,
            Some(_) if size == 0 => Selection::Whole,
            Some(length) => Selection::Part(Span {
                first: size.saturating_sub(length),
                last: size - 1,
            }),
        },
        (first, last) => {
            let Some(first) = number(first) else {
                return Selection::Whole;
            };
            let last = match last {
                "" => u64::MAX,
                last => match number(last) {
                    Some(last) if last >= first => last,
                    _ => return Selection::Whole,
                },
            };
            if first >= size {
                return Selection::Unsatisfiable;
            }
            Selection::Part(Span {
                first,
                last: last.min(size - 1),
            })
        }
    }
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Digits only; what is larger than any file stays larger than any file.
fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(first: u64, last: u64) -> Selection {
        Selection::Part(Span { first, last })
    }

    #[test]
    fn the_examples_of_rfc_9110_section_14_1_2_hold() {
        // "a representation of 10000 bytes"
        for (value, expected) in [
            ("bytes=0-499", part(0, 499)),
            ("bytes=500-999", part(500, 999)),
            ("bytes=-500", part(9500, 9999)),
            ("bytes=9500-", part(9500, 9999)),
        ] {
            assert_eq!(select(value.as_bytes(), 10_000), expected, "{value}");
        }
    }

    #[test]
    fn the_end_is_cut_to_the_file() {
        // RFC 9110 section 14.1.2: a last position at or over the length means the rest.
        assert_eq!(select(b"bytes=5-99", 10), part(5, 9));
        assert_eq!(
            select(b"bytes=0-99999999999999999999999999", 10),
            part(0, 9)
        );
        // A suffix longer than the file is the whole file, still as 206.
        assert_eq!(select(b"bytes=-11", 10), part(0, 9));
        assert_eq!(select(b"bytes=-99999999999999999999999999", 10), part(0, 9));
    }

    #[test]
    fn what_lies_behind_the_end_is_unsatisfiable() {
        for value in ["bytes=10-", "bytes=10-10", "bytes=10-99", "bytes=-0"] {
            assert_eq!(
                select(value.as_bytes(), 10),
                Selection::Unsatisfiable,
                "{value}"
            );
        }
        let huge = b"bytes=99999999999999999999999999-";
        assert_eq!(select(huge, 10), Selection::Unsatisfiable);
        assert_eq!(select(b"bytes=0-0", 0), Selection::Unsatisfiable);
    }

    #[test]
    fn a_suffix_of_an_empty_file_is_the_empty_file() {
        // Satisfiable by RFC 9110 section 14.1.2, but no Content-Range can say it.
        assert_eq!(select(b"bytes=-5", 0), Selection::Whole);
    }

    #[test]
    fn what_is_no_range_is_ignored() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=1-a",
            "bytes=+1-2",
            "bytes=5-4",
            "bytes=1 -2",
            "lines=0-1",
            "bytes 0-1",
            "bytes=0x1-2",
            "bytes=--5",
            "bytes=1-2-3",
        ] {
            assert_eq!(select(value.as_bytes(), 10), Selection::Whole, "{value}");
        }
        assert_eq!(select(b"bytes=\xff-", 10), Selection::Whole);
    }

    #[test]
    fn several_ranges_give_the_whole_file() {
        // RFC 9110 section 14.2 leaves a server free to ignore them.
        assert_eq!(select(b"bytes=0-1,3-4", 10), Selection::Whole);
        assert_eq!(select(b"bytes=0-1, -1", 10), Selection::Whole);
        assert_eq!(select(b"bytes=99-, 0-1", 10), Selection::Whole);
    }

    #[test]
    fn letter_case_and_empty_elements_do_not_matter() {
        assert_eq!(select(b"Bytes=2-3", 10), part(2, 3));
        assert_eq!(select(b"bytes= , 2-3 ,\t", 10), part(2, 3));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_lies_within_the_file(value in ".{0,40}", size in any::<u64>()) {
            if let Selection::Part(span) = select(value.as_bytes(), size) {
                prop_assert!(span.first <= span.last && span.last < size);
            }
        }

        #[test]
        fn a_span_written_down_is_read_back(first in 0..1000_u64, length in 1..1000_u64) {
            let last = first + length - 1;
            let value = format!("bytes={first}-{last}");
            prop_assert_eq!(select(value.as_bytes(), 2000), part(first, last));
        }
    }
}
