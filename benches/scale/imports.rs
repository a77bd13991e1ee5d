//! Contacts and sends from CSV into an empty database, beside the shell's `.import` and a merge that
//! normalises as well as SQL can.

use std::path::Path;

use crate::{Bench, population::Population, program::Program, table};

pub(crate) fn contacts(bench: &Bench, rows: u64) {
    let csv = bench.folder.join("contacts.csv");
    Population { size: rows }.write_contacts(&csv).unwrap();
    compare(bench, rows, ("contacts:import", &csv), &CONTACTS);
}

pub(crate) fn sends(bench: &Bench, rows: u64) {
    let csv = bench.folder.join("sends.csv");
    Population { size: rows }.write_sends(&csv).unwrap();
    compare(bench, rows, ("sends:import", &csv), &SENDS);
}

/// The tables, how they are filled, and what must be the same afterwards.
struct Bare {
    merge: &'static str,
    checks: &'static str,
}

const CONTACTS: Bare = Bare {
    merge: "
INSERT INTO contact (external_id, address, address_key, domain, attributes, created_at, changed_at)
SELECT id, trim(email), lower(trim(email)), lower(substr(trim(email), instr(trim(email), '@') + 1)),
       json_object('firstname', firstname, 'city', city, 'points', points), 1780315200000, 1780315200000
FROM incoming WHERE true
ON CONFLICT (external_id) DO UPDATE SET address = excluded.address, address_key = excluded.address_key,
    domain = excluded.domain, attributes = json_patch(contact.attributes, excluded.attributes), changed_at = excluded.changed_at
WHERE contact.address IS NOT excluded.address
   OR json_patch(contact.attributes, excluded.attributes) IS NOT contact.attributes;",
    checks: "SELECT count(*), count(DISTINCT domain), sum(length(address_key)), sum(attributes ->> 'points') FROM contact;",
};

const SENDS: Bare = Bare {
    merge: "
INSERT INTO send (hash, email_id, external_id, address, address_key, message_id, sent_at)
SELECT CAST(lower(trim(tracking_hash)) AS BLOB), email_id, nullif(lead_id, ''), trim(email_address),
       lower(trim(email_address)), NULL, unixepoch(date_sent) * 1000
FROM incoming WHERE true ORDER BY 1
ON CONFLICT (hash) DO NOTHING;
INSERT INTO send_day (day, email_id, domain, sends)
SELECT unixepoch(date_sent) / 86400, email_id, lower(substr(trim(email_address), instr(trim(email_address), '@') + 1)), count(*)
FROM incoming GROUP BY 1, 2, 3
ON CONFLICT (day, email_id, domain) DO UPDATE SET sends = send_day.sends + excluded.sends;",
    checks: "SELECT count(*), sum(length(address_key)), sum(sent_at / 1000), max(external_id + 0) FROM send;
             SELECT count(*), sum(sends) FROM send_day;",
};

fn compare(bench: &Bench, rows: u64, (name, csv): (&str, &Path), bare: &Bare) {
    let empty = Program::new(&bench.folder, "empty", None);
    empty.run("segments:list", &[]);
    empty.settle();
    let shell = Program::new(&bench.folder, "shell", Some(&empty.database));
    let script = format!(
        "PRAGMA cache_size = -262144; PRAGMA temp_store = file;
.mode csv
.import --schema temp '{}' incoming
BEGIN IMMEDIATE;{}
COMMIT;",
        csv.display(),
        bare.merge
    );
    let (theirs, _) = shell.shell(&script);
    let left = shell.rows(bare.checks);
    drop(shell);
    let ours = Program::new(&bench.folder, "ours", Some(&empty.database));
    let (first, _) = ours.run(name, &[csv]);
    assert_eq!(ours.rows(bare.checks), left, "{name}: the rows differ");
    let (again, _) = ours.run(name, &[csv]);
    assert_eq!(ours.rows(bare.checks), left, "{name}: again");
    table::line(&format!("{name}: shell's import"), rows, &theirs, &first);
    table::line("  the same again: its first time", rows, &theirs, &again);
    let _ = std::fs::remove_file(csv);
}
