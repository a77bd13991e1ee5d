-- People who asked to be forgotten: only a salted hash is left, so that their suppression stands.
CREATE TABLE secret (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE forgotten (
    mark       BLOB NOT NULL,             -- HMAC-SHA256 of the address key with the secret `salt`
    channel    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    since      INTEGER NOT NULL,
    run        INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (mark, channel, reason)
) STRICT, WITHOUT ROWID;
