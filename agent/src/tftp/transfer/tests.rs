use super::*;
use crate::tftp::options::{Bounds, Options};

mod channel;

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);

fn asked(block_size: u16, window: u16) -> Options {
    Options {
        block_size: Some(block_size),
        window: Some(window),
        ..Options::default()
    }
}

fn begin(size: u64, asked: Options) -> (Transfer, Step, Instant) {
    let bounds = Bounds {
        block_size: 1468,
        window: 16,
        timeout: SECOND,
    };
    let now = Instant::now();
    let (transfer, step) = Transfer::start(size, Terms::agree(&asked, &bounds, size), now);
    (transfer, step, now)
}

/// A transfer of ten windows of four blocks whose options are acknowledged after 10 ms.
fn windowed() -> (Transfer, Instant) {
    let (mut transfer, step, start) = begin(40 * 512, asked(512, 4));
    assert_eq!(step, Step::Options);
    let now = start + 10 * MILLISECOND;
    assert_eq!(ack(&mut transfer, 0, now), Step::Blocks(1..5));
    (transfer, now)
}

fn ack(transfer: &mut Transfer, number: u16, now: Instant) -> Step {
    transfer.on_packet(&Packet::Ack(number), now)
}

#[test]
fn without_options_data_comes_at_once() {
    let (mut transfer, step, now) = begin(1000, Options::default());
    assert_eq!(step, Step::Blocks(1..2));
    assert_eq!(ack(&mut transfer, 1, now), Step::Blocks(2..3));
    assert_eq!(ack(&mut transfer, 2, now), Step::End(Ending::Done));
    assert_eq!((transfer.acknowledged(), transfer.repeats()), (1000, 0));
}

#[test]
fn a_size_that_is_a_multiple_of_the_block_ends_with_an_empty_block() {
    for (size, last) in [(0, 1), (511, 1), (512, 2), (1024, 3)] {
        let (mut transfer, _, now) = begin(size, Options::default());
        for number in 1..last {
            let next = u64::from(number) + 1;
            assert_eq!(
                ack(&mut transfer, number, now),
                Step::Blocks(next..next + 1)
            );
        }
        assert_eq!(ack(&mut transfer, last, now), Step::End(Ending::Done));
        assert_eq!(transfer.acknowledged(), size);
    }
}

#[test]
fn data_waits_for_the_acknowledgement_of_the_options() {
    let (mut transfer, step, now) = begin(3000, asked(1024, 1));
    assert_eq!(step, Step::Options);
    assert_eq!(ack(&mut transfer, 1, now), Step::Wait);
    assert_eq!(ack(&mut transfer, 0, now), Step::Blocks(1..2));
    assert_eq!(ack(&mut transfer, 0, now), Step::Wait);
    assert_eq!(ack(&mut transfer, 1, now), Step::Blocks(2..3));
}

#[test]
fn numbers_roll_over_and_the_transfer_goes_on() {
    let blocks = 200_000_u64;
    let (mut transfer, mut step, now) = begin(blocks * 512, Options::default());
    for block in 1..=blocks + 1 {
        assert_eq!(step, Step::Blocks(block..block + 1));
        step = ack(&mut transfer, block as u16, now);
    }
    assert_eq!(step, Step::End(Ending::Done));
    assert_eq!(transfer.acknowledged(), blocks * 512);
}

#[test]
fn windows_roll_over_too() {
    let blocks = 70_000_u64;
    let (mut transfer, _, now) = begin(blocks * 512, asked(512, 16));
    let mut step = ack(&mut transfer, 0, now);
    let mut sent = 0;
    while let Step::Blocks(range) = step {
        assert_eq!(range.start, sent + 1);
        sent = range.end - 1;
        step = ack(&mut transfer, sent as u16, now);
    }
    assert_eq!((step, sent), (Step::End(Ending::Done), blocks + 1));
}

