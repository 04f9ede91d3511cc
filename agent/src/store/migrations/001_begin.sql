-- AUTOINCREMENT: a number that was given once is never given again.
CREATE TABLE machines (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT,
    uuid TEXT,
    phase TEXT NOT NULL,
    last_seen INTEGER NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX machines_name ON machines (name);
CREATE INDEX machines_uuid ON machines (uuid);
CREATE INDEX machines_phase ON machines (phase);

CREATE TABLE macs (
    machine INTEGER NOT NULL REFERENCES machines (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    mac TEXT NOT NULL,
    PRIMARY KEY (machine, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX macs_mac ON macs (mac);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    machine INTEGER,
    kind TEXT NOT NULL,
    data TEXT NOT NULL
) STRICT;
CREATE INDEX events_machine ON events (machine, seq);

CREATE TABLE tokens (
    name TEXT PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL
) STRICT;
