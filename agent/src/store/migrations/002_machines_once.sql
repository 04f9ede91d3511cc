-- The cards are in the record, and machines are looked for in memory: nothing ever asked for these, and
-- each write paid for them.
DROP TABLE macs;
DROP INDEX machines_name;
DROP INDEX machines_uuid;
DROP INDEX machines_phase;
