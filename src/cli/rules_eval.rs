use std::{
    fs,
    path::{Path, PathBuf},
};

use bouncekit_core::{
    evaluate::{Evaluation, Expected, Mistake},
    mailbox::{self, Body, Bounds, Folder as _},
    message::Options,
};
use serde::Deserialize;
use serde_json::json;

use super::{
    CliError, Context, Exit,
    listing::{Shape, printable},
};

/// Score recognition on labelled mails
///
/// A folder with `expected.jsonl` (or such a file): one line a mail, `{"file": "x.eml", "results":
/// [{"recipient", "kind", "reason", "hard", "status"}]}`, paths as seen from the file. Any other
/// folder is searched for `x.eml` with the labels `{"results": [...]}` in `x.json` beside it. What
/// is null is not compared; an empty list says that nothing is to be recognised.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "DIR|FILE", required = true)]
    paths: Vec<PathBuf>,
    /// Exit 1 if any field agrees in less than this
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min: Option<f64>,
    /// Show so many of the worst disagreements
    #[arg(long, value_name = "N", default_value_t = 20)]
    worst: usize,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

fn percent(text: &str) -> Result<f64, String> {
    let number: f64 = text
        .trim_end_matches('%')
        .parse()
        .map_err(|_| "not a number".to_owned())?;
    if (0.0..=100.0).contains(&number) {
        Ok(number)
    } else {
        Err("not between 0 and 100".into())
    }
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut evaluation = Evaluation::default();
    for path in &args.paths {
        for labelled in labels(path)? {
            let bodies = bodies(&labelled.path).map_err(|cause| {
                CliError::usage(cause)
                    .hint(format!("it is named by `{}`", labelled.named_by.display()))
            })?;
            evaluation.add(
                &labelled.name,
                &bodies,
                &labelled.results,
                context.rules()?,
                &Options::default(),
            );
        }
    }
    match args.format {
        Shape::Text => print!("{}", text(&evaluation, args.worst)),
        Shape::Json => println!(
            "{}",
            super::listing::json_text(&format!("{:#}", json(&evaluation, args.worst)))
        ),
    }
    let below = |min: f64| {
        evaluation
            .fields()
            .iter()
            .any(|(_, tally)| tally.percent() < min)
    };
    Ok(if args.min.is_some_and(below) {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

/// The mails of a file: one, or those of an mbox.
fn bodies(path: &Path) -> Result<Vec<Vec<u8>>, String> {
    let bounds = Bounds {
        message_size: LARGEST,
        batch_messages: usize::MAX,
        batch_bytes: u64::MAX,
    };
    let messages = mailbox::open_file(path, bounds)
        .and_then(|mut file| file.next_batch())
        .map_err(|error| error.to_string())?;
    let whole = |message: mailbox::Message| match message.body {
        Body::Whole(body) => Ok(body),
        _ => Err(format!("`{}` is larger than 25 MB", path.display())),
    };
    messages
        .unwrap_or_default()
        .into_iter()
        .map(whole)
        .collect()
}

/// Octets of the largest mail.
const LARGEST: u64 = 25 * 1024 * 1024;

/// A mail and what is expected of it.
struct Labelled {
    path: PathBuf,
    /// As the label names it.
    name: String,
    named_by: PathBuf,
    results: Vec<Expected>,
}

/// A line of `expected.jsonl`.
#[derive(Deserialize)]
struct Line {
    file: String,
    results: Vec<Expected>,
}

/// The file beside a mail: an object with the list, or the list alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Beside {
    Object {
        #[serde(alias = "reports")]
        results: Vec<Expected>,
    },
    List(Vec<Expected>),
}

const LABELS: &str = "expected.jsonl";

fn labels(path: &Path) -> Result<Vec<Labelled>, CliError> {
    let labels = if path.is_dir() {
        let file = path.join(LABELS);
        if file.is_file() {
            lines(&file)?
        } else {
            let mut found = Vec::new();
            walk(path, &mut found)?;
            found
        }
    } else if path.extension().is_some_and(|kind| kind == "eml") {
        vec![beside(path)?]
    } else {
        lines(path)?
    };
    if labels.is_empty() {
        return Err(
            CliError::usage(format!("`{}` holds no labelled mail", path.display())).hint(format!(
                "name a folder with `{LABELS}`, or with an `x.json` beside every `x.eml`"
            )),
        );
    }
    Ok(labels)
}

fn lines(file: &Path) -> Result<Vec<Labelled>, CliError> {
    let text = fs::read_to_string(file).map_err(|cause| CliError::file(file, &cause))?;
    let folder = file.parent().unwrap_or(Path::new(""));
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(number, line)| {
            let line: Line = serde_json::from_str(line)
                .map_err(|cause| bad_label(&format!("{}:{number}", file.display()), &cause))?;
            Ok(Labelled {
                path: folder.join(&line.file),
                name: line.file,
                named_by: file.to_owned(),
                results: line.results,
            })
        })
        .collect()
}

fn bad_label(place: &str, cause: &serde_json::Error) -> CliError {
    CliError::usage(format!("`{place}`: {cause}"))
        .hint("`bouncekit rules:eval --help` shows how labels are written")
}

fn beside(mail: &Path) -> Result<Labelled, CliError> {
    let label = mail.with_extension("json");
    let text = fs::read_to_string(&label).map_err(|cause| CliError::file(&label, &cause))?;
    let results = match serde_json::from_str(&text)
        .map_err(|cause| bad_label(&label.display().to_string(), &cause))?
    {
        Beside::Object { results } | Beside::List(results) => results,
    };
    Ok(Labelled {
        path: mail.to_owned(),
        name: mail.display().to_string(),
        named_by: label,
        results,
    })
}

fn walk(folder: &Path, found: &mut Vec<Labelled>) -> Result<(), CliError> {
    let entries = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<PathBuf> = entries
        .map_err(|cause| CliError::file(folder, &cause))?
        .iter()
        .map(fs::DirEntry::path)
        .collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, found)?;
        } else if path.extension().is_some_and(|kind| kind == "eml")
            && path.with_extension("json").is_file()
        {
            found.push(beside(&path)?);
        }
    }
    Ok(())
}

