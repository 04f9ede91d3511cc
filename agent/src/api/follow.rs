//! Events as they happen, as server-sent events (the HTML standard, section 9.2). A client that was cut
//! off says with `Last-Event-ID` what it has, and gets the rest.

use super::asked::Asked;
use super::problem::Problem;
use super::{Api, view};
use crate::event::Stamped;
use crate::limits;
use crate::store::EventFilter;

/// What a client wants to follow.
#[derive(Clone, Debug)]
pub struct Follow {
    /// Events of this machine and kind; of the rest nothing counts.
    filter: EventFilter,
    /// The number of the last event that the client has; `None`: it wants those that come.
    pub last: Option<u64>,
}

impl Follow {
    /// Everything that comes.
    pub fn all() -> Follow {
        let filter = EventFilter {
            limit: limits::PAGE,
            ..EventFilter::default()
        };
        Follow { filter, last: None }
    }

    /// The same where no event has a higher number than `newest`. A client that has seen a higher one
    /// saw it of another database, or of one that lost it to a power cut, and would wait until the
    /// numbers have come there again.
    pub fn within(self, newest: u64) -> Follow {
        Follow {
            last: self.last.map(|last| last.min(newest)),
            ..self
        }
    }

    /// Whether it wants an event.
    pub fn wants(&self, event: &Stamped) -> bool {
        let machine = self.filter.machine;
        let kind = self.filter.kind.as_deref();
        machine.is_none_or(|machine| event.machine == Some(machine))
            && kind.is_none_or(|kind| kind == event.event.kind())
    }
}

impl Api {
    /// What is followed; `last_id` is the header `Last-Event-ID`, for which the query's `after` stands
    /// too.
    ///
    /// # Errors
    /// Who asks may not, or asks for something that cannot be.
    pub fn follow(&self, asked: &Asked, last_id: Option<&str>) -> Result<Follow, Problem> {
        super::may(asked, Some(super::Role::Read))?;
        let filter = view::filter(asked.query)?;
        let last = match last_id {
            None => filter.after,
            Some(text) => Some(text.trim().parse().map_err(|_| {
                Problem::wrong(&format!("Last-Event-ID must be a number, and is {text:?}"))
            })?),
        };
        Ok(Follow { filter, last })
    }

    /// The next events behind a number that are in the database, the oldest first; an empty page is
    /// the last.
    ///
    /// # Errors
    /// They cannot be read.
    pub fn behind(&self, follow: &Follow, last: u64) -> Result<Vec<Stamped>, Problem> {
        self.read(&EventFilter {
            after: Some(last),
            before: None,
            since: None,
            newest_first: false,
            ..follow.filter.clone()
        })
    }
}

/// An event as a piece of the stream. JSON has no line ends, so one line of data is enough.
pub fn piece(event: &Stamped) -> String {
    let (seq, kind, data) = (event.seq, event.event.kind(), view::event(event));
    format!("id: {seq}\nevent: {kind}\ndata: {data}\n\n")
}

/// What keeps a connection alive and says nothing.
pub const ALIVE: &str = ": alive\n\n";
