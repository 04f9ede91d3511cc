//! One request and its answer, without sockets.

use serde_json::Value;
use sha2::{Digest, Sha256 as Hasher};

use super::operation::Role;
use super::problem::Problem;
use crate::digest::Sha256;

/// One request, by somebody who is known.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    /// `GET`, ...
    pub method: &'a str,
    /// Still percent-encoded.
    pub path: &'a str,
    /// Still percent-encoded.
    pub query: &'a str,
    /// JSON, where there is one.
    pub body: &'a [u8],
    /// Who asks: a user of this host, or a token's name.
    pub who: &'a str,
    /// What they may; `None`: they showed no token.
    pub role: Option<Role>,
    /// `If-Match` (RFC 9110 section 13.1.1).
    pub if_match: Option<&'a str>,
    /// `If-None-Match` (RFC 9110 section 13.1.2).
    pub if_none_match: Option<&'a str>,
}

impl Asked<'_> {
    /// The body, as a JSON object of a form.
    ///
    /// # Errors
    /// It is something else; `what` says what it should be.
    pub fn json<T: serde::de::DeserializeOwned>(&self, what: &str) -> Result<T, Problem> {
        let wrong = |error| Problem::wrong(&format!("the body is no {what}: {error}"));
        let value: Value = serde_json::from_slice(self.body).map_err(wrong)?;
        if !value.is_object() {
            // serde takes the fields of a list in their order, which nobody means.
            return Err(Problem::wrong(&format!(
                "the body is no {what}: it is no object"
            )));
        }
        serde_json::from_value(value).map_err(wrong)
    }

    /// Whether what a change replaces is what its sender has seen; without `If-Match` it does not
    /// care.
    ///
    /// # Errors
    /// It was changed since (412).
    pub fn has_seen(&self, current: &Value) -> Result<(), Problem> {
        match self.if_match {
            Some(tags) if !lists(tags, &tag(current.to_string().as_bytes())) => {
                Err(Problem::changed())
            }
            _ => Ok(()),
        }
    }
}

impl Asked<'_> {
    /// The same of a text; `None`: there is none.
    ///
    /// # Errors
    /// It was changed since (412).
    pub fn has_seen_text(&self, current: Option<&str>) -> Result<(), Problem> {
        let Some(tags) = self.if_match else {
            return Ok(());
        };
        match current.is_some_and(|text| lists(tags, &tag(text.as_bytes()))) {
            true => Ok(()),
            false => Err(Problem::changed()),
        }
    }
}

/// What was done, and is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// 200, 201, ...
    pub status: u16,
    /// The media type.
    pub kind: &'static str,
    /// The body.
    pub body: String,
}

impl From<Value> for Done {
    fn from(value: Value) -> Done {
        Done {
            status: 200,
            kind: "application/json",
            body: value.to_string(),
        }
    }
}

impl Done {
    /// Something was made.
    pub fn made(value: Value) -> Done {
        Done {
            status: 201,
            ..value.into()
        }
    }

    /// A text.
    pub fn text(kind: &'static str, body: String) -> Done {
        Done {
            status: 200,
            kind,
            body,
        }
    }
}

/// One answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, but for those of the transport.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Of something done. A body that is asked for gets its entity tag, and is left out for whoever
    /// has it.
    pub fn of(done: Done, asked: &Asked) -> Answer {
        let mut headers = vec![("content-type", done.kind.to_owned())];
        if !matches!(asked.method, "GET" | "HEAD") || done.status != 200 {
            return Answer {
                status: done.status,
                headers,
                body: done.body,
            };
        }
        let tag = tag(done.body.as_bytes());
        let has_it = asked.if_none_match.is_some_and(|tags| lists(tags, &tag));
        headers.push(("etag", tag));
        let (status, body) = match has_it {
            true => (304, String::new()),
            false => (200, done.body),
        };
        Answer {
            status,
            headers,
            body,
        }
    }

    /// Of something that was not done.
    pub fn refused(problem: Problem) -> Answer {
        let mut headers = vec![("content-type", "application/problem+json".to_owned())];
        headers.extend(problem.header.clone());
        Answer {
            status: problem.status,
            headers,
            body: problem.document().to_string(),
        }
    }
}

/// The entity tag of a body (RFC 9110 section 8.8.3): it changes whenever a byte does.
fn tag(body: &[u8]) -> String {
    let hash = Sha256(Hasher::digest(body).into()).to_string();
    format!("\"{}\"", &hash[..32])
}

/// Whether a list of entity tags has this one; `*` has all. A tag that is marked as weak, as a proxy
/// that packs bodies makes it, counts as the one it was.
fn lists(tags: &str, tag: &str) -> bool {
    tags.split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(method: &'static str) -> Asked<'static> {
        Asked {
            method,
            path: "",
            query: "",
            body: b"",
            who: "tester",
            role: None,
            if_match: None,
            if_none_match: None,
        }
    }

    #[test]
    fn a_body_that_is_there_already_is_left_out() {
        let value = json!({ "a": 1 });
        let first = Answer::of(value.clone().into(), &asked("GET"));
        let tag = first.headers[1].1.clone();
        assert_eq!((first.status, first.headers[1].0), (200, "etag"));
        let has = |tags: &str| {
            let again = Asked {
                if_none_match: Some(tags),
                ..asked("GET")
            };
            Answer::of(value.clone().into(), &again).status == 304
        };
        assert!(has(&tag) && has("*") && has(&format!("\"x\", W/{tag}")));
        assert!(!has("\"x\""));
        let changed = Answer::of(json!({ "a": 2 }).into(), &asked("GET"));
        assert_ne!(changed.headers[1].1, tag);
        assert_eq!(
            Answer::of(value.into(), &asked("POST")).headers.len(),
            1,
            "what a change answers is no representation"
        );
    }

    #[test]
    fn a_change_of_what_was_changed_since_is_refused() {
        let (old, new) = (json!({ "a": 1 }), json!({ "a": 2 }));
        let tag = tag(old.to_string().as_bytes());
        let put = Asked {
            if_match: Some(&tag),
            ..asked("PUT")
        };
        assert!(put.has_seen(&old).is_ok());
        assert_eq!(put.has_seen(&new).unwrap_err().status, 412);
        assert!(asked("PUT").has_seen(&new).is_ok(), "nobody asked");
    }
}
