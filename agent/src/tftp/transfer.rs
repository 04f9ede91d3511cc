//! One transfer, without a socket: what came in and the time go in, what to send comes out.
//!
//! Blocks are counted from 1 without end; [`packet::data_head`](crate::tftp::packet::data_head)
//! rolls the number over.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::limits;
use crate::tftp::options::Terms;
use crate::tftp::packet::Packet;

#[cfg(test)]
mod tests;

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: wait for a packet, or until [`Transfer::deadline`].
    Wait,
    /// Send the option acknowledgement.
    Options,
    /// Send these blocks.
    Blocks(Range<u64>),
    /// It is over.
    End(Ending),
}

/// How a transfer ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// The client has acknowledged the last block.
    Done,
    /// The client wanted to know the size and no more.
    Probe,
    /// The client ended it: code and text of its error.
    Stopped(u16, String),
    /// The client did not answer often enough.
    Vanished,
}

/// The state of one transfer.
#[derive(Clone, Debug)]
pub struct Transfer {
    size: u64,
    terms: Terms,
    /// The options were sent and are not acknowledged.
    negotiating: bool,
    /// Every block up to here is acknowledged.
    acked: u64,
    /// Every block up to here was sent at least once.
    sent: u64,
    /// Sends of what waits for an acknowledgement now.
    sends: u8,
    wait: Duration,
    deadline: Instant,
    /// When the client was last heard, or the transfer began.
    heard: Instant,
    /// When the blocks that wait for an acknowledgement were sent.
    window_sent: Instant,
    /// The shortest time that an acknowledgement took; `None`: none was unambiguous yet.
    round_trip: Option<Duration>,
    /// The blocks under way were sent before, so an acknowledgement of them tells no time, and a
    /// repeated one is no news.
    resent: bool,
    repeats: u32,
}

impl Transfer {
    /// Starts the transfer of a file of `size` bytes; the step says what to send.
    pub fn start(size: u64, terms: Terms, now: Instant) -> (Transfer, Step) {
        let negotiating = terms.answer.is_some();
        let wait = terms.wait;
        let mut transfer = Transfer {
            size,
            terms,
            negotiating,
            acked: 0,
            sent: 0,
            sends: 1,
            wait,
            deadline: now + wait,
            heard: now,
            window_sent: now,
            round_trip: None,
            resent: false,
            repeats: 0,
        };
        let step = if negotiating {
            Step::Options
        } else {
            transfer.send_window(now)
        };
        (transfer, step)
    }

    /// What is in force.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// When [`on_time`](Self::on_time) is due.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// When the client last acknowledged something new; `None`: never.
    pub fn progressed(&self) -> Option<Instant> {
        (self.acked > 0).then_some(self.heard)
    }

    /// Bytes of the file.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes that the client has acknowledged.
    pub fn acknowledged(&self) -> u64 {
        (self.acked * u64::from(self.terms.block_size)).min(self.size)
    }

    /// Packets that were sent again.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Takes what the client sent.
    pub fn on_packet(&mut self, packet: &Packet, now: Instant) -> Step {
        match packet {
            Packet::Ack(number) => self.on_ack(*number, now),
            // UEFI asks for the size, has the OACK, and ends with code 8 (some clients with 0)
            // before it asks for the file in earnest (boot-facts 4.5).
            Packet::Error(..) if self.negotiating && self.terms.size_asked => {
                Step::End(Ending::Probe)
            }
            Packet::Error(code, text) => {
                let text = String::from_utf8_lossy(text).into_owned();
                Step::End(Ending::Stopped(*code, text))
            }
            _ => Step::Wait,
        }
    }

    fn on_ack(&mut self, number: u16, now: Instant) -> Step {
        // The number means the block among those under way; another one is a late duplicate.
        let ahead = u64::from(number.wrapping_sub(self.acked as u16));
        if self.negotiating {
            if number != 0 {
                return Step::Wait;
            }
            self.negotiating = false;
        } else if ahead == 0 {
            return self.on_repeated_ack(now);
        } else if ahead > self.sent - self.acked {
            return Step::Wait;
        }
        if !self.resent && self.acked + ahead == self.sent {
            let took = now.saturating_duration_since(self.window_sent);
            self.round_trip = Some(self.round_trip.map_or(took, |shortest| shortest.min(took)));
        }
        self.acked += ahead;
        self.heard = now;
        self.sends = 1;
        self.wait = self.terms.wait;
        if self.acked == self.last_block() {
            return Step::End(Ending::Done);
        }
        // What was under way behind a gap goes again (RFC 7440 section 4).
        let lost = self.sent - self.acked;
        self.resent = lost > 0;
        self.repeats = self.repeats.saturating_add(lost as u32);
        self.send_window(now)
    }

    /// A repeated acknowledgement is never answered in lockstep (the Sorcerer's Apprentice, RFC 1123
    /// section 4.2.3.1). In a window it says that the first block was lost (RFC 7440 section 4), but
    /// only if the client can have seen that window by now: a duplicate that the network made comes
    /// sooner, and to answer it would double every window to the end.
    fn on_repeated_ack(&mut self, now: Instant) -> Step {
        let since = now.saturating_duration_since(self.window_sent);
        let seen = self
            .round_trip
            .is_some_and(|shortest| since >= shortest / 4 * 3);
        if self.terms.window == 1 || self.resent || !seen {
            return Step::Wait;
        }
        self.heard = now;
        self.resent = true;
        self.repeats = self.repeats.saturating_add((self.sent - self.acked) as u32);
        self.send_window(now)
    }

    fn last_block(&self) -> u64 {
        self.size / u64::from(self.terms.block_size) + 1
    }

    fn send_window(&mut self, now: Instant) -> Step {
        let end = (self.acked + u64::from(self.terms.window)).min(self.last_block());
        self.sent = self.sent.max(end);
        self.window_sent = now;
        self.deadline = now + self.wait;
        Step::Blocks(self.acked + 1..end + 1)
    }

    /// The time is up: sends again, waiting twice as long each time.
    pub fn on_time(&mut self, now: Instant) -> Step {
        if now < self.deadline {
            return Step::Wait;
        }
        let silent = now.saturating_duration_since(self.heard);
        if self.sends >= limits::TFTP_SENDS || silent >= limits::TFTP_SILENCE {
            return Step::End(Ending::Vanished);
        }
        self.sends += 1;
        self.wait = (self.wait * 2).min(limits::TFTP_WAIT.max(self.terms.wait));
        self.resent = true;
        if self.negotiating {
            self.repeats = self.repeats.saturating_add(1);
            self.deadline = now + self.wait;
            return Step::Options;
        }
        let Step::Blocks(mut blocks) = self.send_window(now) else {
            return Step::Wait;
        };
        if self.sends > 2 {
            // One block is enough to find out whether the client is still there: its
            // acknowledgement brings the rest.
            blocks.end = blocks.start + 1;
        }
        let again = blocks.end - blocks.start;
        self.repeats = self.repeats.saturating_add(again as u32);
        Step::Blocks(blocks)
    }

    /// The system could not send what the last step said. It counts as lost, but is sent again
    /// sooner than the client's answer would be waited for.
    pub fn on_full_queue(&mut self, now: Instant) {
        if self.sends == 1 {
            self.deadline = self.deadline.min(now + limits::TFTP_QUEUE_WAIT);
        }
    }
}
