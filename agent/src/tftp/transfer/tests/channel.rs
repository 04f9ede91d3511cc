//! A client and a network that loses, doubles and reorders, on a clock of their own.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// What is on the way.
#[derive(Clone, Copy, Debug)]
enum Datagram {
    Options,
    /// Number on the wire and bytes.
    Data(u16, u64),
    Ack(u16),
}

/// What becomes of one datagram: how often it arrives and after how many milliseconds.
type Fate = (u8, u8);

/// Datagrams under way, by the time when they arrive.
struct Network {
    way: BTreeMap<(Instant, u64), Datagram>,
    fates: std::iter::Cycle<std::vec::IntoIter<Fate>>,
    /// Losses in a row, to the client and from it.
    lost: [u8; 2],
    serial: u64,
}

impl Network {
    fn put(&mut self, datagram: Datagram, now: Instant) {
        let (copies, delay) = self.fates.next().unwrap_or((1, 5));
        // No side bears more than a few losses in a row.
        let lost = &mut self.lost[usize::from(matches!(datagram, Datagram::Ack(_)))];
        let copies = if *lost == 2 { copies.max(1) } else { copies };
        *lost = if copies == 0 { *lost + 1 } else { 0 };
        for copy in 0..copies {
            self.serial += 1;
            let delay = MILLISECOND * (u32::from(delay) + u32::from(copy) * 3);
            self.way.insert((now + delay, self.serial), datagram);
        }
    }
}

/// A client as RFC 7440 describes it: it acknowledges each window, the last block in order when one
/// is missing, and the same again when nothing comes.
struct Client {
    block_size: u64,
    window: u64,
    /// Acknowledges every block behind a gap, not only the first.
    naive: bool,
    received: u64,
    bytes: u64,
    in_window: u64,
    gap: bool,
    begun: bool,
    done: bool,
}

impl Client {
    /// The acknowledgement that a datagram brings.
    fn hear(&mut self, datagram: Datagram) -> Option<u16> {
        self.begun = true;
        let Datagram::Data(number, bytes) = datagram else {
            return (self.received == 0).then_some(0);
        };
        if number != (self.received + 1) as u16 {
            self.in_window = 0;
            let first = !std::mem::replace(&mut self.gap, true);
            return (first || self.naive).then_some(self.received as u16);
        }
        self.received += 1;
        self.bytes += bytes;
        self.in_window += 1;
        self.gap = false;
        self.done = bytes < self.block_size;
        if !self.done && self.in_window < self.window {
            return None;
        }
        self.in_window = 0;
        Some(self.received as u16)
    }

    /// The acknowledgement that silence brings.
    fn on_time(&mut self) -> Option<u16> {
        (self.in_window, self.gap) = (0, false);
        (self.begun && !self.done).then_some(self.received as u16)
    }
}

/// A transfer to its end: the client, and the packets that it cost.
fn play(size: u64, asked: Options, naive: bool, fates: Vec<Fate>) -> (Client, u64) {
    let (mut transfer, mut step, mut now) = begin(size, asked);
    let terms = transfer.terms().clone();
    let mut client = Client {
        block_size: u64::from(terms.block_size),
        window: u64::from(terms.window),
        naive,
        received: 0,
        bytes: 0,
        in_window: 0,
        gap: false,
        begun: false,
        done: false,
    };
    let mut network = Network {
        way: BTreeMap::new(),
        fates: fates.into_iter().cycle(),
        lost: [0; 2],
        serial: 0,
    };
    let (mut packets, mut patience) = (0, now + SECOND);
    loop {
        match step {
            Step::Wait => {}
            Step::End(_) => return (client, packets),
            Step::Options => {
                packets += 1;
                network.put(Datagram::Options, now);
            }
            Step::Blocks(blocks) => {
                for block in blocks {
                    packets += 1;
                    let from = (block - 1) * client.block_size;
                    let bytes = (size - from).min(client.block_size);
                    network.put(Datagram::Data(block as u16, bytes), now);
                }
            }
        }
        let arrival = network.way.keys().next().map(|(at, _)| *at);
        let due = transfer.deadline().min(patience);
        step = Step::Wait;
        if arrival.is_some_and(|at| at <= due)
            && let Some(((at, _), datagram)) = network.way.pop_first()
        {
            now = at;
            let answer = match datagram {
                Datagram::Ack(number) => {
                    step = ack(&mut transfer, number, now);
                    continue;
                }
                datagram => client.hear(datagram),
            };
            patience = now + SECOND;
            if let Some(number) = answer {
                network.put(Datagram::Ack(number), now);
            }
        } else if due == patience {
            now = due;
            patience = now + SECOND;
            if let Some(number) = client.on_time() {
                network.put(Datagram::Ack(number), now);
            }
        } else {
            now = due;
            step = transfer.on_time(now);
        }
    }
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let copies = prop_oneof![8 => Just(1_u8), 2 => Just(0), 1 => Just(2)];
    let delay = prop_oneof![3 => Just(5_u8), 1 => 1_u8..40];
    prop::collection::vec((copies, delay), 1..200)
}

proptest! {
    /// Whatever is lost, doubled or overtaken on the way, the client ends with all bytes in order,
    /// and it costs no storm of packets.
    #[test]
    fn every_byte_arrives_whatever_the_network_does(
        blocks in 0_u64..400, rest in 0_u64..8, block_size in 8_u16..1500, window in 1_u16..20,
        naive: bool, fates in fates(),
    ) {
        let size = blocks * u64::from(block_size.min(1468)) + rest;
        let (client, packets) = play(size, asked(block_size, window), naive, fates);
        prop_assert!(client.done, "the client has {} of {size} bytes", client.bytes);
        prop_assert_eq!(client.bytes, size);
        let bound = (blocks + 10) * 4 * u64::from(window.min(16));
        prop_assert!(packets <= bound, "{packets} packets for {blocks} blocks");
    }
}

#[test]
fn a_perfect_network_brings_each_block_once() {
    for window in [1, 4, 16] {
        let (client, packets) = play(100_000, asked(512, window), false, vec![(1, 5)]);
        assert_eq!((client.bytes, packets), (100_000, 197), "{window}");
    }
}

#[test]
fn a_network_that_doubles_everything_costs_nothing_more() {
    for (window, naive) in [(1, false), (1, true), (4, false), (4, true), (16, true)] {
        let (client, packets) = play(100_000, asked(512, window), naive, vec![(2, 5)]);
        assert_eq!((client.bytes, packets), (100_000, 197), "{window} {naive}");
    }
}
