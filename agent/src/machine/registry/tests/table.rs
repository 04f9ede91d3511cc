//! Every case of `docs/machines.md`.

use super::*;

/// What is asked in order (words, last byte of the address, seconds), what the last of them is told
/// as in short, and which machines there are then.
type Case = (
    &'static str,
    &'static [(&'static str, u8, u64)],
    &'static [&'static str],
    &'static str,
);

const HOUR: u64 = 3600;

const CASES: &[Case] = &[
    // Known by one thing.
    ("a UUID", &[("u1 m1", 1, 0), ("u1", 1, 9)], &[], "1: u1 m1"),
    (
        "the other byte order",
        &[("u1 m1", 1, 0), ("U1 m2", 1, 9)],
        &[],
        "1: u1 m2 m1",
    ),
    ("a card", &[("m1 m2", 1, 0), ("m2", 1, 9)], &[], "1: m2 m1"),
    (
        "a serial number",
        &[("sX1234", 1, 0), ("sX1234 m1", 1, 9)],
        &[],
        "1: m1",
    ),
    ("nothing", &[("m1", 1, 0), ("", 1, 9)], &[], "1: m1"),
    (
        "a worthless serial number",
        &[("sNone m1", 1, 0), ("sNone m2", 1, HOUR)],
        &[],
        "1: m1, 2: m2",
    ),
    (
        "others",
        &[("u1 m1", 1, 0), ("u2 m2", 2, 0)],
        &[],
        "1: u1 m1, 2: u2 m2",
    ),
    // More becomes known.
    (
        "a UUID of a known card",
        &[("m1", 1, 0), ("u1 m1", 1, 9)],
        &[],
        "1: u1 m1",
    ),
    (
        "a new card",
        &[("u1 m1", 1, 0), ("u1 m2", 1, HOUR)],
        &[],
        "1: u1 m2 m1",
    ),
    (
        "a new card, known by serial",
        &[("sX1234 m1", 1, 0), ("sX1234 m2", 1, HOUR)],
        &[],
        "1: m2 m1",
    ),
    // Two records are one.
    (
        "UUID of one, card of the other",
        &[("u1", 1, 0), ("m1", 2, 0), ("u1 m1", 2, 9)],
        &["merged 2"],
        "1: u1 m1",
    ),
    (
        "the older number stays",
        &[("m1", 2, 0), ("u1", 1, 0), ("u1 m1", 2, 9)],
        &["merged 2"],
        "1: u1 m1",
    ),
    (
        "cards of both",
        &[("m1", 1, 0), ("m2", 2, 0), ("m2 m1", 2, 9)],
        &["merged 2"],
        "1: m2 m1",
    ),
    (
        "three at once",
        &[
            ("m1", 1, 0),
            ("m2", 2, 0),
            ("u1 m3", 3, 0),
            ("u1 m1 m2", 3, 9),
        ],
        &["merged 3", "merged 2"],
        "1: u1 m1 m2 m3",
    ),
    (
        "one had a UUID, the other was told by a card of both",
        &[("u1 m1", 1, 0), ("m2", 2, 0), ("m1 m2", 1, 9)],
        &["merged 2"],
        "1: u1 m1 m2",
    ),
    // A card goes over.
    (
        "to a known machine",
        &[("u1 m1", 1, 0), ("u2 m2 m3", 2, 0), ("u1 m1 m2", 1, HOUR)],
        &["moved 52:54:00:00:00:02 from 2"],
        "1: u1 m1 m2, 2: u2 m3",
    ),
    (
        "a machine's only one",
        &[("u1 m1", 1, 0), ("u2 m2", 2, 0), ("u1 m2", 1, HOUR)],
        &["moved 52:54:00:00:00:02 from 2"],
        "1: u1 m2 m1, 2: u2",
    ),
    (
        "to a machine that is not known yet",
        &[("u1 m1 m2", 1, 0), ("u2 m2 m3", 2, HOUR)],
        &["moved 52:54:00:00:00:02 from 1"],
        "1: u1 m1, 2: u2 m2 m3",
    ),
    (
        "to a machine of another make",
        &[("u1 m1 pX3550", 1, 0), ("u2 m1 pX3650", 2, HOUR)],
        &["moved 52:54:00:00:00:01 from 1"],
        "1: u1, 2: u2 m1",
    ),
    (
        "of machines that serial numbers tell apart",
        &[("sX1234 m1", 1, 0), ("sX9999 m1", 2, HOUR)],
        &["moved 52:54:00:00:00:01 from 1"],
        "1:, 2: m1",
    ),
    (
        "and back",
        &[
            ("u1 m1 m2", 1, 0),
            ("u2 m2 m3", 2, HOUR),
            ("u1 m1 m2", 1, 2 * HOUR),
        ],
        &["moved 52:54:00:00:00:02 from 2"],
        "1: u1 m1 m2, 2: u2 m3",
    ),
    // A board is changed.
    (
        "under the same cards",
        &[("u1 m1 m2 pX3550", 1, 0), ("u2 m1 m2 pX3550", 1, HOUR)],
        &["board"],
        "1: u2 m1 m2",
    ),
    (
        "under the same cards, and the new one has no UUID worth the name",
        &[("u1 m1", 1, 0), ("m1", 1, HOUR)],
        &[],
        "1: u1 m1",
    ),
    (
        "with its cards on it: nothing says that it is the same machine",
        &[("u1 m1 sX1234", 1, 0), ("u2 m2 sX1234", 1, HOUR)],
        &[],
        "1: u1 m1, 2: u2 m2",
    ),
    // One UUID on two machines.
    (
        "both are there now",
        &[("u1 m1", 1, 0), ("u1 m2", 2, 60)],
        &["shared with 1"],
        "1: u1 m1, 2: u1 m2",
    ),
    (
        "both come again",
        &[
            ("u1 m1", 1, 0),
            ("u1 m2", 2, 60),
            ("u1 m1", 1, 90),
            ("u1 m2", 2, 95),
        ],
        &[],
        "1: u1 m1, 2: u1 m2",
    ),
    (
        "and a third one, hours later",
        &[("u1 m1", 1, 0), ("u1 m2", 2, 60), ("u1 m3", 3, HOUR)],
        &["shared with 1"],
        "1: u1 m1, 2: u1 m2, 3: u1 m3",
    ),
    (
        "told by their serial numbers, hours apart",
        &[("u1 m1 sX1234", 1, 0), ("u1 m2 sX9999", 1, HOUR)],
        &["shared with 1"],
        "1: u1 m1, 2: u1 m2",
    ),
    (
        "no: the serial number is the same, so it is the next card of one machine",
        &[("u1 m1 sX1234", 1, 0), ("u1 m2 sX1234", 2, 60)],
        &[],
        "1: u1 m2 m1",
    ),
    (
        "no: the other is long gone",
        &[("u1 m1", 1, 0), ("u1 m2", 2, HOUR)],
        &[],
        "1: u1 m2 m1",
    ),
    (
        "no: it is the same address",
        &[("u1 m1", 1, 0), ("u1 m2", 1, 60)],
        &[],
        "1: u1 m2 m1",
    ),
    (
        "it was one machine after all: it shows cards of both",
        &[
            ("u1 m1", 1, 0),
            ("u1 m2", 2, 60),
            ("u1 m1 m2", 1, 300),
            ("u1", 1, HOUR),
        ],
        &[],
        "1: u1 m1 m2",
    ),
    (
        "a card of neither says nothing without a UUID that names one",
        &[("u1 m1", 1, 0), ("u1 m2", 2, 60), ("u1", 3, HOUR)],
        &[],
        "1: u1 m1, 2: u1 m2",
    ),
    // One serial number on two machines.
    (
        "serial: both are there now",
        &[("sX1234 m1", 1, 0), ("sX1234 m2", 2, 60)],
        &["shared with 1"],
        "1: m1, 2: m2",
    ),
    (
        "serial: two UUIDs are two machines, however long the other was silent",
        &[("u1 m1 sX1234", 1, 0), ("u2 m2 sX1234", 2, HOUR)],
        &[],
        "1: u1 m1, 2: u2 m2",
    ),
];

