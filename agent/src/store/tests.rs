use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::id::MachineId;
use crate::limits;

mod bounds;
mod migration;

fn machine(id: u64, data: &str) -> Write {
    Write::Machine(Box::new(MachineRow {
        id: MachineId(id),
        name: Some(format!("m{id}")),
        uuid: None,
        phase: "ready".to_owned(),
        last_seen: 5,
        data: data.to_owned(),
    }))
}

fn event(seq: u64, machine: Option<u64>) -> Write {
    Write::Event(EventRow {
        seq,
        at: u64::MAX >> 2,
        machine: machine.map(MachineId),
        kind: "script".to_owned(),
        data: format!("{{\"seq\":{seq}}}"),
    })
}

fn audit(who: &str) -> Write {
    Write::Audit(AuditRow {
        seq: 0,
        at: 7,
        who: who.to_owned(),
        what: "{}".to_owned(),
    })
}

fn all() -> EventFilter {
    EventFilter {
        limit: 1_000,
        ..EventFilter::default()
    }
}

fn seqs(store: &dyn Store, filter: &EventFilter) -> Vec<u64> {
    let events = store.events(filter).unwrap();
    events.iter().map(|event| event.seq).collect()
}

fn open(folder: &tempfile::TempDir) -> (Arc<Sqlite>, Contents) {
    Sqlite::open(folder.path()).unwrap()
}

fn refused(folder: &tempfile::TempDir) -> String {
    Sqlite::open(folder.path())
        .map(|_| ())
        .unwrap_err()
        .to_string()
}

#[test]
fn what_was_acknowledged_is_there_the_next_time() {
    let folder = tempfile::tempdir().unwrap();
    let (store, contents) = open(&folder);
    assert_eq!((contents.next_machine, contents.next_seq), (1, 1));
    let token = TokenRow {
        name: "gui".to_owned(),
        hash: "ab".to_owned(),
        role: "admin".to_owned(),
        created: 1,
        expires: Some(9),
    };
    let changes = vec![
        machine(1, "one"),
        machine(2, "two"),
        event(1, Some(1)),
        Write::Token(token.clone()),
        audit("root"),
    ];
    store.write(changes).wait().unwrap();
    drop(store);
    let (store, contents) = open(&folder);
    let data: Vec<_> = contents.machines.iter().map(|row| &row.data[..]).collect();
    assert_eq!(data, ["one", "two"]);
    assert_eq!(contents.tokens, [token]);
    assert_eq!((contents.next_machine, contents.next_seq), (3, 2));
    assert_eq!(seqs(&*store, &all()), [1]);
    assert_eq!(store.audit(None, 10).unwrap()[0].who, "root");
}

#[test]
fn a_database_that_was_closed_has_no_log_to_be_read_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    for id in 1..=300 {
        drop(store.write(vec![machine(id, &"x".repeat(1_000))]));
    }
    drop(store);
    let log = fs::metadata(folder.path().join("hearth.db-wal"));
    assert_eq!(log.map_or(0, |log| log.len()), 0);
    assert_eq!(open(&folder).1.machines.len(), 300);
}

#[test]
fn a_number_is_never_given_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    store.write(vec![machine(7, "")]).wait().unwrap();
    store
        .write(vec![Write::Forget(MachineId(7))])
        .wait()
        .unwrap();
    drop(store);
    let (_, contents) = open(&folder);
    assert!(contents.machines.is_empty());
    assert_eq!(contents.next_machine, 8);
}

#[test]
fn the_last_state_counts_and_a_merge_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let merge = Write::Merge {
        into: MachineId(1),
        from: MachineId(2),
    };
    let changes = vec![
        machine(1, "old"),
        machine(2, "other"),
        event(1, Some(2)),
        merge,
        machine(1, "new"),
    ];
    store.write(changes).wait().unwrap();
    drop(store);
    let (store, contents) = open(&folder);
    let data: Vec<_> = contents.machines.iter().map(|row| &row.data[..]).collect();
    assert_eq!(data, ["new"]);
    assert_eq!(store.events(&all()).unwrap()[0].machine, Some(MachineId(1)));
}

