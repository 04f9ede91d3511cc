//! One file on its way to one client: counted while it runs, reported once at its end.

use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Instant;

use tokio::net::TcpStream;

use super::running::{Entry, Running};
use crate::event::{Event, Outcome, Sink, Via};

/// A transfer that has not ended. Dropped without [`end`](Transfer::end) it reports that the
/// connection ended, so no way out of the server's code forgets the event.
pub struct Transfer {
    report: Option<Report>,
    shown: Option<Entry>,
    /// Payload bytes that the kernel has taken.
    pub bytes: u64,
}

struct Report {
    sink: Arc<dyn Sink>,
    peer: SocketAddr,
    name: String,
    size: Option<u64>,
    begun: Instant,
}

impl Transfer {
    /// Begins now. `name` is in the catalogue, or bounded and escaped.
    pub fn begin(sink: Arc<dyn Sink>, peer: SocketAddr, name: String) -> Transfer {
        Transfer {
            report: Some(Report {
                sink,
                peer,
                name,
                size: None,
                begun: Instant::now(),
            }),
            shown: None,
            bytes: 0,
        }
    }

    /// From now on it is among what is running: so many bytes over this socket.
    pub fn show(&mut self, running: &Arc<Running>, size: u64, socket: Weak<TcpStream>) {
        if let Some(report) = &self.report {
            let what = (report.peer, report.name.clone());
            self.shown = Some(running.enter(what, size, report.begun, socket));
        }
    }

    /// The kernel took more payload bytes.
    pub fn took(&mut self, bytes: u64) {
        self.bytes += bytes;
        if let Some(shown) = &self.shown {
            shown.took(bytes);
        }
    }

    /// Notes the whole file's size in bytes.
    pub fn sized(&mut self, size: u64) {
        if let Some(report) = &mut self.report {
            report.size = Some(size);
        }
    }

    /// Reports the end.
    pub fn end(self, outcome: Outcome) {
        self.end_at(outcome, Instant::now());
    }

    /// Reports the end, which was noticed later than it was.
    pub fn end_at(mut self, outcome: Outcome, ended: Instant) {
        self.report(outcome, ended);
    }

    fn report(&mut self, outcome: Outcome, ended: Instant) {
        if let Some(report) = self.report.take() {
            report.sink.event(Event::Transfer {
                via: Via::Http,
                peer: report.peer,
                name: report.name,
                bytes: self.bytes,
                size: report.size,
                took: ended.saturating_duration_since(report.begun),
                repeats: 0,
                outcome,
            });
        }
        // Only now, so that whoever looks at what is running, and then at events, misses no transfer.
        self.shown = None;
    }
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.report(
            Outcome::Failed("the connection ended".into()),
            Instant::now(),
        );
    }
}
