//! The real binary in a folder of its own: cleared environment, own HOME, a clock that stands.

mod certificates;
pub(crate) mod chance;
pub(crate) mod dovecot;
pub(crate) mod engine;
pub(crate) mod fake_imap;
pub(crate) mod mails;
pub(crate) mod proxy;
pub(crate) mod tables;
pub(crate) mod token_server;

pub(crate) use certificates::Validity;
pub(crate) mod cgi;
pub(crate) mod fake_sns;
pub(crate) mod mailing;
pub(crate) mod proofs;

use std::{
    ffi::OsStr,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use bouncekit_core::store::{OpenOptions, Server, Store};

/// The time that every command is told.
pub(crate) const NOW: &str = "2026-06-01T12:00:00Z";

/// A hermetic place to run the program in. Relative paths are meant from its folder.
pub(crate) struct TestEnv {
    folder: tempfile::TempDir,
    variables: Vec<(String, String)>,
    /// On PostgreSQL, made when it is needed.
    server: OnceLock<Option<engine::Database>>,
    copies: AtomicU32,
}

/// What a finished command said.
#[derive(Debug)]
#[must_use = "look at the output, or call `.done()`"]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("bouncekit-test-")
            .tempdir()
            .unwrap();
        for name in ["home", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self {
            folder,
            variables: Vec::new(),
            server: OnceLock::new(),
            copies: AtomicU32::new(0),
        }
    }

    /// A folder with `bouncekit.toml` in it.
    pub(crate) fn with_config(config: &str) -> Self {
        let env = Self::new();
        env.write("bouncekit.toml", config);
        env
    }

    pub(crate) fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file, with the folders above it.
    pub(crate) fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Sets an environment variable for every later command.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.into()));
    }

    /// The address of the database, where it is not the file.
    pub(crate) fn store_url(&self) -> Option<String> {
        let chosen = |(name, _): &&(String, String)| name == "BOUNCEKIT_STORE_URL";
        if let Some((_, url)) = self.variables.iter().find(chosen) {
            return Some(url.clone()).filter(|url| !url.is_empty());
        }
        let database = self.server.get_or_init(engine::Database::new);
        database.as_ref().map(engine::Database::url)
    }

    /// The database as a file to read: itself, or a copy of what is on the server.
    pub(crate) fn database(&self) -> PathBuf {
        let Some(url) = self.store_url() else {
            return self.path("bouncekit.db");
        };
        let number = self.copies.fetch_add(1, Ordering::Relaxed);
        let copy = self.path(format!("tmp/copy-{number}.db"));
        let _ = self
            .run(["store:copy", &url, copy.to_str().unwrap()])
            .exit(0);
        copy
    }

    /// The database, opened as the program does.
    pub(crate) fn store(&self) -> Store {
        let options = OpenOptions::default();
        match self.store_url() {
            None => Store::open(&self.path("bouncekit.db"), options).unwrap(),
            Some(url) => Store::connect(Server::parse(&url).unwrap(), options).unwrap(),
        }
    }

    /// How many rows a table has, of those that are not copied, too.
    pub(crate) fn count(&self, table: &str) -> usize {
        match self.store_url() {
            None => tables::count(&self.path("bouncekit.db"), table),
            Some(url) => engine::psql(&url, &format!("SELECT count(*) FROM {table}"))
                .trim()
                .parse()
                .unwrap(),
        }
    }

    /// Has the engine do something beside the program.
    pub(crate) fn sql(&self, text: &str) {
        match self.store_url() {
            None => rusqlite::Connection::open(self.path("bouncekit.db"))
                .unwrap()
                .execute_batch(text)
                .unwrap(),
            Some(url) => drop(engine::psql(&url, text)),
        }
    }

    /// The program, ready to be started in this folder.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_bouncekit"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env("BOUNCEKIT_NOW", NOW)
            .envs(self.store_url().map(|url| ("BOUNCEKIT_STORE_URL", url)))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The same on a machine with so little memory, in KiB of addresses.
    pub(crate) fn command_within<S: AsRef<OsStr>>(
        &self,
        memory: u32,
        args: impl IntoIterator<Item = S>,
    ) -> Command {
        let program = self.command(args);
        let mut limited = Command::new("sh");
        let set = program.get_envs();
        limited
            .arg("-c")
            .arg(format!("ulimit -c 0; ulimit -v {memory}; exec \"$@\""))
            .arg("sh")
            .arg(program.get_program())
            .args(program.get_args())
            .current_dir(self.folder.path())
            .env_clear()
            .envs(set.filter_map(|(name, value)| Some((name, value?))))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        limited
    }

    pub(crate) fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Output {
        finish(self.command(args).spawn().unwrap())
    }

    /// Runs the program with `input` on its standard input.
    pub(crate) fn run_with<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
        input: impl AsRef<[u8]> + Send,
    ) -> Output {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                // A program that ends without reading everything closes the pipe.
                let _ = stdin.write_all(input.as_ref());
            });
            finish(child)
        })
    }
}

pub(crate) fn finish(child: Child) -> Output {
    let output = child.wait_with_output().unwrap();
    Output {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Output {
    /// Asserts exit status 0 and an empty stderr; answers stdout.
    #[track_caller]
    pub(crate) fn done(self) -> String {
        assert_eq!(self.status.code(), Some(0), "{self:?}");
        assert_eq!(self.stderr, "", "{self:?}");
        self.stdout
    }

    /// Asserts the exit status; answers stdout and stderr.
    #[track_caller]
    pub(crate) fn exit(self, code: i32) -> (String, String) {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        (self.stdout, self.stderr)
    }

    /// Asserts exit status 0; answers stdout as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> serde_json::Value {
        let text = self.done();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// The corpus of real mails, if it is here; says so where it is not.
pub(crate) fn corpus() -> Option<PathBuf> {
    let path = std::env::var_os("BOUNCEKIT_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus"),
        PathBuf::from,
    );
    if path.join("expected.jsonl").is_file() {
        return Some(path);
    }
    eprintln!(
        "skipped: no corpus at `{}` (set BOUNCEKIT_CORPUS)",
        path.display()
    );
    None
}

/// The signature vectors, if they are here; says so where they are not. They are read in place.
pub(crate) fn signature_vectors() -> Option<PathBuf> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/webhooks/fixtures/_signatures");
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: no signature vectors at `{}`", path.display());
    None
}

/// The names of the test modules in `tests/`, for the guard in `main.rs`.
pub(crate) fn test_files() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "main")
        .collect();
    names.sort();
    names
}