#[test]
fn a_newer_a_foreign_and_a_broken_database_are_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder));
    let path = folder.path().join(FILE);
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let before = fs::read(&path).unwrap();
    let why = refused(&folder);
    assert!(
        why.contains("later version") && why.contains("schema 99"),
        "{why}"
    );
    assert_eq!(fs::read(&path).unwrap(), before);

    fs::remove_file(&path).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("CREATE TABLE x (y)").unwrap();
    drop(connection);
    assert!(
        refused(&folder).contains("another program"),
        "{}",
        refused(&folder)
    );

    fs::write(
        &path,
        "these are no pages of a database, but there are enough of them\n".repeat(100),
    )
    .unwrap();
    let why = refused(&folder);
    assert!(why.contains("damaged") && why.contains("restore"), "{why}");
    assert!(fs::read(&path).unwrap().starts_with(b"these are"));
}

#[test]
fn two_agents_do_not_share_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let kept = open(&folder);
    assert!(
        refused(&folder).contains("another hearth"),
        "{}",
        refused(&folder)
    );
    drop(kept);
    open(&folder);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Sqlite::open(&file.join("state"))
        .map(|_| ())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("server.state") && error.contains("file/state"),
        "{error}"
    );
}

#[test]
fn a_database_that_breaks_while_it_is_used_is_told_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    // Another process that holds the write lock longer than anybody waits.
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = store.write(vec![machine(1, "kept")]).wait().unwrap_err();
    assert!(error.to_string().contains("in memory only"), "{error}");
    assert!(store.trouble().is_some());
    other.execute_batch("ROLLBACK").unwrap();
    store.write(vec![machine(2, "")]).wait().unwrap();
    assert_eq!(store.trouble(), None);
    drop(store);
    let (_, contents) = open(&folder);
    assert_eq!(
        contents.machines[0].data, "kept",
        "what was refused was written all the same"
    );
}

#[test]
fn an_impossible_change_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let token = |name: &str| {
        Write::Token(TokenRow {
            name: name.to_owned(),
            hash: "same".to_owned(),
            role: "read".to_owned(),
            created: 0,
            expires: None,
        })
    };
    store
        .write(vec![token("a"), machine(1, "")])
        .wait()
        .unwrap();
    drop(store.write(vec![token("b")]));
    store.write(vec![machine(2, "")]).wait().unwrap();
}

#[test]
fn a_backup_is_whole_and_leads_back() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    store
        .write(vec![machine(1, "then"), event(1, Some(1))])
        .wait()
        .unwrap();
    let backup: PathBuf = folder.path().join("backup.db");
    store.backup(&backup).unwrap();
    assert!(
        store
            .backup(&backup)
            .unwrap_err()
            .to_string()
            .contains("there already")
    );
    store
        .write(vec![machine(1, "now"), machine(2, "")])
        .wait()
        .unwrap();
    let contents = store.restore(&backup).unwrap();
    assert_eq!(contents.machines.len(), 1);
    assert_eq!(contents.machines[0].data, "then");
    store.write(vec![machine(3, "later")]).wait().unwrap();
    drop(store);
    let (store, contents) = open(&folder);
    assert_eq!(contents.machines.len(), 2);
    fs::write(&backup, "nothing").unwrap();
    let why = store.restore(&backup).unwrap_err().to_string();
    assert!(why.contains("backup.db"), "{why}");
    let before = folder.path().join("hearth.db.before-restore");
    assert_eq!(store.restore(&before).unwrap().machines.len(), 2);
}

#[test]
fn whoever_waits_behind_a_disk_that_takes_nothing_is_told_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = store.write(vec![machine(1, "")]);
    let began = std::time::Instant::now();
    while store.trouble().is_none() {
        assert!(began.elapsed() < limits::STORE_PATIENCE * 3);
        std::thread::yield_now();
    }
    let second = store.write(vec![machine(2, "")]);
    assert!(first.wait().is_err());
    assert!(second.wait().is_err());
    other.execute_batch("ROLLBACK").unwrap();
    store.write(vec![machine(3, "")]).wait().unwrap();
    drop(store);
    assert_eq!(open(&folder).1.machines.len(), 3);
}

#[test]
fn a_restore_gives_no_number_again_that_was_given_since_the_backup() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let backup = folder.path().join("backup.db");
    store.backup(&backup).unwrap();
    store
        .write(vec![machine(9, ""), event(30, Some(9))])
        .wait()
        .unwrap();
    let contents = store.restore(&backup).unwrap();
    assert!(contents.machines.is_empty());
    assert_eq!((contents.next_machine, contents.next_seq), (10, 31));
    drop(store);
    let contents = open(&folder).1;
    assert_eq!((contents.next_machine, contents.next_seq), (10, 31));
}

