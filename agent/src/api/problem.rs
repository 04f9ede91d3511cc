//! Errors as problem documents (RFC 9457).

use serde_json::{Value, json};

use crate::machine::Refusal;

/// Why something was not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The status.
    pub status: u16,
    title: &'static str,
    detail: String,
    /// The methods there are, with 405.
    pub allow: Option<&'static str>,
}

impl Problem {
    fn new(status: u16, title: &'static str, detail: &str) -> Problem {
        Problem {
            status,
            title,
            detail: detail.to_owned(),
            allow: None,
        }
    }

    /// There is nothing at a path.
    pub fn not_found(path: &str) -> Problem {
        let detail = format!("there is nothing at {path}; docs/api.md lists what there is");
        Problem::new(404, "not found", &detail)
    }

    /// No machine has a name.
    pub fn no_machine(name: &str) -> Problem {
        let detail = format!("no machine has the name, MAC, UUID or number {name:?}");
        Problem::new(404, "no such machine", &detail)
    }

    /// Only these methods are there.
    pub fn method(allow: &'static str) -> Problem {
        Problem {
            allow: Some(allow),
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

    /// The disk does not do its part.
    pub fn unavailable(detail: &str) -> Problem {
        Problem::new(503, "the database is not available", detail)
    }

    /// The body of the answer.
    pub fn document(&self) -> Value {
        json!({ "title": self.title, "status": self.status, "detail": self.detail })
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::NoMachine(why) => Problem::new(404, "no such machine", &why),
            Refusal::Wrong(why) => Problem::wrong(&why),
            Refusal::Conflict(why) => Problem::conflict(&why),
            Refusal::NotKept(why) => Problem::unavailable(&why),
        }
    }
}
