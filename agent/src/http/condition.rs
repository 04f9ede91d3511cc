//! Whether a request's conditions hold: RFC 9110 section 13, on values alone.
//!
//! UEFI HTTP boot goes on with a broken download by `Range` with `If-Match` or
//! `If-Unmodified-Since`; the rest is what caches and download tools send.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{
    HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
};

/// What tells two states of a file apart (RFC 9110 section 8.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validators {
    /// A strong entity tag, with its quotes.
    pub etag: String,
    /// The last change in whole seconds; `None`: before 1970 or after 9999, which no HTTP date says.
    pub modified: Option<SystemTime>,
}

impl Validators {
    /// The validators of a file of `size` bytes that was changed at `modified`. The tag holds the
    /// size and the time as the file system has it, mostly in nanoseconds.
    pub fn new(size: u64, modified: SystemTime) -> Validators {
        /// 9999-12-31 23:59:59, the last second of an IMF-fixdate.
        const LAST: u64 = 253_402_300_799;
        let (sign, since) = match modified.duration_since(UNIX_EPOCH) {
            Ok(since) => ("", since),
            Err(error) => ("n", error.duration()),
        };
        Validators {
            etag: format!("\"{size:x}-{sign}{:x}\"", since.as_nanos()),
            modified: (sign.is_empty() && since.as_secs() <= LAST)
                .then(|| UNIX_EPOCH + Duration::from_secs(since.as_secs())),
        }
    }
}

/// What the conditions of a request lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The file is sent; `range` says whether a `Range` field counts.
    Send {
        /// False if `If-Range` names another state of the file.
        range: bool,
    },
    /// 304: the client has it already.
    NotModified,
    /// 412: the client means another state of the file; the field that says so.
    Failed(&'static str),
}

/// Judges the conditions of a GET or HEAD for a file that exists, in the order that RFC 9110
/// section 13.2.2 sets. `now` is the time of the answer.
pub fn judge(headers: &HeaderMap, file: &Validators, now: SystemTime) -> Verdict {
    if headers.contains_key(IF_MATCH) {
        if !lists(headers, &IF_MATCH, |tag| tag == file.etag) {
            return Verdict::Failed("If-Match");
        }
    } else if let (Some(since), Some(modified)) =
        (date(headers, &IF_UNMODIFIED_SINCE), file.modified)
        && modified > since
    {
        return Verdict::Failed("If-Unmodified-Since");
    }
    if headers.contains_key(IF_NONE_MATCH) {
        // Weak comparison (RFC 9110 section 13.1.2): the W/ in front does not count.
        if lists(headers, &IF_NONE_MATCH, |tag| {
            tag.strip_prefix("W/").unwrap_or(tag) == file.etag
        }) {
            return Verdict::NotModified;
        }
    } else if let (Some(since), Some(modified)) = (date(headers, &IF_MODIFIED_SINCE), file.modified)
        && modified <= since
    {
        return Verdict::NotModified;
    }
    Verdict::Send {
        range: if_range(headers, file, now),
    }
}

/// RFC 9110 section 13.1.5.
fn if_range(headers: &HeaderMap, file: &Validators, now: SystemTime) -> bool {
    let mut values = headers.get_all(IF_RANGE).iter();
    let Some(value) = values.next() else {
        return true;
    };
    let (Ok(value), None) = (value.to_str(), values.next()) else {
        return false;
    };
    let value = value.trim();
    if value.starts_with('"') {
        return value == file.etag;
    }
    let (Ok(date), Some(modified)) = (httpdate::parse_http_date(value), file.modified) else {
        return false;
    };
    // Section 8.8.2.2: a date is strong only if the file cannot change again within its second.
    date == modified
        && now
            .duration_since(modified)
            .is_ok_and(|age| age >= Duration::from_secs(1))
}

