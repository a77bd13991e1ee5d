-- Events are appended in the order they come; only their 16-byte keys are in order of the key.
-- Clustered by the key, every bulk load rewrote the whole table once a batch.

CREATE TABLE event_appended (
    key            BLOB NOT NULL,         -- 16 bytes, see EventKey
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
    PRIMARY KEY (key)
) STRICT;
INSERT INTO event_appended (key, source, kind, reason, permanence, rule, address_key, reported, send_hash, status,
    reply_code, receiving_host, diagnostic, raw_type, note, content, occurred_at, received_at, run)
SELECT key, source, kind, reason, permanence, rule, address_key, reported, send_hash, status,
    reply_code, receiving_host, diagnostic, raw_type, note, content, occurred_at, received_at, run
FROM event ORDER BY received_at;
DROP TABLE event;
ALTER TABLE event_appended RENAME TO event;
CREATE INDEX event_address ON event (address_key, occurred_at) WHERE address_key IS NOT NULL;
CREATE INDEX event_run ON event (run);
