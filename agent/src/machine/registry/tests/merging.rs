//! What one record of two says.

use super::merge::merge;
use super::*;
use crate::config::LocalBoot;
use crate::machine::phase::Installing;

/// Two records, the second younger and heard of later.
fn two() -> (Record, Record) {
    let mut registry = Registry::default();
    meet(&mut registry, "m1 pOLD", 1, 0);
    meet(&mut registry, "u1 m2 pNEW", 2, 600);
    let get = |id| registry.get(MachineId(id)).unwrap().clone();
    (get(1), get(2))
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn number_and_first_sight_are_the_older_ones_and_the_rest_what_was_heard_last() {
    let (old, young) = two();
    for merged in [merge(old.clone(), young.clone()), merge(young, old)] {
        assert_eq!(merged.id, MachineId(1));
        assert_eq!((merged.first_seen, merged.last_seen), (at(0), at(600)));
        assert_eq!(
            (merged.uuid, merged.macs),
            (Some(uuid(1)), vec![mac(2), mac(1)])
        );
        assert_eq!(
            (&*merged.facts.product, merged.address),
            ("NEW", address(2))
        );
    }
}

#[test]
fn what_a_person_said_is_kept_and_the_older_record_counts_where_both_say_something() {
    let (mut old, mut young) = two();
    old.given_name = Some(name("oden"));
    young.given_name = Some(name("thor"));
    old.wishes.profile = Some(name("a"));
    young.wishes.profile = Some(name("b"));
    young.wishes.loader = Some("ipxe.efi".to_owned());
    young.wishes.local_boot = Some(LocalBoot::Exit);
    young.wishes.approved = true;
    young.wishes.held = true;
    old.wishes.tags = [name("x")].into();
    young.wishes.tags = [name("y")].into();
    old.wishes.notes = "one".to_owned();
    young.wishes.notes = "two".to_owned();
    let merged = merge(young, old);
    assert_eq!(merged.given_name, Some(name("oden")));
    let wishes = merged.wishes;
    assert_eq!(wishes.profile, Some(name("a")));
    assert_eq!(wishes.loader.as_deref(), Some("ipxe.efi"));
    assert!(wishes.approved && wishes.held && wishes.local_boot == Some(LocalBoot::Exit));
    assert_eq!(wishes.tags, [name("x"), name("y")].into());
    assert_eq!(wishes.notes, "one\ntwo");
}

#[test]
fn what_was_learnt_last_counts() {
    let (mut old, mut young) = two();
    let loader = |text: &str| Some((text.to_owned(), "it stalled".to_owned()));
    old.learnt.loader = loader("ipxe.efi");
    young.learnt.loader = loader("snponly.efi");
    old.learnt.sent_local = Some(at(3));
    old.learnt.sent_local_card = Some(mac(1));
    young.learnt.sent_local = Some(at(2));
    old.learnt.sent_once = Some((name("rescue"), at(9)));
    young.learnt.sent_once = Some((name("other"), at(8)));
    old.learnt.stalls = Some(("ipxe.efi".to_owned(), 2));
    let learnt = merge(old, young).learnt;
    assert_eq!(learnt.loader, loader("snponly.efi"));
    assert_eq!(
        (learnt.sent_local, learnt.sent_local_card),
        (Some(at(3)), Some(mac(1)))
    );
    assert_eq!(learnt.sent_once, Some((name("rescue"), at(9))));
    assert_eq!(learnt.stalls, Some(("ipxe.efi".to_owned(), 2)));
}

#[test]
fn the_phase_is_the_further_one_and_what_guards_a_disk_is_never_lost() {
    let profile = || name("p");
    let way = [
        Phase::Discovered,
        Phase::Held,
        Phase::Ready,
        Phase::Installing(Installing {
            profile: profile(),
            began: at(0),
            counted: None,
            tries: 1,
            chosen: false,
            token: None,
            address: address(1).unwrap(),
            last_file: None,
            loaded: false,
        }),
        Phase::Failed {
            reason: "time is up".to_owned(),
        },
        Phase::Installed { profile: profile() },
        Phase::Ignored,
    ];
    for (place, behind) in way.iter().enumerate() {
        for further in &way[place..] {
            let (mut old, mut young) = two();
            old.phase = further.clone();
            old.policy = Some("further".to_owned());
            young.phase = behind.clone();
            young.policy = Some("behind".to_owned());
            let merged = merge(old.clone(), young.clone());
            assert_eq!(merged.phase, *further);
            if further != behind {
                assert_eq!(merged.policy.as_deref(), Some("further"));
                assert_eq!(merged.since, old.since);
            }
            assert_eq!(merge(young, old).phase, *further);
        }
    }
}

#[test]
fn who_is_held_by_a_person_is_not_let_go_by_being_the_same_as_another() {
    let (mut old, mut young) = two();
    old.phase = Phase::Held;
    young.phase = Phase::Ready;
    assert_eq!(merge(old.clone(), young.clone()).phase, Phase::Ready);
    old.wishes.held = true;
    let merged = merge(old, young);
    assert!(merged.phase == Phase::Held && merged.wishes.held);
}

#[test]
fn more_cards_and_tags_than_a_machine_has_are_not_kept() {
    let (mut old, mut young) = two();
    old.macs = (10..18).map(mac).collect();
    young.macs = (20..28).map(mac).collect();
    let tags = |kind: &str| (0..30).map(|n| name(&format!("{kind}{n}"))).collect();
    old.wishes.tags = tags("a");
    young.wishes.tags = tags("b");
    let merged = merge(old.clone(), young.clone());
    assert_eq!(merged.macs, young.macs);
    assert_eq!(merged.wishes.tags.len(), limits::TAGS);
    assert!(merged.wishes.tags.is_superset(&old.wishes.tags));
}
