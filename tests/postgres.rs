//! The same commands on SQLite and on a private PostgreSQL cluster say the same.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use bouncekit_core::store::Holder;
use bouncekit_core::time::Timestamp;

use crate::support::{TestEnv, engine::psql, finish, tables};

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
        cluster.run(
            "pg_ctl",
            &["-D", data, "-o", &cluster.options(), "-w", "start"],
        );
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

    /// Ended as by a loss of power, and started again.
    fn crash(&self) {
        let data = self.path().join("data");
        let data = data.to_str().unwrap();
        self.run("pg_ctl", &["-D", data, "-m", "immediate", "-w", "stop"]);
        self.run(
            "pg_ctl",
            &["-D", data, "-o", &self.options(), "-w", "start"],
        );
    }

    fn options(&self) -> String {
        format!(
            "-c listen_addresses= -c fsync=off -c unix_socket_directories={}",
            self.path().display()
        )
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
    let mut env = TestEnv::new();
    env.set("BOUNCEKIT_STORE_URL", "");
    let sqlite = story(&env);
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

/// An address of `cluster` for a database of its own.
fn database(cluster: &Cluster, name: &str) -> String {
    psql(&cluster.url(), &format!("CREATE DATABASE {name}"));
    cluster.url().replace("/postgres?", &format!("/{name}?"))
}

/// Events of SendGrid, `count` of them from number `first` on.
fn payload(first: usize, count: usize) -> Vec<u8> {
    let events: Vec<serde_json::Value> = (first..first + count)
        .map(|n| {
            let event = ["bounce", "spamreport", "delivered", "unsubscribe"][n % 4];
            let status = ["5.1.1", "4.2.2"][n / 4 % 2];
            serde_json::json!({
                "email": format!("u{}@d{}.example", n % 500, n % 7), "event": event,
                "sg_event_id": format!("e{n}"), "timestamp": 1_780_000_000 + n, "status": status,
                "reason": "550 refused", "type": "bounce",
            })
        })
        .collect();
    serde_json::to_vec(&events).unwrap()
}

fn people() -> String {
    let mut contacts = String::from("email,city\n");
    for n in 0..3500 {
        contacts += &format!("u{}@d{}.example,Graz\n", n % 500, n % 7);
    }
    contacts
}

/// Everything a database holds but what tells of runs.
fn rows(env: &TestEnv) -> Vec<String> {
    env.run(["report"]).exit(0);
    tables::everything(&env.database())
}

#[test]
fn a_database_is_copied_there_and_back() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let mut env = TestEnv::new();
    env.set("BOUNCEKIT_STORE_URL", "");
    env.run_with(["contacts:import", "-"], people()).done();
    env.run(["segments:create", "Bounced", "--filter", "bounced"])
        .exit(0);
    env.write("events.json", payload(0, 2500));
    env.run(["webhook:replay", "events.json", "--provider", "sendgrid"])
        .exit(0);
    env.run(["segments:update"]).done();
    let url = database(&cluster, "copied");

    let would = env
        .run(["store:copy", "bouncekit.db", &url, "--dry-run"])
        .done();
    let done = env.run(["store:copy", "bouncekit.db", &url]).done();
    assert_eq!(would.replace("would be ", ""), done);
    assert!(!done.contains("hunter2"), "{done}");
    let back = env.run(["store:copy", &url, "back.db"]).done();
    assert_eq!(done, back);
    assert_eq!(
        tables::everything(&env.path("bouncekit.db")),
        tables::everything(&env.path("back.db"))
    );
    let (_, err) = env.run(["store:copy", "back.db", &url]).exit(2);
    assert!(
        err.contains("not empty: its table `contact`") && !err.contains("hunter2"),
        "{err}"
    );
    let (_, err) = env.run(["store:copy", "nowhere.db", &url]).exit(2);
    assert!(err.contains("there is no file `nowhere.db`"), "{err}");
    assert!(!env.path("nowhere.db").exists());

    // What comes next is numbered behind what was there, and found in both alike.
    let listed = |env: &TestEnv| env.run(["dnc:list", "--format", "csv"]).done();
    let before = listed(&env);
    env.set("BOUNCEKIT_STORE_URL", url);
    assert_eq!(listed(&env), before);
    env.write("more.json", payload(2500, 100));
    env.run(["webhook:replay", "more.json", "--provider", "sendgrid"])
        .exit(0);
    env.run(["segments:create", "Graz", "--filter", "city = 'Graz'"])
        .exit(0);
    env.run(["segments:update"]).done();
}

