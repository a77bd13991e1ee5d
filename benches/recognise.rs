//! How fast mails are recognised, from bytes to verdict, on one core, and how right; printed, never
//! asserted.
//!
//! `cargo bench --bench recognise`. Small mails are those of the corpus (BOUNCEKIT_CORPUS, else
//! beside the project), or the fixtures where there is none; large ones are made here. Processor
//! time is counted, so that a busy machine does not matter much; of several rounds the median.

// Figures for people.
#![allow(clippy::cast_precision_loss)]

use std::{
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use bouncekit_core::{
    classify::Rules,
    event::{self, DeliveryEvent},
    message::{self, Options},
};

const ROUNDS: usize = 7;
/// A round is repeated until it has taken so long.
const ROUND: Duration = Duration::from_millis(400);
const MB: usize = 1_000_000;
/// As often is the program started.
const STARTS: u32 = 50;

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (name, mails) = small_mails(root);
    let options = Options::default();
    // Built once a process, not once a mail.
    let start = Instant::now();
    let rules = Rules::builtin();
    println!(
        "rules compiled in       {:>9.2} ms",
        millis(start.elapsed())
    );

    let bytes: usize = mails.iter().map(Vec::len).sum();
    let took = measured(|| {
        for mail in &mails {
            black_box(verdicts(mail, rules, &options));
        }
    });
    let per_second = mails.len() as f64 / took.as_secs_f64();
    println!(
        "{name}: {} mails, mean {:.1} kB: {per_second:.0} mails/s, {:.1} MB/s",
        mails.len(),
        bytes as f64 / mails.len() as f64 / 1000.0,
        rate(bytes, took)
    );

    recognised(root);

    println!(
        "\nlarge mails, MB/s       {}",
        sizes(|size| format!("{size} MB"))
    );
    for (name, make) in LARGE {
        let rates = sizes(|size| {
            let mail = make(size * MB);
            let took = measured(|| {
                black_box(verdicts(&mail, rules, &options));
            });
            format!("{:.0}", rate(mail.len(), took))
        });
        println!("{name:<22}  {rates}");
    }

    startup(root);
}

/// What `email:fetch` does with a mail before the store.
fn verdicts(mail: &[u8], rules: &Rules, options: &Options) -> Vec<DeliveryEvent> {
    let inbound = message::parse(mail, options);
    event::from_inbound(&inbound, [0; 16], "bench", |diagnostics| {
        rules.classify(diagnostics)
    })
}

/// How right that is, as `rules:eval` counts it.
fn recognised(root: &Path) {
    let corpus = corpus(root);
    if corpus.is_dir() {
        println!();
        let scored = Command::new(env!("CARGO_BIN_EXE_bouncekit"))
            .args(["rules:eval", "--worst", "0"])
            .arg(&corpus)
            .env_clear()
            .status();
        assert!(scored.is_ok_and(|status| status.success()));
    }
}

fn corpus(root: &Path) -> PathBuf {
    std::env::var_os("BOUNCEKIT_CORPUS")
        .map_or_else(|| root.join("../shared/corpus"), PathBuf::from)
}

fn small_mails(root: &Path) -> (&'static str, Vec<Vec<u8>>) {
    let corpus = corpus(root);
    let (name, folders) = if corpus.is_dir() {
        let folders = ["messages", "not_bounces"].map(|name| corpus.join(name));
        ("corpus", folders.to_vec())
    } else {
        let folders = fs::read_dir(root.join("fixtures/messages")).expect("fixtures are there");
        let folders = folders.filter_map(|entry| Some(entry.ok()?.path()));
        ("fixtures", folders.collect())
    };
    let mails: Vec<Vec<u8>> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).into_iter().flatten())
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|kind| kind == "eml"))
        .filter_map(|path| fs::read(path).ok())
        .collect();
    assert!(!mails.is_empty(), "no mails to read");
    (name, mails)
}

const DSN: &str = "Delivered-To: news+bounce_5c1f1d3b2a@example.org\nFrom: MAILER-DAEMON@mx.example.net\n\
    Subject: Undelivered Mail Returned to Sender\nMessage-ID: <1@mx.example.net>\n\
    Date: Mon, 1 Jun 2026 08:00:00 +0000\nMIME-Version: 1.0\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\n\n\
    --b\nContent-Type: text/plain\n\nSorry.\n\n\
    --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n\
    Final-Recipient: rfc822; anna@example.net\nAction: failed\nStatus: 5.1.1\n\
    Diagnostic-Code: smtp; 550 5.1.1 no such user here\n\n\
    --b\nContent-Type: message/rfc822\n\n\
    Return-Path: <news+bounce_5c1f1d3b2a@example.org>\nMessage-ID: <x@example.org>\n\
    Subject: News\nMIME-Version: 1.0\n";

