//! What a command costs that has next to nothing to do: reading the command line and the
//! configuration, opening the database, one query.

use std::{fmt, fs, path::Path, process::Command};

use crate::{
    Bench,
    measure::Cost,
    population::Population,
    program::{Program, ended},
    table,
};

/// So many starts are measured together.
const STARTS: u64 = 50;

const COMMAND: &str = "segments:list";
const SQL: &str = "SELECT id, name, filter FROM segment ORDER BY name;";

pub(crate) fn run(bench: &Bench, rows: u64) {
    let csv = bench.folder.join("contacts.csv");
    Population { size: rows }.write_contacts(&csv).unwrap();
    let program = Program::new(&bench.folder, "start", None);
    program.run("contacts:import", &[&csv]);
    let _ = fs::remove_file(csv);
    program.settle();
    let mut shell = Command::new("sqlite3");
    shell.arg(&program.database).arg(SQL);
    let mut ours = program.command(COMMAND);
    table::line(
        &format!("start-up x {STARTS}: shell"),
        rows,
        &often(&mut shell),
        &often(&mut ours),
    );
    let trace = bench.folder.join("callgrind.out");
    if let (Some(bare), Some(ours)) = (instructions(&shell, &trace), instructions(&ours, &trace)) {
        println!("  millions of instructions of one start: ours {ours}; the shell's {bare}");
    } else {
        println!("  instructions: valgrind is not there");
    }
}

/// Of one run, as callgrind counts them.
struct Instructions {
    all: u64,
    /// The dynamic loader's, which binds the libraries before the program begins.
    loader: u64,
}

impl fmt::Display for Instructions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millions = |count: u64| count as f64 / 1e6;
        let own = self.all - self.loader;
        write!(
            f,
            "{:.2} and {:.2} of the loader",
            millions(own),
            millions(self.loader)
        )
    }
}

/// All starts together, and the peak of the largest.
fn often(command: &mut Command) -> Cost {
    (0..STARTS).fold(Cost::default(), |sum, _| {
        let (cost, _) = ended(command, None);
        Cost {
            wall: sum.wall + cost.wall,
            processor: sum.processor + cost.processor,
            peak_mib: sum.peak_mib.max(cost.peak_mib),
        }
    })
}

fn instructions(command: &Command, trace: &Path) -> Option<Instructions> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .arg("--tool=callgrind")
        .arg("--compress-strings=no")
        .arg(format!("--callgrind-out-file={}", trace.display()))
        .arg(command.get_program())
        .args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        valgrind.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        valgrind.env(name, value.unwrap_or_default());
    }
    let output = valgrind.output().ok()?;
    assert!(output.status.success(), "{output:?}");
    Some(counted(&fs::read_to_string(trace).unwrap()))
}

/// Adds up what callgrind wrote: lines of `position cost` below the object (`ob=`) they are of. What
/// follows `calls=` is the callee's and counted there.
fn counted(told: &str) -> Instructions {
    let mut sum = Instructions { all: 0, loader: 0 };
    let (mut in_loader, mut is_call) = (false, false);
    for line in told.lines() {
        if let Some(object) = line.strip_prefix("ob=") {
            in_loader = object.contains("/ld-linux");
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && !std::mem::take(&mut is_call)
        {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
            let cost: u64 = cost.unwrap_or(0);
            sum.all += cost;
            sum.loader += if in_loader { cost } else { 0 };
        }
    }
    sum
}
