use bouncekit_core::{
    address::{AddressKey, bare},
    rows::{Row, text},
    store::{ImportCounts, NewSend},
    time::Timestamp,
    verp::SendHash,
};

use super::{
    CliError, Context, Exit,
    import::{self, ImportArgs, Outcome, Table},
};

/// Import existing sends from CSV, NDJSON or a dump of Mautic's table `email_stats`
///
/// Columns as in Mautic's `email_stats`: tracking_hash, email_address, email_id, lead_id, date_sent
/// (UTC), message_id where it is known, and is_read and date_read for the filter `opened`. A hash
/// that is known already keeps its send; a Message-ID or an opening that comes later is noted. Bad
/// lines are told and skipped, and the exit status is then 1.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    import: ImportArgs,
}

const ALIASES: &[(&str, &[&str])] = &[
    ("hash", &["tracking_hash", "send_hash", "hashid", "hash_id"]),
    (
        "address",
        &["email_address", "email", "e-mail", "recipient", "to"],
    ),
    ("email_id", &["campaign", "campaign_id", "emailid"]),
    ("external_id", &["lead_id", "contact_id"]),
    ("sent_at", &["date_sent", "sent", "sentat"]),
    ("message_id", &["messageid", "message-id"]),
    ("opened_at", &["date_read", "opened", "date_opened"]),
    ("is_read", &["is_opened"]),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store_with_cache(import::CACHE)?;
    let run = context.begin_run(&mut store, "sends:import")?;
    let mut counts = ImportCounts::default();
    let dry_run = args.import.dry_run;
    let now = context.now;
    let progress = args.import.read(
        ALIASES,
        |row| parse(row, args.import.table, now),
        |sends| {
            let batch = store.begin()?;
            let (sends, openings): (Vec<NewSend>, Vec<_>) = sends.into_iter().unzip();
            counts += batch.import_sends(&sends)?;
            let opened = sends.iter().zip(openings);
            batch.note_opened(opened.filter_map(|(send, at)| Some((&send.hash, at?))))?;
            if !dry_run {
                batch.commit()?;
            }
            Ok(())
        },
    )?;
    store.finish_run(run, &import::accounting(&progress), now)?;
    args.import.conclude(&Outcome {
        what: "sends",
        counts,
        progress: &progress,
        hashes: None,
    });
    Ok(if progress.bad > 0 {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

/// A send, and when it was opened.
type Imported = (NewSend, Option<Timestamp>);

fn parse(row: &Row, table: Option<Table>, now: Timestamp) -> Result<Option<Imported>, String> {
    let Some(hash) = row.text("hash") else {
        // Mautic's sends that are not tracked.
        if table == Some(Table::EmailStats) {
            return Ok(None);
        }
        return Err("no send hash (column `hash` or `tracking_hash`)".into());
    };
    let hash = SendHash::parse(&hash).ok_or_else(|| {
        format!("`{hash}` is no send hash: 1 to 64 letters and digits were expected")
    })?;
    let address = row
        .text("address")
        .ok_or("no address (column `address` or `email_address`)")?;
    let key =
        AddressKey::parse(&address).ok_or_else(|| format!("`{address}` is not an address"))?;
    let sent_at = match row.text("sent_at") {
        None => now,
        Some(date) => moment(&date)?,
    };
    let opened_at = match (row.text("opened_at"), row.text("is_read").as_deref()) {
        (_, Some("0" | "false" | "no")) | (None, None) => None,
        (Some(date), _) => Some(moment(&date)?),
        // Opened, and nobody says when.
        (None, Some(_)) => Some(sent_at),
    };
    let send = NewSend {
        hash,
        email_id: text(row, "email_id").unwrap_or_default(),
        external_id: text(row, "external_id"),
        address: bare(&address).to_owned(),
        key,
        message_id: row
            .text("message_id")
            .map(|id| id.trim_matches(['<', '>']).to_owned()),
        sent_at,
    };
    Ok(Some((send, opened_at)))
}

/// A date, or seconds or milliseconds since 1970.
fn moment(date: &str) -> Result<Timestamp, String> {
    let number = || {
        let number = date.parse::<i64>().ok()?;
        Some(if number > 99_999_999_999 {
            Timestamp(number)
        } else {
            Timestamp::from_seconds(number)
        })
    };
    Timestamp::parse_iso(date)
        .or_else(number)
        .ok_or_else(|| format!("`{date}` is no date: write 2026-01-02 03:04:05 (UTC)"))
}
