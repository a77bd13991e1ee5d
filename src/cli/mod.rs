use std::{ffi::OsString, process::ExitCode};

pub(crate) fn run(_args: impl IntoIterator<Item = OsString>) -> ExitCode {
    ExitCode::SUCCESS
}
