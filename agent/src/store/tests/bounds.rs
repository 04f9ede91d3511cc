//! What waits for the disk, and what is kept on it, has bounds.

use std::time::{Duration, Instant};

use super::*;
use crate::config::{Events, defaults};
use crate::store::prune::Prune;

const SMALL: Events = Events {
    keep: Duration::from_secs(3_600),
    per_machine: 100,
    in_all: 1_500,
};

/// Takes the disk away until the end.
fn locked(folder: &tempfile::TempDir) -> rusqlite::Connection {
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

fn large(seq: u64) -> Write {
    Write::Event(EventRow {
        seq,
        at: u64::MAX >> 2,
        machine: None,
        kind: "script".to_owned(),
        data: format!("\"{}\"", "x".repeat(20_000)),
    })
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn events_that_find_no_room_are_dropped_and_counted_and_nothing_else_is() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let other = locked(&folder);
    let count = 2 * limits::STORE_BYTES as u64 / 20_000;
    for seq in 1..=count {
        drop(store.write(vec![large(seq)]));
    }
    let pending = store.write(vec![machine(1, "kept"), event(count + 1, Some(1))]);
    let backlog = store.backlog();
    assert!(backlog.bytes <= limits::STORE_BYTES, "{backlog:?}");
    assert!(backlog.events_dropped > count / 3, "{backlog:?}");
    other.execute_batch("ROLLBACK").unwrap();
    pending.wait().unwrap();
    wait_for("nothing waits", || store.backlog().bytes == 0);
    let total = store.backlog().events_dropped + seqs(&*store, &all()).len() as u64;
    assert_eq!(total, count + 1);
    drop(store);
    assert_eq!(open(&folder).1.machines[0].data, "kept");
}

#[test]
fn machines_are_taken_where_nothing_else_is_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let other = locked(&folder);
    drop(store.write(vec![machine(1, "")]));
    wait_for("the first is tried", || store.trouble().is_some());
    drop(store.write(vec![large(1)]));
    let data = "x".repeat(1 << 20);
    for id in 2..=10 {
        drop(store.write(vec![machine(id, &data)]));
    }
    let why = store.write(vec![audit("root")]).wait().unwrap_err().0;
    assert!(why.contains("too much waits"), "{why}");
    assert_eq!(store.backlog().events_dropped, 1, "it made room");
    other.execute_batch("ROLLBACK").unwrap();
    store.write(vec![machine(11, "")]).wait().unwrap();
    assert!(store.write(vec![audit("root")]).wait().is_ok());
    drop(store);
    assert_eq!(open(&folder).1.machines.len(), 11);
}

#[test]
fn a_backup_has_what_waited_when_it_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    for id in 1..=3_000 {
        drop(store.write(vec![machine(id, "waits")]));
        drop(store.write(vec![machine(id, "and changes")]));
    }
    let backup = folder.path().join("backup.db");
    store.backup(&backup).unwrap();
    let backup = rusqlite::Connection::open(&backup).unwrap();
    let count: u32 = backup
        .query_row(
            "SELECT count(*) FROM machines WHERE data = 'and changes'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(count, 3_000);
}

/// Removes everything that is too much; how many steps that took.
fn pruned(folder: &tempfile::TempDir, keep: &Events, now: u64) -> usize {
    let connection = sqlite::connect(&folder.path().join(FILE), true).unwrap();
    let mut prune = Prune::default();
    prune.begin(&connection, keep, now).unwrap();
    let mut steps = 1;
    while prune.step(&connection, keep).unwrap() {
        steps += 1;
    }
    steps
}

fn of(machine: u64) -> EventFilter {
    EventFilter {
        machine: Some(MachineId(machine)),
        limit: 10_000,
        ..EventFilter::default()
    }
}

#[test]
fn events_go_in_steps_and_the_newest_stay() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let many = (1..=1_300).map(|seq| event(seq, Some(1)));
    store.write(many.collect()).wait().unwrap();
    let steps = pruned(&folder, &SMALL, 0);
    assert_eq!(steps, 4, "1,200 in steps of 500, and one that finds none");
    let left = seqs(&*store, &of(1));
    assert_eq!((left.len(), left[0]), (100, 1_201));
    pruned(&folder, &SMALL, u64::MAX / 2);
    assert!(seqs(&*store, &of(1)).is_empty(), "by age");
}

#[test]
fn a_machine_that_says_much_takes_nothing_from_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let quiet = (1..=50).map(|seq| event(seq, Some(2)));
    let loud = (51..=4_000).map(|seq| event(seq, Some(1)));
    store.write(quiet.chain(loud).collect()).wait().unwrap();
    pruned(&folder, &SMALL, 0);
    assert_eq!(seqs(&*store, &of(1)).len(), 100);
    assert_eq!(seqs(&*store, &of(2)).len(), 50);
}

#[test]
fn there_are_only_so_many_events_in_all() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let many = (1..=4_000).map(|seq| event(seq, None));
    store.write(many.collect()).wait().unwrap();
    pruned(&folder, &SMALL, 0);
    let left = seqs(
        &*store,
        &EventFilter {
            limit: 10_000,
            ..EventFilter::default()
        },
    );
    assert_eq!((left.len(), left[0]), (1_500, 2_501));
}

#[test]
fn other_bounds_count_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    store.retain(&defaults::events());
    let many = (1..=1_000).map(|seq| event(seq, Some(seq % 2)));
    store.write(many.collect()).wait().unwrap();
    store.retain(&SMALL);
    wait_for("both machines have their last hundred", || {
        seqs(&*store, &of(0)).len() == 100 && seqs(&*store, &of(1)).len() == 100
    });
}
