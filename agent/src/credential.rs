//! Names and passwords that stand in URLs (RFC 3986 section 3.2.1): whoever reads a log, an answer or a
//! message gets the URL without them.

use std::borrow::Cow;

/// What stands in place of a name and password.
const HIDDEN: &str = "***";

/// A text in which no URL has a name or password: `http://me:secret@proxy/` is `http://***@proxy/`.
pub fn hidden(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find("://") {
        let (before, behind) = rest.split_at(begin + "://".len());
        shown.push_str(before);
        let ends = |c: char| matches!(c, '/' | '?' | '#' | '"' | '\'' | '`') || c.is_whitespace();
        let (authority, after) = behind.split_at(behind.find(ends).unwrap_or(behind.len()));
        match authority.rsplit_once('@') {
            Some((_, host)) => {
                shown.push_str(HIDDEN);
                shown.push('@');
                shown.push_str(host);
            }
            None => shown.push_str(authority),
        }
        rest = after;
    }
    if shown.is_empty() {
        return Cow::Borrowed(text);
    }
    shown.push_str(rest);
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_loses_its_password_and_nothing_else() {
        for (text, shown) in [
            (
                "https://me:pass@a.example/x@y?z",
                "https://***@a.example/x@y?z",
            ),
            (
                "proxy = \"socks5://me:p@ss@[::1]:1080\" # x@y",
                "proxy = \"socks5://***@[::1]:1080\" # x@y",
            ),
            (
                "http://token@a and https://b:c@d: no",
                "http://***@a and https://***@d: no",
            ),
            ("https://a.example/x", "https://a.example/x"),
            ("file:///srv/a@b", "file:///srv/a@b"),
            ("a@b://", "a@b://"),
            ("no URL, me@example", "no URL, me@example"),
            ("", ""),
        ] {
            assert_eq!(hidden(text), shown);
            assert_eq!(hidden(&hidden(text)), shown, "again");
        }
    }
}
