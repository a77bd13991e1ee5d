-- Counts of events by the day they happened (days since 1970, UTC), so that reports need not read
-- every event. What is not there is the empty text. Events of undone runs are not counted.
-- The counts lag behind the events: see stale_day and roll_up.
CREATE TABLE day_kind (
    day        INTEGER NOT NULL,
    campaign   TEXT NOT NULL,             -- email_id of the send
    kind       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    permanence TEXT NOT NULL,
    count      INTEGER NOT NULL,
    PRIMARY KEY (day, campaign, kind, reason, permanence)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_domain (                 -- bounces of known addresses
    day      INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    domain   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    count    INTEGER NOT NULL,
    PRIMARY KEY (day, campaign, domain, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_source (                 -- what mailboxes and providers brought
    day          INTEGER NOT NULL,
    received_day INTEGER NOT NULL,
    source       TEXT NOT NULL,
    count        INTEGER NOT NULL,
    unrecognised INTEGER NOT NULL,
    last         INTEGER NOT NULL,        -- the latest received_at
    PRIMARY KEY (day, received_day, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_rule (
    day   INTEGER NOT NULL,
    rule  TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (day, rule)
) STRICT, WITHOUT ROWID;

CREATE TABLE day_diagnostic (             -- of bounces, texts that are alike taken together
    day      INTEGER NOT NULL,
    campaign TEXT NOT NULL,
    reason   TEXT NOT NULL,
    shape    BLOB NOT NULL,               -- 8 bytes, see roll_up
    count    INTEGER NOT NULL,
    sample   TEXT NOT NULL,               -- of the day, the first in the order of texts
    PRIMARY KEY (day, campaign, reason, shape)
) STRICT, WITHOUT ROWID;

-- Sends by the day they were sent, each with the worst that was ever heard of it. `sends` is always
-- right; the others lag as the counts above.
CREATE TABLE send_day (
    day          INTEGER NOT NULL,
    email_id     TEXT NOT NULL,
    domain       TEXT NOT NULL,
    sends        INTEGER NOT NULL,
    hard         INTEGER NOT NULL DEFAULT 0,
    soft         INTEGER NOT NULL DEFAULT 0, -- and never hard
    complaints   INTEGER NOT NULL DEFAULT 0,
    unsubscribes INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (day, email_id, domain)
) STRICT, WITHOUT ROWID;

INSERT INTO send_day (day, email_id, domain, sends)
SELECT sent_at / 86400000, email_id,
       substr(address_key, length(rtrim(address_key, replace(address_key, '@', ''))) + 1), count(*)
FROM send GROUP BY 1, 2, 3;

-- What was heard of a send: 1 hard bounce, 2 soft bounce, 4 complaint, 8 unsubscribe, added up.
CREATE TABLE send_fate (
    hash BLOB PRIMARY KEY,
    fate INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Days with events that came since they were counted. Written in the transaction of the events.
CREATE TABLE stale_day (
    day INTEGER PRIMARY KEY
) STRICT;

-- One row. scanned: all is being counted anew, up to this event.key; NULL where nothing but the
-- stale days is. orphans: events were counted whose send was not there.
CREATE TABLE roll_up (
    id      INTEGER PRIMARY KEY,
    scanned BLOB,
    orphans INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO roll_up (id, scanned) VALUES (1, x'');

-- When the mail was opened first, where sends:import was told.
ALTER TABLE send ADD COLUMN opened_at INTEGER;

-- What nothing decided: `review` looks for a few among all.
CREATE INDEX event_undecided ON event (received_at)
    WHERE kind = 'unrecognised' OR kind = 'bounce' AND reason IN ('on_hold', 'undefined');
