//! A process that writes is killed at random moments: whatever it said is on the disk is there the next
//! time. `HEARTH_KILLS=1000` for the long form.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use hearth::id::MachineId;
use hearth::store::{EventFilter, EventRow, MachineRow, Sqlite, Store, Write};

const FOLDER: &str = "HEARTH_KILLS_FOLDER";
const MACHINES: u64 = 20;

fn machine(id: u64, count: u64) -> Write {
    Write::Machine(Box::new(MachineRow {
        id: MachineId(id),
        name: None,
        uuid: None,
        phase: "ready".to_owned(),
        last_seen: count,
        data: format!("{count} {}", "x".repeat(700)),
    }))
}

fn event(seq: u64, machine: u64) -> Write {
    Write::Event(EventRow {
        seq,
        at: u64::MAX >> 2,
        machine: Some(MachineId(machine)),
        kind: "script".to_owned(),
        data: seq.to_string(),
    })
}

/// What the child does: several threads, each with machines of its own, say what was acknowledged.
#[test]
#[ignore = "the process that is killed"]
fn writes_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else {
        return;
    };
    let (store, contents) = Sqlite::open(Path::new(&folder)).unwrap();
    let next = std::sync::atomic::AtomicU64::new(contents.next_seq);
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (store, next) = (&store, &next);
            scope.spawn(move || {
                for id in (1..=MACHINES).filter(|id| id % 4 == thread).cycle() {
                    let seq = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    // The event and the machine: both or none.
                    let changes = vec![machine(id, seq), event(seq, id)];
                    // Nobody waits for this one.
                    drop(store.write(vec![machine(id, seq)]));
                    store.write(changes).wait().unwrap();
                    let mut out = std::io::stderr().lock();
                    let _ = out.write_all(format!("{id} {seq}\n").as_bytes());
                }
            });
        }
    });
}

fn kill_once(folder: &Path, after: Duration, known: &mut [u64]) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "writes_until_it_is_killed"])
        .args(["--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).split(b'\n');
    let reader = std::thread::spawn(move || {
        // A last line may be cut.
        let line = |line: Vec<u8>| {
            let text = String::from_utf8(line).ok()?;
            let (id, seq) = text.split_once(' ')?;
            Some((id.parse::<usize>().ok()?, seq.parse::<u64>().ok()?))
        };
        let lines = lines.map_while(Result::ok).filter_map(line);
        lines.collect::<Vec<_>>()
    });
    // The moment of the kill is the point of this test, not something to wait for.
    std::thread::sleep(after);
    child.kill().unwrap();
    child.wait().unwrap();
    let acknowledged = reader.join().unwrap();

    let (store, contents) = Sqlite::open(folder).unwrap();
    for &(id, seq) in &acknowledged {
        known[id] = known[id].max(seq);
    }
    for (id, &seq) in known.iter().enumerate().filter(|(_, seq)| **seq > 0) {
        let row = contents.machines.iter().find(|row| row.id.0 == id as u64);
        let row = row.unwrap_or_else(|| panic!("machine {id} is lost"));
        let there: u64 = row.data.split(' ').next().unwrap().parse().unwrap();
        assert!(
            there >= seq,
            "machine {id}: {seq} was acknowledged, {there} is there"
        );
    }
    for &(id, seq) in acknowledged.iter().rev().take(200) {
        let filter = EventFilter {
            after: Some(seq - 1),
            limit: 1,
            ..EventFilter::default()
        };
        let events = store.events(&filter).unwrap();
        let found = events.first().map(|row| (row.seq, row.machine));
        assert_eq!(found, Some((seq, Some(MachineId(id as u64)))));
    }
    acknowledged.len() as u64
}

#[test]
fn no_acknowledged_change_is_lost_by_a_kill() {
    let kills = std::env::var("HEARTH_KILLS").map_or(30, |kills| kills.parse::<u64>().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut known = [0; MACHINES as usize + 1];
    let mut acknowledged = 0;
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..kills {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let after = Duration::from_micros(2_000 + random % 120_000);
        acknowledged += kill_once(folder.path(), after, &mut known);
    }
    assert!(
        acknowledged > kills,
        "only {acknowledged} changes were made"
    );
    let connection = rusqlite::Connection::open(folder.path().join("hearth.db")).unwrap();
    let verdict: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(verdict, "ok");
    println!("{kills} kills, {acknowledged} acknowledged changes, none lost");
}
