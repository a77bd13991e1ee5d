//! SendGrid-like events from standard input to committed rows, beside bare JSON decoding and beside
//! a load of the same rows by the sqlite3 shell.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
};

use crate::{
    Bench,
    population::{Mix, Population},
    program::{Program, ended, fed},
    table, within,
};

pub(crate) fn run(bench: &Bench, rows: u64) {
    let base = base(bench, rows);
    let (ndjson, csv) = (
        bench.folder.join("events.ndjson"),
        bench.folder.join("events.csv"),
    );
    for (mix, name) in [(Mix::Acting, "acting"), (Mix::Ignored, "95 % ignored")] {
        Population { size: rows }
            .write_events(mix, &ndjson, &csv)
            .unwrap();
        let (decoded, _) = ended(within::command("decode").arg(&ndjson), None);
        let shell = Program::new(&bench.folder, "shell", Some(&base));
        let (loaded, _) = shell.shell(&script(&csv));
        let left = shell.rows(CHECKS);
        drop(shell);
        let ours = Program::new(&bench.folder, "ours", Some(&base));
        let (first, _) = fed(&mut ours.command("webhook:replay"), &ndjson);
        assert_eq!(ours.rows(CHECKS), left, "{name}: the rows differ");
        let (again, _) = fed(&mut ours.command("webhook:replay"), &ndjson);
        assert_eq!(ours.rows(CHECKS), left, "{name}: again");
        let line = |limit: &str, bare, ours| {
            table::line(&format!("webhook:replay {name}: {limit}"), rows, bare, ours);
        };
        line("load", &loaded, &first);
        line("decode", &decoded, &first);
        table::line("  all duplicates: its first time", rows, &first, &again);
    }
    for file in [ndjson, csv] {
        let _ = fs::remove_file(file);
    }
}

/// A database with contacts and sends.
fn base(bench: &Bench, rows: u64) -> std::path::PathBuf {
    let base = bench.folder.join(format!("replay-{rows}.db"));
    if base.is_file() {
        return base;
    }
    let population = Population { size: rows };
    let (contacts, sends) = (
        bench.folder.join("contacts.csv"),
        bench.folder.join("sends.csv"),
    );
    population.write_contacts(&contacts).unwrap();
    population.write_sends(&sends).unwrap();
    let new = Program::new(&bench.folder, "new", None);
    new.run("contacts:import", &[&contacts]);
    new.run("sends:import", &[&sends]);
    new.settle();
    fs::rename(&new.database, &base).unwrap();
    for file in [contacts, sends] {
        let _ = fs::remove_file(file);
    }
    base
}

/// What the two must agree on.
const CHECKS: &str =
    "SELECT kind, count(*), sum(length(address_key)) FROM event GROUP BY 1 ORDER BY 1;
    SELECT reason, count(*), sum(since / 1000) FROM do_not_contact GROUP BY 1 ORDER BY 1;";

/// The same rows into the same tables, as one would load them by hand.
fn script(rows: &Path) -> String {
    format!(
        "PRAGMA journal_mode = wal; PRAGMA cache_size = -262144; PRAGMA temp_store = file;
CREATE TEMP TABLE incoming (key TEXT, kind TEXT, address TEXT, hash TEXT, diagnostic TEXT, raw_type TEXT, at INTEGER);
.mode csv
.import '{}' incoming
BEGIN;
INSERT INTO event (key, source, kind, reason, permanence, rule, address_key, send_hash, status, reply_code,
                   receiving_host, diagnostic, raw_type, occurred_at, received_at, run)
SELECT CAST(i.key AS BLOB), 'sendgrid', i.kind, iif(i.kind = 'bounce', 'user_unknown', NULL),
       iif(i.kind = 'bounce', 'hard', NULL), iif(i.kind = 'bounce', 'user-unknown', NULL), s.address_key, s.hash,
       iif(i.kind = 'bounce', '5.1.1', NULL), iif(i.kind = 'bounce', 550, NULL),
       substr(i.address, instr(i.address, '@') + 1), i.diagnostic, i.raw_type, i.at, 1780315200000, 1
FROM incoming i JOIN send s ON s.hash = CAST(i.hash AS BLOB)
WHERE true ON CONFLICT (key) DO NOTHING;
INSERT INTO do_not_contact (address_key, reason, detail, since, event, run)
SELECT s.address_key, i.kind, iif(i.kind = 'bounce', 'user_unknown', ''), i.at, CAST(i.key AS BLOB), 1
FROM incoming i JOIN send s ON s.hash = CAST(i.hash AS BLOB)
WHERE true ON CONFLICT (address_key, channel, reason) DO UPDATE SET since = min(since, excluded.since)
WHERE excluded.since < do_not_contact.since;
COMMIT;
",
        rows.display()
    )
}

/// What reading the lines as JSON alone costs.
pub(crate) fn decode(arguments: &[String]) {
    let mut input = BufReader::with_capacity(1 << 18, fs::File::open(&arguments[0]).unwrap());
    let (mut line, mut events) = (String::new(), 0_u64);
    while input.read_line(&mut line).unwrap() > 0 {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        events += u64::from(value["event"].is_string());
        line.clear();
    }
    assert!(events > 0);
}
