//! What was exported to whom, so that the next export can be the difference.
//!
//! The list, what the last export held and the contacts come in the same order, by address. They are
//! read side by side, and only what differs is kept until the output is safe.

use super::engine::{Connection, Purpose, Rows, Transaction, Value, params};
use super::{DoNotContact, Selection, Store, StoreError};
use crate::{address::AddressKey, time::Timestamp};

/// An export on its way: the list as it stood at one moment. It holds no lock while somebody reads
/// its output slowly.
pub struct Exporting<'s> {
    store: &'s Store,
    transaction: Transaction<'s>,
    target: &'s str,
}

/// New rows are kept so many at a time.
const AT_ONCE: usize = 1_000;

impl Store {
    /// Begins an export to `target`.
    pub fn begin_export<'s>(&'s mut self, target: &'s str) -> Result<Exporting<'s>, StoreError> {
        let transaction = self.connection.begin(Purpose::Reading)?;
        transaction.temporary_table("export_added", &["address_key", "reason"])?;
        transaction.temporary_table("export_gone", &["address_key", "reason", "how"])?;
        Ok(Exporting {
            store: self,
            transaction,
            target,
        })
    }

    /// Remembers what the latest finished export to `target` held, after its output is safe. With
    /// `removals` false what is gone was not told to the target, and is removed the next time.
    pub fn remember_export(&mut self, target: &str, removals: bool) -> Result<(), StoreError> {
        let batch = self.begin_beside_temporary()?;
        batch.transaction.execute(
            "DELETE FROM exported WHERE target = $1 AND (address_key, reason) IN
             (SELECT g.address_key, g.reason FROM export_gone AS g WHERE $2 OR g.how = 'reason')",
            params![target, removals],
        )?;
        batch.transaction.execute(
            "INSERT INTO exported (target, address_key, reason)
             SELECT $1, a.address_key, a.reason FROM export_added AS a WHERE true
             ON CONFLICT (target, address_key, reason) DO NOTHING",
            params![target],
        )?;
        batch.commit()
    }
}

impl Exporting<'_> {
    /// As [`Store::for_each_listed`], with the notes of what the export holds. Without `noting` the
    /// export is not compared with the last one, and not to be remembered; without `contacts` no
    /// notes are to be asked for them.
    pub fn for_each_listed<E: From<StoreError>>(
        &self,
        selection: &Selection,
        now: Timestamp,
        noting: bool,
        contacts: bool,
        mut each: impl FnMut(DoNotContact, &mut Notes<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self.transaction.prepare(
            "SELECT address_key, reason FROM exported WHERE target = $1 ORDER BY address_key",
        )?;
        // Most addresses of the list are those of contacts: of a whole list these are read beside it.
        let mut of_contacts = self.transaction.prepare(
            "SELECT address_key, external_id FROM contact WHERE external_id IS NOT NULL
             ORDER BY address_key, external_id",
        )?;
        let beside = contacts && selection.is_everything();
        let mut notes = Notes {
            connection: &self.transaction,
            contacts: Contacts {
                rows: beside.then(|| of_contacts.query(params![])).transpose()?,
                next: None,
            },
            before: noting
                .then(|| select.query(params![self.target]))
                .transpose()?,
            next: None,
            present: Present::default(),
            added: Vec::new(),
            gone: Vec::new(),
        };
        self.store
            .for_each_listed(selection, now, |row| each(row, &mut notes))?;
        Ok(notes.end()?)
    }

    /// Calls `each` with what the last export to the target held and this one does not: pairs of
    /// address and reason, or addresses as a whole.
    pub fn for_each_removed<E: From<StoreError>>(
        &self,
        by_reason: bool,
        mut each: impl FnMut(AddressKey, &str) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut select = self.transaction.prepare_cached(
            "SELECT address_key, min(reason) FROM export_gone WHERE $1 OR how = 'address'
             GROUP BY address_key, CASE WHEN $1 THEN reason ELSE '' END ORDER BY address_key",
        )?;
        let mut rows = select.query(params![by_reason])?;
        while let Some(row) = rows.next()? {
            each(AddressKey::from_stored(row.get(0)?), row.text(1)?)?;
        }
        Ok(())
    }

    /// The external ids of the contacts with this address.
    pub fn external_ids(&self, address: &AddressKey) -> Result<Vec<String>, StoreError> {
        external_ids(&self.transaction, address)
    }

    /// Ends reading; the notes stay for [`Store::remember_export`].
    pub fn finish(self) -> Result<(), StoreError> {
        self.transaction.commit()?;
        Ok(())
    }
}

fn external_ids(connection: &Connection, address: &AddressKey) -> Result<Vec<String>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT external_id FROM contact WHERE address_key = $1 AND external_id IS NOT NULL ORDER BY external_id",
    )?;
    let rows = select.query_map(params![address.as_str()], |row| row.get(0))?;
    rows.collect()
}

/// Contacts in the order of addresses, read beside the list.
struct Contacts<'t> {
    rows: Option<Rows<'t>>,
    /// The one that was read beyond the present address.
    next: Option<(AddressKey, String)>,
}

