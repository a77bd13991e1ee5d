//! The database: what is kept, and how it is asked for.
//!
//! # One store, two engines
//! The API speaks in domain types and in sets, the SQL in numbered parameters, `ON CONFLICT` and
//! natural keys. One text serves every engine; the engines themselves, and what differs between
//! them, stand in `engine`.

mod changes;
mod contact_import;
mod contacts;
mod copy;
mod do_not_contact;
mod engine;
mod error;
mod events;
mod explain;
mod exports;
mod forgotten;
#[cfg(test)]
mod histories;
mod history;
mod inspection;
mod lease;
mod maintenance;
mod membership;
mod outbox;
mod outlines;
mod pending;
mod quarantine;
mod raw_messages;
mod releases;
mod roll_up;
mod runs;
mod segments;
mod selection;
mod sends;
mod statistics;

use std::{path::Path, time::Duration};

use engine::{Connection, Purpose, Transaction};

pub use contacts::{Contact, ImportCounts, NewContact};
pub use copy::{CopiedTable, CopyError};
pub use do_not_contact::{DoNotContact, LIVE};
#[cfg(feature = "postgres")]
pub use engine::Server;
pub use error::StoreError;
pub use events::EventRow;
pub use explain::{Cells, Evidence};
pub use exports::{Exporting, Notes};
pub use forgotten::Forgotten;
pub use inspection::Version;
pub use lease::{Holder, LeaseRefused};
pub use maintenance::{Removed, Retention};
pub use membership::Difference;
pub(crate) use membership::{BuildNote, Seen};
pub use outbox::Undelivered;
pub use outlines::{Happening, Outline};
pub use pending::FolderId;
pub use quarantine::Quarantined;
pub use raw_messages::{ArchivePlace, ArchivedMail};
pub use runs::{Run, RunTraces};
pub use segments::{Member, Origin, Segment};
pub use selection::Selection;
pub(crate) use sends::SentTo;
pub use sends::{NewSend, Send};
pub use statistics::{
    DiagnosticCount, DomainCount, EventCount, Returned, Scope, SegmentCount, SourceCount,
    Statistics, SuppressedCount,
};

/// The database.
pub struct Store {
    connection: Connection,
    outbox: bool,
    #[cfg(feature = "postgres")]
    renewals: Vec<engine::Renewal>,
}

/// How a database is opened.
#[derive(Clone, Copy, Debug)]
pub struct OpenOptions {
    /// How long a writer waits for another.
    pub wait: Duration,
    /// Page cache in MiB.
    pub cache: u32,
    /// Whether new suppressions are put into the outbox for a hook.
    pub outbox: bool,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            wait: engine::WAIT,
            cache: 16,
            outbox: false,
        }
    }
}

impl Store {
    /// Opens or creates the database at `path` and brings it to the present version.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Connection::open_file(path, &options)?,
            outbox: options.outbox,
            #[cfg(feature = "postgres")]
            renewals: Vec::new(),
        })
    }

    /// Connects to a PostgreSQL server and brings the database to the present version.
    #[cfg(feature = "postgres")]
    pub fn connect(server: Server, options: OpenOptions) -> Result<Self, StoreError> {
        Ok(Self {
            connection: Connection::open_server(server, &options)?,
            outbox: options.outbox,
            #[cfg(feature = "postgres")]
            renewals: Vec::new(),
        })
    }

    /// A database that lives as long as the value; for tests and for commands without one.
    pub fn open_in_memory() -> Result<Self, StoreError> {
        #[cfg(all(test, feature = "postgres"))]
        if let Ok(url) = std::env::var("BOUNCEKIT_TEST_URL") {
            return Self::in_new_schema(&url);
        }
        Ok(Self {
            connection: Connection::open_in_memory()?,
            outbox: false,
            #[cfg(feature = "postgres")]
            renewals: Vec::new(),
        })
    }

    /// Tests: a schema of its own in the database of this URL.
    #[cfg(all(test, feature = "postgres"))]
    fn in_new_schema(url: &str) -> Result<Self, StoreError> {
        use std::sync::atomic::{AtomicU32, Ordering};

        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let schema = format!(
            "unit_{}_{}",
            std::process::id(),
            NUMBER.fetch_add(1, Ordering::Relaxed)
        );
        engine::make_schema(Server::parse(url).map_err(StoreError::Other)?, &schema)?;
        let between = if url.contains('?') { '&' } else { '?' };
        let url = format!("{url}{between}options=-c%20search_path%3D{schema}");
        let server = Server::parse(&url).map_err(StoreError::Other)?;
        Self::connect(server, OpenOptions::default())
    }

    /// Whether the database is on a server, which several machines may use at once and whose
    /// connection can be lost.
    pub fn is_shared(&self) -> bool {
        self.connection.is_shared()
    }

    /// After an error: makes ready for doing the same again, where that may help; else the error
    /// comes back.
    pub fn recover(&mut self, error: StoreError) -> Result<(), StoreError> {
        self.connection.recover(error)
    }

    /// Begins a writing transaction; it is rolled back when dropped.
    pub fn begin(&mut self) -> Result<Batch<'_>, StoreError> {
        self.connection.keep_temporary(true)?;
        self.begin_beside_temporary()
    }

    /// As [`Self::begin`], for new events before all else: several machines may append at once,
    /// [`Batch::insert_events`] then waits for its turn.
    pub fn begin_appending(&mut self) -> Result<Batch<'_>, StoreError> {
        self.connection.keep_temporary(true)?;
        Ok(Batch {
            outbox: self.outbox,
            transaction: self.connection.begin(Purpose::Appending)?,
        })
    }

    /// As [`Self::begin`], without losing the temporary tables there are.
    fn begin_beside_temporary(&mut self) -> Result<Batch<'_>, StoreError> {
        Ok(Batch {
            outbox: self.outbox,
            transaction: self.connection.begin(Purpose::Writing)?,
        })
    }
}

/// One writing transaction: what stands in it happens as a whole or not at all.
pub struct Batch<'s> {
    transaction: Transaction<'s>,
    outbox: bool,
}

impl Batch<'_> {
    pub fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit()?.keep_temporary(false)
    }
}
