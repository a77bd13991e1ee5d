//! Which rows of the do-not-contact list are meant: by reason, cause, age, run, and whose they are.

use super::engine::{Bind, Value};
use super::{
    Batch, Store, StoreError,
    do_not_contact::{CHANNEL, COLUMNS, LIVE, STRENGTH, row},
};
use crate::{
    address::AddressKey,
    classify::{Fault, Reason},
    segment::{Bound, Compiled},
    store::DoNotContact,
    suppression::Grounds,
    time::Timestamp,
};

/// A choice of rows; what is empty does not restrict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Selection {
    pub addresses: Vec<AddressKey>,
    /// Listed on one of these grounds or, with the next, for one of these reasons of bounces.
    pub grounds: Vec<Grounds>,
    pub details: Vec<Reason>,
    /// Bounces whose reason is their fault.
    pub faults: Vec<Fault>,
    /// Exact domains of addresses, in ASCII.
    pub domains: Vec<String>,
    /// Domains of the host that refused; subdomains count.
    pub receiving_hosts: Vec<String>,
    /// The campaign e-mail whose send it was.
    pub campaigns: Vec<String>,
    pub runs: Vec<i64>,
    /// On the list since before then, or since then.
    pub before: Option<Timestamp>,
    pub after: Option<Timestamp>,
    /// Caused by an event that happened in this time, both ends included.
    pub between: Option<(Timestamp, Timestamp)>,
    /// Addresses of a contact that meets this.
    pub filter: Option<Compiled>,
    /// Also what has ended by itself.
    pub expired: bool,
    /// At most so many rows.
    pub limit: Option<u64>,
}

/// How much of a selection is read at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// A few rows.
    Page,
    /// All of them.
    Whole,
    /// All of them, each with the contacts that have its address; who meets the filter is known.
    WholeWithContacts,
}

/// Where the contact stands, after [`COLUMNS`].
const CONTACT: usize = 8;

/// The SQL of a selection with its values; `$1` is always the present time.
struct Query {
    sql: String,
    values: Vec<Bound>,
}

impl Query {
    fn value(&mut self, value: impl Into<Bound>) -> String {
        self.values.push(value.into());
        format!("${}", self.values.len())
    }

    fn values(&self) -> Vec<Value<'_>> {
        self.values.iter().map(Bind::value).collect()
    }

    /// `AND (one OR other)`.
    fn any<T>(&mut self, of: &[T], condition: impl Fn(&mut Self, &T) -> String) {
        if of.is_empty() {
            return;
        }
        let each: Vec<String> = of.iter().map(|one| condition(self, one)).collect();
        self.sql += &format!(" AND ({})", each.join(" OR "));
    }
}

/// `text` with nothing in it that LIKE takes for a pattern.
fn literally(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_")
}

impl Selection {
    /// Whether it restricts nothing.
    pub fn is_everything(&self) -> bool {
        *self
            == Self {
                expired: self.expired,
                ..Self::default()
            }
    }

