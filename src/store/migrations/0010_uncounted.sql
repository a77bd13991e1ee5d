-- The events that came since the daily counts were made: only they are counted, not again the whole
-- day on which they happened. Written in the transaction of the events, but for none while
-- everything is to be counted anew.
CREATE TABLE uncounted (
    id     INTEGER PRIMARY KEY,
    day    INTEGER NOT NULL,              -- on which they happened, days since 1970, UTC
    events BLOB NOT NULL                  -- their keys, 16 bytes each
) STRICT;

-- What was stale, or on its way to be counted, is counted anew.
UPDATE roll_up SET scanned = x'00'
WHERE length(scanned) > 0 OR EXISTS (SELECT 1 FROM stale_day);
DROP TABLE stale_day;
