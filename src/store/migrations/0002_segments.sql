-- seen: the last row of change_log the segment's build took account of; without it the next build
--       looks at every contact. fingerprint: what the filter was compiled to. declared: it stands
--       in the configuration file.
ALTER TABLE segment ADD COLUMN seen INTEGER;
ALTER TABLE segment ADD COLUMN fingerprint BLOB;
ALTER TABLE segment ADD COLUMN declared INTEGER NOT NULL DEFAULT 0;

-- Covers what filters and the policy's history look at, so that neither reads the wide event rows.
DROP INDEX event_address;
CREATE INDEX event_address ON event (address_key, occurred_at, kind, permanence, reason)
    WHERE address_key IS NOT NULL;
-- Events that leave a window, rows that expire: who may cross a border by time alone.
CREATE INDEX event_time ON event (occurred_at);
CREATE INDEX do_not_contact_expiry ON do_not_contact (expires_at) WHERE expires_at IS NOT NULL;

-- Who changed since the segments were built. Appended to, never searched by writers; emptied by
-- segments:update. Nothing is written while no segment waits for changes.
CREATE TABLE change_log (
    id          INTEGER PRIMARY KEY,
    contact     INTEGER,                  -- either
    address_key TEXT                      -- or
) STRICT;

CREATE TRIGGER contact_added AFTER INSERT ON contact
    WHEN EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN INSERT INTO change_log (contact) VALUES (new.id); END;

CREATE TRIGGER contact_changed AFTER UPDATE ON contact
    WHEN EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN INSERT INTO change_log (contact) VALUES (new.id); END;

CREATE TRIGGER event_added AFTER INSERT ON event
    WHEN new.address_key IS NOT NULL AND EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN INSERT INTO change_log (address_key) VALUES (new.address_key); END;

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

CREATE TRIGGER do_not_contact_added AFTER INSERT ON do_not_contact
    WHEN EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN INSERT INTO change_log (address_key) VALUES (new.address_key); END;

CREATE TRIGGER do_not_contact_changed AFTER UPDATE ON do_not_contact
    WHEN EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN INSERT INTO change_log (address_key) VALUES (new.address_key); END;

CREATE TRIGGER do_not_contact_removed AFTER DELETE ON do_not_contact
    WHEN EXISTS (SELECT 1 FROM segment WHERE seen IS NOT NULL)
BEGIN INSERT INTO change_log (address_key) VALUES (old.address_key); END;
