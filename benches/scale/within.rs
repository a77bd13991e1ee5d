//! Bare limits that are no other program's: this one runs itself, so that time and memory are those
//! of a process.

use std::process::Command;

use crate::{bare_read, recognition, replay};

const ARGUMENT: &str = "--within";

type Work = fn(&[String]);

const WORKS: &[(&str, Work)] = &[
    ("bare-read", bare_read::read),
    ("decode", replay::decode),
    ("parse", recognition::parse),
    ("recognise", recognition::recognise),
];

/// A process of this program that does `work`.
pub(crate) fn command(work: &str) -> Command {
    debug_assert!(WORKS.iter().any(|(name, _)| *name == work));
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.arg(ARGUMENT).arg(work);
    command
}

/// Does what such a process is for; whether it is one.
pub(crate) fn run(arguments: &[String]) -> bool {
    let [first, name, more @ ..] = arguments else {
        return false;
    };
    let work = WORKS
        .iter()
        .find(|(work, _)| first == ARGUMENT && work == name);
    if let Some((_, work)) = work {
        work(more);
    }
    work.is_some()
}
