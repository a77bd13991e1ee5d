//! Which rows of the do-not-contact list a command means, as options; and how rows are shown.

use bouncekit_core::{
    address::AddressKey,
    classify::{Fault, Reason},
    store::{DoNotContact, Selection, Store},
    suppression::{Grounds, duration},
    time::{DAY, Timestamp},
};
use data_encoding::HEXLOWER;

use super::{
    CliError, Context,
    column::{self, Column, Holds},
};

/// Several values of one option are alternatives; several options must all hold.
#[derive(clap::Args)]
pub(crate) struct SelectionArgs {
    /// Of this reason: bounce, complaint, unsubscribe, manual, or a bounce reason as mailbox_full
    #[arg(long, value_name = "REASON", value_delimiter = ',')]
    reason: Vec<String>,
    /// Bounces that were this one's fault: recipient, recipient_host, sender, content, transport,
    /// unknown
    #[arg(long, value_name = "WHOSE", value_delimiter = ',')]
    fault: Vec<String>,
    /// Addresses at this domain
    #[arg(long, value_name = "DOMAIN", value_delimiter = ',')]
    domain: Vec<String>,
    /// Refused by this host or one below it, e.g. outlook.com
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    receiving_host: Vec<String>,
    /// Caused by a send of this campaign e-mail
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    campaign: Vec<String>,
    /// Caused by this run
    #[arg(long, value_name = "RUN", value_delimiter = ',')]
    run: Vec<i64>,
    /// On the list for longer than this, e.g. 90d, or since before a date
    #[arg(long, value_name = "SPAN|DATE")]
    older_than: Option<String>,
    /// On the list for at most this, e.g. 7d, or since a date
    #[arg(long, value_name = "SPAN|DATE")]
    newer_than: Option<String>,
    /// Caused by what happened in this time (UTC), e.g. "2026-05-01 14:00" "2026-05-01 15:10"; a
    /// time without a date is today's
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    between: Option<Vec<String>>,
    /// Addresses of contacts who meet this filter, e.g. 'city = Graz and score >= 3';
    /// segments:filters shows everything that can be asked
    #[arg(long, value_name = "FILTER")]
    pub(crate) filter: Option<String>,
}

impl SelectionArgs {
    /// Adds the filter, which only the store can read.
    pub(crate) fn read_filter(
        &self,
        selection: &mut Selection,
        store: &Store,
        context: &Context,
    ) -> Result<(), CliError> {
        if let Some(text) = &self.filter {
            let filter = store.read_filter(text, &[])?;
            let filter = store.compile_filter(&filter, &context.config.policy, context.now)?;
            selection.filter = Some(filter);
        }
        Ok(())
    }

    /// The selection, for the given addresses (all if there are none).
    pub(crate) fn selection(
        &self,
        addresses: &[String],
        now: Timestamp,
    ) -> Result<Selection, CliError> {
        let mut selection = Selection {
            addresses: keys(addresses)?,
            domains: self.domain.iter().map(|name| ascii(name)).collect(),
            receiving_hosts: self.receiving_host.iter().map(|name| ascii(name)).collect(),
            campaigns: self.campaign.clone(),
            runs: self.run.clone(),
            ..Selection::default()
        };
        for name in &self.reason {
            match (Grounds::from_name(name), Reason::from_name(name)) {
                (Some(grounds), _) => selection.grounds.push(grounds),
                (None, Some(detail)) => selection.details.push(detail),
                (None, None) => return Err(unknown_reason(name)),
            }
        }
        for name in &self.fault {
            let fault = Fault::ALL.iter().find(|fault| fault.name() == name);
            selection.faults.push(*fault.ok_or_else(|| {
                let names: Vec<&str> = Fault::ALL.iter().map(|fault| fault.name()).collect();
                CliError::usage(format!("`--fault {name}`"))
                    .hint(format!("one of {}", names.join(", ")))
            })?);
        }
        selection.before = ago(self.older_than.as_deref(), "--older-than", now)?;
        selection.after = ago(self.newer_than.as_deref(), "--newer-than", now)?;
        if let Some([from, to]) = self.between.as_deref() {
            let (from, to) = (moment(from, now)?, moment(to, now)?);
            if to < from {
                return Err(CliError::usage(format!("`--between {from} {to}` is empty"))
                    .hint("give the earlier time first"));
            }
            selection.between = Some((from, to));
        }
        Ok(selection)
    }
}

