//! Going on where an earlier try ended: RFC 9110 sections 13.1.5 and 14.4.

/// What an answer to a request for the rest of a file means.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rest {
    /// The rest follows, and the whole file has so many bytes.
    Follows {
        /// Bytes of the whole file.
        total: u64,
    },
    /// The whole file comes, from its start; its bytes if the answer says so.
    Whole(Option<u64>),
    /// Start anew: the answer is not what was asked for.
    Anew,
}

/// Judges an answer's status and headers when `have` bytes were there and `bytes=<have>-` was
/// asked for (or nothing of the kind, when `have` is 0).
pub(super) fn judge(
    status: u16,
    have: u64,
    content_range: Option<&str>,
    content_length: Option<u64>,
) -> Rest {
    match status {
        200 => Rest::Whole(content_length),
        206 => match content_range.and_then(parse) {
            Some((first, last, total))
                if have > 0
                    && first == have
                    && last + 1 == total
                    && content_length.is_none_or(|length| length == total - have) =>
            {
                Rest::Follows { total }
            }
            _ => Rest::Anew,
        },
        _ => Rest::Anew,
    }
}

/// `bytes <first>-<last>/<total>`.
fn parse(text: &str) -> Option<(u64, u64, u64)> {
    let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
    let (first, last) = range.trim().split_once('-')?;
    let (first, last, total) = (first.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
    (first <= last && last < total).then_some((first, last, total))
}

/// Whether a validator may stand in If-Range: entity tags must be strong.
pub(super) fn usable(validator: &str) -> bool {
    !validator.starts_with("W/") && !validator.is_empty() && validator.len() <= 256
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_is_taken_only_if_it_is_exactly_the_rest() {
        let judged = |range, length| judge(206, 10, Some(range), length);
        assert_eq!(
            judged("bytes 10-99/100", Some(90)),
            Rest::Follows { total: 100 }
        );
        assert_eq!(
            judged("bytes 10-99/100", None),
            Rest::Follows { total: 100 }
        );
        for (range, length) in [
            ("bytes 9-99/100", Some(91)),
            ("bytes 10-98/100", Some(89)),
            ("bytes 10-99/100", Some(91)),
            ("bytes 10-99/*", Some(90)),
            ("bytes 10-9/10", None),
            ("bytes */100", None),
            ("items 10-99/100", None),
            ("bytes 10-18446744073709551615/100", None),
        ] {
            assert_eq!(judged(range, length), Rest::Anew, "{range}");
        }
        assert_eq!(judge(206, 10, None, Some(90)), Rest::Anew);
        assert_eq!(judge(206, 0, Some("bytes 0-9/10"), None), Rest::Anew);
    }

    #[test]
    fn a_server_without_ranges_sends_the_whole() {
        assert_eq!(judge(200, 10, None, Some(100)), Rest::Whole(Some(100)));
        assert_eq!(judge(416, 10, Some("bytes */5"), Some(0)), Rest::Anew);
    }

    #[test]
    fn weak_tags_cannot_vouch_for_bytes() {
        assert!(usable("\"abc\"") && usable("Sat, 29 Oct 1994 19:43:31 GMT"));
        assert!(!usable("W/\"abc\"") && !usable(""));
    }
}
