//! The same commands on SQLite and on a private PostgreSQL cluster say the same.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::support::TestEnv;

/// A cluster of its own on a socket in a folder of its own; it ends with the value.
struct Cluster {
    folder: tempfile::TempDir,
    programs: PathBuf,
}

/// The newest programs of PostgreSQL that Debian has installed.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.flatten().map(|version| version.path().join("bin"));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
}

impl Cluster {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("skipped: PostgreSQL is not installed");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let cluster = Self { folder, programs };
        // The server refuses to run as root.
        if cluster.is_root() {
            let owned = Command::new("chown")
                .arg("postgres")
                .arg(cluster.path())
                .status();
            assert!(owned.unwrap().success());
        }
        let data = cluster.path().join("data");
        let data = data.to_str().unwrap();
        cluster.run(
            "initdb",
            &[
                "-D",
                data,
                "-A",
                "trust",
                "-U",
                "postgres",
                "-E",
                "UTF8",
                "--no-sync",
            ],
        );
        let options = format!(
            "-c listen_addresses= -c fsync=off -c unix_socket_directories={}",
            cluster.path().display()
        );
        cluster.run("pg_ctl", &["-D", data, "-o", &options, "-w", "start"]);
        Some(cluster)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn is_root(&self) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) && self.programs.is_dir()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if self.is_root() {
            let mut command = Command::new("setpriv");
            command
                .args(["--reuid=postgres", "--regid=postgres", "--init-groups"])
                .arg(program);
            command
        } else {
            Command::new(program)
        };
        let status = command
            .args(arguments)
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{arguments:?}");
    }

    fn url(&self) -> String {
        format!(
            "postgres://postgres:hunter2@/postgres?host={}",
            self.path().display()
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.path().join("data");
        self.run(
            "pg_ctl",
            &[
                "-D",
                data.to_str().unwrap(),
                "-m",
                "immediate",
                "-w",
                "stop",
            ],
        );
    }
}

/// The words of a command; a filter is one to the end.
fn arguments(command: &str) -> Vec<&str> {
    let (words, filter) = command.split_once(" --filter ").unwrap_or((command, ""));
    let mut all: Vec<&str> = words.split(' ').collect();
    if !filter.is_empty() {
        all.extend(["--filter", filter]);
    }
    all
}

/// What a series of commands says.
fn story(env: &TestEnv) -> Vec<String> {
    let mut contacts = String::from("email,city\n");
    for n in 0..300 {
        let city = if n % 3 == 0 { "Graz" } else { "Wien" };
        contacts += &format!("u{n}@d{}.example,{city}\n", n % 7);
    }
    env.write("contacts.csv", contacts);
    let events: Vec<serde_json::Value> = (0..400)
        .map(|n| {
            let event = ["bounce", "spamreport", "delivered"][n % 3];
            serde_json::json!({
                "email": format!("u{}@d{}.example", n % 300, n % 300 % 7),
                "event": event,
                "sg_event_id": format!("e{n}"), "timestamp": 1_780_000_000 + n,
                "status": "5.1.1", "reason": "550 5.1.1 user unknown", "type": "bounce",
            })
        })
        .collect();
    env.write("sendgrid.json", serde_json::to_vec(&events).unwrap());
    let mut said = Vec::new();
    for command in [
        "contacts:import contacts.csv",
        "contacts:import contacts.csv",
        "segments:create Bounced --filter bounced",
        "segments:create Graz --filter city='graz'",
        "segments:create Pattern --filter address matches '^u1.*d[23]'",
        "webhook:replay sendgrid.json --provider sendgrid",
        "webhook:replay sendgrid.json --provider sendgrid",
        "segments:update",
        "segments:show Bounced --format csv",
        "segments:explain Graz u3@d3.example",
        "dnc:list --format csv",
        "contacts:show u0@d0.example",
        "runs:list --format csv",
        "report",
        "dnc:export --to own",
        "runs:undo 3",
        "segments:update",
        "dnc:list --format csv",
    ] {
        let output = env.run(arguments(command));
        assert!(!output.stderr.contains("hunter2") && !output.stdout.contains("hunter2"));
        let mut text = format!(
            "{command}\n{:?}\n{}{}",
            output.status.code(),
            output.stdout,
            output.stderr
        );
        // Pids, and how long it took.
        text.retain(|c| !c.is_ascii_digit() || !command.starts_with("runs:list"));
        said.push(text);
    }
    said
}

#[test]
fn commands_say_on_postgresql_what_they_say_on_sqlite() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let sqlite = story(&TestEnv::new());
    let mut env = TestEnv::new();
    env.set("BOUNCEKIT_STORE_URL", cluster.url());
    let postgres = story(&env);
    assert!(!env.path("bouncekit.db").exists());
    assert!(
        sqlite
            .iter()
            .filter(|text| text.contains("Some(0)"))
            .count()
            > 10,
        "{sqlite:#?}"
    );
    for (sqlite, postgres) in sqlite.iter().zip(&postgres) {
        assert_eq!(sqlite, postgres);
    }
}

#[test]
fn an_address_that_is_none_or_that_nobody_answers_is_told_without_the_password() {
    let mut env = TestEnv::new();
    env.set(
        "BOUNCEKIT_STORE_URL",
        "postgres://anna:hunter2@127.0.0.1:1/mail",
    );
    let (_, err) = env.run(["runs:list"]).exit(3);
    assert!(
        err.contains("anna@127.0.0.1:1/mail") && !err.contains("hunter2"),
        "{err}"
    );
    env.set("BOUNCEKIT_STORE_URL", "postgres://anna:hunter2@h:port/mail");
    let (_, err) = env.run(["runs:list"]).exit(2);
    assert!(!err.contains("hunter2"), "{err}");
}
