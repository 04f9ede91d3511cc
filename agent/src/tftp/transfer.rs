//! One transfer, without a socket: what came in and the time go in, what to send comes out.
//!
//! Blocks are counted from 1 without end; on the wire the number rolls over from 65535 to 0, as
//! every client in use expects (RFC 1350 is silent, boot-facts 4.5).

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::limits;
use crate::tftp::packet::Options;

/// What one transfer keeps to.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Largest block in bytes: what fits the path, or what the configuration says.
    pub block_size: u16,
    /// Largest window in blocks.
    pub window: u16,
    /// First wait for an answer.
    pub timeout: Duration,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing: wait.
    Wait,
    /// Send the option acknowledgement.
    OptionAck,
    /// Send these blocks.
    Blocks(Range<u64>),
    /// The client has everything.
    Done,
    /// The client did not answer often enough.
    Vanished,
}

/// The state of one transfer.
#[derive(Clone, Debug)]
pub struct Transfer {
    size: u64,
    block_size: u16,
    window: u16,
    asked: Options,
    first_wait: Duration,
    wait: Duration,
    deadline: Instant,
    sends: u8,
    /// Waiting for the acknowledgement of the options.
    negotiating: bool,
    /// Every block up to here is acknowledged.
    acked: u64,
    /// Every block up to here was sent at least once since `acked` moved.
    sent: u64,
    /// The window was sent again because of a repeated acknowledgement; another one does nothing
    /// until there is progress or a time-out, else each duplicate would double the traffic.
    repeated: bool,
    /// Packets sent again.
    repeats: u32,
}

impl Transfer {
    /// Starts a transfer of `size` bytes; the first step says what to send.
    pub fn start(size: u64, options: Options, bounds: Bounds, now: Instant) -> (Transfer, Step) {
        let block_size = options
            .block_size
            .unwrap_or(512)
            .min(bounds.block_size.max(512));
        // No more than one datagram's worth of bytes is ever under way, so that a window costs no
        // more memory than one large block.
        let fitting = (limits::TFTP_FLIGHT_BYTES / u32::from(block_size)).max(1);
        let fitting = u16::try_from(fitting).unwrap_or(u16::MAX);
        let window = options.window.unwrap_or(1).min(bounds.window).min(fitting);
        let wait = options.timeout.map_or(bounds.timeout, |seconds| {
            Duration::from_secs(u64::from(seconds))
        });
        let negotiating = options != Options::default();
        let mut transfer = Transfer {
            size,
            block_size,
            window,
            asked: options,
            first_wait: wait,
            wait,
            deadline: now + wait,
            sends: 1,
            negotiating,
            acked: 0,
            sent: 0,
            repeated: false,
            repeats: 0,
        };
        let step = if negotiating {
            Step::OptionAck
        } else {
            transfer.send_window(now)
        };
        (transfer, step)
    }

    /// The options of the OACK: those asked for, with the values in force (RFC 2347).
    pub fn options(&self) -> Vec<(&'static str, u64)> {
        let mut options = Vec::new();
        if self.asked.block_size.is_some() {
            options.push(("blksize", u64::from(self.block_size)));
        }
        if self.asked.size {
            options.push(("tsize", self.size));
        }
        if let Some(timeout) = self.asked.timeout {
            options.push(("timeout", u64::from(timeout)));
        }
        if self.asked.window.is_some() {
            options.push(("windowsize", u64::from(self.window)));
        }
        options
    }

    /// Where a block's bytes are in the file. The last block is shorter, or empty.
    pub fn bytes_of(&self, block: u64) -> Range<u64> {
        let start = (block - 1) * u64::from(self.block_size);
        start..(start + u64::from(self.block_size)).min(self.size)
    }

    /// Bytes of a block.
    pub fn block_size(&self) -> u16 {
        self.block_size
    }

    /// Bytes of a whole window.
    pub fn window_bytes(&self) -> usize {
        usize::from(self.window) * usize::from(self.block_size)
    }

    /// When [`on_time`](Self::on_time) is due.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Bytes that the client has acknowledged.
    pub fn acknowledged(&self) -> u64 {
        (self.acked * u64::from(self.block_size)).min(self.size)
    }

    /// Packets that were sent again.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }

    /// Whether nothing but the options has gone to the client: a client that ends the transfer now
    /// only wanted to know the size (UEFI).
    pub fn is_negotiating(&self) -> bool {
        self.negotiating
    }

    fn last_block(&self) -> u64 {
        self.size / u64::from(self.block_size) + 1
    }

