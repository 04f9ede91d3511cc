//! A client that sends anything at any time: the request, then datagrams with time between them.
#![no_main]

use std::time::{Duration, Instant};

use hearth::limits;
use hearth::tftp::options::{Bounds, Terms};
use hearth::tftp::packet::{self, Packet};
use hearth::tftp::transfer::{Step, Transfer};
use libfuzzer_sys::fuzz_target;

const BOUNDS: Bounds = Bounds {
    block_size: 1468,
    window: 64,
    timeout: Duration::from_secs(1),
};

/// Time and room of a case, so that every case ends.
const STEPS: usize = 4_000;

fuzz_target!(|data: &[u8]| {
    let Some((head, mut rest)) = data.split_at_checked(3) else {
        return;
    };
    let size = u64::from(u16::from_le_bytes([head[0], head[1]])) << (head[2] % 32);
    let request = take(&mut rest);
    let Some(Packet::Read(read)) = packet::parse(request) else {
        return;
    };
    let terms = Terms::agree(&read.options, &BOUNDS, size);
    assert!(terms.window >= 1 && terms.window <= BOUNDS.window);
    assert!(terms.block_size >= 8);
    let (window, block_size) = (u64::from(terms.window), u64::from(terms.block_size));
    let last = size / block_size + 1;
    let mut now = Instant::now();
    let (mut transfer, mut step) = Transfer::start(size, terms, now);
    let mut acknowledged = 0;
    let mut sent_for_nothing = 0;
    for _ in 0..STEPS {
        match step {
            Step::End(_) => return,
            Step::Blocks(blocks) => {
                assert!(blocks.start >= 1 && blocks.start < blocks.end && blocks.end <= last + 1);
                assert!(blocks.end - blocks.start <= window);
                sent_for_nothing += blocks.end - blocks.start;
            }
            Step::Options => sent_for_nothing += 1,
            Step::Wait => {}
        }
        assert!(transfer.acknowledged() >= acknowledged && transfer.acknowledged() <= size);
        if transfer.acknowledged() > acknowledged {
            acknowledged = transfer.acknowledged();
            sent_for_nothing = 0;
        }
        step = if rest.is_empty() {
            // The client is gone: what is left must come to an end by itself.
            now = transfer.deadline();
            transfer.on_time(now)
        } else {
            let delay = rest[0];
            rest = &rest[1..];
            now += Duration::from_millis(u64::from(delay) * 16);
            if now >= transfer.deadline() {
                transfer.on_time(now)
            } else {
                match packet::parse(take(&mut rest)) {
                    Some(packet) => transfer.on_packet(&packet, now),
                    None => Step::Wait,
                }
            }
        };
        // A client that acknowledges nothing costs a window for each send, and one more for each
        // repeated acknowledgement that may have seen it.
        assert!(sent_for_nothing <= (2 * u64::from(limits::TFTP_SENDS) + 2) * window);
    }
    panic!("the transfer does not end");
});

/// The next datagram: a byte for its length, then its bytes.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((&length, more)) = rest.split_first() else {
        return &[];
    };
    let (datagram, left) = more.split_at(usize::from(length).min(more.len()));
    *rest = left;
    datagram
}
