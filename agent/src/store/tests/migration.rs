//! Databases of earlier schemas.

use super::*;

/// What the first schema was, whatever the migrations say today.
const FIRST: &str = "
    CREATE TABLE machines (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT, uuid TEXT,
        phase TEXT NOT NULL, last_seen INTEGER NOT NULL, data TEXT NOT NULL) STRICT;
    CREATE INDEX machines_name ON machines (name);
    CREATE INDEX machines_uuid ON machines (uuid);
    CREATE INDEX machines_phase ON machines (phase);
    CREATE TABLE macs (machine INTEGER NOT NULL REFERENCES machines (id) ON DELETE CASCADE,
        place INTEGER NOT NULL, mac TEXT NOT NULL, PRIMARY KEY (machine, place)) STRICT, WITHOUT ROWID;
    CREATE INDEX macs_mac ON macs (mac);
    CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, machine INTEGER,
        kind TEXT NOT NULL, data TEXT NOT NULL) STRICT;
    CREATE INDEX events_machine ON events (machine, seq);
    CREATE TABLE tokens (name TEXT PRIMARY KEY, hash TEXT NOT NULL UNIQUE, role TEXT NOT NULL,
        created INTEGER NOT NULL, expires INTEGER) STRICT, WITHOUT ROWID;
    CREATE TABLE audit (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, who TEXT NOT NULL,
        what TEXT NOT NULL) STRICT;
    PRAGMA application_id = 0x48525448;
    PRAGMA user_version = 1;
    PRAGMA journal_mode = WAL;

    INSERT INTO machines VALUES
        (4, 'oden', '4c4c4544-0042-3510-8052-b4c04f4d3132', 'ready', 7, '{\"of\":\"the first\"}'),
        (9, NULL, NULL, 'held', 8, 'second');
    DELETE FROM machines WHERE id = 9;
    INSERT INTO macs VALUES (4, 0, '52:54:00:00:00:01'), (4, 1, '52:54:00:00:00:02');
    INSERT INTO events VALUES (11, 1, 4, 'script', '{}'), (12, 2, NULL, 'dhcp', '{}');
    INSERT INTO tokens VALUES ('gui', 'ab', 'admin', 1, 9);
    INSERT INTO audit (at, who, what) VALUES (3, 'root', '{\"action\":\"hold\"}');
";

fn first(folder: &tempfile::TempDir) {
    let path = folder.path().join(FILE);
    let connection = rusqlite::Connection::open(path).unwrap();
    connection.execute_batch(FIRST).unwrap();
}

fn schema(folder: &tempfile::TempDir) -> Vec<(String, String)> {
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    let mut statement = connection
        .prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_database_of_the_first_schema_is_taken_over_whole() {
    let folder = tempfile::tempdir().unwrap();
    first(&folder);
    for _ in 0..2 {
        let (store, contents) = open(&folder);
        assert_eq!(contents.machines.len(), 1);
        assert_eq!(contents.machines[0].id, MachineId(4));
        assert_eq!(contents.machines[0].data, "{\"of\":\"the first\"}");
        assert_eq!((contents.next_machine, contents.next_seq), (10, 13));
        assert_eq!(contents.tokens[0].hash, "ab");
        assert_eq!(seqs(&*store, &all()), [11, 12]);
        assert_eq!(store.audit(None, 9).unwrap()[0].who, "root");
    }
    let (store, _) = open(&folder);
    store
        .write(vec![machine(4, "changed"), machine(10, "new")])
        .wait()
        .unwrap();
    drop(store);
    assert_eq!(open(&folder).1.machines[0].data, "changed");
}

#[test]
fn an_old_database_becomes_what_a_new_one_is() {
    let (old, new) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    first(&old);
    drop((open(&old), open(&new)));
    let names = |folder| -> Vec<String> {
        let objects = schema(folder).into_iter().map(|(name, _)| name);
        objects
            .filter(|name| !name.starts_with("sqlite_"))
            .collect()
    };
    assert_eq!(names(&old), names(&new));
    assert!(
        !names(&new).contains(&"macs".to_owned()),
        "what nobody asks for is gone"
    );
}

#[test]
fn a_backup_of_the_first_schema_can_be_restored() {
    let (old, now) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    first(&old);
    let (store, _) = open(&now);
    store.write(vec![machine(20, "later")]).wait().unwrap();
    let contents = store.restore(&old.path().join(FILE)).unwrap();
    assert_eq!(contents.machines.len(), 1);
    assert_eq!(contents.next_machine, 21, "no number is given twice");
    store.write(vec![machine(4, "changed")]).wait().unwrap();
    drop(store);
    assert_eq!(open(&now).1.machines[0].data, "changed");
}

#[test]
fn a_step_that_cannot_be_made_leaves_the_database_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    first(&folder);
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    connection
        .execute_batch("DROP INDEX machines_phase")
        .unwrap();
    drop(connection);
    let before = schema(&folder);
    let why = refused(&folder);
    assert!(why.contains("machines_phase"), "{why}");
    assert_eq!(schema(&folder), before);
}
