//! Where a redirect leads, and whether it may be followed.

/// The URL that `location` means in an answer of `from`. Never from https to http: what was asked
/// for safely must not come unsafely.
///
/// # Errors
/// A sentence for people.
pub(super) fn target(from: &str, location: &str) -> Result<String, String> {
    if location.is_empty() || !location.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!("{from} redirects to nowhere"));
    }
    let location = location.split('#').next().unwrap_or_default();
    let (scheme, rest) = from.split_once("://").unwrap_or(("http", from));
    let at = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(at);
    let to = if location.contains("://") && !location.starts_with(['/', '?']) {
        location.to_owned()
    } else if let Some(rest) = location.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if location.starts_with('/') {
        format!("{scheme}://{authority}{location}")
    } else {
        let path = path.split('?').next().unwrap_or_default();
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        format!("{scheme}://{authority}{folder}/{location}")
    };
    let lower = to.to_ascii_lowercase();
    if lower.starts_with("https://") || (lower.starts_with("http://") && scheme != "https") {
        Ok(to)
    } else if lower.starts_with("http://") {
        Err(format!(
            "{from} redirects from https to {}, which is not followed",
            to.escape_default()
        ))
    } else {
        Err(format!(
            "{from} redirects to {}, which is neither http nor https",
            to.escape_default()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_location_is_understood() {
        let from = "https://a.example/one/two?q=1";
        for (location, to) in [
            ("https://b.example/x", "https://b.example/x"),
            ("//b.example/x", "https://b.example/x"),
            ("/x?y#z", "https://a.example/x?y"),
            ("x", "https://a.example/one/x"),
            ("?q=http://c/", "https://a.example/one/?q=http://c/"),
        ] {
            assert_eq!(target(from, location).as_deref(), Ok(to));
        }
        assert_eq!(
            target("http://a.example", "x").as_deref(),
            Ok("http://a.example/x")
        );
        assert_eq!(
            target("http://a", "https://b/").as_deref(),
            Ok("https://b/")
        );
    }

    #[test]
    fn what_is_unsafe_is_not_followed() {
        for location in [
            "http://a.example/",
            "HTTP://a.example/",
            "file:///etc/passwd",
            "ftp://x/",
            "",
            "a b",
        ] {
            assert!(
                target("https://a.example/", location).is_err(),
                "{location}"
            );
        }
        assert!(target("http://a.example/", "file:///etc/passwd").is_err());
    }
}
