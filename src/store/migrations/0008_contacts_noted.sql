-- New contacts are put into change_log by the statement's writer, for a whole batch at once, as events
-- and entries are (see 0006).
DROP TRIGGER contact_added;
