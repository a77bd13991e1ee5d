//! Files that others read while they are written anew.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::CliError;

/// Whether something is there that must stay what it is: a device, a pipe. A file in its place would
/// break it for everybody (`-o /dev/null` by root).
pub(crate) fn is_special(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|there| !there.is_file() && !there.is_dir())
}

/// Where the file lies that is to be replaced: a link to it stays.
pub(crate) fn place(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// Writes the file as a whole: a reader sees the old text or the new one, never a part.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    if is_special(path) {
        let written = File::options()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes));
        return written.map_err(|cause| CliError::file(path, &cause));
    }
    replace_by(path, |beside| {
        let write = || -> io::Result<()> {
            let mut file = File::create(beside)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|cause| CliError::file(path, &cause))
    })
}

/// As [`replace`], where `write` makes the new file under the name it is given. What is special is
/// refused.
pub(crate) fn replace_by(
    path: &Path,
    write: impl FnOnce(&Path) -> Result<(), CliError>,
) -> Result<(), CliError> {
    if is_special(path) {
        return Err(
            CliError::usage(format!("`{}` is not a file", path.display()))
                .hint("name a file that may be replaced"),
        );
    }
    let path = &place(path);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&beside)
        .and_then(|()| fs::rename(&beside, path).map_err(|cause| CliError::file(path, &cause)));
    written.inspect_err(|_| {
        // What is left of it helps nobody.
        let _ = fs::remove_file(&beside);
    })
}
