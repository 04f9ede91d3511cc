//! What an installation reports, and what happened to the files that machines were sent.

use crate::boot::gate::Keeper;
use crate::boot::token::Token;
use crate::boot::{Request, Told, learn};
use crate::clock::now_ms;
use crate::event::{Event, Outcome, Report, Via};
use crate::form::one_line;
use crate::id::MachineId;
use crate::limits;
use crate::mac::Mac;
use crate::machine::phase::{self, Input};
use crate::machine::{Phase, Record};
use crate::sync::held;

/// How many lines an installation has sent.
#[derive(Debug, Default)]
pub struct Talk {
    all: u32,
    /// Those of the second that is counted, in seconds since 1970.
    second: u64,
    now: u32,
}

/// The card that has the address of a request.
type CardOf = fn(&Keeper, &Request) -> Option<Mac>;

impl Keeper {
    /// An installation reports.
    pub(super) fn told(&self, token: &str, report: Report, text: &str, request: &Request) -> Told {
        // Lines are many, and say nothing that matters.
        let card: CardOf = match report {
            Report::Log => Keeper::neighbour_of,
            Report::Done | Report::Failed => Keeper::neighbour_now,
        };
        let record = match self.installation(token, card, request) {
            Ok(record) => record,
            Err(told) => return told,
        };
        if report == Report::Log && !self.may_say_more(record.id) {
            return Told::TooMuch;
        }
        // What an installer says, as one bounded line.
        let text = one_line(text, ' ', limits::REPORT_BYTES);
        let input = match report {
            Report::Done => Some(Input::Done),
            Report::Failed => Some(Input::Failed(text.clone())),
            Report::Log => None,
        };
        self.sink
            .event_of(record.id, Event::Report { report, text });
        if input.is_some() {
            held(&self.talk).remove(&record.id);
        }
        match input.map(|input| self.moved(record.id, |_| input)) {
            Some(Err(error)) => Told::Later(error),
            _ => Told::Taken,
        }
    }

    /// The machine whose installation shows a token. It must come from the address that the
    /// installation began at, or from a card of that machine: the installer may have another
    /// address than the loader had. The card is asked for only where the token is somebody's, since
    /// that may cost the whole neighbour table.
    pub(super) fn installation(
        &self,
        token: &str,
        card: CardOf,
        request: &Request,
    ) -> Result<Record, Told> {
        let token = Token::shown(token).ok_or(Told::Unknown)?;
        let found = self.census.look().installing(&token.hash());
        let record = found.and_then(|id| self.census.get(id));
        let record = record.ok_or(Told::Unknown)?;
        let Phase::Installing(installing) = &record.phase else {
            return Err(Told::Unknown);
        };
        let peer = request.peer.ip().to_canonical();
        match card(self, request) {
            Some(mac) if record.macs.contains(&mac) => Ok(record),
            Some(mac) if !record.macs.is_empty() => {
                let event = impostor(&record, Some(mac), peer);
                self.sink.event_of(record.id, event);
                Err(Told::Refused(
                    "this address is another machine's".to_owned(),
                ))
            }
            _ if installing.address == peer => Ok(record),
            _ => Err(Told::Refused(
                "this is not the address that the installation began with".to_owned(),
            )),
        }
    }

    /// Counts a line of an installation's log, so that one that fails in a loop fills neither the log
    /// nor the disk.
    fn may_say_more(&self, id: MachineId) -> bool {
        let (in_all, in_a_second) = limits::REPORT_LINES;
        let second = now_ms() / 1_000;
        let mut talk = held(&self.talk);
        let talk = talk.entry(id).or_default();
        if talk.second != second {
            (talk.second, talk.now) = (second, 0);
        }
        talk.now += 1;
        talk.all = talk.all.saturating_add(1);
        talk.all <= in_all && talk.now <= in_a_second
    }

    /// Moves a machine on by what comes at a time, waits until that is on the disk, and tells it.
    fn moved(&self, id: MachineId, input: impl FnOnce(u64) -> Input) -> Result<(), String> {
        let moved = self.census.transact(id, |_, record| {
            let now = now_ms();
            let step = phase::step(&record.phase, &input(now));
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
            size,
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
                && size.is_none_or(|size| *bytes >= size || *outcome == Outcome::Sent)
                && installing.last_file.as_deref() == Some(name)
            {
                let step = phase::step(&record.phase, &Input::Loaded);
                record.enter(step.phase, step.reason, now_ms());
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
        let (installing, _) =
            self.census
                .page(MachineId(0), usize::MAX, |record| match &record.phase {
                    Phase::Installing(installing) => Some((record.id, installing.profile.clone())),
                    _ => None,
                });
        held(&self.talk).retain(|talking, _| installing.iter().any(|(id, _)| id == talking));
        for (id, profile) in installing {
            let terms = crate::boot::decide::terms(&site.config, &profile);
            if let Err(error) = self.moved(id, |now| Input::Time(now, terms)) {
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
