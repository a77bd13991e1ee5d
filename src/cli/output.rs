//! Files that others read while they are written anew.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use super::CliError;

/// Writes the file as a whole: a reader sees the old text or the new one, never a part.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    replace_by(path, |beside| {
        let write = || -> io::Result<()> {
            let mut file = File::create(beside)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|cause| CliError::file(path, &cause))
    })
}

/// As [`replace`], where `write` makes the new file under the name it is given.
pub(crate) fn replace_by(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&beside)
        .and_then(|()| fs::rename(&beside, path).map_err(|cause| CliError::file(path, &cause)));
    written.inspect_err(|_| {
        // What is left of it helps nobody.
        let _ = fs::remove_file(&beside);
    })
}