#[test]
fn a_backup_of_a_later_hearth_or_of_another_program_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    store.write(vec![machine(1, "now")]).wait().unwrap();
    let backup = folder.path().join("backup.db");
    store.backup(&backup).unwrap();
    let other = rusqlite::Connection::open(&backup).unwrap();
    other.pragma_update(None, "user_version", 99).unwrap();
    let why = store.restore(&backup).unwrap_err().to_string();
    assert!(why.contains("later version"), "{why}");
    other.pragma_update(None, "application_id", 5).unwrap();
    let why = store.restore(&backup).unwrap_err().to_string();
    assert!(why.contains("another program"), "{why}");
    drop(store);
    assert_eq!(open(&folder).1.machines.len(), 1);
}

#[test]
fn what_only_looks_like_a_backup_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    store
        .write(vec![machine(1, "now"), event(30, Some(1))])
        .wait()
        .unwrap();
    let backup = folder.path().join("backup.db");
    store.backup(&backup).unwrap();
    let other = rusqlite::Connection::open(&backup).unwrap();
    other.execute_batch("DROP TABLE machines").unwrap();
    let why = store.restore(&backup).unwrap_err().to_string();
    assert!(why.contains("backup.db: no such table"), "{why}");
    assert!(why.contains("there again"), "{why}");
    store
        .write(vec![machine(2, "later"), event(31, Some(2))])
        .wait()
        .unwrap();
    assert_eq!(seqs(&*store, &all()), [30, 31]);
    drop(store);
    assert_eq!(open(&folder).1.machines.len(), 2);
}

#[test]
fn files_of_the_database_are_not_for_everybody() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    store.write(vec![machine(1, "")]).wait().unwrap();
    store.backup(&folder.path().join("backup.db")).unwrap();
    for item in fs::read_dir(folder.path()).unwrap() {
        let item = item.unwrap();
        let mode = item.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o027, 0, "{:?} {mode:o}", item.path());
    }
}

fn filters() -> impl Strategy<Value = EventFilter> {
    (
        proptest::option::of(1_u64..4),
        proptest::option::of(0_u64..30),
        proptest::option::of(0_u64..30),
        any::<bool>(),
        1_usize..40,
    )
        .prop_map(
            |(machine, after, before, newest_first, limit)| EventFilter {
                machine: machine.map(MachineId),
                after,
                before,
                newest_first,
                limit,
                ..EventFilter::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn it_answers_as_one_without_a_disk_does(
        about in proptest::collection::vec(proptest::option::of(1_u64..4), 0..25),
        merged in proptest::option::of((1_u64..4, 1_u64..4)),
        filter in filters(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (store, _) = open(&folder);
        let model = Memory::default();
        let mut changes: Vec<_> = (1..).zip(&about).map(|(seq, id)| event(seq, *id)).collect();
        if let Some((into, from)) = merged.filter(|(into, from)| into != from) {
            changes.push(Write::Merge { into: MachineId(into), from: MachineId(from) });
        }
        model.write(changes.clone()).wait().unwrap();
        store.write(changes).wait().unwrap();
        prop_assert_eq!(store.events(&filter).unwrap(), model.events(&filter).unwrap());
    }
}

#[test]
fn nobody_waits_for_a_change_longer_than_is_bearable() {
    let (_written, pending) = Pending::new();
    let began = std::time::Instant::now();
    assert!(
        pending
            .wait()
            .unwrap_err()
            .to_string()
            .contains("did not take")
    );
    assert!(began.elapsed() >= crate::limits::STORE_PATIENCE);
    let (written, pending) = Pending::new();
    let told = std::thread::spawn(move || written.send(Ok(())));
    assert_eq!(pending.wait(), Ok(()));
    assert_eq!(told.join().unwrap(), Ok(()));
}

#[test]
fn a_restore_does_not_wait_for_a_disk_that_takes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (store, _) = open(&folder);
    let backup = folder.path().join("backup.db");
    store.write(vec![machine(1, "then")]).wait().unwrap();
    store.backup(&backup).unwrap();
    // A table that is gone stands for a file that broke.
    let other = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    other.execute_batch("DROP TABLE machines").unwrap();
    assert!(store.write(vec![machine(2, "lost")]).wait().is_err());
    assert!(store.trouble().is_some());
    assert_eq!(store.restore(&backup).unwrap().machines.len(), 1);
    store.write(vec![machine(3, "later")]).wait().unwrap();
    assert_eq!(store.trouble(), None);
    drop(store);
    let data: Vec<_> = open(&folder).1.machines;
    let data: Vec<_> = data.iter().map(|row| &row.data[..]).collect();
    assert_eq!(data, ["then", "later"]);
}
