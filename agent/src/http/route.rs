//! What a request's path means.

use crate::event::Report;
use crate::image::catalogue;
use crate::percent;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// A file by its catalogue name: `/default.ipxe` and `/files/...`.
    File(String),
    /// `/script`: what a machine is to do.
    Script,
    /// `/event/TOKEN/...`: an installation reports.
    Event(String, Report),
    /// `/answer/TOKEN/NAME`: an installation asks for an answer file.
    Answer(String, String),
    /// Nothing; the path as it may be shown in a log line and an event.
    Nothing(String),
}

/// Reads the path of a request target (still percent-encoded, without the query).
///
/// Slashes too many are no mistake here and never lead to a redirect: UEFI HTTP boot does not
/// follow one (EDK2 `HttpBootImpl.c`), and a `//` is what a URL base with a slash at its end makes.
pub fn route(path: &str) -> Route {
    let decoded = percent::decoded(path.as_bytes());
    let nothing = || Route::Nothing(shown(&decoded));
    let Some(name) = catalogue::normalise(&decoded) else {
        return nothing();
    };
    match name.as_str() {
        "default.ipxe" => Route::File(name),
        "script" => Route::Script,
        other => match other.strip_prefix("files/") {
            Some(name) => Route::File(name.to_owned()),
            None => match other.split_once('/') {
                Some(("event", rest)) => event(rest).unwrap_or_else(|| secret("event")),
                Some(("answer", rest)) => match rest.split_once('/') {
                    Some((token, name)) => Route::Answer(token.to_owned(), name.to_owned()),
                    None => secret("answer"),
                },
                _ => nothing(),
            },
        },
    }
}

/// A path that may hold a token, and is shown without it.
fn secret(word: &str) -> Route {
    Route::Nothing(format!("/{word}/..."))
}

fn event(rest: &str) -> Option<Route> {
    let (token, what) = rest.split_once('/')?;
    let report = match what {
        "done" => Report::Done,
        "failed" => Report::Failed,
        "log" => Report::Log,
        _ => return None,
    };
    Some(Route::Event(token.to_owned(), report))
}

/// Bytes from the network, escaped and cut so that they may stand in a line.
fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(crate::limits::FACT_BYTES)];
    cut.escape_ascii().to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(name: &str) -> Route {
        Route::File(name.into())
    }

    #[test]
    fn the_three_routes_are_found() {
        assert_eq!(route("/default.ipxe"), file("default.ipxe"));
        assert_eq!(route("/script"), Route::Script);
        assert_eq!(
            route("/files/talos/v1/kernel-amd64"),
            file("talos/v1/kernel-amd64")
        );
        assert_eq!(route("/files/files/x"), file("files/x"));
    }

    #[test]
    fn a_token_is_in_its_route_and_never_in_what_is_shown() {
        let event = |path: &str| route(path);
        assert_eq!(
            event("/event/ab/done"),
            Route::Event("ab".into(), Report::Done)
        );
        assert_eq!(
            event("//event/ab/failed/"),
            Route::Event("ab".into(), Report::Failed)
        );
        assert_eq!(
            event("/event/ab/log"),
            Route::Event("ab".into(), Report::Log)
        );
        let answer = Route::Answer("ab".into(), "d-i/preseed.cfg".into());
        assert_eq!(event("/answer/ab/d-i/preseed.cfg"), answer);
        for path in ["/event/5ecret", "/event/5ecret/dance", "/answer/5ecret"] {
            let Route::Nothing(shown) = route(path) else {
                panic!("{path}")
            };
            assert!(!shown.contains("5ecret"), "{shown}");
        }
    }

    #[test]
    fn slashes_too_many_do_not_matter() {
        for path in [
            "//files//ipxe.efi",
            "/files/ipxe.efi/",
            "/files/%2Fipxe.efi",
            "/files/%5cipxe.efi",
        ] {
            assert_eq!(route(path), file("ipxe.efi"), "{path}");
        }
        assert_eq!(route("//default.ipxe"), file("default.ipxe"));
        assert_eq!(route("//script/"), Route::Script);
    }

    #[test]
    fn percent_encoding_is_undone_once() {
        assert_eq!(route("/files/a%20b%2Bc"), file("a b+c"));
        assert_eq!(route("/files/a%2520"), file("a%20"));
        assert_eq!(route("/files/100%"), file("100%"));
        assert_eq!(route("/files/%zz%4"), file("%zz%4"));
    }

    #[test]
    fn what_climbs_is_nothing() {
        for path in [
            "/files/../etc/passwd",
            "/files/%2e%2e/etc/passwd",
            "/files/..%5c..%5cx",
            "/files/./x",
            "/..",
            "/files/%c3%a4",
        ] {
            assert!(matches!(route(path), Route::Nothing(_)), "{path}");
        }
    }

    #[test]
    fn other_paths_are_nothing_and_shown_harmlessly() {
        for path in [
            "",
            "/",
            "*",
            "/files",
            "/files/",
            "/index.html",
            "/api/v1/status",
        ] {
            assert!(matches!(route(path), Route::Nothing(_)), "{path}");
        }
        assert_eq!(route("/x%0a%1b[2J"), Route::Nothing("/x\\n\\x1b[2J".into()));
        let Route::Nothing(long) = route(&"/%ff".repeat(1000)) else {
            panic!("found")
        };
        assert!(long.len() <= 4 * crate::limits::FACT_BYTES);
    }

    proptest! {
        #[test]
        fn no_path_leads_out_of_the_catalogue(path in "[./\\\\%a-f0-9\u{0}-\u{ff}]{0,40}") {
            if let Route::File(name) = route(&format!("/files/{path}")) {
                let harmless = |part: &str| !part.is_empty() && part != "." && part != "..";
                prop_assert!(name.split('/').all(harmless) && name.is_ascii(), "{}", name);
            }
        }
    }
}
