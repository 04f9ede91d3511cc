//! What is written, found and bounded.

use super::*;

#[test]
fn what_did_not_change_is_not_kept_at_once() {
    let mut registry = Registry::default();
    let grain = limits::LAST_SEEN_GRAIN.as_secs();
    let met = meet(&mut registry, "u1 m1", 1, 0);
    assert!(met.is_new && met.changed == [MachineId(1)]);
    for seconds in [1, 60, grain - 1] {
        let met = meet(&mut registry, "u1 m1", 1, seconds);
        assert!(!met.is_new && met.changed.is_empty(), "{seconds}");
        assert_eq!(registry.get(MachineId(1)).unwrap().last_seen, at(seconds));
    }
    assert_eq!(
        meet(&mut registry, "u1 m1", 1, grain).changed,
        [MachineId(1)]
    );
    assert!(
        meet(&mut registry, "u1 m1", 1, grain + 1)
            .changed
            .is_empty()
    );
    assert_eq!(
        meet(&mut registry, "u1 m1", 9, grain + 2).changed,
        [MachineId(1)]
    );
}

#[test]
fn waiting_machines_change_nothing_by_asking_again() {
    let mut registry = Registry::default();
    let mut facts = facts("u1 m1");
    registry.meet(&facts, None, address(1), at(0));
    facts.attempt = 7;
    facts.menu = true;
    facts.item = Name::new("rescue").ok();
    assert!(
        registry
            .meet(&facts, None, address(1), at(60))
            .changed
            .is_empty()
    );
    assert_eq!(registry.get(MachineId(1)).unwrap().facts.attempt, 0);
}

#[test]
fn who_says_nothing_is_no_machine() {
    let mut registry = Registry::default();
    let met = meet(&mut registry, "pX3550", 1, 0);
    assert!(met.id.is_none() && !met.is_new && registry.is_empty());
}

#[test]
fn an_address_belongs_to_the_last_who_asked() {
    let mut registry = Registry::default();
    meet(&mut registry, "u1 m1", 1, 0);
    let met = meet(&mut registry, "u2 m2", 1, 60);
    assert_eq!(met.changed, [MachineId(2), MachineId(1)]);
    assert_eq!(registry.at_address(address(1).unwrap()), Some(MachineId(2)));
    assert_eq!(registry.get(MachineId(1)).unwrap().address, None);
    // A clock that was set back changes nothing of this.
    meet(&mut registry, "u1 m1", 1, 30);
    assert_eq!(registry.at_address(address(1).unwrap()), Some(MachineId(1)));
}

#[test]
fn a_card_that_is_heard_brings_its_machine_up_to_date() {
    let mut registry = Registry::default();
    assert!(
        registry
            .heard(mac(1), address(1), false, at(0))
            .id
            .is_none()
    );
    let met = registry.heard(mac(1), address(1), true, at(0));
    assert!(met.is_new && met.changed == [MachineId(1)]);
    registry.is_consistent().unwrap();
    assert!(
        registry
            .heard(mac(1), address(1), true, at(1))
            .changed
            .is_empty()
    );
    let met = meet(&mut registry, "u1 m2 m1", 1, 5);
    assert_eq!(
        (met.id, &*shown(&registry)),
        (Some(MachineId(1)), "1: u1 m2 m1")
    );
    // The installed system's DHCP does not change which card it boots from, nor what is known.
    let met = registry.heard(mac(1), address(7), false, at(9));
    assert_eq!(met.changed, [MachineId(1)]);
    assert_eq!(shown(&registry), "1: u1 m2 m1");
    assert_eq!(
        registry.get(MachineId(1)).unwrap().facts.manufacturer,
        "IBM"
    );
    assert_eq!(registry.at_address(address(7).unwrap()), Some(MachineId(1)));
    registry.heard(mac(1), Some(IpAddr::from([0, 0, 0, 0])), false, at(9));
    assert_eq!(registry.at_address(address(7).unwrap()), Some(MachineId(1)));
    registry.is_consistent().unwrap();
}

#[test]
fn a_thin_request_forgets_nothing_and_a_handshake_says_all() {
    let mut registry = Registry::default();
    meet(&mut registry, "u1 m1 sX1234 pX3550", 1, 0);
    meet(&mut registry, "hardly m1", 1, 9);
    let product = |registry: &Registry| registry.get(MachineId(1)).unwrap().facts.product.clone();
    assert_eq!(product(&registry), "X3550");
    meet(&mut registry, "u1 m1", 1, 9);
    assert_eq!(product(&registry), "");
}

