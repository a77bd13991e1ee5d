//! Where the tests keep their databases: each in a file of its folder or, with
//! `BOUNCEKIT_TEST_SERVER`, each in a database of its own on that PostgreSQL server
//! (`tests/on_postgresql` starts one).

use std::{
    process::{Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use super::TestEnv;

/// A database of one test; it goes with the value.
pub(crate) struct Database {
    name: String,
}

fn server() -> Option<&'static str> {
    static SERVER: OnceLock<Option<String>> = OnceLock::new();
    let read = || std::env::var("BOUNCEKIT_TEST_SERVER").ok();
    SERVER.get_or_init(read).as_deref()
}

/// Whether a test cannot be done on PostgreSQL, of which it says so.
pub(crate) fn is_about_files(why: &str) -> bool {
    if server().is_some() {
        eprintln!("skipped on PostgreSQL: {why}");
    }
    server().is_some()
}

fn url_of(name: &str) -> String {
    server()
        .unwrap()
        .replacen("/postgres?", &format!("/{name}?"), 1)
}

fn said(sql: &str) -> bool {
    let psql = Command::new("psql")
        .args(["-qXd", server().unwrap(), "-c", sql])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    psql.unwrap().success()
}

/// Has psql do something in the database of this address.
pub(crate) fn psql(url: &str, sql: &str) -> String {
    let output = Command::new("psql")
        .args(["-qXAtd", url, "-v", "ON_ERROR_STOP=1", "-c", sql])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{sql}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The name of a database that has the tables: copying it is faster than making them.
fn seed() -> &'static str {
    static SEED: OnceLock<String> = OnceLock::new();
    SEED.get_or_init(|| {
        let name = format!("seed_{}", std::process::id());
        assert!(said(&format!("CREATE DATABASE {name}")));
        let folder = tempfile::tempdir().unwrap();
        let made = Command::new(env!("CARGO_BIN_EXE_bouncekit"))
            .arg("runs:list")
            .env("BOUNCEKIT_STORE_URL", url_of(&name))
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        name
    })
}

fn copied(from: &str, to: &str) {
    let make = format!("CREATE DATABASE {to} TEMPLATE {from}");
    // While another copies the same one, or its last reader is on its way out.
    while !said(&make) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

impl Database {
    /// `None` where the tests use files.
    pub(crate) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        server()?;
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        copied(seed(), &name);
        Some(Self { name })
    }

    pub(crate) fn url(&self) -> String {
        url_of(&self.name)
    }
}

/// A database as it was, to be put back however often.
pub(crate) enum Saved {
    File(Vec<u8>),
    /// A copy on the server, which goes with the value, and what it was copied from.
    Copy(Database, String),
}

impl Saved {
    pub(crate) fn of(env: &TestEnv) -> Self {
        if let Some(url) = env.store_url() {
            let (_, name) = url.rsplit_once("@/").unwrap();
            let name = name.split('?').next().unwrap().to_owned();
            let copy = format!("{name}_saved");
            copied(&name, &copy);
            return Self::Copy(Database { name: copy }, name);
        }
        assert!(
            !env.path("bouncekit.db-wal").exists(),
            "the last one to close leaves one file"
        );
        Self::File(std::fs::read(env.path("bouncekit.db")).unwrap())
    }

    pub(crate) fn restore(&self, env: &TestEnv) {
        match self {
            Self::File(octets) => {
                for name in ["bouncekit.db-wal", "bouncekit.db-shm"] {
                    // Only a killed process leaves them.
                    let _ = std::fs::remove_file(env.path(name));
                }
                env.write("bouncekit.db", octets);
            }
            Self::Copy(copy, name) => {
                // The server does not notice at once that a process was killed.
                assert!(said(&format!("DROP DATABASE {name} WITH (FORCE)")));
                copied(&copy.name, name);
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        said(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
    }
}