#[test]
fn a_lease_of_a_machine_that_is_gone_runs_out() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let mut env =
        TestEnv::with_config("[[mailbox]]\nname = \"m\"\nkind = \"file\"\npath = \"back\"\n");
    env.write("back/1.eml", "Subject: x\n\nx\n");
    let url = database(&cluster, "leases");
    env.set("BOUNCEKIT_STORE_URL", url.clone());
    let far = Holder {
        host: "far.example".into(),
        pid: 7,
        started: 1,
    };
    let mut store = env.store();
    store
        .take_lease("mailbox:m", &far, Timestamp(0), |_| false)
        .unwrap()
        .unwrap();
    let left = || -> i64 {
        let left =
            "SELECT expires_at - extract(epoch FROM clock_timestamp())::bigint * 1000 FROM lease";
        psql(&url, left).trim().parse().unwrap()
    };
    assert!((30_000..=61_000).contains(&left()), "{}", left());
    let (_, err) = env.run(["email:fetch"]).exit(4);
    assert!(err.contains("process 7 on far.example"), "{err}");
    // It is renewed while its holder lives,
    psql(&url, "UPDATE lease SET expires_at = expires_at - 55000");
    let began = std::time::Instant::now();
    while left() < 30_000 {
        assert!(began.elapsed().as_secs() < 40, "{}", left());
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    // and runs out when nobody does.
    drop(store);
    psql(&url, "UPDATE lease SET expires_at = expires_at - 70000");
    env.run(["email:fetch"]).exit(0);
    assert_eq!(env.count("lease"), 0);
}

#[test]
fn four_writers_lose_nothing_and_double_nothing_while_the_server_crashes() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let config = "[store]\nwait = \"60s\"\n[limits]\nbatch_messages = 50\n";
    let world = |name: &str| {
        let mut env = TestEnv::with_config(config);
        env.set("BOUNCEKIT_STORE_URL", database(&cluster, name));
        env.run_with(["contacts:import", "-"], people()).done();
        for part in 0..4 {
            // Each shares half of its events with the next.
            env.write(format!("{part}.json"), payload(part * 2000, 4000));
        }
        env
    };
    let replay = |env: &TestEnv, part: usize| {
        let file = format!("{part}.json");
        env.command(["webhook:replay", &file, "--provider", "sendgrid"])
            .spawn()
            .unwrap()
    };
    let calm = world("calm");
    for part in 0..4 {
        finish(replay(&calm, part)).exit(0);
    }
    let env = world("stormy");
    let mut writers: Vec<_> = (0..4).map(|part| replay(&env, part)).collect();
    let mut crashes = 0;
    while crashes < 4
        && writers
            .iter_mut()
            .any(|child| child.try_wait().unwrap().is_none())
    {
        std::thread::sleep(std::time::Duration::from_millis(700));
        cluster.crash();
        crashes += 1;
    }
    for (part, writer) in writers.into_iter().enumerate() {
        let mut output = finish(writer);
        // Who loses the server outside a batch says so, and is started again by cron or systemd.
        while output.status.code() == Some(3) {
            output = finish(replay(&env, part));
        }
        output.exit(0);
    }
    println!("{crashes} crashes");
    assert!(crashes > 0);
    assert_eq!(rows(&env), rows(&calm));
}

#[test]
fn what_the_server_lacks_is_told_as_such() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let mut env = TestEnv::new();
    let url = database(&cluster, "lacking");
    env.set("BOUNCEKIT_STORE_URL", url.clone());
    let _ = env.run(["runs:list"]).done();
    let maintained = env.run(["maintain", "--format", "json"]).json();
    assert_eq!(maintained["soundness"], "not checked");

    // As the server says it, from within a statement of ours.
    for (state, condition, hint) in [
        ("53100", "disk", "free some space"),
        ("53200", "not enough memory", "work_mem"),
        ("53300", "no connection left", "max_connections"),
        ("57014", "cancelled", "statement_timeout"),
        ("58030", "files", "check its disk"),
        ("XX001", "damaged", "pg_amcheck"),
    ] {
        let sql = format!(
            "CREATE OR REPLACE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION 'as the server says' USING ERRCODE = '{state}'; END $$;
             CREATE OR REPLACE TRIGGER falling BEFORE INSERT ON run EXECUTE FUNCTION fall()"
        );
        psql(&url, &sql);
        let (_, err) = env.run(["maintain"]).exit(2);
        assert!(
            err.contains(condition) && err.contains("as the server says") && err.contains(hint),
            "{state}: {err}"
        );
        assert!(!err.contains("bug"), "{state}: {err}");
    }

    // And at the door.
    psql(
        &url,
        "CREATE ROLE guest LOGIN; CREATE ROLE crowd LOGIN CONNECTION LIMIT 0",
    );
    for (url, hint) in [
        (url.replace("/lacking?", "/nowhere?"), "createdb"),
        (
            url.replace("postgres:hunter2@", "crowd@"),
            "max_connections",
        ),
    ] {
        env.set("BOUNCEKIT_STORE_URL", url.clone());
        let (_, err) = env.run(["runs:list"]).exit(3);
        assert!(err.contains(hint) && !err.contains("bug"), "{url}: {err}");
    }
    env.set(
        "BOUNCEKIT_STORE_URL",
        url.replace("postgres:hunter2@", "guest@"),
    );
    let (_, err) = env.run(["runs:list"]).exit(2);
    assert!(
        err.contains("may not") && err.contains("grant") && !err.contains("bug"),
        "{err}"
    );
}
