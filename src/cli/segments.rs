//! What the segment commands share: naming segments and contacts.

use bouncekit_core::{
    address::AddressKey,
    store::{Contact, Segment, Store},
};

use super::{
    CliError,
    column::{self, Column, Holds},
    listing::{Format, Listing},
};

/// The segment called `text`, or with this number.
pub(super) fn find(segments: &[Segment], text: &str) -> Result<Segment, CliError> {
    let id = text.parse::<i64>().ok();
    segments
        .iter()
        .find(|segment| segment.name == text)
        .or_else(|| {
            let same = |segment: &&Segment| segment.name.to_lowercase() == text.to_lowercase();
            segments.iter().find(same)
        })
        .or_else(|| segments.iter().find(|segment| id == Some(segment.id)))
        .cloned()
        .ok_or_else(|| {
            let near = segments
                .iter()
                .map(|segment| (strsim::jaro_winkler(&segment.name, text), &segment.name))
                .filter(|(likeness, _)| *likeness > 0.75)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            CliError::usage(format!("there is no segment `{text}`")).hint(match near {
                Some((_, name)) => format!("did you mean `{name}`?"),
                None => "segments:list shows what there is".into(),
            })
        })
}

/// The contacts meant by an address, an external id, or `id:NUMBER`.
pub(super) fn contacts(store: &Store, text: &str) -> Result<Vec<Contact>, CliError> {
    let found = match (text.strip_prefix("id:"), AddressKey::parse(text)) {
        (Some(id), _) => match id.parse() {
            Ok(id) => store.contact(id)?.into_iter().collect(),
            Err(_) => Vec::new(),
        },
        (None, Some(key)) => store.contacts_with_address(&key)?,
        (None, None) => store.contact_with_external_id(text)?.into_iter().collect(),
    };
    if found.is_empty() {
        return Err(CliError::usage(format!("there is no contact `{text}`"))
            .hint("name an address, an external id, or id:NUMBER as contacts:list shows it"));
    }
    Ok(found)
}

/// A name that can be written in filters and on command lines.
pub(super) fn check_name(name: &str) -> Result<(), CliError> {
    if name.trim() != name || name.is_empty() || name.chars().any(char::is_control) {
        return Err(
            CliError::usage(format!("`{name}` is no name for a segment"))
                .hint("a name has no blanks around it and no control characters"),
        );
    }
    if name.parse::<i64>().is_ok() {
        return Err(CliError::usage(format!("`{name}` is a number"))
            .hint("numbers name segments by their id; put a letter into it"));
    }
    Ok(())
}

/// What became of a segment.
pub(super) struct Change {
    /// A participle: `created`.
    pub(super) outcome: &'static str,
    pub(super) segment: Segment,
    /// Its filter before, if that changed.
    pub(super) was: Option<String>,
    /// The same for people.
    pub(super) said: String,
}

/// The columns of [`tell`].
pub(super) const CHANGES: &[Column] = &[
    column::text(
        "outcome",
        "created, changed, deleted, published, unpublished, unchanged, or undeclared (no longer in \
         the configuration, kept); `would be ...` in a dry run",
    ),
    column::column(
        "id",
        Holds::OptionalNumber,
        "its number; none before it is created",
    ),
    column::text("segment", "its name"),
    column::column(
        "published",
        Holds::Flag,
        "whether segments:update builds it",
    ),
    column::text("filter", "who belongs in it"),
    column::optional("was", "its filter before, if that changed"),
];

/// Tells what became of segments.
pub(super) fn tell(format: Format, dry_run: bool, changes: Vec<Change>) -> Result<(), CliError> {
    if format == Format::Text {
        for change in changes {
            println!("{}", change.said);
        }
        return Ok(());
    }
    let mut listing = Listing::new(format, CHANGES)?;
    for Change {
        outcome,
        segment,
        was,
        ..
    } in changes
    {
        let kept = matches!(outcome, "unchanged" | "undeclared");
        let would = if dry_run && !kept { "would be " } else { "" };
        listing.row(vec![
            format!("{would}{outcome}"),
            if segment.id == 0 {
                String::new()
            } else {
                segment.id.to_string()
            },
            segment.name,
            if segment.published { "yes" } else { "no" }.into(),
            segment.filter,
            was.unwrap_or_default(),
        ])?;
    }
    Ok(listing.end()?)
}

/// "3 members", "1 member".
pub(super) fn plural(count: u64, one: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {one}s")
    }
}
