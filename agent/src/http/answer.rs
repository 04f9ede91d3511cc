//! How answers look: status, fields, words.

use std::time::Duration;

use http::header::{
    ACCEPT_RANGES, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE,
    ETAG, HeaderMap, HeaderValue, LAST_MODIFIED, RETRY_AFTER,
};
use http::{Response, StatusCode};

use super::condition::Validators;
use super::range::Span;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain");

/// The media type of a file, by the end of its name. UEFI HTTP boot goes by it before it looks at
/// the name (EDK2 `HttpBootSupport.c`; UEFI 2.10 section 24.7.3.1), iPXE does not look at it at all.
pub fn media_type(name: &str) -> HeaderValue {
    let ends = |suffix: &str| {
        let start = name.len().saturating_sub(suffix.len());
        name.get(start..)
            .is_some_and(|end| end.eq_ignore_ascii_case(suffix))
    };
    match () {
        () if ends(".efi") => HeaderValue::from_static("application/efi"),
        () if ends(".iso") => HeaderValue::from_static("application/vnd.efi-iso"),
        () if ends(".img") => HeaderValue::from_static("application/vnd.efi-img"),
        () if ends(".ipxe") => TEXT,
        () => HeaderValue::from_static("application/octet-stream"),
    }
}

/// An answer with a text that says why, for a person at a console. It is never empty: an iPXE that
/// was told to come again counts the body's bytes to know its end (`httpcore.c`, `remaining`).
pub fn text(status: StatusCode, text: &str) -> Response<Vec<u8>> {
    let mut answer = Response::new(format!("{text}\n").into_bytes());
    *answer.status_mut() = status;
    let length = HeaderValue::from(answer.body().len());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, TEXT);
    headers.insert(CONTENT_LENGTH, length);
    answer
}

/// 405.
pub fn method_not_allowed(allowed: &'static str) -> Response<Vec<u8>> {
    let mut answer = text(
        StatusCode::METHOD_NOT_ALLOWED,
        &format!("only {allowed} are answered here"),
    );
    answer
        .headers_mut()
        .insert(ALLOW, HeaderValue::from_static(allowed));
    answer
}

/// 413; the connection ends with it, because the body is not read.
pub fn too_large() -> Response<Vec<u8>> {
    let mut answer = text(
        StatusCode::PAYLOAD_TOO_LARGE,
        "a request's body has no use here",
    );
    answer
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

/// 503: the client is asked to come again. iPXE does so (`httpcore.c`, `http_rx_retry_after`).
pub fn busy(after: Duration) -> Response<Vec<u8>> {
    let mut answer = text(
        StatusCode::SERVICE_UNAVAILABLE,
        "too many clients, please ask again",
    );
    let seconds = after.as_secs().max(1);
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// A script for iPXE.
pub fn script(script: String) -> Response<Vec<u8>> {
    let mut answer = Response::new(script.into_bytes());
    let length = HeaderValue::from(answer.body().len());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, TEXT);
    headers.insert(CONTENT_LENGTH, length);
    // The same query may get another answer a second later.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// An answer file, which may hold secrets.
pub fn secret(text: String) -> Response<Vec<u8>> {
    let mut answer = script(text);
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, kind);
    answer
}

/// The fields that tell a file's state; 304 has these alone.
pub fn state(headers: &mut HeaderMap, file: &Validators) {
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    if let Ok(etag) = HeaderValue::from_str(&file.etag) {
        headers.insert(ETAG, etag);
    }
    if let Some(modified) = file.modified
        && let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(modified))
    {
        headers.insert(LAST_MODIFIED, date);
    }
}

/// The fields of a file's bytes, whole or in part.
pub fn content(headers: &mut HeaderMap, name: &str, size: u64, part: Option<Span>) {
    headers.insert(CONTENT_TYPE, media_type(name));
    headers.insert(
        CONTENT_LENGTH,
        HeaderValue::from(part.map_or(size, Span::length)),
    );
    if let Some(Span { first, last }) = part {
        content_range(headers, &format!("{first}-{last}"), size);
    }
}

/// 416, with the size that makes the client's next try a better one (RFC 9110 section 14.4).
pub fn unsatisfiable(size: u64) -> Response<Vec<u8>> {
    let words = format!("the file has {size} bytes, none of them in the range asked for");
    let mut answer = text(StatusCode::RANGE_NOT_SATISFIABLE, &words);
    content_range(answer.headers_mut(), "*", size);
    answer
}

fn content_range(headers: &mut HeaderMap, range: &str, size: u64) {
    if let Ok(value) = HeaderValue::from_str(&format!("bytes {range}/{size}")) {
        headers.insert(CONTENT_RANGE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_are_those_that_firmware_knows() {
        for (name, expected) in [
            ("arm64/snponly.efi", "application/efi"),
            ("BOOTX64.EFI", "application/efi"),
            ("x/debian.iso", "application/vnd.efi-iso"),
            ("x/disk.img", "application/vnd.efi-img"),
            ("default.ipxe", "text/plain"),
            ("undionly.kpxe", "application/octet-stream"),
            ("efi", "application/octet-stream"),
            ("talos/v1/kernel-amd64", "application/octet-stream"),
            ("", "application/octet-stream"),
        ] {
            assert_eq!(media_type(name), expected, "{name}");
        }
    }

    #[test]
    fn a_retry_is_never_asked_for_at_once() {
        // 0 would turn every machine of a boot storm into a busy loop.
        assert_eq!(busy(Duration::from_millis(300)).headers()[RETRY_AFTER], "1");
        assert_eq!(busy(Duration::from_secs(5)).headers()[RETRY_AFTER], "5");
    }

    #[test]
    fn every_text_answer_has_bytes_and_their_number() {
        for answer in [
            method_not_allowed("GET"),
            too_large(),
            unsatisfiable(9),
            busy(Duration::ZERO),
        ] {
            assert!(!answer.body().is_empty());
            assert_eq!(
                answer.headers()[CONTENT_LENGTH],
                answer.body().len().to_string()
            );
        }
    }
}
