//! Mautic's tables as MySQL writes them to files: which columns a row has.

use std::{io::Read as _, path::Path, rc::Rc};

use bouncekit_core::rows::{Columns, of_definition};

use super::CliError;

/// A table of Mautic's that is read without a header line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Table {
    /// Contacts; columns differ with each installation: they are taken from the `leads.sql` that
    /// mysqldump writes beside it, or from --columns
    Leads,
    /// Sends
    EmailStats,
    /// Do-not-contact
    LeadDonotcontact,
}

impl Table {
    /// The columns that every installation begins with. Later versions add some at the end.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Leads => &[],
            Self::EmailStats => &[
                "id",
                "email_id",
                "lead_id",
                "list_id",
                "ip_id",
                "copy_id",
                "email_address",
                "date_sent",
                "is_read",
                "is_failed",
                "viewed_in_browser",
                "date_read",
                "tracking_hash",
                "retry_count",
                "source",
                "source_id",
                "tokens",
                "open_count",
                "last_opened",
                "open_details",
            ],
            Self::LeadDonotcontact => &[
                "id",
                "lead_id",
                "date_added",
                "reason",
                "channel",
                "channel_id",
                "comments",
            ],
        }
    }
}

/// From the options, or the table's definition beside the file; `None`: the file has a header.
pub(super) fn columns(
    given: &[String],
    table: Option<Table>,
    path: &Path,
) -> Result<Option<Columns>, CliError> {
    if !given.is_empty() {
        let names = given.iter().map(|name| name.trim().to_lowercase());
        return Ok(Some(Columns {
            names: Rc::new(names.collect()),
            more: false,
        }));
    }
    let Some(table) = table else {
        return Ok(None);
    };
    if let Some(names) = definition(&path.with_extension("sql")) {
        return Ok(Some(Columns {
            names: Rc::new(names),
            more: false,
        }));
    }
    let names: Vec<String> = table
        .columns()
        .iter()
        .map(|&name| name.to_owned())
        .collect();
    if names.is_empty() {
        return Err(CliError::usage(format!(
            "the columns of `{}` are not known",
            path.display()
        ))
        .hint(
            "put the leads.sql that mysqldump --tab wrote beside it, or name them: --columns id,email,... \
             (SELECT group_concat(column_name ORDER BY ordinal_position) FROM information_schema.columns \
             WHERE table_name = 'leads')",
        ));
    }
    Ok(Some(Columns {
        names: Rc::new(names),
        more: true,
    }))
}

/// A definition is a page or two.
const LONGEST_DEFINITION: u64 = 1024 * 1024;

/// The columns of the CREATE TABLE in this file, if there is one.
fn definition(path: &Path) -> Option<Vec<String>> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(LONGEST_DEFINITION)
        .read_to_string(&mut text)
        .ok()?;
    of_definition(&text)
}
