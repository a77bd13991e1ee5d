use bouncekit_core::{
    address::{AddressKey, bare},
    rows::{Row, text, text_of},
    store::{ImportCounts, NewContact},
};

use super::{
    CliError, Context, Exit,
    import::{self, ImportArgs, Outcome, Table},
};

/// Import contacts from CSV, NDJSON or a dump of Mautic's table `leads`
///
/// The columns `address` and `external_id` (also: email, e-mail, id, contact_id, lead_id) say who it
/// is; every other column becomes an attribute. A contact with the same external id, else with the
/// same address, is updated. Bad lines are told and skipped, and the exit status is then 1.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    import: ImportArgs,
}

const ALIASES: &[(&str, &[&str])] = &[
    (
        "address",
        &["email", "e-mail", "email_address", "mail", "e_mail"],
    ),
    (
        "external_id",
        &["id", "contact_id", "contact id", "lead_id", "contactid"],
    ),
];

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let mut store = context.store_with_cache(import::CACHE)?;
    let run = context.begin_run(&mut store, "contacts:import")?;
    let mut counts = ImportCounts::default();
    let dry_run = args.import.dry_run;
    let progress = args.import.read(
        ALIASES,
        |row| parse(row, args.import.table),
        |contacts| {
            let batch = store.begin()?;
            counts += batch.import_contacts(&contacts, context.now)?;
            if !dry_run {
                batch.commit()?;
            }
            Ok(())
        },
    )?;
    store.finish_run(run, &import::accounting(&progress), context.now)?;
    args.import.conclude(&Outcome {
        what: "contacts",
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

/// What Mautic keeps for itself in `leads`.
const INTERNAL: &[&str] = &[
    "checked_out",
    "checked_out_by",
    "checked_out_by_user",
    "internal",
    "preferred_profile_image",
    "social_cache",
];

fn parse(row: &Row, table: Option<Table>) -> Result<Option<NewContact>, String> {
    let Some(address) = row.text("address") else {
        // Mautic's visitors without a name.
        if table == Some(Table::Leads) {
            return Ok(None);
        }
        return Err(
            "no address (column `address` or `email`; --map address=THEIRS names another)".into(),
        );
    };
    let key =
        AddressKey::parse(&address).ok_or_else(|| format!("`{address}` is not an address"))?;
    let internal = |column: &str| table == Some(Table::Leads) && INTERNAL.contains(&column);
    let attributes: serde_json::Map<String, serde_json::Value> = row
        .iter()
        .filter(|(column, _)| !matches!(*column, "address" | "external_id" | ""))
        .filter(|(column, value)| text_of(value).is_some() && !internal(column))
        .map(|(column, value)| (column.to_owned(), value.clone()))
        .collect();
    Ok(Some(NewContact {
        external_id: text(row, "external_id"),
        address: bare(&address).to_owned(),
        key,
        attributes: serde_json::Value::Object(attributes).to_string(),
    }))
}