type Make = fn(usize) -> Vec<u8>;

const LARGE: &[(&str, Make)] = &[
    ("DSN, returned text", |size| {
        filled(
            &format!("{DSN}Content-Type: text/plain\n\n"),
            LINE,
            size,
            "\n--b--\n",
        )
    }),
    ("DSN, returned base64", |size| {
        let head = format!(
            "{DSN}Content-Type: multipart/mixed; boundary=i\n\n--i\nContent-Type: text/plain\n\nHi.\n\n--i\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        );
        filled(&head, BASE64, size, "\n--i--\n--b--\n")
    }),
    ("DSN, returned HTML, CRLF", |size| {
        let head = format!(
            "{DSN}Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n"
        );
        let mail = filled(&head, HTML, size, "\n--b--\n");
        String::from_utf8_lossy(&mail)
            .replace('\n', "\r\n")
            .into_bytes()
    }),
    ("free text", |size| {
        let head = "From: MAILER-DAEMON@mx.example.net\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.net.\n\n<anna@example.net>:\nno such user\n\n--- Below this line is a copy of the message.\n\n";
        filled(head, LINE, size, "")
    }),
    ("no bounce, attachment", |size| {
        let head = "From: a@example.net\nSubject: Pictures\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=i\n\n--i\nContent-Type: text/plain\n\nHi.\n\n--i\nContent-Type: image/jpeg\nContent-Transfer-Encoding: base64\n\n";
        filled(head, BASE64, size, "\n--i--\n")
    }),
];

const LINE: &str =
    "The mail that came back is as long as anything that people send to one another.\n";
const BASE64: &str =
    "JVBERi0xLjcKJeLjz9MKMSAwIG9iago8PC9UeXBlL0NhdGFsb2cvUGFnZXMgMiAwIFI+PgplbmRv\n";
const HTML: &str = "<td style=3D\"padding: 0\"><a href=3D\"https://www.example.org/email/x\">Read =\nmore</a></td>\n";

fn filled(head: &str, line: &str, size: usize, tail: &str) -> Vec<u8> {
    let mut mail = head.to_owned();
    while mail.len() < size {
        mail.push_str(line);
    }
    mail.push_str(tail);
    mail.into_bytes()
}

/// One column for each size in MB.
fn sizes(column: impl Fn(usize) -> String) -> String {
    [1, 5, 10, 25]
        .map(|size| format!("{:>7}", column(size)))
        .concat()
}

/// Wall time of `email:explain` on one mail, without configuration and database.
fn startup(root: &Path) {
    let empty = std::env::temp_dir().join(format!("bouncekit-bench-{}", std::process::id()));
    fs::create_dir_all(&empty).expect("a folder can be made");
    let mail = root.join("fixtures/demo/postfix.eml");
    let before = ticks_of_children();
    let mut times: Vec<Duration> = (0..STARTS)
        .map(|_| {
            let start = Instant::now();
            let status = Command::new(env!("CARGO_BIN_EXE_bouncekit"))
                .arg("email:explain")
                .arg(&mail)
                .current_dir(&empty)
                .env_clear()
                .stdout(Stdio::null())
                .status();
            assert!(status.is_ok_and(|status| status.success()));
            start.elapsed()
        })
        .collect();
    let _ = fs::remove_dir(&empty);
    times.sort_unstable();
    println!(
        "\nemail:explain, start to end: median {:.1} ms, least {:.1} ms; {:.1} ms of processor time",
        millis(times[times.len() / 2]),
        millis(times[0]),
        (ticks_of_children() - before) as f64 * 10.0 / f64::from(STARTS)
    );
}

/// Processor time of ended children in hundredths of a second (proc(5), cutime and cstime).
fn ticks_of_children() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let fields = fields.split_whitespace().skip(13).take(2);
    fields.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// Processor time of one call, the median of the rounds.
fn measured(mut work: impl FnMut()) -> Duration {
    work();
    let mut rounds: Vec<Duration> = (0..ROUNDS)
        .map(|_| {
            let (start, mut calls) = (processor_time(), 0);
            loop {
                work();
                calls += 1;
                let took = processor_time().saturating_sub(start);
                if took >= ROUND {
                    return took / calls;
                }
            }
        })
        .collect();
    rounds.sort_unstable();
    rounds[ROUNDS / 2]
}

/// Of this thread; where the system does not say, the wall clock's.
fn processor_time() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = told.and_then(|text| text.split(' ').next()?.parse().ok());
    nanos.map_or_else(
        || {
            static START: std::sync::OnceLock<Instant> = std::sync::OnceLock::new();
            START.get_or_init(Instant::now).elapsed()
        },
        Duration::from_nanos,
    )
}

fn rate(bytes: usize, took: Duration) -> f64 {
    bytes as f64 / MB as f64 / took.as_secs_f64()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
