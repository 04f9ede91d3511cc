//! What an installation reports, and what happened to the files that machines were sent.

use crate::boot::gate::{Keeper, now};
use crate::boot::token::Token;
use crate::boot::{Request, Told, learn};
use crate::event::{Event, Outcome, Report, Via};
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::machine::phase::{self, Input};
use crate::machine::{Phase, Record};

impl Keeper {
    /// An installation reports. It is known by its token and its address; the neighbour table must
    /// not say that the address is another machine's.
    pub(super) fn told(&self, token: &str, report: Report, text: &str, request: &Request) -> Told {
        let Some(hash) = Token::shown(token).map(|token| token.hash()) else {
            return Told::Unknown;
        };
        let peer = request.peer.ip().to_canonical();
        let found = self
            .census
            .look()
            .installing(&hash)
            .and_then(|id| self.of(id));
        let Some(record) = found else {
            return Told::Unknown;
        };
        let neighbour = self.neighbour_of(request);
        let is_its =
            neighbour.is_none_or(|mac| record.macs.is_empty() || record.macs.contains(&mac));
        let Phase::Installing(installing) = &record.phase else {
            return Told::Unknown;
        };
        if !is_its {
            self.sink
                .event_of(record.id, impostor(&record, neighbour, peer));
            return Told::Refused("this address is another machine's".to_owned());
        }
        // The installed system may have another address than the installer's loader had: that is no
        // other machine if the neighbour table knows its card.
        if installing.address != peer && neighbour.is_none() {
            return Told::Refused(
                "this is not the address that the installation began with".to_owned(),
            );
        }
        let text = line(text);
        let input = match report {
            Report::Done => Some(Input::Done),
            Report::Failed => Some(Input::Failed(text.clone())),
            Report::Log => None,
        };
        self.sink
            .event_of(record.id, Event::Report { report, text });
        match input.map(|input| self.moved(record.id, &input)) {
            Some(Err(error)) => Told::Later(error),
            _ => Told::Taken,
        }
    }

    fn of(&self, id: MachineId) -> Option<Record> {
        // The caller's look at the registry is over by now.
        self.census.get(id)
    }

    /// Moves a machine on, waits until that is on the disk, and tells it.
    fn moved(&self, id: MachineId, input: &Input) -> Result<(), String> {
        let now = now();
        let moved = self.census.transact(id, |_, record| {
            let step = phase::step(&record.phase, input);
            record.enter(step.phase, step.reason, now)
        });
        let Some((event, pending)) = moved else {
            return Ok(());
        };
        if let Some(event) = event {
            self.sink.event_of(id, event);
        }
        pending.map_or(Ok(()), |pending| {
            pending.wait().map_err(|error| error.to_string())
        })
    }

    /// A file went to a machine, or did not. To be called for each [`Event::Transfer`], from a thread
    /// that may wait.
    pub fn transferred(&self, machine: MachineId, event: &Event) {
        let Event::Transfer {
            via,
            name,
            bytes,
            outcome,
            ..
        } = event
        else {
            return;
        };
        let is_whole = matches!(outcome, Outcome::Done | Outcome::Sent);
        let learnt = self.census.transact(machine, |_, record| {
            if let Phase::Installing(installing) = &record.phase
                && is_whole
                && installing.last_file.as_deref() == Some(name)
            {
                let step = phase::step(&record.phase, &Input::Loaded);
                record.enter(step.phase, step.reason, now());
            }
            match via {
                Via::Tftp => learn::loader_sent(&mut record.learnt, name, *bytes, outcome),
                Via::Http => None,
            }
        });
        if let Some((Some((given, reason)), _)) = learnt {
            let asked = name.clone();
            self.sink.event_of(
                machine,
                Event::Loader {
                    asked,
                    given,
                    reason,
                },
            );
        }
    }

    /// Time passed: installations that take too long have failed.
    pub fn look_at_the_clock(&self) {
        let site = self.site();
        let installing: Vec<_> = {
            let registry = self.census.look();
            let records = registry.iter().filter_map(|record| match &record.phase {
                Phase::Installing(installing) => Some((record.id, installing.profile.clone())),
                _ => None,
            });
            records.collect()
        };
        for (id, profile) in installing {
            let terms = crate::boot::decide::terms(&site.config, &profile);
            if let Err(error) = self.moved(id, &Input::Time(now(), terms)) {
                log::warn!("machine {id}: {error}");
            }
        }
    }
}

fn impostor(record: &Record, found: Option<Mac>, peer: std::net::IpAddr) -> Event {
    match record.macs.first() {
        Some(&claimed) => Event::Impostor {
            claimed,
            found,
            peer,
        },
        None => Event::Report {
            report: Report::Log,
            text: format!("a report from {peer} was refused"),
        },
    }
}

/// What an installer says, as one bounded line.
fn line(text: &str) -> String {
    let mut line = String::new();
    for character in text.trim().chars() {
        let shown = match character {
            control if control.is_control() => ' ',
            other => other,
        };
        if line.len() + shown.len_utf8() > limits::REPORT_BYTES {
            break;
        }
        line.push(shown);
    }
    line
}
