//! How fast mails are recognised, from octets to verdict, on one core, beside parsing them alone; and
//! how right. Small mails are those of the corpus (BOUNCEKIT_CORPUS, else beside the project), or the
//! fixtures where there is none, over and over; large ones are made here.

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

use crate::{Bench, program::ended, table, within};

const ROUNDS: usize = 3;
/// A round is repeated until it has taken so long.
const ROUND: Duration = Duration::from_millis(200);
const MB: usize = 1_000_000;
/// As often is the program started.
const STARTS: u32 = 50;

/// Told once, whatever sizes are asked for.
static DETAILS: std::sync::Once = std::sync::Once::new();

pub(crate) fn run(_: &Bench, rows: u64) {
    let mails = rows.to_string();
    let (bare, _) = ended(within::command("parse").arg(&mails), None);
    let (ours, _) = ended(within::command("recognise").arg(&mails), None);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (name, _) = small_mails(root);
    let what = format!("recognition of the {name}: parsing");
    table::line(&what, rows, &bare, &ours);
    DETAILS.call_once(|| details(root));
}

/// So many small mails, one after the other and from the beginning again.
fn for_each_mail(arguments: &[String], mut each: impl FnMut(&[u8])) {
    let (_, mails) = small_mails(Path::new(env!("CARGO_MANIFEST_DIR")));
    let count = arguments[0].parse().unwrap();
    mails.iter().cycle().take(count).for_each(|mail| each(mail));
}

/// The bare limit: MIME parts and headers, every text decoded.
pub(crate) fn parse(arguments: &[String]) {
    fn decode(part: &mailparse::ParsedMail<'_>) {
        black_box(part.get_body_raw()).ok();
        part.subparts.iter().for_each(decode);
    }
    for_each_mail(arguments, |mail| {
        if let Ok(mail) = mailparse::parse_mail(mail) {
            decode(&mail);
        }
    });
}

/// Ours.
pub(crate) fn recognise(arguments: &[String]) {
    let (rules, options) = (Rules::builtin(), Options::default());
    for_each_mail(arguments, |mail| {
        black_box(verdicts(mail, rules, &options));
    });
}

/// What does not depend on how many mails there are.
fn details(root: &Path) {
    let options = Options::default();
    // Built once a process, not once a mail.
    let start = Instant::now();
    let rules = Rules::builtin();
    println!("  rules compiled in {:.2} ms", millis(start.elapsed()));
    recognised(root);
    println!(
        "  large mails, MB/s         {}",
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
        println!("  {name:<24}  {rates}");
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
        "  email:explain, start to end: median {:.1} ms, least {:.1} ms; {:.1} ms of processor time",
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