#[test]
fn duplicates_in_lockstep_do_not_wake_the_sorcerers_apprentice() {
    let (mut transfer, _, now) = begin(10_000, Options::default());
    assert_eq!(ack(&mut transfer, 1, now), Step::Blocks(2..3));
    for late in [1, 1, 0, 65_535, 3, 40_000] {
        let step = ack(&mut transfer, late, now + SECOND / 2);
        assert_eq!(step, Step::Wait, "{late}");
    }
    assert_eq!(ack(&mut transfer, 2, now), Step::Blocks(3..4));
    assert_eq!(transfer.repeats(), 0);
}

#[test]
fn both_acknowledgements_of_a_block_that_was_sent_twice_bring_the_next_one_once() {
    let (mut transfer, _, now) = begin(10_000, Options::default());
    let now = now + SECOND;
    assert_eq!(transfer.on_time(now), Step::Blocks(1..2));
    assert_eq!(ack(&mut transfer, 1, now), Step::Blocks(2..3));
    assert_eq!(ack(&mut transfer, 1, now), Step::Wait);
}

#[test]
fn the_last_block_is_sent_again_when_its_acknowledgement_is_lost() {
    let (mut transfer, _, now) = begin(600, Options::default());
    assert_eq!(ack(&mut transfer, 1, now), Step::Blocks(2..3));
    assert_eq!(transfer.on_time(now + SECOND), Step::Blocks(2..3));
    assert_eq!(ack(&mut transfer, 2, now + SECOND), Step::End(Ending::Done));
    assert_eq!(transfer.repeats(), 1);
}

#[test]
fn nothing_happens_before_the_time() {
    let (mut transfer, _, now) = begin(600, Options::default());
    assert_eq!(transfer.on_time(now + SECOND - MILLISECOND), Step::Wait);
    assert_eq!(transfer.repeats(), 0);
}

#[test]
fn a_whole_window_is_sent_before_an_acknowledgement() {
    let (mut transfer, now) = windowed();
    assert_eq!(ack(&mut transfer, 4, now), Step::Blocks(5..9));
    assert_eq!(ack(&mut transfer, 8, now), Step::Blocks(9..13));
    assert_eq!(transfer.repeats(), 0);
}

#[test]
fn a_gap_in_a_window_brings_what_was_lost_once() {
    let (mut transfer, now) = windowed();
    // Block 3 is lost; a client that acknowledges each block behind the gap says 2 twice.
    assert_eq!(ack(&mut transfer, 2, now), Step::Blocks(3..7));
    assert_eq!(ack(&mut transfer, 2, now + SECOND / 2), Step::Wait);
    assert_eq!(transfer.repeats(), 2);
    assert_eq!(ack(&mut transfer, 6, now), Step::Blocks(7..11));
}

#[test]
fn a_lost_first_block_of_a_window_is_brought_by_the_repeated_acknowledgement() {
    let (mut transfer, now) = windowed();
    assert_eq!(ack(&mut transfer, 4, now), Step::Blocks(5..9));
    let now = now + 10 * MILLISECOND;
    assert_eq!(ack(&mut transfer, 4, now), Step::Blocks(5..9));
    assert_eq!(ack(&mut transfer, 4, now + 10 * MILLISECOND), Step::Wait);
    assert_eq!(transfer.repeats(), 4);
    assert_eq!(ack(&mut transfer, 8, now), Step::Blocks(9..13));
}

#[test]
fn an_acknowledgement_that_the_network_doubled_brings_nothing() {
    let (mut transfer, now) = windowed();
    let now = now + 10 * MILLISECOND;
    assert_eq!(ack(&mut transfer, 4, now), Step::Blocks(5..9));
    assert_eq!(ack(&mut transfer, 4, now + MILLISECOND), Step::Wait);
    assert_eq!(
        ack(&mut transfer, 8, now + 10 * MILLISECOND),
        Step::Blocks(9..13)
    );
    assert_eq!(transfer.repeats(), 0);
}

#[test]
fn a_client_that_only_wants_the_size_is_no_failure() {
    let probe = Options {
        size: true,
        ..asked(1468, 4)
    };
    for code in [0, 8] {
        let (mut transfer, step, now) = begin(1000, probe);
        assert_eq!(step, Step::Options);
        let step = transfer.on_packet(&Packet::Error(code, b"User aborted"), now);
        assert_eq!(step, Step::End(Ending::Probe));
    }
}

