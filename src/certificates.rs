//! SNS signing certificates on disk: those a person put there, and those fetched before.

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
};

use crate::webhook::signature::certificate::{Certificates, Found};

/// A certificate is about 2 KiB, with all its issuers 8.
pub(crate) const LARGEST: u64 = 64 * 1024;

/// The folder `certificates`; fetched ones stand in `fetched` below it.
#[derive(Clone, Debug)]
pub struct Folder {
    pub path: PathBuf,
    pub whole_chain: bool,
}

const FETCHED: &str = "fetched";

impl Folder {
    /// Keeps a fetched certificate.
    pub fn keep(&self, name: &str, pem: &[u8]) -> io::Result<()> {
        let folder = self.path.join(FETCHED);
        fs::create_dir_all(&folder)?;
        let unfinished = folder.join(format!("{name}.{}", std::process::id()));
        fs::write(&unfinished, pem)?;
        fs::rename(unfinished, folder.join(name))
    }
}

fn read(path: PathBuf) -> Option<Vec<u8>> {
    let mut pem = Vec::new();
    fs::File::open(path)
        .ok()?
        .take(LARGEST)
        .read_to_end(&mut pem)
        .ok()?;
    Some(pem)
}

impl Certificates for Folder {
    fn find(&self, name: &str) -> Option<Found> {
        let found = |pem, pinned| Found { pem, pinned };
        read(self.path.join(name))
            .map(|pem| found(pem, true))
            .or_else(|| read(self.path.join(FETCHED).join(name)).map(|pem| found(pem, false)))
    }

    fn anchors(&self) -> Vec<Vec<u8>> {
        let entries = fs::read_dir(&self.path).into_iter().flatten().flatten();
        let paths = entries.map(|entry| entry.path());
        paths
            .filter(|path| path.extension().is_some_and(|kind| kind == "pem"))
            .filter_map(read)
            .collect()
    }

    fn whole_chain(&self) -> bool {
        self.whole_chain
    }
}
