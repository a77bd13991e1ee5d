-- When a manual entry of the do-not-contact list ends by itself.
ALTER TABLE event ADD COLUMN expires_at INTEGER;

-- Most addresses never had a release: asking must cost nothing.
CREATE INDEX event_release ON event (address_key) WHERE kind = 'release';

-- Do-not-contact rows as they were when a release took them back, so that it can be undone exactly.
CREATE TABLE released (
    release     BLOB PRIMARY KEY,         -- event.key of the release
    address_key TEXT NOT NULL,
    channel     TEXT NOT NULL,
    reason      TEXT NOT NULL,
    detail      TEXT NOT NULL,
    since       INTEGER NOT NULL,
    comment     TEXT NOT NULL,
    event       BLOB,
    run         INTEGER NOT NULL,
    expires_at  INTEGER
) STRICT, WITHOUT ROWID;

-- What the last export to each target held: the difference is what `--since-last` writes.
CREATE TABLE exported (
    target      TEXT NOT NULL,
    address_key TEXT NOT NULL,
    reason      TEXT NOT NULL,
    PRIMARY KEY (target, address_key, reason)
) STRICT, WITHOUT ROWID;

-- Suppressions that the command of `[hooks] on_suppress` has still to be told, written in the same
-- transaction as the row they are about.
CREATE TABLE outbox (
    id          INTEGER PRIMARY KEY,
    payload     TEXT NOT NULL,            -- JSON object
    tries       INTEGER NOT NULL DEFAULT 0,
    next_try_at INTEGER NOT NULL,
    error       TEXT NOT NULL DEFAULT ''  -- of the last try
) STRICT;
CREATE INDEX outbox_due ON outbox (next_try_at);
