//! Files that others read while they are written anew.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
};

use super::CliError;

/// Writes the file as a whole: a reader sees the old text or the new one, never a part.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = (|| -> io::Result<()> {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|cause| {
        // What is left of it helps nobody.
        let _ = fs::remove_file(&beside);
        CliError::file(path, &cause)
    })
}
