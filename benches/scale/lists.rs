//! Every command that lists or reports, on a database of as many contacts as rows, twice the sends
//! and three times the events, against the limits of 2 s and 150 MiB.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    Bench, NOW,
    mailings::{self, Sample},
    measure::{Cost, measured},
    table,
};

const SECONDS: f64 = 2.0;
const MEBIBYTES: f64 = 150.0;

/// The policy that `policy:test` tries: soft bounces act sooner and host troubles act at all.
const OTHER_POLICY: &str = "[policy]\nthreshold = 3\n[policy.reasons]\nblocked = \"score 1\"\n";

pub(crate) fn run(bench: &Bench, contacts: u64) {
    let folder = bench.folder.join(format!("lists-{contacts}"));
    fs::create_dir_all(&folder).unwrap();
    let database = folder.join("lists.db");
    if !database.exists() {
        let new = folder.join("new.db");
        mailings::generate(&new, contacts);
        fs::rename(new, &database).unwrap();
    }
    let sample = mailings::sample(&database, contacts);
    fs::write(folder.join("bouncekit.toml"), "store.path = 'lists.db'\n").unwrap();
    fs::write(folder.join("other.toml"), OTHER_POLICY).unwrap();
    fs::write(folder.join("contact.txt"), format!("{}\n", sample.address)).unwrap();
    println!(
        "lists {:>37}  limits {SECONDS} s and {MEBIBYTES} MiB",
        table::short(contacts)
    );
    println!("  {:<44} {:>7} {:>7} {:>6}", "", "cpu s", "wall s", "MiB");
    // The commands of cron count what came in bulk, as here the first that asks: that is the price of
    // millions of events, not of a list.
    let first = ["metrics".to_owned()];
    let cost = cost(&folder, &first);
    println!(
        "  {:<44} {:>7.2} {:>7.2} {:>6.0}  counts the bulk",
        first.join(" "),
        cost.processor,
        cost.wall,
        cost.peak_mib
    );
    let commands = commands(&sample);
    let over = commands.iter().filter(|line| !time(&folder, line)).count();
    println!("  {} commands, {over} over the limits", commands.len());
}

/// Whether it stays within the limits. A word `*` begins what is not shown.
fn time(folder: &Path, words: &[String]) -> bool {
    let cost = cost(folder, words);
    let within = cost.processor <= SECONDS && cost.peak_mib <= MEBIBYTES;
    let mut shown = words.join(" ");
    if let Some((end, _)) = shown.char_indices().nth(43) {
        shown.truncate(end);
    }
    println!(
        "  {shown:<44} {:>7.2} {:>7.2} {:>6.0}{}",
        cost.processor,
        cost.wall,
        cost.peak_mib,
        if within { "" } else { "  OVER" }
    );
    within
}

fn cost(folder: &Path, words: &[String]) -> Cost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bouncekit"));
    command
        .current_dir(folder)
        .env("BOUNCEKIT_NOW", NOW)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let (cost, ended) = measured(&mut command, "");
    // `report --check` ends with 1 where it found something; what ends with more did not run.
    assert!(
        ended.status.code().is_some_and(|code| code < 2),
        "{command:?}: {}",
        ended.status
    );
    cost
}

fn commands(sample: &Sample) -> Vec<Vec<String>> {
    let Sample {
        address,
        run,
        segment,
    } = sample;
    let lines = [
        "metrics".to_owned(),
        "metrics -o metrics.prom".into(),
        "report --format text".into(),
        "report --format html".into(),
        "report --format json".into(),
        "report --since 365d".into(),
        "report --campaign 7".into(),
        "report --check".into(),
        "contacts:list".into(),
        "contacts:list --format json".into(),
        "contacts:list --format csv".into(),
        "contacts:list --limit 100".into(),
        "contacts:list --filter bounced".into(),
        "contacts:list --filter city=graz|and|contactable".into(),
        "contacts:list --filter soft_bounces|within|30d|>=|2".into(),
        "contacts:list --filter score|>=|2".into(),
        format!("contacts:show {address}"),
        "dnc:list".into(),
        "dnc:list --format json".into(),
        "dnc:list --reason mailbox_full".into(),
        "dnc:list --receiving-host mx1.example".into(),
        "dnc:list --campaign 7".into(),
        "dnc:list --domain big3.example".into(),
        "dnc:list --filter city=graz".into(),
        "dnc:export --dry-run".into(),
        "dnc:export --target csv".into(),
        "dnc:export --target csv --since-last".into(),
        "dnc:export --target mautic-csv --dry-run".into(),
        "dnc:release --reason mailbox_full --dry-run".into(),
        "runs:list --limit 1000".into(),
        format!("runs:show {run}"),
        "segments:list".into(),
        format!("segments:show {segment}"),
        format!("segments:explain {segment} {address}"),
        format!("segments:export {segment}"),
        format!("segments:export {segment} --format json"),
        "segments:filters".into(),
        "rules:list".into(),
        "review".into(),
        "review --format json --limit 1000".into(),
        "quarantine:list".into(),
        "hooks:list".into(),
        "policy:test other.toml".into(),
        "policy:test other.toml --summary".into(),
    ];
    // A bar stands for a blank within a word.
    let words = |line: &String| -> Vec<String> {
        line.split(' ').map(|word| word.replace('|', " ")).collect()
    };
    lines.iter().map(words).collect()
}
