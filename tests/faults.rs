//! Faults of disk, database and clock: a clear message, the right exit status, nothing lost, and the
//! next run completes.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use rusqlite::Connection;

use crate::support::{
    NOW, TestEnv,
    cgi::Callback,
    chance::Chance,
    mails::{self, sample, sample_names},
    tables,
};

const MAILBOX: &str =
    "[[mailbox]]\nname = \"m\"\nkind = \"file\"\npath = \"back\"\n[limits]\nbatch_messages = 4\n";
const OPEN_DOOR: &str = "[provider.sparkpost]\nverify = \"off\"\n";

/// A file mailbox with a mail of every sample and the sends they answer.
fn world(config: &str) -> TestEnv {
    let env = TestEnv::with_config(&format!("{MAILBOX}{OPEN_DOOR}{config}"));
    env.write("sends.csv", mails::sends(100));
    env.run(["sends:import", "sends.csv"]).done();
    for (number, name) in sample_names().iter().enumerate() {
        env.write(format!("back/{number:02}.eml"), sample(name, number));
    }
    env
}

fn rows(env: &TestEnv) -> Vec<String> {
    tables::everything(&env.database())
}

fn undisturbed() -> Vec<String> {
    let env = world("");
    env.run(["email:fetch"]).done();
    rows(&env)
}

#[test]
fn a_database_held_for_longer_than_the_wait() {
    if crate::support::engine::is_about_files("it is the disk under the file that goes wrong") {
        return;
    }
    let env = world("[store]\nwait = \"1s\"\n");
    let other = Connection::open(env.path("bouncekit.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for command in [&["email:fetch"][..], &["segments:update"]] {
        let (out, err) = env.run(command).exit(4);
        assert!(
            err.contains("in use by another process") && err.contains("hint: wait"),
            "{out}{err}"
        );
    }
    // Who only looks does not wait.
    env.run(["dnc:list"]).done();
    other.execute_batch("ROLLBACK").unwrap();
    env.run(["email:fetch"]).done();
    assert_eq!(rows(&env), undisturbed());
}

#[test]
fn a_damaged_database_is_told_and_not_written() {
    if crate::support::engine::is_about_files("it is the disk under the file that goes wrong") {
        return;
    }
    let env = world("");
    let path = env.path("bouncekit.db");
    let whole = fs::read(&path).unwrap();
    let mut damaged = whole.clone();
    // All pages but the first.
    damaged[4096..].fill(0xa5);
    fs::write(&path, &damaged).unwrap();
    let (out, err) = env.run(["email:fetch"]).exit(2);
    assert!(
        err.contains("bouncekit.db") && err.contains("damaged") && err.contains("hint: restore"),
        "{out}{err}"
    );
    assert_eq!(
        fs::read_dir(env.path("back")).unwrap().count(),
        sample_names().len()
    );
    for name in ["bouncekit.db-wal", "bouncekit.db-shm"] {
        let _ = fs::remove_file(env.path(name));
    }
    fs::write(&path, whole).unwrap();
    env.run(["email:fetch"]).done();
    assert_eq!(rows(&env), undisturbed());
}

/// A file system in memory; unmounted when dropped.
struct Disk<'a>(&'a Path);