    fn send_window(&mut self, now: Instant) -> Step {
        let end = (self.acked + u64::from(self.window)).min(self.last_block());
        let blocks = self.acked + 1..end + 1;
        self.sent = end;
        self.deadline = now + self.wait;
        Step::Blocks(blocks)
    }

    /// The client acknowledged a block.
    pub fn on_ack(&mut self, number: u16, now: Instant) -> Step {
        if self.negotiating {
            if number != 0 {
                return Step::Wait;
            }
            self.negotiating = false;
            self.progress();
            return self.send_window(now);
        }
        // The number means the block among those under way; an older one is a late duplicate.
        let ahead = u64::from(number.wrapping_sub(self.acked as u16));
        if ahead == 0 {
            // A repeated acknowledgement is never answered in lockstep (the Sorcerer's Apprentice,
            // RFC 1123 section 4.2.3.1). In a window it says that the next block was lost
            // (RFC 7440 section 4).
            if self.window == 1 || self.repeated || self.acked == 0 {
                return Step::Wait;
            }
            self.repeated = true;
            self.repeats = self.repeats.saturating_add((self.sent - self.acked) as u32);
            return self.send_window(now);
        }
        if ahead > self.sent - self.acked {
            return Step::Wait;
        }
        let lost = self.sent - self.acked - ahead;
        self.acked += ahead;
        self.progress();
        if self.acked == self.last_block() {
            return Step::Done;
        }
        self.repeats = self.repeats.saturating_add(lost as u32);
        self.send_window(now)
    }

    fn progress(&mut self) {
        self.sends = 1;
        self.wait = self.first_wait;
        self.repeated = false;
    }

