//! Changes as SQL.

use rusqlite::{Connection, params};

use super::read::signed;
use super::rows::{MachineRow, Write};

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
    Ok(())
}