impl<'a> Disk<'a> {
    fn mount(folder: &'a Path, options: &str) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(folder));
        }
        println!("skipped: this user may not mount a small disk");
        None
    }

    fn remount(&self, options: &str) {
        let status = Command::new("mount")
            .args(["-o", &format!("remount,{options}")])
            .arg(self.0)
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Disk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_file_system_that_becomes_read_only() {
    if crate::support::engine::is_about_files("it is the disk under the file that goes wrong") {
        return;
    }
    let env = world("");
    let folder = env.path("disk");
    let Some(disk) = Disk::mount(&folder, "size=8m") else {
        return;
    };
    fs::copy(env.path("bouncekit.db"), folder.join("b.db")).unwrap();
    env.write(
        "bouncekit.toml",
        format!(
            "{MAILBOX}{OPEN_DOOR}[store]\npath = \"disk/b.db\"\n[webhook]\nspool = \"disk/spool\"\n"
        ),
    );
    disk.remount("ro");
    let (out, err) = env.run(["email:fetch"]).exit(2);
    assert!(
        err.contains("disk/b.db") && err.contains("hint: "),
        "{out}{err}"
    );
    let answer = env.call(&Callback::post("sparkpost", "[{}]"));
    assert_eq!(answer.status, 503, "{answer:?}");
    disk.remount("rw");
    assert_eq!(env.call(&Callback::post("sparkpost", "[{}]")).status, 200);
    env.run(["email:fetch"]).done();
    assert_eq!(tables::everything(&folder.join("b.db")), undisturbed());
}

#[test]
fn a_full_disk_of_the_spool_makes_the_provider_try_again() {
    let env = TestEnv::with_config(&format!("{OPEN_DOOR}[webhook]\nspool = \"disk/spool\"\n"));
    let folder = env.path("disk");
    let Some(disk) = Disk::mount(&folder, "size=256k") else {
        return;
    };
    let callback = Callback::post("sparkpost", format!("[{}]", "{},".repeat(10_000) + "{}"));
    let mut stored = 0;
    let answer = loop {
        let answer = env.call(&callback);
        if answer.status != 200 {
            break answer;
        }
        stored += 1;
        assert!(stored < 100);
    };
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.log.contains("cannot be written"), "{answer:?}");
    let count = |name: &str| {
        fs::read_dir(folder.join("spool").join(name))
            .unwrap()
            .count()
    };
    assert_eq!((count("new"), count("tmp")), (stored, 0), "no litter");
    disk.remount("size=2m");
    assert_eq!(env.call(&callback).status, 200);
    assert_eq!(count("new"), stored + 1);
}

#[test]
fn a_clock_that_jumps_back_a_day() {
    let mut env = world("");
    let names = fs::read_dir(env.path("back")).unwrap().count();
    // Half of the mails, then yesterday the rest, then today.
    fs::create_dir(env.path("later")).unwrap();
    for number in names / 2..names {
        let name = format!("{number:02}.eml");
        fs::rename(env.path("back").join(&name), env.path("later").join(&name)).unwrap();
    }
    env.run(["email:fetch"]).done();
    for entry in fs::read_dir(env.path("later")).unwrap() {
        let path = entry.unwrap().path();
        fs::rename(&path, env.path("back").join(path.file_name().unwrap())).unwrap();
    }
    env.set("BOUNCEKIT_NOW", "2026-05-31T12:00:00Z");
    env.run(["email:fetch"]).done();
    env.run(["segments:update"]).exit(0);
    env.set("BOUNCEKIT_NOW", NOW);
    env.run(["email:fetch"]).done();
    let suppressed = |rows: &[String]| -> Vec<String> {
        rows.iter()
            .filter(|row| row.starts_with("do_not_contact"))
            .cloned()
            .collect()
    };
    assert_eq!(suppressed(&rows(&env)), suppressed(&undisturbed()));
}

#[test]
fn writes_and_syncs_that_fail_at_random() {
    if crate::support::engine::is_about_files("it is the disk under the file that goes wrong") {
        return;
    }
    let found = Command::new("fiu-run")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .arg("-h")
        .status();
    if found.is_err() {
        println!("skipped: libfiu is not installed (apt-get install fiu-utils)");
        return;
    }
    let rounds: usize =
        std::env::var("BOUNCEKIT_FAULTS").map_or(12, |number| number.parse().unwrap());
    let expected = undisturbed();
    let mut chance = Chance::new("faults");
    let (mut failed, mut tried) = (0, 0);
    while tried < rounds {
        tried += 1;
        let env = world("");
        let calls = [
            "posix/io/rw/pwrite*",
            "posix/io/rw/write*",
            "posix/io/sync/*",
            "posix/io/rw/*",
        ];
        let calls = calls[tried % calls.len()];
        // From the first calls to long after the last.
        let probability = 0.001 * f64::from(1 << chance.below(8));
        let plain = env.command(["email:fetch"]);
        let mut command = Command::new("fiu-run");
        command
            .args([
                "-x",
                "-c",
                &format!("enable_random name={calls},probability={probability}"),
            ])
            .arg(plain.get_program())
            .args(plain.get_args())
            .current_dir(env.path(""))
            .env_clear()
            .envs(
                plain
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            );
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let code = output.status.code();
        assert!(
            code.is_some(),
            "{calls} {probability}: it is killed by {:?}: {said}",
            output.status
        );
        if code != Some(0) {
            failed += 1;
            assert!(!said.contains("panicked"), "{calls} {probability}: {said}");
        }
        // What a failing disk left behind is repaired by whoever comes next.
        env.run(["email:fetch"]).exit(0);
        assert_eq!(rows(&env), expected, "{calls} {probability}: {said}");
    }
    println!("faults: {tried} runs with failing calls, {failed} of them ended with an error");
}