/// Whether a list of entity tags has `*` or one that fits.
fn lists(headers: &HeaderMap, name: &HeaderName, fits: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().any(|value| {
        let Ok(value) = value.to_str() else {
            return false;
        };
        value.trim() == "*" || tags(value).any(&fits)
    })
}

/// The entity tags of one field value, each with its quotes and its `W/`. A comma may stand within
/// a tag (RFC 9110 section 8.8.3), so the list cannot be split at commas.
fn tags(value: &str) -> impl Iterator<Item = &str> {
    let mut rest = value;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let weak = if rest.starts_with("W/") { 2 } else { 0 };
        let opaque = rest.get(weak..)?.strip_prefix('"')?;
        let length = weak + 1 + opaque.find('"')? + 1;
        let (tag, behind) = rest.split_at(length);
        rest = behind;
        Some(tag)
    })
}

/// The date of a field; one that is none, or that is there twice, is ignored (RFC 9110 sections
/// 13.1.3 and 13.1.4).
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => httpdate::parse_http_date(value.to_str().ok()?.trim()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const WHOLE: Verdict = Verdict::Send { range: false };
    const SEND: Verdict = Verdict::Send { range: true };

    /// Changed at 1994-10-29 19:43:31.5, asked an hour later.
    fn verdict(fields: &[(&'static str, &str)]) -> Verdict {
        let changed = httpdate::parse_http_date("Sat, 29 Oct 1994 19:43:31 GMT").unwrap();
        let file = Validators {
            etag: "\"a,b\"".into(),
            ..Validators::new(1, changed + Duration::from_millis(500))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, HeaderValue::from_str(value).unwrap());
        }
        judge(&headers, &file, changed + Duration::from_secs(3600))
    }

    const SAME: &str = "Sat, 29 Oct 1994 19:43:31 GMT";
    const BEFORE: &str = "Sat, 29 Oct 1994 19:43:30 GMT";
    const AFTER: &str = "Sat, 29 Oct 1994 19:43:32 GMT";

    #[test]
    fn without_conditions_the_file_is_sent() {
        assert_eq!(verdict(&[]), SEND);
    }

    #[test]
    fn if_match_compares_strongly() {
        // RFC 9110 section 13.1.1.
        for value in [
            "\"a,b\"",
            "*",
            "\"x\", \"a,b\"",
            " \"x\" ,, W/\"y\",\"a,b\" ",
        ] {
            assert_eq!(verdict(&[("if-match", value)]), SEND, "{value}");
        }
        for value in [
            "W/\"a,b\"",
            "\"x\"",
            "",
            "a,b",
            "\"a,b",
            "\"*\"",
            "\"a\", \"b\"",
        ] {
            assert_eq!(
                verdict(&[("if-match", value)]),
                Verdict::Failed("If-Match"),
                "{value}"
            );
        }
        assert_eq!(
            verdict(&[("if-match", "\"x\""), ("if-match", "\"a,b\"")]),
            SEND
        );
    }

    #[test]
    fn if_unmodified_since_counts_only_without_if_match() {
        // RFC 9110 section 13.1.4.
        let failed = Verdict::Failed("If-Unmodified-Since");
        assert_eq!(verdict(&[("if-unmodified-since", BEFORE)]), failed);
        assert_eq!(verdict(&[("if-unmodified-since", SAME)]), SEND);
        assert_eq!(verdict(&[("if-unmodified-since", AFTER)]), SEND);
        assert_eq!(verdict(&[("if-unmodified-since", "yesterday")]), SEND);
        let both = [("if-match", "\"a,b\""), ("if-unmodified-since", BEFORE)];
        assert_eq!(verdict(&both), SEND);
    }

    #[test]
    fn if_none_match_compares_weakly() {
        // RFC 9110 section 13.1.2.
        for value in ["\"a,b\"", "W/\"a,b\"", "*", "\"x\", W/\"a,b\""] {
            assert_eq!(
                verdict(&[("if-none-match", value)]),
                Verdict::NotModified,
                "{value}"
            );
        }
        for value in ["\"x\"", "a,b", ""] {
            assert_eq!(verdict(&[("if-none-match", value)]), SEND, "{value}");
        }
    }

    #[test]
    fn if_modified_since_counts_only_without_if_none_match() {
        // RFC 9110 section 13.1.3.
        assert_eq!(
            verdict(&[("if-modified-since", SAME)]),
            Verdict::NotModified
        );
        assert_eq!(
            verdict(&[("if-modified-since", AFTER)]),
            Verdict::NotModified
        );
        assert_eq!(verdict(&[("if-modified-since", BEFORE)]), SEND);
        assert_eq!(verdict(&[("if-modified-since", "soon")]), SEND);
        let both = [("if-none-match", "\"x\""), ("if-modified-since", SAME)];
        assert_eq!(verdict(&both), SEND);
    }

    #[test]
    fn a_failed_precondition_comes_before_not_modified() {
        // RFC 9110 section 13.2.2.
        let both = [("if-match", "\"x\""), ("if-none-match", "\"a,b\"")];
        assert_eq!(verdict(&both), Verdict::Failed("If-Match"));
    }

    #[test]
    fn if_range_takes_a_strong_tag_or_the_exact_date() {
        // RFC 9110 section 13.1.5.
        for value in ["\"a,b\"", SAME] {
            assert_eq!(verdict(&[("if-range", value)]), SEND, "{value}");
        }
        for value in ["W/\"a,b\"", "\"x\"", BEFORE, AFTER, "*", "", "a,b"] {
            assert_eq!(verdict(&[("if-range", value)]), WHOLE, "{value}");
        }
        assert_eq!(verdict(&[("if-range", SAME), ("if-range", SAME)]), WHOLE);
    }

    #[test]
    fn a_date_within_the_second_of_the_change_is_not_strong() {
        // RFC 9110 section 8.8.2.2.
        let changed = httpdate::parse_http_date(SAME).unwrap();
        let file = Validators::new(1, changed);
        let mut headers = HeaderMap::new();
        headers.insert(IF_RANGE, HeaderValue::from_static(SAME));
        assert_eq!(
            judge(&headers, &file, changed + Duration::from_millis(999)),
            WHOLE
        );
        assert_eq!(
            judge(&headers, &file, changed - Duration::from_secs(5)),
            WHOLE
        );
        assert_eq!(
            judge(&headers, &file, changed + Duration::from_secs(1)),
            SEND
        );
    }

    #[test]
    fn the_tag_changes_with_size_and_time() {
        let time = UNIX_EPOCH + Duration::new(5, 7);
        let tag = Validators::new(3, time).etag;
        assert_ne!(tag, Validators::new(4, time).etag);
        assert_ne!(tag, Validators::new(3, time + Duration::from_nanos(1)).etag);
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 4);
    }

    #[test]
    fn a_time_that_no_http_date_says_is_left_out() {
        assert_eq!(
            Validators::new(0, UNIX_EPOCH - Duration::from_secs(1)).modified,
            None
        );
        let far = UNIX_EPOCH + Duration::from_secs(253_402_300_800);
        assert_eq!(Validators::new(0, far).modified, None);
        let before = Validators::new(0, UNIX_EPOCH - Duration::from_secs(1)).etag;
        assert_ne!(
            before,
            Validators::new(0, UNIX_EPOCH + Duration::from_secs(1)).etag
        );
    }

    proptest! {
        #[test]
        fn no_value_of_a_field_harms(value in "[ -~]{0,30}", pick in 0..5_usize) {
            let fields = [
                "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range",
            ];
            verdict(&[(fields[pick], &value)]);
        }

        #[test]
        fn a_tag_is_found_wherever_it_stands_in_a_list(before in "[a-z,]{0,9}", after in "[a-z,]{0,9}") {
            let value = format!("\"{before}\" ,\"a,b\",W/\"{after}\"");
            prop_assert_eq!(verdict(&[("if-match", &value)]), SEND);
        }
    }
}