/// Counts beside the fields: what harms most.
const COUNTED: &[Mistake] = &[
    Mistake::SoftTakenForHard,
    Mistake::HardTakenForSoft,
    Mistake::NonBounceTakenForBounce,
    Mistake::Unexpected,
];

/// So much of a diagnostic is shown as text.
const SHOWN: usize = 160;

fn text(evaluation: &Evaluation, worst: usize) -> String {
    let mut out = format!(
        "{} mails, {} without a bounce\n\n{:<28} {:>7} {:>7} {:>7} {:>8}\n",
        evaluation.mails, evaluation.non_bounces, "field", "agreed", "wrong", "missing", "percent"
    );
    for (name, tally) in evaluation.fields() {
        out.push_str(&format!(
            "{name:<28} {:>7} {:>7} {:>7} {:>8.2}\n",
            tally.agreed,
            tally.wrong,
            tally.missing,
            tally.percent()
        ));
    }
    out.push('\n');
    for mistake in COUNTED {
        let count = evaluation.count(*mistake);
        out.push_str(&format!("{:<28} {count:>7}\n", mistake.name()));
    }
    let mut confusion: Vec<_> = evaluation.confusion.iter().collect();
    confusion.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    if !confusion.is_empty() {
        out.push_str(&format!(
            "\n{:<20} {:<20} {:>7}\n",
            "expected", "found", "times"
        ));
    }
    for ((expected, found), count) in confusion {
        let (expected, found) = (expected.name(), found.name());
        out.push_str(&format!("{expected:<20} {found:<20} {count:>7}\n"));
    }
    let all = evaluation.worst();
    if !all.is_empty() && worst > 0 {
        let shown = all.len().min(worst);
        out.push_str(&format!("\nworst {shown} of {} disagreements\n", all.len()));
    }
    for one in all.into_iter().take(worst) {
        out.push_str(&format!(
            "{}: {}: expected {}, found {}",
            printable(&one.mail),
            one.mistake.name(),
            printable(&one.expected),
            printable(&one.found)
        ));
        if !one.recipient.is_empty() {
            out.push_str(&format!(" for {}", printable(&one.recipient)));
        }
        if !one.rule.is_empty() {
            out.push_str(&format!(" by rule {}", printable(&one.rule)));
        }
        out.push('\n');
        if !one.diagnostic.is_empty() {
            let start: String = one.diagnostic.chars().take(SHOWN).collect();
            out.push_str(&format!("    {}\n", printable(&start)));
        }
    }
    out
}

fn json(evaluation: &Evaluation, worst: usize) -> serde_json::Value {
    let tally = |tally: bouncekit_core::evaluate::Tally| {
        json!({
            "agreed": tally.agreed,
            "wrong": tally.wrong,
            "missing": tally.missing,
            "percent": (tally.percent() * 100.0).round() / 100.0,
        })
    };
    let fields: serde_json::Map<_, _> = evaluation
        .fields()
        .into_iter()
        .map(|(name, of)| (name.replace('/', "_"), tally(of)))
        .collect();
    let confusion: Vec<_> = evaluation
        .confusion
        .iter()
        .map(|((expected, found), count)| {
            json!({"expected": expected.name(), "found": found.name(), "count": count})
        })
        .collect();
    let rules: serde_json::Map<_, _> = evaluation
        .rules
        .iter()
        .map(|(id, of)| (id.clone(), json!({"agreed": of.agreed, "wrong": of.wrong})))
        .collect();
    let disagreements: Vec<_> = evaluation
        .worst()
        .into_iter()
        .take(worst)
        .map(|one| {
            json!({
                "mistake": one.mistake.name(),
                "mail": one.mail,
                "recipient": one.recipient,
                "expected": one.expected,
                "found": one.found,
                "rule": one.rule,
                "diagnostic": one.diagnostic,
            })
        })
        .collect();
    let mut object = json!({
        "mails": evaluation.mails,
        "non_bounces": evaluation.non_bounces,
        "fields": fields,
        "confusion": confusion,
        "rules": rules,
        "disagreements": disagreements,
    });
    for mistake in COUNTED {
        let name = mistake.name().replace([' ', '-'], "_");
        object[name] = evaluation.count(*mistake).into();
    }
    object
}
