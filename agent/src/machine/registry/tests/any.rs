//! Whatever comes in whatever order.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Meet {
        uuid: Option<u8>,
        swapped: bool,
        macs: Vec<u8>,
        serial: u8,
        is_thin: bool,
        attempt: u8,
        name: Option<u8>,
        address: u8,
    },
    Heard {
        mac: u8,
        address: u8,
        take_up: bool,
    },
    Change {
        id: u64,
        how: u8,
    },
    Take(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<(u64, Step)>> {
    let meet = (
        proptest::option::of(0..4_u8),
        any::<bool>(),
        proptest::collection::vec(0..6_u8, 0..4),
        0..4_u8,
        any::<bool>(),
        0..2_u8,
        proptest::option::of(0..2_u8),
        0..5_u8,
    );
    let meet = meet.prop_map(
        |(uuid, swapped, macs, serial, is_thin, attempt, name, address)| Step::Meet {
            uuid,
            swapped,
            macs,
            serial,
            is_thin,
            attempt,
            name,
            address,
        },
    );
    let heard = (0..8_u8, 0..5_u8, any::<bool>());
    let heard = heard.prop_map(|(mac, address, take_up)| Step::Heard {
        mac,
        address,
        take_up,
    });
    let change = (0..12_u64, 0..8_u8).prop_map(|(id, how)| Step::Change { id, how });
    let step = prop_oneof![
        12 => meet,
        2 => heard,
        2 => change,
        1 => (0..12_u64).prop_map(Step::Take),
        1 => Just(Step::Restart),
    ];
    proptest::collection::vec((0..200_u64, step), 1..60)
}

fn name(number: u8) -> Name {
    Name::new(&format!("n{number}")).unwrap()
}

fn change(record: &mut Record, how: u8) {
    match how {
        0 => record.macs = vec![mac(1), mac(2), mac(1)],
        1 => record.uuid = Some(uuid(2)),
        2 => record.given_name = Some(name(1)),
        3 => record.policy = Some("a".to_owned()),
        4 => record.policy = None,
        5 => record.address = address(1),
        6 => record.phase = Phase::Installed { profile: name(0) },
        _ => record.id = MachineId(1),
    }
}

proptest! {
    #[test]
    fn every_way_to_find_a_machine_agrees_with_the_records(steps in steps()) {
        let mut registry = Registry::default();
        let (mut now, mut seen, mut gone) = (0, BTreeSet::new(), BTreeSet::new());
        for (later, step) in steps {
            now += later;
            let before: BTreeSet<_> = registry.iter().map(|record| record.id).collect();
            match step {
                Step::Meet { uuid, swapped, macs, serial, is_thin, attempt, name, address } => {
                    let mut facts = facts(match serial {
                        0 => "",
                        1 => "sNone",
                        2 => "sX1234",
                        _ => "sX5678",
                    });
                    let order = |uuid: Uuid| if swapped { uuid.swapped() } else { uuid };
                    facts.uuid = uuid.map(|number| order(self::uuid(number)));
                    facts.macs = macs.into_iter().map(mac).collect();
                    facts.attempt = attempt;
                    if is_thin {
                        facts.platform = None;
                    }
                    let name = name.map(self::name);
                    let met = registry.meet(&facts, name.as_ref(), self::address(address), at(now));
                    let id = met.id.filter(|id| registry.get(*id).is_some());
                    prop_assert_eq!(id, met.id);
                    for id in &met.changed {
                        prop_assert!(registry.get(*id).is_some(), "{} is to be kept and gone", id);
                    }
                    for id in &met.merged {
                        prop_assert!(registry.get(*id).is_none() && before.contains(id));
                    }
                    for mac in &facts.macs {
                        prop_assert_eq!(registry.by_mac(*mac), met.id);
                    }
                    if let Some(id) = met.id {
                        prop_assert!(met.is_new != before.contains(&id));
                        prop_assert_eq!(registry.at_address(self::address(address).unwrap()), Some(id));
                        prop_assert!(met.events.iter().all(|(of, _)| registry.get(*of).is_some()));
                    }
                    // Asked again it is the same machine, and nothing is left to write.
                    let again = registry.meet(&facts, name.as_ref(), self::address(address), at(now));
                    prop_assert_eq!(again.id, met.id);
                    prop_assert!(again.changed.is_empty() && again.events.is_empty());
                }
                Step::Heard { mac, address, take_up } => {
                    registry.heard(self::mac(mac), self::address(address), take_up, at(now));
                }
                Step::Change { id, how } => {
                    registry.change(MachineId(id), |record| change(record, how));
                }
                Step::Take(id) => {
                    registry.take(MachineId(id));
                }
                Step::Restart => {
                    let records: Vec<Record> = registry.iter().cloned().collect();
                    registry = Registry::new(records, registry.next);
                }
            }
            let after: BTreeSet<_> = registry.iter().map(|record| record.id).collect();
            gone.extend(before.difference(&after).copied());
            seen.extend(after.iter().copied());
            prop_assert!(after.is_disjoint(&gone), "a number was used again");
            if let Err(wrong) = registry.is_consistent() {
                prop_assert!(false, "{}", wrong);
            }
        }
    }

    #[test]
    fn any_query_meets_a_machine_or_nobody(queries: Vec<String>) {
        let mut registry = Registry::default();
        for query in &queries {
            registry.meet(&Facts::parse(query), None, None, START);
        }
        prop_assert_eq!(registry.is_consistent(), Ok(()));
    }
}