    /// The time is up: sends again, waiting twice as long each time.
    pub fn on_time(&mut self, now: Instant) -> Step {
        if now < self.deadline {
            return Step::Wait;
        }
        if self.sends >= limits::TFTP_SENDS {
            return Step::Vanished;
        }
        self.sends += 1;
        self.wait = (self.wait * 2).min(limits::TFTP_WAIT.max(self.first_wait));
        self.repeated = false;
        self.deadline = now + self.wait;
        if self.negotiating {
            self.repeats += 1;
            return Step::OptionAck;
        }
        // One block is enough to find out whether the client is still there: its acknowledgement
        // brings the rest, and a client that has gone costs one packet a time-out.
        self.repeats += 1;
        // What was sent before may have arrived with its acknowledgement lost, so `sent` stays.
        self.sent = self.sent.max(self.acked + 1);
        Step::Blocks(self.acked + 1..self.acked + 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(window: u16) -> Bounds {
        Bounds {
            block_size: 1468,
            window,
            timeout: Duration::from_secs(1),
        }
    }

    fn begin(size: u64, options: Options) -> (Transfer, Step, Instant) {
        let now = Instant::now();
        let (transfer, step) = Transfer::start(size, options, bounds(16), now);
        (transfer, step, now)
    }

    #[test]
    fn without_options_data_comes_at_once() {
        let (mut transfer, step, now) = begin(1000, Options::default());
        assert_eq!(step, Step::Blocks(1..2));
        assert_eq!(transfer.on_ack(1, now), Step::Blocks(2..3));
        assert_eq!(transfer.bytes_of(2), 512..1000);
        assert_eq!(transfer.on_ack(2, now), Step::Done);
        assert_eq!(transfer.acknowledged(), 1000);
    }

    #[test]
    fn a_whole_number_of_blocks_ends_with_an_empty_one() {
        let (mut transfer, _, now) = begin(1024, Options::default());
        transfer.on_ack(1, now);
        assert_eq!(transfer.on_ack(2, now), Step::Blocks(3..4));
        assert_eq!(transfer.bytes_of(3), 1024..1024);
        assert_eq!(transfer.on_ack(3, now), Step::Done);
    }

    #[test]
    fn options_are_answered_only_when_asked() {
        let asked = Options {
            block_size: Some(65464),
            window: Some(65535),
            ..Options::default()
        };
        let (transfer, step, _) = begin(10, asked);
        assert_eq!(step, Step::OptionAck);
        assert_eq!(transfer.options(), [("blksize", 1468), ("windowsize", 16)]);
        let (transfer, _, _) = begin(
            10,
            Options {
                size: true,
                ..Options::default()
            },
        );
        assert_eq!(transfer.options(), [("tsize", 10)]);
    }

    #[test]
    fn block_numbers_roll_over() {
        let (mut transfer, _, now) = begin(512 * 70_000, Options::default());
        for block in 1..=70_000_u64 {
            assert_eq!(
                transfer.on_ack(block as u16, now),
                Step::Blocks(block + 1..block + 2)
            );
        }
        assert_eq!(transfer.on_ack(70_001_u64 as u16, now), Step::Done);
    }

    #[test]
    fn a_repeated_acknowledgement_in_lockstep_is_not_answered() {
        let (mut transfer, _, now) = begin(5000, Options::default());
        transfer.on_ack(1, now);
        assert_eq!(transfer.on_ack(1, now), Step::Wait);
        assert_eq!(transfer.on_ack(7, now), Step::Wait);
    }

    #[test]
    fn a_gap_in_a_window_is_sent_from_there() {
        let (mut transfer, _, now) = begin(
            1 << 20,
            Options {
                window: Some(4),
                ..Options::default()
            },
        );
        assert_eq!(transfer.on_ack(0, now), Step::Blocks(1..5));
        assert_eq!(transfer.on_ack(2, now), Step::Blocks(3..7));
        assert_eq!(transfer.on_ack(2, now), Step::Blocks(3..7));
        assert_eq!(transfer.on_ack(2, now), Step::Wait);
        assert_eq!(transfer.on_ack(6, now), Step::Blocks(7..11));
        assert_eq!(transfer.repeats(), 2 + 4);
    }

    #[test]
    fn a_lost_last_acknowledgement_brings_the_last_block_again() {
        let (mut transfer, _, now) = begin(10, Options::default());
        let late = transfer.deadline();
        assert_eq!(transfer.on_time(now), Step::Wait);
        assert_eq!(transfer.on_time(late), Step::Blocks(1..2));
        assert_eq!(transfer.on_ack(1, late), Step::Done);
    }

    #[test]
    fn a_vanished_client_costs_a_bounded_number_of_packets_with_longer_waits() {
        let (mut transfer, _, mut now) = begin(
            100 << 20,
            Options {
                window: Some(16),
                ..Options::default()
            },
        );
        transfer.on_ack(0, now);
        let (mut packets, mut waits) = (0, Vec::new());
        loop {
            waits.push(transfer.deadline() - now);
            now = transfer.deadline();
            match transfer.on_time(now) {
                Step::Blocks(blocks) => packets += blocks.end - blocks.start,
                Step::Vanished => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(packets, u64::from(limits::TFTP_SENDS) - 1);
        assert!(waits.is_sorted() && waits[0] < waits[2], "{waits:?}");
    }

    proptest::proptest! {
        /// Whatever is lost on the way, the client ends with the same bytes.
        #[test]
        fn a_lossy_path_still_brings_every_byte(
            size in 0_u64..40_000, block_size in 8_u16..2000, window in 1_u16..20,
            losses: Vec<bool>,
        ) {
            let options = Options { block_size: Some(block_size), window: Some(window), ..Options::default() };
            let mut now = Instant::now();
            let (mut transfer, mut step) = Transfer::start(size, options, bounds(16), now);
            let mut losses = losses.into_iter();
            let mut lost = |rounds: u8| rounds < 4 && losses.next().unwrap_or(false);
            // A round without progress ends in a time-out; fewer of them in a row than a side bears.
            let mut rounds = 0;
            let (mut expected, mut got, mut over) = (1_u64, 0_u64, false);
            for _ in 0..100_000 {
                let mut answer = None;
                match step {
                    Step::OptionAck => answer = Some(0),
                    Step::Blocks(blocks) => {
                        for block in blocks {
                            if lost(rounds) { continue; }
                            let bytes = transfer.bytes_of(block);
                            if block == expected {
                                got += bytes.end - bytes.start;
                                expected += 1;
                                over = bytes.end - bytes.start < u64::from(transfer.block_size());
                            }
                            answer = Some(expected - 1);
                        }
                    }
                    Step::Done => break,
                    Step::Wait => {}
                    Step::Vanished => panic!("gave up"),
                }
                let before = (transfer.acked, transfer.negotiating);
                step = match answer {
                    Some(number) if !lost(rounds) => transfer.on_ack(number as u16, now),
                    _ => { now = transfer.deadline(); transfer.on_time(now) }
                };
                let moved = before != (transfer.acked, transfer.negotiating);
                rounds = if moved { 0 } else { rounds + 1 };
            }
            proptest::prop_assert_eq!((got, over), (size, true));
        }
    }
}