#[test]
fn a_machine_is_found_by_what_people_call_it() {
    let mut registry = Registry::default();
    meet(&mut registry, "u1 m1", 1, 0);
    meet(&mut registry, "u2 m2", 2, 0);
    let name = |text| Name::new(text).ok();
    registry.change(MachineId(1), |record| record.given_name = name("oden"));
    registry.change(MachineId(2), |record| record.declared = name("oden"));
    registry.is_consistent().unwrap();
    let of = |text: &str| registry.named(text).map(|id| id.0);
    assert_eq!(of("oden"), Some(2), "a declared name counts more");
    assert_eq!(of("52-54-00-00-00-01"), Some(1));
    assert_eq!(of(&uuid(2).swapped().to_string()), Some(2));
    assert_eq!((of("2"), of("3"), of("thor")), (Some(2), None, None));
    registry.take(MachineId(2));
    assert_eq!(registry.named("oden"), Some(MachineId(1)));
}

#[test]
fn machines_of_a_policy_are_counted() {
    let mut registry = Registry::default();
    for number in 1..4 {
        let id = meet(&mut registry, &format!("u{number}"), number, 0)
            .id
            .unwrap();
        registry.change(id, |record| record.policy = Some("old servers".to_owned()));
    }
    assert_eq!(registry.counted("old servers"), 3);
    registry.change(MachineId(1), |record| record.policy = None);
    registry.take(MachineId(2));
    assert_eq!(
        (registry.counted("old servers"), registry.counted("x")),
        (1, 0)
    );
    registry.is_consistent().unwrap();
}

#[test]
fn a_record_stays_small_whatever_is_put_in() {
    let mut registry = Registry::default();
    let long = "\u{e4}".repeat(100_000);
    let mut facts = facts("u1 m1");
    facts.product = long.clone();
    facts.macs.extend((10..200).map(mac));
    let id = registry.meet(&facts, None, address(1), at(0)).id.unwrap();
    registry.change(id, |record| {
        record.wishes.notes = long.clone();
        record.wishes.loader = Some(long.clone());
        record.learnt.loader = Some((long.clone(), long.clone()));
        record.phase = Phase::Failed {
            reason: long.clone(),
        };
        record.macs = (0..200).chain(0..200).map(mac).collect();
        record.wishes.tags = (0..1000)
            .filter_map(|n| Name::new(&format!("t{n}")).ok())
            .collect();
    });
    registry.is_consistent().unwrap();
    let text = serde_json::to_string(registry.get(id).unwrap()).unwrap();
    assert!(text.len() < 16 << 10, "{}", text.len());
}

#[test]
fn numbers_are_never_used_again() {
    let mut registry = Registry::new([] as [Record; 0], 5);
    assert_eq!(meet(&mut registry, "m1", 1, 0).id, Some(MachineId(5)));
    registry.take(MachineId(5));
    assert_eq!(meet(&mut registry, "m1", 1, 0).id, Some(MachineId(6)));
    // Not even when what was kept says otherwise.
    let records: Vec<Record> = registry.iter().cloned().collect();
    assert_eq!(
        meet(&mut Registry::new(records, 1), "m2", 1, 0).id,
        Some(MachineId(7))
    );
}

#[test]
fn kept_records_that_contradict_each_other_are_taken_up() {
    let mut registry = Registry::default();
    meet(&mut registry, "u1 m1", 1, 0);
    let first = registry.get(MachineId(1)).unwrap().clone();
    let mut later = Record {
        id: MachineId(2),
        last_seen: at(5),
        ..first.clone()
    };
    later.uuid = Some(uuid(2));
    let registry = Registry::new([first.clone(), later, first], 1);
    registry.is_consistent().unwrap();
    assert_eq!(shown(&registry), "1: u1 m1, 2: u2");
    assert_eq!(registry.at_address(address(1).unwrap()), Some(MachineId(2)));
}

#[test]
fn the_cards_from_before_are_those_that_a_request_is_held_against() {
    let mut registry = Registry::default();
    assert!(meet(&mut registry, "u1 m1", 1, 0).known.is_empty());
    assert_eq!(meet(&mut registry, "u1 m2", 1, 9).known, [mac(1)]);
    // A card that was only heard of says nothing for whom it claims to be.
    registry.heard(mac(3), address(3), true, at(9));
    assert_eq!(meet(&mut registry, "u1 m3", 3, 900).known, [mac(2), mac(1)]);
}
