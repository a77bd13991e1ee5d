//! What a command costs that has next to nothing to do: reading the command line and the
//! configuration, opening the database, one query.

use std::{fs, path::Path, process::Command};

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
        println!(
            "  instructions of one start: ours {:.2} million, the shell's {:.2}",
            ours / 1e6,
            bare / 1e6
        );
    } else {
        println!("  instructions: valgrind is not there");
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

fn instructions(command: &Command, trace: &Path) -> Option<f64> {
    let mut valgrind = Command::new("valgrind");
    valgrind
        .arg("--tool=callgrind")
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
    let told = fs::read_to_string(trace).unwrap();
    let totals = told
        .lines()
        .find_map(|line| {
            line.strip_prefix("totals: ")
                .or(line.strip_prefix("summary: "))
        })
        .unwrap();
    totals.trim().parse().ok()
}
