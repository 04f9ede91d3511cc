//! A client that sends anything at any time: the request, then datagrams with time between them.
#![no_main]

use std::time::{Duration, Instant};

use hearth::limits;
use hearth::tftp::options::{Bounds, Terms};
use hearth::tftp::packet::{self, Packet};
use hearth::tftp::transfer::{Ending, Step, Transfer};
use libfuzzer_sys::fuzz_target;

/// What the configuration and the path can bring about; the first is what most networks have.
const BOUNDS: [(u16, u16, Duration); 8] = [
    (1_468, limits::TFTP_WINDOW, Duration::from_secs(1)),
    (1_468, 16, Duration::from_secs(1)),
    (512, 1, Duration::from_secs(30)),
    (8, limits::TFTP_WINDOW, Duration::from_millis(100)),
    (65_464, limits::TFTP_WINDOW, Duration::from_secs(1)),
    (9_000, 16, Duration::from_secs(5)),
    (1_428, 2, Duration::from_millis(100)),
    (1_024, limits::TFTP_WINDOW, Duration::from_secs(30)),
];

/// Block size without options (RFC 1350), whatever the bounds are.
const BLOCK: u16 = 512;

/// Time and room of a case, so that every case ends.
const STEPS: usize = 4_000;

/// The delay that stands for a kernel that had no room for what was to be sent.
const FULL_QUEUE: u8 = u8::MAX;

fuzz_target!(|data: &[u8]| {
    let Some((head, mut rest)) = data.split_at_checked(3) else {
        return;
    };
    let size = u64::from(u16::from_le_bytes([head[0], head[1]])) << (head[2] % 32);
    let (block_size, window, timeout) = BOUNDS[usize::from(head[2] / 32)];
    let bounds = Bounds {
        block_size,
        window,
        timeout,
    };
    let request = take(&mut rest);
    let Some(Packet::Read(read)) = packet::parse(request) else {
        return;
    };
    let terms = Terms::agree(&read.options, &bounds, size);
    hold_terms(&terms, &bounds);
    let longest_wait = terms.wait.max(limits::TFTP_WAIT);
    let size_asked = terms.size_asked;
    let (window, block_size) = (u64::from(terms.window), u64::from(terms.block_size));
    let sends = u64::from(limits::TFTP_SENDS);
    let last = size / block_size + 1;
    let mut now = Instant::now();
    let (mut transfer, mut step) = Transfer::start(size, terms, now);
    let mut acknowledged = 0;
    let mut sent_for_nothing = 0;
    let mut gone = None;
    for _ in 0..STEPS {
        assert!(transfer.acknowledged() >= acknowledged && transfer.acknowledged() <= size);
        if transfer.acknowledged() > acknowledged {
            acknowledged = transfer.acknowledged();
            sent_for_nothing = 0;
        }
        let packets = match step {
            Step::End(ending) => {
                assert!(ending != Ending::Done || acknowledged == size);
                assert!(ending != Ending::Probe || (size_asked && acknowledged == 0));
                assert!(ending == Ending::Vanished || gone.is_none());
                return;
            }
            Step::Blocks(blocks) => {
                assert!(blocks.start >= 1 && blocks.start < blocks.end && blocks.end <= last + 1);
                // What is acknowledged is never sent again.
                assert!((blocks.start - 1) * block_size >= acknowledged);
                assert!(blocks.end - blocks.start <= window);
                blocks.end - blocks.start
            }
            Step::Options => 1,
            Step::Wait => 0,
        };
        sent_for_nothing += packets;
        // A window at first, after a time-out, and for a repeated acknowledgement; then single ones.
        // The options had their sends before.
        assert!(sent_for_nothing <= 3 * window + 2 * sends);
        if let Some((since, after)) = &mut gone {
            *after += packets;
            assert!(*after <= window + sends);
            assert!(now - *since <= limits::TFTP_SILENCE + longest_wait);
        }
        step = if let Some((&delay, more)) = rest.split_first() {
            rest = more;
            if delay == FULL_QUEUE {
                transfer.on_full_queue(now);
                step = Step::Wait;
                continue;
            }
            now += Duration::from_millis(u64::from(delay) * 16);
            if now >= transfer.deadline() {
                transfer.on_time(now)
            } else {
                match packet::parse(take(&mut rest)) {
                    Some(packet) => transfer.on_packet(&packet, now),
                    None => Step::Wait,
                }
            }
        } else {
            // The client is gone: what is left must come to an end by itself.
            gone = gone.or(Some((now, 0)));
            now = now.max(transfer.deadline());
            transfer.on_time(now)
        };
    }
    panic!("the transfer does not end");
});

fn hold_terms(terms: &Terms, bounds: &Bounds) {
    let (window, block_size) = (u32::from(terms.window), u32::from(terms.block_size));
    assert!((1..=bounds.window).contains(&terms.window));
    assert!((8..=bounds.block_size.max(BLOCK)).contains(&terms.block_size));
    assert!(window == 1 || window * block_size <= limits::TFTP_FLIGHT_BYTES);
    assert!(terms.wait == bounds.timeout || (1..=255).contains(&terms.wait.as_secs()));
    if let Some(answer) = &terms.answer {
        // RFC 2347: an option acknowledgement fits one datagram, and its texts come in pairs.
        assert!(answer.starts_with(&[0, 6]) && answer.ends_with(&[0]) && answer.len() <= 512);
        assert!(answer[2..].split(|byte| *byte == 0).count() % 2 == 1);
    }
}

/// The next datagram: a byte for its length, then its bytes.
fn take<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let Some((&length, more)) = rest.split_first() else {
        return &[];
    };
    let (datagram, left) = more.split_at(usize::from(length).min(more.len()));
    *rest = left;
    datagram
}
