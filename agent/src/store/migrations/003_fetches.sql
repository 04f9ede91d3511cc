-- Findings look at the last fetches, a few among very many events; other events do not pay for it.
CREATE INDEX events_fetch ON events (seq) WHERE kind = 'fetch';
