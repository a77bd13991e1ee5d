-- Wide rows in the order they come, found by a narrow index of their key: a row no longer lands on a
-- page of its own somewhere in the table, to be written there and in the log.
ALTER TABLE event RENAME TO event_by_key;
CREATE TABLE event (
    key            BLOB PRIMARY KEY,      -- 16 bytes, see EventKey
    source         TEXT NOT NULL,         -- mailbox or provider
    kind           TEXT NOT NULL,         -- EventKind::name
    reason         TEXT,                  -- Reason::name, bounces only
    permanence     TEXT,                  -- hard | soft, bounces only
    rule           TEXT,
    address_key    TEXT,                  -- who it is charged to
    reported       TEXT,                  -- the address the report names, if another
    send_hash      BLOB,
    status         TEXT,
    reply_code     INTEGER,
    receiving_host TEXT NOT NULL DEFAULT '',
    diagnostic     TEXT NOT NULL DEFAULT '',
    raw_type       TEXT NOT NULL DEFAULT '',
    note           TEXT NOT NULL DEFAULT '', -- why nothing was done, forwarding, forged, ...
    content        BLOB,                  -- raw_message.content
    occurred_at    INTEGER NOT NULL,
    received_at    INTEGER NOT NULL,
    run            INTEGER NOT NULL,
    expires_at     INTEGER                -- when a manual entry of the do-not-contact list ends
) STRICT;
INSERT INTO event (key, source, kind, reason, permanence, rule, address_key, reported, send_hash, status, reply_code,
                   receiving_host, diagnostic, raw_type, note, content, occurred_at, received_at, run, expires_at)
SELECT key, source, kind, reason, permanence, rule, address_key, reported, send_hash, status, reply_code,
       receiving_host, diagnostic, raw_type, note, content, occurred_at, received_at, run, expires_at
FROM event_by_key ORDER BY received_at;
-- Its indexes and triggers go with it.
DROP TABLE event_by_key;

CREATE INDEX event_address ON event (address_key, occurred_at, kind, permanence, reason)
    WHERE address_key IS NOT NULL;
CREATE INDEX event_time ON event (occurred_at);
CREATE INDEX event_run ON event (run);
CREATE INDEX event_content ON event (content) WHERE content IS NOT NULL;
CREATE INDEX event_release ON event (address_key) WHERE kind = 'release';

CREATE TRIGGER event_changed AFTER UPDATE ON event
    WHEN EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN
    INSERT INTO change_log (address_key)
    SELECT old.address_key WHERE old.address_key IS NOT NULL
    UNION SELECT new.address_key WHERE new.address_key IS NOT NULL;
END;

CREATE TRIGGER event_removed AFTER DELETE ON event
    WHEN old.address_key IS NOT NULL AND EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN INSERT INTO change_log (address_key) VALUES (old.address_key); END;

ALTER TABLE raw_message RENAME TO raw_message_by_content;
CREATE TABLE raw_message (
    content     BLOB PRIMARY KEY,         -- first 16 bytes of SHA-256
    data        BLOB NOT NULL,            -- zstd
    size        INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT;
INSERT INTO raw_message (content, data, size, received_at)
SELECT content, data, size, received_at FROM raw_message_by_content ORDER BY received_at;
DROP TABLE raw_message_by_content;
CREATE INDEX raw_message_received ON raw_message (received_at, content);

-- Nothing looks for entries by their run but to keep it in the list of runs.
DROP INDEX do_not_contact_run;

-- New events and entries are put into change_log by the statement's writer, for a whole batch at once:
-- a trigger makes SQLite keep a copy of every page that each single row changes.
DROP TRIGGER do_not_contact_added;
