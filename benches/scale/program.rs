//! The two programs that are compared: ours and the sqlite3 shell, each with a database of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    NOW,
    measure::{Cost, measured},
};

/// A database and the command line of ours for it.
pub(crate) struct Program {
    pub(crate) database: PathBuf,
}

impl Program {
    /// Nothing is there yet, or `from` is copied.
    pub(crate) fn new(folder: &Path, name: &str, from: Option<&Path>) -> Self {
        let database = folder.join(format!("{name}.db"));
        remove(&database);
        if let Some(from) = from {
            fs::copy(from, &database).unwrap();
        }
        let program = Self { database };
        fs::write(
            program.config(),
            format!("[store]\npath = '{}'\n", program.database.display()),
        )
        .unwrap();
        program
    }

    fn config(&self) -> PathBuf {
        self.database.with_extension("toml")
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bouncekit"));
        command
            .arg("--config")
            .arg(self.config())
            .arg(name)
            .current_dir(self.database.parent().unwrap())
            .env("BOUNCEKIT_NOW", NOW);
        command
    }

    /// Runs ours to the end; answers what it said, too.
    pub(crate) fn run(&self, name: &str, arguments: &[&Path]) -> (Cost, String) {
        ended(self.command(name).args(arguments), None)
    }

    /// Runs the shell to the end with these commands.
    pub(crate) fn shell(&self, script: &str) -> (Cost, String) {
        ended(Command::new("sqlite3").arg(&self.database), Some(script))
    }

    /// The rows that this statement finds.
    pub(crate) fn rows(&self, sql: &str) -> String {
        self.shell(sql).1
    }

    /// Everything into one file.
    pub(crate) fn settle(&self) {
        self.shell("PRAGMA wal_checkpoint(truncate);");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        remove(&self.database);
        let _ = fs::remove_file(self.config());
    }
}

fn remove(database: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(format!("{}{suffix}", database.display()));
    }
}

/// Runs a command that must succeed; `input` is its standard input.
pub(crate) fn ended(command: &mut Command, input: Option<&str>) -> (Cost, String) {
    let stdin = input.map_or_else(Stdio::null, |_| Stdio::piped());
    let piped = command.stdin(stdin).stdout(Stdio::piped());
    let (cost, output) = measured(piped, input.unwrap_or_default());
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (cost, said)
}

/// As [`ended`], standard input from a file.
pub(crate) fn fed(command: &mut Command, input: &Path) -> (Cost, String) {
    let input = fs::File::open(input).unwrap();
    let (cost, output) = measured(command.stdin(input).stdout(Stdio::piped()), "");
    assert!(output.status.success(), "{command:?}: {}", output.status);
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (cost, said)
}
