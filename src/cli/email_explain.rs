use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use bouncekit_core::classify::{Classification, Diagnostics, Explanation, Rules};
use bouncekit_core::message::{self, Clue, Inbound, Options, ReportKind, Target};
use serde_json::json;

use super::{
    CliError, Context, Exit,
    listing::{Shape, printable},
};

/// Explain what one mail is and why: its format, each report, and the clues to the send
///
/// Needs no configuration and no database.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The mail; `-` reads standard input
    #[arg(value_name = "FILE|-")]
    file: PathBuf,
    /// Read it as mail of a folder that is monitored for unsubscribes
    #[arg(long)]
    unsubscribe_folder: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let bytes = read_mail(&args.file)?;
    let mut options = Options {
        unsubscribe_folder: args.unsubscribe_folder,
        ..Options::default()
    };
    if !context.config.verp.hash_header.is_empty() {
        options
            .hash_header
            .clone_from(&context.config.verp.hash_header);
    }
    let rules = context.rules()?;
    let inbound = message::parse(&bytes, &options);
    match args.format {
        Shape::Text => print!("{}", text(&inbound, rules)),
        Shape::Json => println!("{:#}", json(&inbound, rules)),
    }
    Ok(Exit::Done)
}

/// Mails over this size are cut: no report of interest begins later.
const LARGEST: u64 = 25 * 1024 * 1024;

fn read_mail(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(LARGEST)
            .read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LARGEST).read_to_end(&mut bytes))
    };
    read.map_err(|cause| {
        CliError::file(path, &cause)
            .hint("name one mail as a file (.eml), or `-` for standard input")
    })?;
    Ok(bytes)
}

fn kind(kind: Option<ReportKind>) -> &'static str {
    match kind {
        None | Some(ReportKind::Bounce) => "bounce",
        Some(ReportKind::Delayed) => "delayed",
        Some(ReportKind::Delivered) => "delivered",
        Some(ReportKind::Relayed) => "relayed",
        Some(ReportKind::Complaint) => "complaint",
        Some(ReportKind::NotSpam) => "not_spam",
        Some(ReportKind::FeedbackOther) => "note",
        Some(ReportKind::Unsubscribe) => "unsubscribe",
        Some(ReportKind::Reply) => "reply",
        Some(ReportKind::AutoReply) => "auto_reply",
    }
}

/// What a clue names: purpose and hash with whether it is signed, or a Message-ID.
fn target(clue: &Clue) -> (String, String) {
    match &clue.target {
        Target::Token(token) => {
            let signed = if token.mac.is_some() { ", signed" } else { "" };
            (
                format!("{} hash{signed}", token.purpose.name()),
                token.hash.to_string(),
            )
        }
        Target::MessageId(id) => ("Message-ID".into(), id.clone()),
    }
}

fn text(inbound: &Inbound, rules: &Rules) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        if !value.is_empty() {
            out.push_str(&format!("{name:<16}  {}\n", printable(value)));
        }
    };
    line("format", inbound.format.name());
    line("subject", &inbound.subject);
    line("from", inbound.from.as_deref().unwrap_or_default());
    line(
        "message-id",
        inbound.message_id.as_deref().unwrap_or_default(),
    );
    line(
        "returned message",
        if inbound.has_returned_message {
            "yes"
        } else {
            "no"
        },
    );
    for (index, clue) in inbound.clues.iter().enumerate() {
        let (what, value) = target(clue);
        line(
            &format!("clue {}", index + 1),
            &format!("{}: {what} {value}", clue.source),
        );
    }
    if inbound.clues.is_empty() {
        line("clues", "none: only the address can say who is meant");
    }
    for (index, report) in inbound.reports.iter().enumerate() {
        line(&format!("report {}", index + 1), kind(report.kind));
        for (name, value) in fields(report, rules) {
            line(&format!("  {}", name.replace('_', " ")), &value);
        }
    }
    if inbound.reports.is_empty() {
        line("reports", "none: kept for review as unrecognised");
    }
    out
}

/// What the rules say of a failed delivery.
fn verdict(report: &message::Report, rules: &Rules) -> Option<Explanation> {
    let host = report.remote_mta.as_deref().or_else(|| {
        let recipient = report.recipient.as_deref()?;
        Some(recipient.rsplit_once('@')?.1)
    });
    let failed = matches!(
        report.kind,
        None | Some(ReportKind::Bounce | ReportKind::Delayed)
    );
    failed.then(|| {
        rules.explain(&Diagnostics {
            status: report.status,
            reply_code: report.reply_code,
            text: &report.diagnostic,
            receiving_host: &host.unwrap_or_default().to_lowercase(),
        })
    })
}

/// The filled fields of a report, in the order people read them.
fn fields(report: &message::Report, rules: &Rules) -> Vec<(&'static str, String)> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let verdict = verdict(report, rules);
    let of = |text: fn(&Classification) -> &str| {
        let classification = verdict.as_ref().map(|found| &found.classification);
        classification.map(text).unwrap_or_default().to_owned()
    };
    let all = [
        ("recipient", text(&report.recipient)),
        ("original", text(&report.original_recipient)),
        ("action", text(&report.action)),
        (
            "status",
            report
                .status
                .map(|status| status.to_string())
                .unwrap_or_default(),
        ),
        (
            "reply_code",
            report
                .reply_code
                .map(|code| code.to_string())
                .unwrap_or_default(),
        ),
        ("feedback_type", text(&report.feedback_type)),
        ("reporting_mta", text(&report.reporting_mta)),
        ("remote_mta", text(&report.remote_mta)),
        ("diagnostic", report.diagnostic.clone()),
        ("reason", of(|verdict| verdict.reason.name())),
        ("fault", of(|verdict| verdict.reason.fault().name())),
        ("permanence", of(|verdict| verdict.permanence.name())),
        ("rule", of(|verdict| &verdict.rule)),
        (
            "matched",
            verdict.map(|found| found.matched).unwrap_or_default(),
        ),
        (
            "occurred_at",
            report
                .occurred_at
                .map(|at| at.to_string())
                .unwrap_or_default(),
        ),
    ];
    all.into_iter()
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

fn json(inbound: &Inbound, rules: &Rules) -> serde_json::Value {
    let reports: Vec<_> = inbound
        .reports
        .iter()
        .map(|report| {
            let mut object: serde_json::Map<String, serde_json::Value> = fields(report, rules)
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect();
            object.insert("kind".into(), kind(report.kind).into());
            serde_json::Value::Object(object)
        })
        .collect();
    let clues: Vec<_> = inbound
        .clues
        .iter()
        .map(|clue| {
            let (what, value) = target(clue);
            json!({"source": clue.source, "what": what, "value": value})
        })
        .collect();
    json!({
        "format": inbound.format.name(),
        "subject": inbound.subject,
        "from": inbound.from,
        "message_id": inbound.message_id,
        "has_returned_message": inbound.has_returned_message,
        "clues": clues,
        "reports": reports,
    })
}