fn short(met: &Met) -> Vec<String> {
    let short = |(_, event): &(MachineId, Event)| match event {
        Event::Merged { other, .. } => format!("merged {other}"),
        Event::Moved { what, from } => format!("moved {what} from {from}"),
        Event::Board { .. } => "board".to_owned(),
        Event::Shared { other, .. } => format!("shared with {other}"),
        other => format!("{other:?}"),
    };
    met.events.iter().map(short).collect()
}

#[test]
fn every_case_is_decided_as_documented() {
    let mut wrong = Vec::new();
    for (name, asked, events, machines) in CASES {
        let mut registry = Registry::default();
        let met = asked
            .iter()
            .map(|(words, from, seconds)| meet(&mut registry, words, *from, *seconds));
        let last = met.last().unwrap();
        let (is, told) = (shown(&registry), short(&last));
        if is != *machines || told != *events {
            wrong.push(format!("{name}: {is} {told:?}, not {machines} {events:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_case_is_decided_the_same_after_a_restart() {
    for (name, asked, _, machines) in CASES {
        let mut registry = Registry::default();
        for (words, from, seconds) in *asked {
            let records: Vec<Record> = registry.iter().cloned().collect();
            registry = Registry::new(records, registry.next);
            registry.is_consistent().unwrap();
            meet(&mut registry, words, *from, *seconds);
        }
        assert_eq!(shown(&registry), *machines, "{name}");
    }
}

#[test]
fn a_machine_that_went_to_its_disk_may_come_back_by_its_next_card() {
    let mut registry = Registry::default();
    let id = meet(&mut registry, "u1 m1", 1, 0).id.unwrap();
    let profile = Name::new("p").unwrap();
    registry.change(id, |record| record.phase = Phase::Installed { profile });
    assert_eq!(meet(&mut registry, "u1 m2", 2, 30).id, Some(id));
    assert_eq!(shown(&registry), "1: u1 m2 m1");

    let mut registry = Registry::default();
    let id = meet(&mut registry, "u1 m1", 1, 0).id.unwrap();
    registry.change(id, |record| record.learnt.sent_local = Some(at(1)));
    assert_eq!(meet(&mut registry, "u1 m2", 2, 30).id, Some(id));
}

#[test]
fn a_declared_machine_without_a_uuid_is_one_whatever_card_it_shows() {
    let mut registry = Registry::default();
    let oden = Name::new("oden").unwrap();
    let mut ask = |words, name, from, seconds| {
        let met = registry.meet(&facts(words), name, address(from), at(seconds));
        registry.is_consistent().unwrap();
        met.id
    };
    assert_eq!(ask("m1", Some(&oden), 1, 0), Some(MachineId(1)));
    assert_eq!(ask("m2", Some(&oden), 2, HOUR), Some(MachineId(1)));
    assert_eq!(ask("m3", None, 3, HOUR), Some(MachineId(2)));
    // Now declared as oden as well, but it was another one all the time.
    assert_eq!(ask("m3", Some(&oden), 3, 2 * HOUR), Some(MachineId(2)));
}

#[test]
fn two_machines_that_were_taken_for_one_are_two_once_both_are_seen_to_run() {
    let mut registry = Registry::default();
    let id = meet(&mut registry, "u1 m1", 1, 0).id.unwrap();
    registry.change(id, |record| record.learnt.sent_local = Some(at(1)));
    // As the next card of the same machine would.
    meet(&mut registry, "u1 m2", 2, 30);
    assert_eq!(shown(&registry), "1: u1 m2 m1");
    let mut waiting = facts("u1 m1");
    waiting.attempt = 3;
    let met = registry.meet(&waiting, None, address(1), at(40));
    registry.is_consistent().unwrap();
    assert_eq!(shown(&registry), "1: u1 m1, 2: u1 m2");
    assert_eq!(
        short(&met),
        ["moved 52:54:00:00:00:02 from 1", "shared with 1"]
    );
    assert_eq!(met.changed, [MachineId(1), MachineId(2)]);
    let at_2 = registry.at_address(address(2).unwrap());
    assert_eq!((met.id, at_2), (Some(id), Some(MachineId(2))));
    let other = meet(&mut registry, "u1 m2", 2, 50);
    assert_eq!((other.id, other.is_new), (Some(MachineId(2)), false));
    let again = registry.meet(&waiting, None, address(1), at(60));
    assert!(again.events.is_empty() && again.changed.is_empty());
}

#[test]
fn one_machine_that_waits_on_its_next_card_is_not_split() {
    let mut registry = Registry::default();
    for (words, attempt, from, seconds) in [
        ("u1 m1 sX1234", 0, 1, 0),
        ("u1 m1 sX1234", 1, 1, 5),
        ("u1 m2 sX1234", 0, 2, 30),
        ("u1 m2 sX1234", 1, 2, 35),
    ] {
        let mut facts = facts(words);
        facts.attempt = attempt;
        registry.meet(&facts, None, address(from), at(seconds));
    }
    assert_eq!(shown(&registry), "1: u1 m2 m1");
}

#[test]
fn what_happened_is_told_in_sentences() {
    let mut registry = Registry::default();
    meet(&mut registry, "u1 m1", 1, 0);
    let met = meet(&mut registry, "u1 m2", 2, 60);
    assert_eq!(
        told(&met),
        [
            "2 has the same UUID 4c4c4501-0042-3510-8052-b4c04f4d3132 as machine 1, which is another \
             one: it was at 192.168.1.1 60 seconds ago with other cards, and this one is at 192.168.1.2"
        ]
    );
    meet(&mut registry, "m3", 3, 60);
    assert_eq!(
        told(&meet(&mut registry, "m2 m3", 2, 90)),
        [
            "2 is the same as what was machine 3: it has cards of both, such as 52:54:00:00:00:03 of the other"
        ]
    );
}
