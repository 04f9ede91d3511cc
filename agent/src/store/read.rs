//! What is asked of the database.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::rows::{AuditRow, Contents, EventFilter, EventRow, KeptMachine, TokenRow};
use crate::id::MachineId;
use crate::limits;

/// Numbers in SQLite have a sign; none of ours gets near it.
pub fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(row: &Row, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column)
        .map(|number| u64::try_from(number).unwrap_or(0))
}

/// Takes up a machine while the next is read.
pub type Take<'t> = &'t mut dyn FnMut(KeptMachine);

/// Everything but events and audit; the machines go to `take`, by number.
pub fn contents(connection: &Connection, take: Take) -> rusqlite::Result<Contents> {
    machines(connection, take)?;
    Ok(Contents {
        machines: Vec::new(),
        tokens: tokens(connection)?,
        next_seq: next(connection, "events")?,
        next_machine: next(connection, "machines")?,
        last_event: last_event(connection)?,
    })
}

fn machines(connection: &Connection, take: Take) -> rusqlite::Result<()> {
    let mut statement = connection.prepare("SELECT id, data FROM machines ORDER BY id")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        take(KeptMachine {
            id: MachineId(unsigned(row, 0)?),
            data: row.get(1)?,
        });
    }
    Ok(())
}

fn tokens(connection: &Connection) -> rusqlite::Result<Vec<TokenRow>> {
    let mut statement = connection
        .prepare("SELECT name, hash, role, created, expires FROM tokens ORDER BY name")?;
    let rows = statement.query_map([], |row| {
        Ok(TokenRow {
            name: row.get(0)?,
            hash: row.get(1)?,
            role: row.get(2)?,
            created: unsigned(row, 3)?,
            expires: row
                .get::<_, Option<i64>>(4)?
                .and_then(|time| u64::try_from(time).ok()),
        })
    })?;
    rows.collect()
}

/// The number that the next row of a table gets; SQLite remembers the highest ever given.
fn next(connection: &Connection, table: &str) -> rusqlite::Result<u64> {
    let highest = connection.query_row(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?1",
        [table],
        |row| unsigned(row, 0),
    )?;
    Ok(highest + 1)
}

/// When the last event happened.
pub fn last_event(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let last = "SELECT at FROM events ORDER BY seq DESC LIMIT 1";
    connection
        .query_row(last, [], |row| unsigned(row, 0))
        .optional()
}

/// The events that a filter lets through.
pub fn events(connection: &Connection, filter: &EventFilter) -> rusqlite::Result<Vec<EventRow>> {
    let mut sql = "SELECT seq, at, machine, kind, data FROM events WHERE 1".to_owned();
    let mut values = Vec::new();
    let mut only = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            values.push(value);
            sql.push_str(&format!(" AND {condition} ?{}", values.len()));
        }
    };
    let number = |number: u64| Value::Integer(signed(number));
    only("machine =", filter.machine.map(|id| number(id.0)));
    only("seq >", filter.after.map(number));
    only("seq <", filter.before.map(number));
    only("at >=", filter.since.map(number));
    match filter.kind.as_deref() {
        None => {}
        // Written out, so that SQLite sees that the index of these is enough.
        Some("fetch") => sql.push_str(" AND kind = 'fetch'"),
        Some(kind) => {
            values.push(Value::Text(kind.to_owned()));
            sql.push_str(&format!(" AND kind = ?{}", values.len()));
        }
    }
    let order = if filter.newest_first { "DESC" } else { "ASC" };
    let limit = filter.limit.min(limits::EVENTS_READ);
    sql.push_str(&format!(" ORDER BY seq {order} LIMIT {limit}"));
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok(EventRow {
            seq: unsigned(row, 0)?,
            at: unsigned(row, 1)?,
            machine: row
                .get::<_, Option<i64>>(2)?
                .and_then(|id| u64::try_from(id).ok())
                .map(MachineId),
            kind: row.get(3)?,
            data: row.get(4)?,
        })
    })?;
    rows.collect()
}

/// The audit log, the newest first.
pub fn audit(
    connection: &Connection,
    before: Option<u64>,
    limit: usize,
) -> rusqlite::Result<Vec<AuditRow>> {
    let mut statement = connection.prepare_cached(
        "SELECT seq, at, who, what FROM audit WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2",
    )?;
    let before = before.map_or(i64::MAX, signed);
    let limit = signed(limit.min(limits::EVENTS_READ) as u64);
    let rows = statement.query_map([before, limit], |row| {
        Ok(AuditRow {
            seq: unsigned(row, 0)?,
            at: unsigned(row, 1)?,
            who: row.get(2)?,
            what: row.get(3)?,
        })
    })?;
    rows.collect()
}
