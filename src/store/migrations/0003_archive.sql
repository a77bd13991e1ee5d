-- From an archived mail to its events, and the archive in the order it came.
CREATE INDEX event_content ON event (content) WHERE content IS NOT NULL;
CREATE INDEX raw_message_received ON raw_message (received_at, content);

-- When a message was put away for good; NULL while the next run tries it again.
ALTER TABLE quarantine ADD COLUMN quarantined_at INTEGER;
UPDATE quarantine SET quarantined_at = last_seen WHERE tries >= 2;