    fn query(&self, now: Timestamp, reading: Reading) -> Query {
        let mut sql = format!("SELECT {COLUMNS}");
        if reading == Reading::WholeWithContacts {
            sql += ", c.id";
        }
        sql += " FROM do_not_contact AS d";
        let by_event = !self.receiving_hosts.is_empty() || self.between.is_some();
        if by_event || !self.campaigns.is_empty() {
            // By the address: in the order in which the list is read its events lie together, those
            // of one key anywhere. The key is wrapped, or its index would be preferred.
            sql += " LEFT JOIN event AS e ON e.address_key = d.address_key AND coalesce(e.key, d.event) = d.event";
        }
        if !self.campaigns.is_empty() && reading == Reading::Page {
            sql += " LEFT JOIN send AS s ON s.hash = e.send_hash";
        }
        if reading == Reading::WholeWithContacts {
            sql += " CROSS JOIN contact AS c";
        }
        sql += " WHERE ";
        let mut query = Query {
            sql,
            values: vec![now.0.into()],
        };
        // Parameters are numbered by their first use, so this one must stand in the text even
        // where it does not restrict.
        query.sql += &if self.expired {
            format!("({LIVE} OR d.expires_at <= $1)")
        } else {
            LIVE.to_owned()
        };
        let channel = query.value(CHANNEL.to_owned());
        query.sql += &format!(" AND d.channel = {channel}");
        query.any(&self.addresses, |query, address| {
            format!(
                "d.address_key = {}",
                query.value(address.as_str().to_owned())
            )
        });
        let grounds = self
            .grounds
            .iter()
            .map(|grounds| ("reason", grounds.name()));
        let details = self.details.iter().map(|detail| ("detail", detail.name()));
        let reasons: Vec<(&str, &str)> = grounds.chain(details).collect();
        let named = |query: &mut Query, (column, name): &(&str, &str)| {
            format!("d.{column} = {}", query.value((*name).to_owned()))
        };
        query.any(&reasons, named);
        let theirs: Vec<(&str, &str)> = Reason::ALL
            .iter()
            .filter(|reason| self.faults.contains(&reason.fault()))
            .map(|reason| ("detail", reason.name()))
            .collect();
        query.any(&theirs, named);
        query.any(&self.domains, |query, domain| {
            let pattern = format!("%@{}", literally(domain));
            format!("d.address_key LIKE {} ESCAPE '\\'", query.value(pattern))
        });
        query.any(&self.receiving_hosts, |query, host| {
            let exact = query.value(host.clone());
            let below = query.value(format!("%.{}", literally(host)));
            format!("e.receiving_host = {exact} OR e.receiving_host LIKE {below} ESCAPE '\\'")
        });
        if reading == Reading::Page {
            query.any(&self.campaigns, |query, campaign| {
                format!("s.email_id = {}", query.value(campaign.clone()))
            });
        } else if !self.campaigns.is_empty() {
            // Their sends in one pass, instead of one look-up for each row.
            let campaigns = self.campaigns.iter();
            let campaigns: Vec<String> = campaigns.map(|id| query.value(id.clone())).collect();
            query.sql += &format!(
                " AND e.send_hash IN (SELECT s.hash FROM send AS s WHERE s.email_id IN ({}))",
                campaigns.join(", ")
            );
        }
        query.any(&self.runs, |query, run| {
            format!("d.run = {}", query.value(*run))
        });
        if let Some(before) = self.before {
            let at = query.value(before.0);
            query.sql += &format!(" AND d.since < {at}");
        }
        if let Some(after) = self.after {
            let at = query.value(after.0);
            query.sql += &format!(" AND d.since >= {at}");
        }
        if let Some((from, to)) = self.between {
            let (from, to) = (query.value(from.0), query.value(to.0));
            query.sql += &format!(" AND coalesce(e.occurred_at, d.since) BETWEEN {from} AND {to}");
        }
        if reading == Reading::WholeWithContacts {
            query.sql += " AND c.address_key = d.address_key";
        } else if let Some(filter) = &self.filter {
            let predicate = filter.predicate();
            let (condition, values) = predicate.finish_after(query.values.len());
            query.sql +=
                " AND EXISTS (SELECT 1 FROM contact AS c WHERE c.address_key = d.address_key AND ";
            query.sql += &condition;
            query.sql += ")";
            query.values.extend(values.into_iter().cloned());
        }
        query
    }
}

impl Store {
    /// Calls `each` for every row of the selection, by address, strongest reason first; memory
    /// does not grow with them.
    pub fn for_each_listed<E: From<StoreError>>(
        &self,
        selection: &Selection,
        now: Timestamp,
        mut each: impl FnMut(DoNotContact) -> Result<(), E>,
    ) -> Result<(), E> {
        let snapshot = self.snapshot()?;
        // Who meets the filter is found in one pass over each table; for a few addresses they are
        // looked up.
        let filter = selection.filter.as_ref();
        let filter = filter.filter(|_| selection.addresses.is_empty());
        let meeting = match filter {
            Some(filter) => self.evaluate_all(&[filter])?.0.pop(),
            None => None,
        };
        let mut query = selection.query(
            now,
            if meeting.is_some() {
                Reading::WholeWithContacts
            } else {
                Reading::Whole
            },
        );
        query.sql += &format!(" ORDER BY d.address_key, {STRENGTH}");
        let mut select = self.connection.prepare(&query.sql)?;
        let mut rows = select.query(&query.values())?;
        let mut left = selection.limit.unwrap_or(u64::MAX);
        let mut last = None;
        while left > 0
            && let Some(found) = rows.next()?
        {
            if let Some(meeting) = &meeting
                && !meeting.contains(found.get(CONTACT)?)
            {
                continue;
            }
            let row = row(&found)?;
            // A row comes once for each contact with its address.
            if meeting.is_some() {
                let place = Some((row.address.clone(), row.entry.grounds));
                if place == last {
                    continue;
                }
                last = place;
            }
            each(row)?;
            left -= 1;
        }
        drop(snapshot);
        Ok(())
    }
}

impl Batch<'_> {
    /// The first rows of the selection after a place, in the order of the key (address, reason).
    pub(crate) fn listed_after(
        &self,
        selection: &Selection,
        now: Timestamp,
        place: Option<(&AddressKey, Grounds)>,
        limit: u32,
    ) -> Result<Vec<DoNotContact>, StoreError> {
        let mut query = selection.query(now, Reading::Page);
        if let Some((address, grounds)) = place {
            let address = query.value(address.as_str().to_owned());
            let grounds = query.value(grounds.name().to_owned());
            query.sql += &format!(" AND (d.address_key, d.reason) > ({address}, {grounds})");
        }
        let limit = query.value(i64::from(limit));
        query.sql += &format!(" ORDER BY d.address_key, d.reason LIMIT {limit}");
        let mut select = self.transaction.prepare_cached(&query.sql)?;
        let rows = select.query_map(&query.values(), row)?;
        rows.collect()
    }
}