#[test]
fn a_client_that_stops_later_or_asked_for_no_size_is_one() {
    let stopped = |code| Step::End(Ending::Stopped(code, "no".to_owned()));
    let (mut transfer, _, now) = begin(1000, asked(512, 1));
    assert_eq!(
        transfer.on_packet(&Packet::Error(8, b"no"), now),
        stopped(8)
    );
    let probe = Options {
        size: true,
        ..asked(512, 1)
    };
    let (mut transfer, _, now) = begin(1000, probe);
    assert_eq!(ack(&mut transfer, 0, now), Step::Blocks(1..2));
    assert_eq!(
        transfer.on_packet(&Packet::Error(3, b"no"), now),
        stopped(3)
    );
}

#[test]
fn packets_that_make_no_sense_change_nothing() {
    let (mut transfer, _, now) = begin(10_000, Options::default());
    for packet in [Packet::Other, Packet::Malformed, Packet::Write(b"x")] {
        assert_eq!(transfer.on_packet(&packet, now), Step::Wait);
    }
    assert_eq!(ack(&mut transfer, 1, now), Step::Blocks(2..3));
}

/// Time-outs to the end: packets of each, and the waits before them.
fn vanish(transfer: &mut Transfer, mut now: Instant) -> (Vec<u64>, Vec<Duration>) {
    let (mut packets, mut waits) = (Vec::new(), Vec::new());
    loop {
        waits.push(transfer.deadline() - now);
        now = transfer.deadline();
        match transfer.on_time(now) {
            Step::Blocks(blocks) => packets.push(blocks.end - blocks.start),
            Step::Options => packets.push(1),
            Step::End(Ending::Vanished) => return (packets, waits),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_vanished_client_costs_a_bounded_number_of_packets() {
    let waits_wanted = [1, 2, 4, 8, 8, 8].map(Duration::from_secs);
    let (mut transfer, _, now) = begin(100 << 20, Options::default());
    assert_eq!(
        vanish(&mut transfer, now),
        (vec![1; 5], waits_wanted.into())
    );
    let (mut transfer, _, now) = begin(100 << 20, asked(1432, 16));
    assert_eq!(
        vanish(&mut transfer, now),
        (vec![1; 5], waits_wanted.into())
    );
    // Once in the middle of a window: it goes again once, then single blocks.
    let (mut transfer, now) = windowed();
    assert_eq!(vanish(&mut transfer, now).0, [4, 1, 1, 1, 1]);
    assert_eq!(transfer.repeats(), 8);
}

#[test]
fn an_answer_ends_the_back_off() {
    let (mut transfer, _, mut now) = begin(10_000, Options::default());
    for _ in 0..3 {
        now = transfer.deadline();
        assert_eq!(transfer.on_time(now), Step::Blocks(1..2));
    }
    ack(&mut transfer, 1, now);
    assert_eq!(transfer.deadline() - now, SECOND);
    assert_eq!(vanish(&mut transfer, now).0.len(), 5);
}

#[test]
fn a_client_that_asked_for_long_waits_is_not_waited_for_for_ever() {
    let patient = Options {
        timeout: Some(255),
        ..Options::default()
    };
    let (mut transfer, _, now) = begin(10_000, patient);
    let (packets, waits) = vanish(&mut transfer, now);
    assert_eq!(waits, [Duration::from_secs(255); 2]);
    assert_eq!(packets, [1]);
}

#[test]
fn what_found_the_queue_full_is_sent_again_soon() {
    let (mut transfer, _, now) = begin(10_000, Options::default());
    transfer.on_full_queue(now);
    assert_eq!(transfer.deadline() - now, limits::TFTP_QUEUE_WAIT);
    let now = transfer.deadline();
    assert_eq!(transfer.on_time(now), Step::Blocks(1..2));
    transfer.on_full_queue(now);
    assert_eq!(vanish(&mut transfer, now).0.len(), 4);
}
