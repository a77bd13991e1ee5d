-- Timestamps are UTC milliseconds, JSON is text, keys of events and sends are blobs.
-- One SQL text serves SQLite and PostgreSQL wherever it can (numbered parameters, ON CONFLICT).

CREATE TABLE contact (
    id          INTEGER PRIMARY KEY,
    external_id TEXT UNIQUE,
    address     TEXT NOT NULL,            -- as given
    address_key TEXT NOT NULL,            -- normalised, see AddressKey
    domain      TEXT NOT NULL,
    attributes  TEXT NOT NULL DEFAULT '{}',
    created_at  INTEGER NOT NULL,
    changed_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX contact_address ON contact (address_key);

CREATE TABLE send (
    hash        BLOB PRIMARY KEY,         -- lower-case ASCII of the send hash
    email_id    TEXT NOT NULL,            -- the campaign e-mail
    external_id TEXT,                     -- the contact's id where the send came from
    address     TEXT NOT NULL,
    address_key TEXT NOT NULL,
    message_id  TEXT,                     -- without angle brackets
    sent_at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX send_message ON send (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX send_address ON send (address_key);

CREATE TABLE run (
    id          INTEGER PRIMARY KEY,
    command     TEXT NOT NULL,
    host        TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    started_at  INTEGER NOT NULL,
    finished_at INTEGER,
    accounting  TEXT NOT NULL DEFAULT '{}',
    undone_at   INTEGER
) STRICT;

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
    run            INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX event_address ON event (address_key, occurred_at) WHERE address_key IS NOT NULL;
CREATE INDEX event_run ON event (run);

CREATE TABLE do_not_contact (
    address_key TEXT NOT NULL,
    channel     TEXT NOT NULL DEFAULT 'email',
    reason      TEXT NOT NULL,            -- bounce | unsubscribe | complaint | manual
    detail      TEXT NOT NULL DEFAULT '', -- Reason::name for bounces
    since       INTEGER NOT NULL,         -- the earliest event of that reason
    comment     TEXT NOT NULL DEFAULT '',
    event       BLOB,
    run         INTEGER NOT NULL,
    expires_at  INTEGER,
    PRIMARY KEY (address_key, channel, reason)
) STRICT, WITHOUT ROWID;
CREATE INDEX do_not_contact_run ON do_not_contact (run);

CREATE TABLE segment (
    id         INTEGER PRIMARY KEY,
    name       TEXT NOT NULL UNIQUE,
    filter     TEXT NOT NULL,
    published  INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    built_at   INTEGER,
    build_ms   INTEGER,
    added      INTEGER,
    removed    INTEGER
) STRICT;

-- origin: filter (a build put it there), added, removed (a person did; builds leave both alone).
CREATE TABLE segment_member (
    segment INTEGER NOT NULL REFERENCES segment (id) ON DELETE CASCADE,
    contact INTEGER NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    origin  TEXT NOT NULL,
    since   INTEGER NOT NULL,
    PRIMARY KEY (segment, contact)
) STRICT, WITHOUT ROWID;

CREATE TABLE mailbox_cursor (
    mailbox      TEXT NOT NULL,
    folder       TEXT NOT NULL,
    uid_validity INTEGER NOT NULL,
    uid          INTEGER NOT NULL,        -- committed but not yet acknowledged on the server
    outcome      TEXT NOT NULL,
    PRIMARY KEY (mailbox, folder, uid_validity, uid)
) STRICT, WITHOUT ROWID;

CREATE TABLE raw_message (
    content     BLOB PRIMARY KEY,         -- first 16 bytes of SHA-256
    data        BLOB NOT NULL,            -- zstd
    size        INTEGER NOT NULL,
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
    content    BLOB PRIMARY KEY,
    source     TEXT NOT NULL,             -- mailbox, folder and UID, or file
    tries      INTEGER NOT NULL,
    reason     TEXT NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who works on what (one mailbox, one spool): a row, not a lock file, so that it also serves
-- several machines. `started` tells a process from a later one of the same pid.
CREATE TABLE lease (
    name    TEXT PRIMARY KEY,
    host    TEXT NOT NULL,
    pid     INTEGER NOT NULL,
    started INTEGER NOT NULL,
    since   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
