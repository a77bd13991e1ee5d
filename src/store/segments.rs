//! Segments: their definitions, and what people do to them by hand.

use std::collections::HashMap;

use super::engine::{OptionalExtension, Row, params};
use super::{Batch, Contact, Store, StoreError, contacts};
use crate::time::Timestamp;

/// A segment as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    pub id: i64,
    pub name: String,
    /// In the filter language, in its plain spelling.
    pub filter: String,
    /// Whether `segments:update` builds it unasked.
    pub published: bool,
    /// Whether it stands in the configuration file.
    pub declared: bool,
    pub created_at: Timestamp,
    pub built_at: Option<Timestamp>,
    /// How long the last build took.
    pub build_ms: Option<u64>,
    pub added: Option<u64>,
    pub removed: Option<u64>,
    /// The last change the build took account of; without it the next looks at everybody.
    pub seen: Option<i64>,
    /// What the filter was compiled to.
    pub fingerprint: Option<[u8; 16]>,
}

impl Segment {
    /// One that was not built yet, and has no filter.
    pub fn new(name: &str, now: Timestamp) -> Self {
        Self {
            id: 0,
            name: name.to_owned(),
            filter: String::new(),
            published: true,
            declared: false,
            created_at: now,
            built_at: None,
            build_ms: None,
            added: None,
            removed: None,
            seen: None,
            fingerprint: None,
        }
    }
}

/// How a contact came to be a member, or not to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The filter chose it.
    Filter,
    /// A person put it in; builds leave it.
    Added,
    /// A person took it out; builds leave it out.
    Removed,
}

impl Origin {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }

    pub(super) fn from_stored(name: &str) -> Self {
        match name {
            "added" => Self::Added,
            "removed" => Self::Removed,
            _ => Self::Filter,
        }
    }
}

/// A contact in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub contact: Contact,
    pub origin: Origin,
    pub since: Timestamp,
}

fn segment(row: &Row<'_>) -> Result<Segment, StoreError> {
    Ok(Segment {
        id: row.get(0)?,
        name: row.get(1)?,
        filter: row.get(2)?,
        published: row.get(3)?,
        declared: row.get(4)?,
        created_at: Timestamp(row.get(5)?),
        built_at: row.get::<Option<i64>>(6)?.map(Timestamp),
        build_ms: row.get(7)?,
        added: row.get(8)?,
        removed: row.get(9)?,
        seen: row.get(10)?,
        fingerprint: row.get(11)?,
    })
}

impl Store {
    /// Every segment, by name.
    pub fn segments(&self) -> Result<Vec<Segment>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, name, filter, published, declared, created_at, built_at, build_ms, added, removed, seen, fingerprint
             FROM segment ORDER BY name",
        )?;
        let rows = select.query_map(params![], segment)?;
        rows.collect()
    }

    /// How many members each segment has, by id.
    pub fn member_counts(&self) -> Result<HashMap<i64, u64>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT segment, count(*) FROM segment_member WHERE origin <> 'removed' GROUP BY segment",
        )?;
        let rows = select.query_map(params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.collect()
    }

    /// Calls `each` for every member, and for those a person took out, in the order of contacts.
    pub fn for_each_member<E: From<StoreError>>(
        &self,
        segment: i64,
        mut each: impl FnMut(Member) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self.connection.prepare_cached(
            "SELECT c.id, c.external_id, c.address, c.attributes, m.origin, m.since
                 FROM segment_member m JOIN contact c ON c.id = m.contact
                 WHERE m.segment = $1 ORDER BY m.contact",
        )?;
        let mut rows = select.query(params![segment])?;
        while let Some(row) = rows.next()? {
            each(member(&row)?)?;
        }
        Ok(())
    }

    /// The contact's place in the segment, if it has one.
    pub fn membership(
        &self,
        segment: i64,
        contact: i64,
    ) -> Result<Option<(Origin, Timestamp)>, StoreError> {
        self.connection
            .prepare_cached(
                "SELECT origin, since FROM segment_member WHERE segment = $1 AND contact = $2",
            )?
            .query_row(params![segment, contact], |row| {
                let origin: String = row.get(0)?;
                Ok((Origin::from_stored(&origin), Timestamp(row.get(1)?)))
            })
            .optional()
    }

    /// Which of these attributes some contact has.
    pub fn known_attributes(&self, names: &[&str]) -> Result<Vec<String>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM contact WHERE attributes ->> $1 IS NOT NULL)",
        )?;
        let mut known = Vec::new();
        for name in names {
            // A name that begins so would be a path.
            if !name.starts_with('$') && select.query_row(params![name], |row| row.get(0))? {
                known.push((*name).to_owned());
            }
        }
        Ok(known)
    }

    /// The attributes of the newest contacts, for hints.
    pub fn attribute_names(&self) -> Result<Vec<String>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT DISTINCT a.key FROM (SELECT attributes FROM contact ORDER BY id DESC LIMIT 200) c,
                    json_each(c.attributes) a ORDER BY a.key LIMIT 200",
        )?;
        let rows = select.query_map(params![], |row| row.get(0))?;
        rows.collect()
    }
}

