//! An answer's head.

use std::time::Duration;

/// What an answer is.
#[derive(Debug, PartialEq)]
pub enum Head {
    /// 200 with so many bytes to come.
    Length(u64),
    /// 503: after this time again.
    Later(Duration),
}

/// Reads a head.
///
/// # Errors
/// It is another answer, in words.
pub fn understand(head: &[u8]) -> Result<Head, String> {
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).unwrap_or_default();
    let field = |wanted: &str| {
        let mut fields = head.split("\r\n").filter_map(|line| line.split_once(':'));
        let found = fields.find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.and_then(|(_, value)| value.trim().parse::<u64>().ok())
    };
    match (status, field("retry-after"), field("content-length")) {
        ("200", _, Some(length)) => Ok(Head::Length(length)),
        ("503", Some(seconds), _) => Ok(Head::Later(Duration::from_secs(seconds))),
        _ => Err(format!(
            "answered {}",
            head.lines().next().unwrap_or_default()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_told_to_come_later_does_so_when_it_is_told() {
        let head = |text: &str| understand(text.as_bytes());
        let later = Head::Later(Duration::from_secs(5));
        let away = "HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nContent-Length: 9";
        assert_eq!(head(away), Ok(later));
        let fine = "HTTP/1.1 200 OK\r\nContent-Length:  17\r\nx: y";
        assert_eq!(head(fine), Ok(Head::Length(17)));
        for wrong in [
            "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 9",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 9",
            "HTTP/1.1 200 OK",
            "",
        ] {
            assert!(head(wrong).is_err(), "{wrong}");
        }
    }
}
