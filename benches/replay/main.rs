//! `cargo bench --bench replay [-- EVENTS]`: SendGrid-like events from standard input to committed
//! rows, beside bare JSON decoding and beside a bare load of the same rows by the sqlite3 shell.

#![expect(clippy::cast_precision_loss, reason = "figures for people")]

mod generate;
#[path = "../measure.rs"]
mod measure;

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use generate::{Mix, Population};
use measure::{Cost, measured};

const EVENTS: u64 = 1_000_000;

fn main() {
    let size = env::args()
        .skip(1)
        .find_map(|arg| arg.parse().ok())
        .unwrap_or(EVENTS);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("bench-replay");
    fs::create_dir_all(&folder).unwrap();
    let bench = Bench { size, folder };
    bench.prepare();
    println!(
        "{:<34} {:>9} {:>8} {:>8} {:>8} {:>9}",
        "", "events/s", "MB/s", "wall s", "cpu s", "peak MiB"
    );
    for (mix, name) in [(Mix::Acting, "acting"), (Mix::Ignored, "95 % ignored")] {
        let ndjson = bench.folder.join("events.ndjson");
        let rows = bench.folder.join("events.csv");
        Population { size }
            .write_events(mix, &ndjson, &rows)
            .unwrap();
        let megabytes = fs::metadata(&ndjson).unwrap().len() as f64 / 1e6;
        bench.line(
            &format!("{name}: bare decoding"),
            decode(&ndjson),
            megabytes,
        );
        let shell = bench.shell(&rows);
        bench.line(&format!("{name}: sqlite3 shell"), shell, megabytes);
        bench.copy_base();
        for (what, of) in [("replay", &shell), ("replay of duplicates", &shell)] {
            let (cost, said) = bench.replay(&ndjson);
            bench.line(&format!("{name}: {what}"), cost, megabytes);
            println!(
                "  {said}\n  {:.2} of the shell's processor time",
                cost.processor / of.processor
            );
        }
    }
}

/// Runs to the end, standard input from a file; answers what it said, too.
fn run(command: &mut Command, stdin: Option<&Path>) -> (Cost, String) {
    let input = stdin.map_or_else(Stdio::null, |path| fs::File::open(path).unwrap().into());
    let (cost, output) = measured(command.stdin(input).stdout(Stdio::piped()), "");
    assert!(output.status.success(), "{command:?}: {}", output.status);
    (
        cost,
        String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    )
}

struct Bench {
    size: u64,
    folder: PathBuf,
}

impl Bench {
    /// Contacts and sends in a database that is kept for the next time.
    fn prepare(&self) {
        let base = self.folder.join(format!("base-{}.db", self.size));
        if base.is_file() {
            return;
        }
        let population = Population { size: self.size };
        let (contacts, sends) = (
            self.folder.join("contacts.csv"),
            self.folder.join("sends.csv"),
        );
        population.write_contacts(&contacts).unwrap();
        population.write_sends(&sends).unwrap();
        let path = self.folder.join("new.db");
        let _ = fs::remove_file(&path);
        for (command, file) in [("contacts:import", &contacts), ("sends:import", &sends)] {
            run(self.bouncekit(&path).arg(command).arg(file), None);
        }
        Self::sql(&path, "PRAGMA wal_checkpoint(truncate);");
        fs::rename(path, base).unwrap();
    }

    fn database(&self) -> PathBuf {
        self.folder.join("run.db")
    }

    fn copy_base(&self) {
        for suffix in ["-wal", "-shm"] {
            let _ = fs::remove_file(self.folder.join(format!("run.db{suffix}")));
        }
        let base = self.folder.join(format!("base-{}.db", self.size));
        fs::copy(base, self.database()).unwrap();
    }

    fn bouncekit(&self, database: &Path) -> Command {
        let config = self.folder.join("bouncekit.toml");
        fs::write(
            &config,
            format!("[store]\npath = '{}'\n", database.display()),
        )
        .unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bouncekit"));
        command.arg("--config").arg(config);
        command.env("BOUNCEKIT_NOW", "2026-06-01T12:00:00Z");
        command
    }

    fn replay(&self, ndjson: &Path) -> (Cost, String) {
        run(
            self.bouncekit(&self.database()).arg("webhook:replay"),
            Some(ndjson),
        )
    }

    fn sql(database: &Path, sql: &str) -> Cost {
        run(Command::new("sqlite3").arg(database).arg(sql), None).0
    }

    /// The same rows into the same tables, as one would load them by hand.
    fn shell(&self, rows: &Path) -> Cost {
        self.copy_base();
        let script = self.folder.join("load.sql");
        fs::write(
            &script,
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
            ),
        )
        .unwrap();
        run(
            Command::new("sqlite3")
                .arg(self.database())
                .arg(format!(".read {}", script.display())),
            None,
        )
        .0
    }

    fn line(&self, name: &str, cost: Cost, megabytes: f64) {
        println!(
            "{name:<34} {:>9.0} {:>8.0} {:>8.2} {:>8.2} {:>9.0}",
            self.size as f64 / cost.wall,
            megabytes / cost.wall,
            cost.wall,
            cost.processor,
            cost.peak_mib
        );
    }
}

/// What reading the lines as JSON alone costs.
fn decode(ndjson: &Path) -> Cost {
    let start = Instant::now();
    let mut input = BufReader::with_capacity(1 << 18, fs::File::open(ndjson).unwrap());
    let (mut line, mut events) = (String::new(), 0_u64);
    while input.read_line(&mut line).unwrap() > 0 {
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        events += u64::from(value["event"].is_string());
        line.clear();
    }
    assert!(events > 0);
    let seconds = start.elapsed().as_secs_f64();
    Cost {
        wall: seconds,
        processor: seconds,
        peak_mib: 0.0,
    }
}
