use std::{collections::HashSet, io::Write as _};

use bouncekit_core::{
    address::AddressKey,
    classify::Reason,
    event::EventKind,
    store::{Contact, DoNotContact, EventRow},
    time::Timestamp,
};
use data_encoding::HEXLOWER;
use serde_json::json;

use super::{CliError, Context, Exit, listing::printable};

/// Show all that is known of an address: contacts, do-not-contact rows with their cause, events
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The address
    address: String,
    #[arg(long, value_enum, default_value_t)]
    format: ShowFormat,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum ShowFormat {
    #[default]
    Text,
    Json,
}

/// The newest so many sends are shown.
const SENDS: u32 = 10;

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let key = AddressKey::parse(&args.address).ok_or_else(|| {
        CliError::usage(format!("`{}` is not an address", args.address)).hint("write local@domain")
    })?;
    let store = context.store()?;
    let contacts = store.contacts_with_address(&key)?;
    let listed = store.do_not_contact_of(&key)?;
    let events = store.events_of(&key)?;
    let sends = store.sends_to(&key, SENDS)?;
    let undone = store.undone_runs()?;
    let mut out = std::io::stdout().lock();
    if args.format == ShowFormat::Json {
        let value = json!({
            "address": key.as_str(),
            "contacts": contacts.iter().map(contact_json).collect::<Vec<_>>(),
            "do_not_contact": listed.iter().map(|row| json!({
                "reason": row.entry.grounds.name(), "detail": row.entry.detail.map(Reason::name),
                "since": row.entry.since.to_string(), "comment": row.entry.comment,
                "event": row.entry.event.map(|key| HEXLOWER.encode(&key.0)), "run": row.entry.run,
                "expires_at": row.entry.expires_at.map(|at| at.to_string()), "live": row.is_live(context.now),
            })).collect::<Vec<_>>(),
            "events": events.iter().map(|event| event_json(event, &undone)).collect::<Vec<_>>(),
            "sends": sends.iter().map(|send| json!({
                "hash": send.hash.as_str(), "email_id": send.email_id, "sent_at": send.sent_at.to_string(),
            })).collect::<Vec<_>>(),
        });
        writeln!(out, "{}", super::listing::json_text(&format!("{value:#}")))?;
        return Ok(Exit::Done);
    }
    if contacts.is_empty() && listed.is_empty() && events.is_empty() && sends.is_empty() {
        return Err(
            CliError::new(Exit::SomeFailed, format!("nothing is known of `{key}`"))
                .hint("contacts:list shows who is there"),
        );
    }
    writeln!(out, "{key}")?;
    for contact in &contacts {
        let id = contact.external_id.as_deref().unwrap_or("-");
        writeln!(
            out,
            "  contact {} (external id {}) {}",
            contact.id,
            printable(id),
            printable(&contact.attributes)
        )?;
    }
    writeln!(out, "do not contact:")?;
    if !listed.iter().any(|row| row.is_live(context.now)) {
        writeln!(out, "  no: may be contacted")?;
    }
    for DoNotContact { entry, .. } in &listed {
        let until = entry.expires_at.map_or_else(String::new, |at| {
            format!(", until {}", day_and_time(at, context.now))
        });
        let detail = entry
            .detail
            .map_or_else(String::new, |detail| format!(" ({})", detail.name()));
        let comment = if entry.comment.is_empty() {
            String::new()
        } else {
            format!(": {}", printable(&entry.comment))
        };
        writeln!(
            out,
            "  {}{detail} since {}{until}, run {}{comment}",
            entry.grounds.name(),
            entry.since,
            entry.run
        )?;
        if let Some(cause) = entry
            .event
            .and_then(|key| events.iter().find(|event| event.key == key))
        {
            writeln!(out, "    because of {}", line(cause, &undone))?;
        }
    }
    writeln!(out, "events:")?;
    for event in &events {
        writeln!(out, "  {}", line(event, &undone))?;
    }
    writeln!(out, "sends:")?;
    for send in &sends {
        writeln!(
            out,
            "  {} e-mail {} hash {}",
            send.sent_at,
            printable(&send.email_id),
            send.hash
        )?;
    }
    Ok(Exit::Done)
}

fn day_and_time(at: Timestamp, now: Timestamp) -> String {
    if at <= now {
        format!("{at} (over)")
    } else {
        at.to_string()
    }
}

fn line(event: &EventRow, undone: &HashSet<i64>) -> String {
    let mut line = format!(
        "{} {} {}",
        HEXLOWER.encode(&event.key.0[..4]),
        event.occurred_at,
        event.kind.name()
    );
    if matches!(event.kind, EventKind::Manual | EventKind::Release) {
        line += &format!(" {}", event.raw_type);
        if let Some(reason) = event.reason {
            line += &format!(" {}", reason.name());
        }
    } else if let (Some(permanence), Some(reason)) = (event.permanence, event.reason) {
        line += &format!(" {} {}", permanence.name(), reason.name());
    }
    line += &format!(" by {}", event.source);
    if let Some(rule) = &event.rule {
        line += &format!(", rule {rule}");
    }
    if let Some(status) = &event.status {
        line += &format!(", status {status}");
    }
    for text in [&event.diagnostic, &event.note] {
        if !text.is_empty() {
            line += &format!(", {}", text.chars().take(200).collect::<String>());
        }
    }
    if undone.contains(&event.run) {
        line += &format!(", counts for nothing: run {} is undone", event.run);
    }
    printable(&line)
}

fn contact_json(contact: &Contact) -> serde_json::Value {
    let attributes: serde_json::Value =
        serde_json::from_str(&contact.attributes).unwrap_or_default();
    json!({
        "id": contact.id, "external_id": contact.external_id, "address": contact.address,
        "attributes": attributes,
    })
}

fn event_json(event: &EventRow, undone: &HashSet<i64>) -> serde_json::Value {
    json!({
        "id": HEXLOWER.encode(&event.key.0), "source": event.source, "kind": event.kind.name(),
        "reason": event.reason, "permanence": event.permanence, "rule": event.rule, "reported": event.reported,
        "send_hash": event.send_hash, "status": event.status, "reply_code": event.reply_code,
        "receiving_host": event.receiving_host, "diagnostic": event.diagnostic, "raw_type": event.raw_type,
        "note": event.note, "occurred_at": event.occurred_at.to_string(),
        "received_at": event.received_at.to_string(), "run": event.run, "undone": undone.contains(&event.run),
        "expires_at": event.expires_at.map(|at| at.to_string()),
    })
}
