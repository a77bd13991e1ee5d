//! `email:fetch` of many bounces from Dovecot on loopback, beside a bare read of the same octets over
//! the same kind of connection.
//!
//! The server takes most of the time, so that here speed by the wall clock is compared. The runs
//! alternate, so that a busy machine slows both; of several rounds the medians are shown. Each run
//! has a folder of its own: `delivered` as the mails came, which nobody has opened yet (what a run
//! from cron finds), and `indexed`, where another client has been and the server only sends what it
//! knows.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Bench, bare_read,
    dovecot::{self, Dovecot, PASSWORD},
    mails,
    measure::{Cost, measured},
    table,
};

/// Samples that come back most; each mail is filled up to the size of a real one.
const SAMPLES: &[&str] = &[
    "postfix",
    "exim",
    "google",
    "exchange",
    "sendmail",
    "outlook_com",
];
const SIZE: usize = 4500;

pub(crate) fn run(bench: &Bench, rows: u64) {
    let (count, rounds) = (usize::try_from(rows).unwrap(), bench.rounds);
    let Some(dovecot) = dovecot::dovecot() else {
        println!("email:fetch: not run, dovecot is not there");
        return;
    };
    let octets = fill(&dovecot, count);
    let mut folders = 0;
    let mut folder_of = |state| {
        folders += 1;
        deliver(&dovecot, &format!("Run{folders}"), state)
    };
    let folder = tempfile::tempdir_in(&bench.folder).unwrap();
    fs::write(folder.path().join("sends.csv"), mails::sends(count)).unwrap();
    let kinds = [
        ("tls", State::Delivered),
        ("tls", State::Indexed),
        ("plain", State::Delivered),
        ("plain", State::Indexed),
    ];
    for (security, state) in kinds {
        let (mut bare, mut fetch) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let mailbox = folder_of(state);
            let mut read = bare_read::command(&dovecot, security, &mailbox);
            bare.push(finished(&mut read).0);
            let mailbox = folder_of(state);
            fetch.push(fetched(&dovecot, folder.path(), security, &mailbox, count));
        }
        let (bare, fetch) = (median(&bare), median(&fetch));
        let how = format!("{security}, {state:?}").to_lowercase();
        table::line(
            &format!("email:fetch ({how}): bare read"),
            rows,
            &bare,
            &fetch,
        );
        let speed = |cost: &Cost| {
            let per_second = 1.0 / cost.wall;
            (rows as f64 * per_second, octets as f64 / 1e6 * per_second)
        };
        let ((bare_mails, bare_mb), (mails, mb)) = (speed(&bare), speed(&fetch));
        println!(
            "  by the clock {mails:.0} mails/s ({mb:.1} MB/s), bare {bare_mails:.0} ({bare_mb:.1}): {:.2} of the bare speed",
            bare.wall / fetch.wall
        );
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    Delivered,
    Indexed,
}

/// Where all mails lie, to be delivered from.
const POOL: &str = "Pool";

/// Makes a folder with all mails in it; answers its name.
fn deliver(dovecot: &Dovecot, folder: &str, state: State) -> String {
    dovecot.make_folder(folder);
    let new = dovecot.maildir(folder).join("new");
    for mail in fs::read_dir(dovecot.maildir(POOL).join("new")).unwrap() {
        let mail = mail.unwrap();
        fs::hard_link(mail.path(), new.join(mail.file_name())).unwrap();
    }
    if state == State::Indexed {
        let mut client = dovecot.client();
        client.select(folder).unwrap();
        client.uid_fetch("1:*", "(UID RFC822.SIZE)").unwrap();
        client.logout().unwrap();
    }
    folder.to_owned()
}

/// Answers the octets of all mails.
fn fill(dovecot: &Dovecot, count: usize) -> usize {
    let mut octets = 0;
    for number in 0..count {
        let mail = mail(number);
        // As a delivery by Dovecot has it: lines end in LF, the name says the size, and the size
        // with CRLF, in which it is sent.
        let sent = mail.len() + mail.matches('\n').count();
        octets += sent;
        dovecot.put(
            POOL,
            &format!("{number:07},S={},W={sent}", mail.len()),
            mail,
        );
    }
    octets
}

fn mail(number: usize) -> String {
    let sample = mails::sample(SAMPLES[number % SAMPLES.len()], number);
    let missing = SIZE.saturating_sub(sample.len());
    let filling =
        "<p>Our autumn letter, with news for friends of good wine.</p>\n".repeat(missing / 62);
    // Into the returned letter, which comes last.
    match sample.rfind("\n--") {
        Some(end) => format!("{}\n{filling}{}", &sample[..end], &sample[end..]),
        None => sample + &filling,
    }
}

fn fetched(dovecot: &Dovecot, folder: &Path, security: &str, mailbox: &str, count: usize) -> Cost {
    let connection = dovecot.connection(security);
    fs::write(
        folder.join("bouncekit.toml"),
        format!("{connection}[[mailbox]]\nname = \"m\"\nfolder = \"{mailbox}\"\n"),
    )
    .unwrap();
    for name in ["bouncekit.db", "bouncekit.db-wal", "bouncekit.db-shm"] {
        let _ = fs::remove_file(folder.join(name));
    }
    let program = |command: &str| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_bouncekit"));
        program
            .arg(command)
            .current_dir(folder)
            .env("MAIL_PASSWORD", PASSWORD);
        program
    };
    let imported = program("sends:import").arg("sends.csv").output().unwrap();
    assert!(imported.status.success(), "{imported:?}");
    let (cost, told) = finished(&mut program("email:fetch"));
    assert!(told.contains(&format!("{count} fetched")), "{}", told);
    assert_eq!(dovecot.seen(mailbox), count);
    cost
}

/// Runs a command to its end; answers what it said, too.
fn finished(command: &mut Command) -> (Cost, String) {
    let piped = command.stdin(Stdio::null()).stdout(Stdio::piped());
    let (cost, output) = measured(piped, "");
    assert!(output.status.success(), "{output:?}");
    (cost, String::from_utf8(output.stdout).unwrap())
}

/// The run whose time is in the middle.
fn median(runs: &[Cost]) -> Cost {
    let mut sorted = runs.to_vec();
    sorted.sort_by(|a, b| a.wall.total_cmp(&b.wall));
    sorted[sorted.len() / 2]
}
