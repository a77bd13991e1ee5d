//! Bounces without a machine-readable part.
//!
//! [`report`] separates what a mail system says from what it returns; [`engine`] reads that by the
//! rows of [`table`]; where no row fits, [`generic`] goes by how addresses stand in such texts. A
//! report that names nobody but encloses another report is read by that.

mod engine;
mod generic;
mod pattern;
mod report;
mod search;
mod table;
mod words;

pub(super) use engine::Item;
pub(super) use pattern::is_address;
pub(super) use report::{Report as Text, read as report};

use super::{
    Format, Parsed, Report, ReportKind, dsn,
    mail_system::is_mail_system,
    mime::{self, Mail},
    reply, said,
};
use crate::address;

/// Reports within reports are followed this deep.
const ENCLOSED: usize = 3;

/// Reads a mail that reports a failed delivery in words. `by_system` says that a mail system wrote
/// it; of other senders only formats are read that write under any name.
pub fn parse(mail: &Mail<'_>, subject: &str, by_system: bool) -> Option<Parsed> {
    parse_enclosed(mail, subject, by_system, 0)
}

fn parse_enclosed(mail: &Mail<'_>, subject: &str, by_system: bool, depth: usize) -> Option<Parsed> {
    let report = report::read(mail);
    if by_system && let Some(reports) = dsn::in_text(&report.text) {
        return Some(Parsed {
            format: Format::Dsn,
            reports,
            returned: report.returned,
        });
    }
    let failed: Vec<String> = mail
        .headers
        .all("X-Failed-Recipients")
        .flat_map(|value| {
            value
                .split(',')
                .map(|one| address::bare(one).to_owned())
                .collect::<Vec<_>>()
        })
        .filter(|address| !address.is_empty())
        .collect();
    let (name, mut items) = match engine::read(&report.text, !by_system) {
        Some(found) => found,
        None if !failed.is_empty() => ("failed-recipients", named(&failed, &report.text)),
        None if by_system => {
            let own = own_addresses(mail);
            match unknown(mail, subject, &report.text, &own) {
                Some(items) => ("text", items),
                None => {
                    return enclosed(&report, depth)
                        .or_else(|| last_resort(mail, subject, report, &own));
                }
            }
        }
        None => return None,
    };
    for item in &mut items {
        complete(item, &failed, &report.text);
    }
    let mut seen = std::collections::HashSet::new();
    items.retain(|item| seen.insert(item.address.to_lowercase()));
    Some(parsed(mail, subject, name, &items, report))
}

fn parsed(
    mail: &Mail<'_>,
    subject: &str,
    name: &'static str,
    items: &[Item],
    report: Text,
) -> Parsed {
    let words = joined(&report.text);
    let delayed = words::says_delayed(&words) || words::says_delayed(subject);
    let reporting_mta = reporting_mta(mail);
    let reports = items
        .iter()
        .map(|item| {
            let reply_code = said::reply_code(&item.text);
            Report {
                kind: Some(if delayed {
                    ReportKind::Delayed
                } else {
                    ReportKind::Bounce
                }),
                recipient: Some(item.address.clone()),
                original_recipient: said::original_recipient(&item.text).map(str::to_owned),
                action: Some(if delayed { "delayed" } else { "failed" }.into()),
                status: said::status(&item.text, reply_code),
                reply_code,
                diagnostic: item.text.clone(),
                reporting_mta: reporting_mta.clone(),
                remote_mta: said::remote_host(&item.text),
                ..Report::default()
            }
        })
        .collect();
    Parsed {
        format: Format::Text(name),
        reports,
        returned: report.returned,
    }
}

/// The lines of a text as one.
pub(super) fn joined(text: &str) -> String {
    engine::joined(text.lines())
}

/// What the report says of one recipient, for readers of structured reports.
pub(super) fn items(text: &str) -> Vec<Item> {
    engine::read(text, false).map_or_else(|| generic::by_form(text, &[]), |(_, items)| items)
}

fn named(addresses: &[String], text: &str) -> Vec<Item> {
    addresses
        .iter()
        .map(|address| generic::item(address, text))
        .collect()
}

/// A format that no row describes: lines that name recipients, in a text that says that delivery
/// failed and is about nothing else.
fn unknown(mail: &Mail<'_>, subject: &str, text: &str, own: &[String]) -> Option<Vec<Item>> {
    if !is_about_failure(subject, text) {
        return None;
    }
    let found = generic::by_form(text, own);
    if !found.is_empty() {
        return Some(found);
    }
    let html = report::html_words(mail)?;
    let found =
        engine::read(&html, false).map_or_else(|| generic::by_form(&html, own), |(_, items)| items);
    (!found.is_empty()).then_some(found)
}

fn is_about_failure(subject: &str, text: &str) -> bool {
    let words = joined(text);
    let failed =
        words::says_failed(&words) || words::says_failed(subject) || words::says_delayed(&words);
    let else_ = words::says_something_else(&words) || words::says_something_else(subject);
    failed && (!else_ || said::reply_code(&words).is_some()) && !reply::has_answer_prefix(subject)
}

/// The report that a report encloses.
fn enclosed(report: &Text, depth: usize) -> Option<Parsed> {
    if depth >= ENCLOSED {
        return None;
    }
    let text = mime::normalise(report.returned.as_deref()?);
    let mail = Mail::parse(&text);
    let subject = mail.headers.get("Subject").unwrap_or_default();
    mail.headers.get("From").filter(|_| is_mail_system(&mail))?;
    dsn::parse(&mail).or_else(|| parse_enclosed(&mail, &subject, true, depth + 1))
}

/// Addresses in running text, else the one the returned message was written to.
fn last_resort(mail: &Mail<'_>, subject: &str, report: Text, own: &[String]) -> Option<Parsed> {
    if !is_about_failure(subject, &report.text) {
        return None;
    }
    let mut items = generic::by_sentence(&report.text, own);
    if items.is_empty() {
        let text = mime::normalise(report.returned.as_deref()?);
        let headers = mime::Headers::parse(&text);
        let to = headers.get("To")?;
        let only = address::bare(&to);
        if to.matches('@').count() != 1 || !pattern::is_address(only) {
            return None;
        }
        items.push(generic::item(only, &report.text));
    }
    Some(parsed(mail, subject, "text", &items, report))
}

/// Whoever wrote the mail and whom it was written to.
fn own_addresses(mail: &Mail<'_>) -> Vec<String> {
    [
        "From",
        "Reply-To",
        "To",
        "Delivered-To",
        "X-Original-To",
        "Return-Path",
    ]
    .iter()
    .flat_map(|name| mail.headers.all(name))
    .take(20)
    .map(|value| address::bare(&value).to_lowercase())
    .filter(|address| address.contains('@'))
    .collect()
}

/// Gives a bare user name its domain: from the failed recipients, or an address in the text.
fn complete(item: &mut Item, failed: &[String], text: &str) {
    if item.address.contains('@') {
        return;
    }
    let start = format!("{}@", item.address);
    let whole = failed
        .iter()
        .find(|address| address.starts_with(&start))
        .cloned()
        .or_else(|| {
            let at = text.find(&start)?;
            pattern::address(&text[at..], false).map(|(address, _)| address.to_owned())
        });
    if let Some(whole) = whole {
        item.address = whole;
    }
}

/// The host that reports: the one a mail system signs with.
fn reporting_mta(mail: &Mail<'_>) -> Option<String> {
    let from = mail.headers.get("From")?;
    let from = from.split('(').next()?;
    let (_, host) = address::bare(from).rsplit_once('@')?;
    (!host.is_empty()).then(|| host.to_lowercase())
}
