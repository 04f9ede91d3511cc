//! Errors as problem documents (RFC 9457).

use serde_json::{Value, json};

use super::operation::Role;
use crate::machine::Refusal;
use crate::store;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The status.
    pub status: u16,
    title: &'static str,
    detail: String,
    /// A header that goes with the status.
    pub header: Option<(&'static str, String)>,
    /// A further member of the document.
    more: Option<Box<(&'static str, Value)>>,
}

impl Problem {
    fn new(status: u16, title: &'static str, detail: &str) -> Problem {
        Problem {
            status,
            title,
            detail: detail.to_owned(),
            header: None,
            more: None,
        }
    }

    /// There is nothing at a path.
    pub fn not_found(path: &str) -> Problem {
        let detail =
            format!("there is nothing at {path}; /api/v1/openapi.json lists what there is");
        Problem::new(404, "not found", &detail)
    }

    /// There is no thing of this kind and name.
    pub fn no_such(kind: &str, name: &str) -> Problem {
        let detail = format!("there is no {kind} {name:?}");
        Problem::new(404, "not found", &detail)
    }

    /// No machine has a name.
    pub fn no_machine(name: &str) -> Problem {
        let detail = format!("no machine has the name, MAC, UUID or number {name:?}");
        Problem::new(404, "no such machine", &detail)
    }

    /// Only these methods are there.
    pub fn method(allow: &str) -> Problem {
        Problem {
            header: Some(("allow", allow.to_owned())),
            ..Problem::new(405, "no such method", &format!("here there is {allow}"))
        }
    }

    /// The request cannot be understood.
    pub fn wrong(detail: &str) -> Problem {
        Problem::new(422, "wrong request", detail)
    }

    /// It cannot be done as things are.
    pub fn conflict(detail: &str) -> Problem {
        Problem::new(409, "not possible now", detail)
    }

    /// What is to be replaced is not what its sender has seen.
    pub fn changed() -> Problem {
        let detail = "it was changed since you read it: read it again, and decide again";
        Problem::new(412, "changed meanwhile", detail)
    }

    /// The disk does not do its part.
    pub fn unavailable(detail: &str) -> Problem {
        Problem::new(503, "the database is not available", detail)
    }

    /// There are as many as there may be.
    pub fn busy(detail: &str) -> Problem {
        Problem {
            header: Some(("retry-after", "5".to_owned())),
            ..Problem::new(503, "too many at a time", detail)
        }
    }

    /// Nobody knows who asks (RFC 6750 section 3).
    pub fn unknown(detail: &str) -> Problem {
        Problem {
            header: Some(("www-authenticate", "Bearer realm=\"hearth\"".to_owned())),
            ..Problem::new(401, "no valid token", detail)
        }
    }

    /// Who asks may not.
    pub fn forbidden(role: Role, needed: Role) -> Problem {
        let (role, needed) = (role.word(), needed.word());
        let detail = format!("this takes a token with the role {needed}; yours has {role}");
        Problem::new(403, "not allowed", &detail)
    }

    /// With a further member.
    pub fn with(self, key: &'static str, value: Value) -> Problem {
        Problem {
            more: Some(Box::new((key, value))),
            ..self
        }
    }

    /// The body of the answer.
    pub fn document(&self) -> Value {
        let mut document =
            json!({ "title": self.title, "status": self.status, "detail": self.detail });
        if let Some(more) = &self.more {
            let (key, value) = &**more;
            document[*key] = value.clone();
        }
        document
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        Problem::unavailable(&error.to_string())
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::NoMachine(why) => Problem::new(404, "no such machine", &why),
            Refusal::Wrong(why) => Problem::wrong(&why),
            Refusal::Conflict(why) => Problem::conflict(&why),
            Refusal::Changed => Problem::changed(),
            Refusal::NotKept(why) => Problem::unavailable(&why),
        }
    }
}
