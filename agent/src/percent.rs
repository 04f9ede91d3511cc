//! Percent-encoding (RFC 3986 section 2.1).

/// Undoes it. What is no whole escape stands for itself: firmware writes odd things, and they only
/// matter to whoever reads them.
pub fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, digit(bytes.get(at + 1)), digit(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                // Two digits of four bits.
                decoded.push((high << 4 | low) as u8);
                at += 3;
            }
            _ => {
                decoded.push(byte);
                at += 1;
            }
        }
    }
    decoded
}

/// The same as text; what is no UTF-8 is replaced.
pub fn decoded_text(text: &str) -> String {
    String::from_utf8_lossy(&decoded(text.as_bytes())).into_owned()
}

/// Text as one part of a path, or of a query.
pub fn encoded(text: &str) -> String {
    encoded_but(text.as_bytes(), b":")
}

/// Text with slashes, or the bytes of a file's path, as a path.
pub fn encoded_path(path: impl AsRef<[u8]>) -> String {
    encoded_but(path.as_ref(), b"/")
}

/// What is unreserved (RFC 3986 section 2.3) stands for itself, and so do these.
fn encoded_but(bytes: &[u8], others: &[u8]) -> String {
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte) || others.contains(byte);
    bytes
        .iter()
        .map(|byte| match plain(byte) {
            true => char::from(*byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_decoded_and_broken_ones_stay() {
        for (text, meant) in [
            ("IBM%20Corp.", "IBM Corp."),
            ("%c3%A4", "\u{e4}"),
            ("100%", "100%"),
            ("%zz%4", "%zz%4"),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decoded_text(text), meant);
        }
    }

    #[test]
    fn names_go_through_a_path_as_they_are() {
        assert_eq!(encoded("52:54:00:00:00:01"), "52:54:00:00:00:01");
        assert_eq!(encoded("a/b c?&%"), "a%2Fb%20c%3F%26%25");
        assert_eq!(encoded_path("a/b:${c}"), "a/b%3A%24%7Bc%7D");
        assert_eq!(decoded_text(&encoded("a/b c?&%\u{e4}")), "a/b c?&%\u{e4}");
    }
}
