//! Changes as SQL.

use rusqlite::{Connection, params};

use super::read::signed;
use super::rows::{MachineRow, Write};
use crate::limits;

/// Makes one change, inside a transaction of the caller's.
pub fn apply(connection: &Connection, change: &Write) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        connection.prepare_cached(sql)?.execute(values).map(drop)
    };
    match change {
        Write::Machine(row) => machine(connection, row),
        Write::Forget(id) => run("DELETE FROM machines WHERE id = ?1", &[&signed(id.0)]),
        Write::Merge { into, from } => {
            let (into, from) = (signed(into.0), signed(from.0));
            run(
                "UPDATE events SET machine = ?1 WHERE machine = ?2",
                &[&into, &from],
            )?;
            run("DELETE FROM machines WHERE id = ?1", &[&from])
        }
        Write::Event(row) => run(
            "INSERT OR REPLACE INTO events (seq, at, machine, kind, data) VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                &signed(row.seq),
                &signed(row.at),
                &row.machine.map(|id| signed(id.0)),
                &row.kind,
                &row.data,
            ],
        ),
        Write::Token(row) => run(
            "INSERT OR REPLACE INTO tokens (name, hash, role, created, expires) \
             VALUES (?1, ?2, ?3, ?4, ?5)",
            &[
                &row.name,
                &row.hash,
                &row.role,
                &signed(row.created),
                &row.expires.map(signed),
            ],
        ),
        Write::Revoke(name) => run("DELETE FROM tokens WHERE name = ?1", &[name]),
        Write::Audit(row) => run(
            "INSERT INTO audit (at, who, what) VALUES (?1, ?2, ?3)",
            &[&signed(row.at), &row.who, &row.what],
        ),
    }
}

fn machine(connection: &Connection, row: &MachineRow) -> rusqlite::Result<()> {
    let id = signed(row.id.0);
    connection
        .prepare_cached(
            "INSERT INTO machines (id, name, uuid, phase, last_seen, data) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (id) DO UPDATE SET name = ?2, uuid = ?3, \
             phase = ?4, last_seen = ?5, data = ?6",
        )?
        .execute(params![
            id,
            row.name,
            row.uuid.map(|uuid| uuid.to_string()),
            row.phase,
            signed(row.last_seen),
            row.data
        ])?;
    // Only what changed: most of the time nothing did, and each row costs a page of the log.
    let mut known =
        connection.prepare_cached("SELECT mac FROM macs WHERE machine = ?1 ORDER BY place")?;
    let known = known.query_map([id], |row| row.get::<_, String>(0))?;
    let known = known.collect::<rusqlite::Result<Vec<_>>>()?;
    let macs: Vec<String> = row.macs.iter().map(|mac| mac.to_string()).collect();
    if known == macs {
        return Ok(());
    }
    connection
        .prepare_cached("DELETE FROM macs WHERE machine = ?1")?
        .execute([id])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO macs (machine, place, mac) VALUES (?1, ?2, ?3)")?;
    for (place, mac) in (0_i64..).zip(&macs) {
        insert.execute(params![id, place, mac])?;
    }
    Ok(())
}

/// Removes some events of those that are too many or too old, and of the audit log; `true`: there may
/// be more. `machines` are those whose events became more.
pub fn prune(connection: &Connection, machines: &mut Vec<i64>, now: u64) -> rusqlite::Result<bool> {
    let step = limits::PRUNE_STEP as i64;
    if let Some(machine) = machines.pop() {
        let gone = connection
            .prepare_cached(
                "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE machine = ?1 \
                 ORDER BY seq DESC LIMIT ?2 OFFSET ?3)",
            )?
            .execute(params![machine, step, limits::EVENTS_OF_MACHINE as i64])?;
        if gone as i64 == step {
            machines.push(machine);
        }
        return Ok(true);
    }
    let oldest = signed(now.saturating_sub(limits::EVENT_AGE.as_millis() as u64));
    let gone = connection
        .prepare_cached(
            "DELETE FROM events WHERE seq IN (SELECT seq FROM events ORDER BY seq LIMIT ?1) \
             AND (at < ?2 OR seq <= (SELECT coalesce(max(seq), 0) FROM events) - ?3)",
        )?
        .execute(params![step, oldest, limits::EVENTS as i64])?;
    let audits = connection
        .prepare_cached(
            "DELETE FROM audit WHERE seq <= (SELECT coalesce(max(seq), 0) FROM audit) - ?1",
        )?
        .execute(params![limits::AUDITS as i64])?;
    Ok(gone as i64 == step || audits > 0)
}