fn member(row: &Row<'_>) -> Result<Member, StoreError> {
    let origin: String = row.get(4)?;
    Ok(Member {
        contact: contacts::contact(row)?,
        origin: Origin::from_stored(&origin),
        since: Timestamp(row.get(5)?),
    })
}

impl Batch<'_> {
    /// Makes a segment; answers its id.
    pub fn create_segment(&self, segment: &Segment) -> Result<i64, StoreError> {
        self
            .transaction
            .prepare_cached(
                "INSERT INTO segment (name, filter, published, declared, created_at) VALUES ($1, $2, $3, $4, $5)
                 RETURNING id",
            )?
            .query_row(
                params![
                    segment.name,
                    segment.filter,
                    segment.published,
                    segment.declared,
                    segment.created_at.0
                ],
                |row| row.get(0),
            )
    }

    /// Changes a segment's definition. Its next build looks at everybody.
    pub fn change_segment(&self, segment: &Segment) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "UPDATE segment SET name = $1, filter = $2, published = $3, declared = $4, seen = NULL WHERE id = $5",
            )?
            .execute(params![
                segment.name,
                segment.filter,
                segment.published,
                segment.declared,
                segment.id
            ])?;
        Ok(())
    }

    /// Removes a segment with its memberships.
    pub fn delete_segment(&self, id: i64) -> Result<(), StoreError> {
        self.transaction
            .execute("DELETE FROM segment WHERE id = $1", params![id])?;
        Ok(())
    }

    /// Puts contacts in or out by hand; answers how many that changed. Those whom the filter put
    /// there already are from now on there by hand.
    pub fn set_by_hand(
        &self,
        segment: i64,
        contacts: &[i64],
        origin: Origin,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        let mut upsert = self.transaction.prepare_cached(
            "INSERT INTO segment_member (segment, contact, origin, since) VALUES ($1, $2, $3, $4)
             ON CONFLICT (segment, contact) DO UPDATE SET origin = excluded.origin, since = excluded.since
             WHERE segment_member.origin <> excluded.origin",
        )?;
        let mut log = self
            .transaction
            .prepare_cached("INSERT INTO change_log (contact) VALUES ($1)")?;
        let mut changed = 0;
        for contact in contacts {
            if upsert.execute(params![segment, contact, origin.name(), now.0])? == 1 {
                // Other segments may ask for membership in this one.
                log.execute(params![contact])?;
                changed += 1;
            }
        }
        Ok(changed)
    }

    /// Takes back what people did by hand: the next build decides again.
    pub fn leave_to_filter(&self, segment: i64, contacts: &[i64]) -> Result<u64, StoreError> {
        let mut delete = self.transaction.prepare_cached(
            "DELETE FROM segment_member WHERE segment = $1 AND contact = $2 AND origin <> 'filter'",
        )?;
        let mut log = self
            .transaction
            .prepare_cached("INSERT INTO change_log (contact) VALUES ($1)")?;
        let mut changed = 0;
        for contact in contacts {
            if delete.execute(params![segment, *contact])? == 1 {
                log.execute(params![contact])?;
                changed += 1;
            }
        }
        Ok(changed)
    }
}