impl Contacts<'_> {
    /// Reads on; addresses must be asked for in their order, each once. Nothing where they are not
    /// read beside.
    fn of(&mut self, address: &AddressKey) -> Result<Option<Vec<String>>, StoreError> {
        let Some(rows) = &mut self.rows else {
            return Ok(None);
        };
        let mut ids = Vec::new();
        if let Some((next, id)) = self.next.take() {
            match next.cmp(address) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => ids.push(id),
                std::cmp::Ordering::Greater => {
                    self.next = Some((next, id));
                    return Ok(Some(ids));
                }
            }
        }
        while let Some(row) = rows.next()? {
            match row.raw(0)?.cmp(address.as_str().as_bytes()) {
                std::cmp::Ordering::Less => {}
                std::cmp::Ordering::Equal => ids.push(row.get(1)?),
                std::cmp::Ordering::Greater => {
                    self.next = Some((AddressKey::from_stored(row.get(0)?), row.get(1)?));
                    break;
                }
            }
        }
        Ok(Some(ids))
    }
}

/// What an export holds, compared with what the last one to the target held.
pub struct Notes<'t> {
    connection: &'t Connection,
    contacts: Contacts<'t>,
    /// What the last one held, in the order of addresses, where it is asked for.
    before: Option<Rows<'t>>,
    /// The row that was read beyond the present address.
    next: Option<(AddressKey, String)>,
    present: Present,
    added: Vec<(AddressKey, String)>,
    gone: Vec<(AddressKey, String, &'static str)>,
}

/// The address that is being exported.
#[derive(Default)]
struct Present {
    address: Option<AddressKey>,
    /// What the last export held of it, and whether this one does.
    before: Vec<(String, bool)>,
    /// What is new.
    added: Vec<String>,
}

impl Notes<'_> {
    /// The external ids of the contacts with this address. Addresses must come in their order, each
    /// once.
    pub fn external_ids(&mut self, address: &AddressKey) -> Result<Vec<String>, StoreError> {
        match self.contacts.of(address)? {
            Some(ids) => Ok(ids),
            None => external_ids(self.connection, address),
        }
    }

    /// Notes that the export holds this; answers whether the last one held it too. Addresses must
    /// come in their order.
    pub fn note(&mut self, address: &AddressKey, reason: &str) -> Result<bool, StoreError> {
        if self.before.is_none() {
            return Ok(false);
        }
        if self.present.address.as_ref() != Some(address) {
            self.leave()?;
            self.go_to(address)?;
        }
        let before = self.present.before.iter_mut();
        if let Some((_, kept)) = before.into_iter().find(|(known, _)| known == reason) {
            *kept = true;
            return Ok(true);
        }
        if !self.present.added.iter().any(|known| known == reason) {
            self.present.added.push(reason.to_owned());
        }
        Ok(false)
    }

    /// Reads what the last export held up to an address.
    fn go_to(&mut self, address: &AddressKey) -> Result<(), StoreError> {
        self.present.address = Some(address.clone());
        while let Some((next, reason)) = self.read()? {
            match next.cmp(address) {
                std::cmp::Ordering::Less => self.gone.push((next, reason, "address")),
                std::cmp::Ordering::Equal => self.present.before.push((reason, false)),
                std::cmp::Ordering::Greater => {
                    self.next = Some((next, reason));
                    break;
                }
            }
            if self.gone.len() >= AT_ONCE {
                self.write()?;
            }
        }
        Ok(())
    }

    fn read(&mut self) -> Result<Option<(AddressKey, String)>, StoreError> {
        if self.next.is_some() {
            return Ok(self.next.take());
        }
        let Some(rows) = &mut self.before else {
            return Ok(None);
        };
        let row = rows.next()?;
        row.map(|row| Ok((AddressKey::from_stored(row.get(0)?), row.get(1)?)))
            .transpose()
    }

    /// All of the present address was noted.
    fn leave(&mut self) -> Result<(), StoreError> {
        let Present {
            address,
            before,
            added,
        } = std::mem::take(&mut self.present);
        let Some(address) = address else {
            return Ok(());
        };
        for (reason, kept) in before {
            if !kept {
                self.gone.push((address.clone(), reason, "reason"));
            }
        }
        for reason in added {
            self.added.push((address.clone(), reason));
        }
        if self.added.len() + self.gone.len() >= AT_ONCE {
            self.write()?;
        }
        Ok(())
    }

    fn end(mut self) -> Result<(), StoreError> {
        self.leave()?;
        while let Some((address, reason)) = self.read()? {
            self.gone.push((address, reason, "address"));
            if self.gone.len() >= AT_ONCE {
                self.write()?;
            }
        }
        self.write()
    }

    /// Keeps what differs.
    fn write(&mut self) -> Result<(), StoreError> {
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO export_added (address_key, reason) VALUES ($1, $2)
             ON CONFLICT (address_key, reason) DO NOTHING",
        )?;
        let added = self.added.iter();
        insert.execute_each(
            added.map(|(address, reason)| [Value::Text(address.as_str()), Value::Text(reason)]),
        )?;
        let mut insert = self.connection.prepare_cached(
            "INSERT INTO export_gone (address_key, reason, how) VALUES ($1, $2, $3)
             ON CONFLICT (address_key, reason, how) DO NOTHING",
        )?;
        insert.execute_each(self.gone.iter().map(|(address, reason, how)| {
            [
                Value::Text(address.as_str()),
                Value::Text(reason),
                Value::Text(how),
            ]
        }))?;
        self.added.clear();
        self.gone.clear();
        Ok(())
    }
}