pub(crate) fn keys(addresses: &[String]) -> Result<Vec<AddressKey>, CliError> {
    addresses
        .iter()
        .map(|address| {
            AddressKey::parse(address).ok_or_else(|| {
                CliError::usage(format!("`{address}` is not an address")).hint("write local@domain")
            })
        })
        .collect()
}

/// A reason that does not exist, with the nearest that does.
pub(crate) fn unknown_reason(name: &str) -> CliError {
    let known = Grounds::ALL
        .iter()
        .map(|grounds| grounds.name())
        .chain(Reason::ALL.iter().map(|reason| reason.name()));
    let near = known
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.75);
    CliError::usage(format!("there is no reason `{name}`")).hint(near.map_or_else(
        || {
            "one of bounce, complaint, unsubscribe, manual, or a bounce reason as mailbox_full"
                .into()
        },
        |(_, near)| format!("did you mean `{near}`?"),
    ))
}

fn ascii(domain: &str) -> String {
    let domain = domain.trim().trim_start_matches('@').trim_end_matches('.');
    match AddressKey::parse(&format!("x@{domain}")) {
        Some(key) => key.domain().to_owned(),
        None => domain.to_lowercase(),
    }
}

/// So long before now, or a date.
fn ago(text: Option<&str>, option: &str, now: Timestamp) -> Result<Option<Timestamp>, CliError> {
    let Some(text) = text else {
        return Ok(None);
    };
    if let Ok(span) = duration(text) {
        return Ok(Some(Timestamp(now.0.saturating_sub(span))));
    }
    Timestamp::parse_iso(text).map(Some).ok_or_else(|| {
        CliError::usage(format!("`{option} {text}`"))
            .hint("write a span as 90d or a date as 2026-01-31")
    })
}

/// A date and time in UTC; a time alone is today's.
pub(crate) fn moment(text: &str, now: Timestamp) -> Result<Timestamp, CliError> {
    let text = text.trim();
    let clock = || {
        let (hour, rest) = text.split_once(':')?;
        if hour.len() > 2 || rest.is_empty() {
            return None;
        }
        let day = Timestamp(now.0.div_euclid(DAY) * DAY).day();
        Timestamp::parse_iso(&format!("{day} {hour:0>2}:{rest}"))
    };
    Timestamp::parse_iso(text).or_else(clock).ok_or_else(|| {
        CliError::usage(format!("`{text}` is no time"))
            .hint("write 2026-05-01 14:00 (UTC), or 14:00 for today")
    })
}

/// The columns of a do-not-contact row, after those that are given.
macro_rules! columns {
    ($($first:expr),*) => {
        &[
            $($first,)*
            column::text("address", "as it is compared: lower case, domain in ASCII"),
            column::text("reason", "bounce, complaint, unsubscribe or manual"),
            column::optional("detail", "the bounce's reason, as mailbox_full"),
            column::time("since", "when the earliest event of this reason happened"),
            column::column("expires_at", Holds::OptionalTime, "when it ends by itself"),
            column::number("run", "the run that put it on the list"),
            column::optional("event", "the beginning of the id of the event that caused it"),
            column::text("comment", "what a person or the program noted"),
        ]
    };
}
pub(crate) use columns;

pub(crate) const COLUMNS: &[Column] = columns![];

/// The cells of a row, in the order of [`COLUMNS`].
pub(crate) fn cells(row: &DoNotContact) -> Vec<String> {
    let entry = &row.entry;
    vec![
        row.address.to_string(),
        entry.grounds.name().into(),
        entry.detail.map_or("", Reason::name).into(),
        entry.since.to_string(),
        entry
            .expires_at
            .map(|at| at.to_string())
            .unwrap_or_default(),
        entry.run.to_string(),
        entry
            .event
            .map(|key| HEXLOWER.encode(&key.0[..4]))
            .unwrap_or_default(),
        entry.comment.clone(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_without_a_date_are_todays() {
        let now = Timestamp::parse_iso("2026-05-01 18:00").unwrap();
        for text in ["14:05", "2026-05-01 14:05", "2026-05-01T14:05:00Z"] {
            let at = moment(text, now).map_err(|error| error.to_string());
            assert_eq!(at.unwrap().to_string(), "2026-05-01T14:05:00Z", "{text}");
        }
        assert!(moment("noon", now).is_err() && moment("25:00", now).is_err());
    }
}
