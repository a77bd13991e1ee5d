//! `cargo bench --bench scale -- [OPERATION...] [--rows 10k,100k,1m,10m] [--rounds N] [--folder FOLDER]`:
//! what the real program takes for each operation, and beside it in the same run the bare limit: the
//! least that the work could be done with. Printed, never asserted; what both leave behind is
//! compared.
//!
//! Times are processor seconds (user and system), which a busy machine distorts least; peak memory
//! is that of the process. Every size is a line, so that growth is seen. All that is read is
//! generated from seeds, the same in every run. Operations:
//!
//! - `contacts:import`, `sends:import`: CSV, beside the sqlite3 shell's `.import` into a temporary
//!   table and a merge that normalises into the same tables with the same indexes;
//! - `segments:update`: five segments, beside set SQL in the shell;
//! - `webhook:replay`: SendGrid's events, beside bare decoding and beside the shell's import and merge;
//! - `email:fetch`: from Dovecot on loopback, beside a bare read of the same octets;
//! - `recognition`: mails from octets to verdict, beside parsing alone;
//! - `start-up`: one small command with the database open, beside the shell's;
//! - `lists`: every command that lists or reports.
//!
//! With a FOLDER the databases that operations begin with are kept there and used again.

// Figures for people.
#![allow(clippy::cast_precision_loss)]

mod bare_read;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/support/certificates.rs"]
mod certificates;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/support/dovecot.rs"]
mod dovecot;
mod fetch;
mod imports;
mod lists;
mod mailings;
#[allow(dead_code, reason = "shared with the tests")]
#[path = "../../tests/support/mails.rs"]
mod mails;
mod measure;
mod population;
mod program;
mod random;
mod recognition;
mod replay;
mod segments;
mod startup;
mod table;
mod within;

use std::{fs, path::PathBuf};

/// What every operation is given.
struct Bench {
    /// Where databases are kept, or a temporary folder.
    folder: PathBuf,
    /// Runs of what depends on the wall clock.
    rounds: usize,
}

struct Operation {
    name: &'static str,
    run: fn(&Bench, u64),
    /// Sizes unless said.
    usual: &'static [u64],
    /// More would take too long or find no room, and why.
    most: (u64, &'static str),
}

const TO_A_MILLION: &[u64] = &[10_000, 100_000, 1_000_000];
const NO_MORE: (u64, &str) = (10_000_000, "more has not been tried");

const OPERATIONS: &[Operation] = &[
    Operation {
        name: "contacts:import",
        run: imports::contacts,
        usual: TO_A_MILLION,
        most: NO_MORE,
    },
    Operation {
        name: "sends:import",
        run: imports::sends,
        usual: TO_A_MILLION,
        most: NO_MORE,
    },
    Operation {
        name: "segments:update",
        run: segments::run,
        usual: TO_A_MILLION,
        most: NO_MORE,
    },
    Operation {
        name: "webhook:replay",
        run: replay::run,
        usual: TO_A_MILLION,
        most: NO_MORE,
    },
    Operation {
        name: "email:fetch",
        run: fetch::run,
        usual: &[10_000, 100_000],
        most: (
            100_000,
            "the mail server needs minutes for as many files, and its folder gigabytes",
        ),
    },
    Operation {
        name: "recognition",
        run: recognition::run,
        usual: TO_A_MILLION,
        most: (
            1_000_000,
            "mails are looked at one by one: ten times as many take ten times as long",
        ),
    },
    Operation {
        name: "start-up",
        run: startup::run,
        usual: TO_A_MILLION,
        most: NO_MORE,
    },
    Operation {
        name: "lists",
        run: lists::run,
        usual: &[100_000, 1_000_000],
        most: (1_000_000, "the database would take an hour to generate"),
    },
];

/// The clock of every command.
const NOW: &str = "2026-06-01T12:00:00Z";

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if within::run(&arguments) {
        return;
    }
    let wanted = Wanted::read(&arguments).unwrap_or_else(|cause| {
        eprintln!("error: {cause}");
        eprintln!("hint: [OPERATION...] [--rows 10k,100k,1m,10m] [--rounds N] [--folder FOLDER]");
        std::process::exit(2);
    });
    let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let bench = Bench {
        folder: wanted.folder.unwrap_or_else(|| temporary.path().to_owned()),
        rounds: wanted.rounds,
    };
    fs::create_dir_all(&bench.folder).unwrap();
    table::head();
    for operation in wanted.operations {
        for rows in wanted.rows.as_deref().unwrap_or(operation.usual) {
            let (most, why) = operation.most;
            if *rows > most {
                println!(
                    "{:<37} {:>5}  not run: {why}",
                    operation.name,
                    table::short(*rows)
                );
            } else {
                (operation.run)(&bench, *rows);
            }
        }
    }
}

/// The command line.
struct Wanted {
    operations: Vec<&'static Operation>,
    rows: Option<Vec<u64>>,
    rounds: usize,
    folder: Option<PathBuf>,
}

impl Wanted {
    fn read(arguments: &[String]) -> Result<Self, String> {
        let mut wanted = Self {
            operations: Vec::new(),
            rows: None,
            rounds: 1,
            folder: None,
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or(format!("`{argument}` needs a value"))
            };
            match argument.as_str() {
                "--rows" => {
                    let rows = value()?.split(',').map(number).collect::<Option<_>>();
                    wanted.rows = Some(rows.ok_or("`--rows` needs numbers, e.g. 10k,1m")?);
                }
                "--rounds" => {
                    let rounds = value()?.parse().map_err(|_| "`--rounds` needs a number")?;
                    wanted.rounds = std::cmp::max(rounds, 1);
                }
                "--folder" => wanted.folder = Some(value()?.into()),
                name => {
                    let operation = OPERATIONS.iter().find(|operation| operation.name == name);
                    let names = || OPERATIONS.iter().map(|operation| operation.name);
                    wanted.operations.push(operation.ok_or_else(|| {
                        let known: Vec<&str> = names().collect();
                        format!(
                            "there is no operation `{name}`; known are {}",
                            known.join(", ")
                        )
                    })?);
                }
            }
        }
        if wanted.operations.is_empty() {
            wanted.operations = OPERATIONS.iter().collect();
        }
        Ok(wanted)
    }
}

/// `10k` is ten thousand, `1m` a million.
fn number(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let (digits, factor) = if let Some(digits) = text.strip_suffix('k') {
        (digits, 1_000)
    } else if let Some(digits) = text.strip_suffix('m') {
        (digits, 1_000_000)
    } else {
        (text.as_str(), 1)
    };
    digits.parse::<u64>().ok().map(|number| number * factor)
}
