use std::{
    cell::RefCell,
    collections::HashSet,
    path::{Path, PathBuf},
};

use bouncekit_core::{
    address::AddressKey,
    classify::Reason,
    event::EventKey,
    ingest::{self, Added, Addition, Occasion},
    rows::Row,
    store::{ImportCounts, Store},
    suppression::Grounds,
    time::Timestamp,
};

use super::{
    CliError, Context, Exit, dnc_add, exchange,
    exchange::{Entry, Who, own_hash},
    import::{self, ImportArgs, Outcome, Table},
    selection::unknown_reason,
};

/// Import a do-not-contact list: plain addresses, CSV, NDJSON, hashes, or a provider's list
///
/// The format is known by its columns, or named with --from. Each entry is an event, so that it is
/// shown by contacts:show and undone by runs:undo. The same list again changes nothing; who was
/// released meanwhile stays released. Bad lines are told and skipped, and the exit status is then 1.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    import: ImportArgs,
    /// Format of the list: see dnc:export --help for their names [default: by its columns]
    #[arg(long, value_name = "FORMAT")]
    from: Option<String>,
    /// Reason of entries whose list does not say: bounce, complaint, unsubscribe, manual, or a
    /// bounce reason
    #[arg(long, value_name = "REASON", default_value = "manual")]
    reason: String,
    /// Comment of entries that have none
    #[arg(long, value_name = "TEXT", default_value = "")]
    comment: String,
    /// File with the salt of hashed addresses; its line end does not count
    #[arg(long, value_name = "FILE")]
    salt_file: Option<PathBuf>,
}

/// Hashes are compared with the known addresses so many at once.
const HASHES: usize = 500_000;

/// The salt in a file.
pub(crate) fn salt(path: &Path) -> Result<Vec<u8>, CliError> {
    let mut salt = std::fs::read(path).map_err(|cause| CliError::file(path, &cause))?;
    while salt
        .last()
        .is_some_and(|byte| matches!(byte, b'\n' | b'\r'))
    {
        salt.pop();
    }
    if salt.is_empty() {
        return Err(CliError::usage(format!("`{}` is empty", path.display()))
            .hint("make a salt with `openssl rand -hex 16`"));
    }
    Ok(salt)
}

/// What the options say about every entry.
struct Defaults<'a> {
    format: Option<&'static exchange::Read>,
    source: &'a str,
    grounds: Grounds,
    detail: Option<Reason>,
    comment: &'a str,
}

/// Writes what was read, and counts what became of it.
struct Writer<'a> {
    store: &'a RefCell<Store>,
    context: &'a Context,
    run: i64,
    dry_run: bool,
    defaults: &'a Defaults<'a>,
    counts: ImportCounts,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let (grounds, detail) =
        dnc_add::reason(&args.reason).ok_or_else(|| unknown_reason(&args.reason))?;
    let defaults = Defaults {
        format: args.from.as_deref().map(reader).transpose()?,
        source: args.from.as_deref().unwrap_or("list"),
        grounds,
        detail,
        comment: &args.comment,
    };
    let salt = args.salt_file.as_deref().map(salt).transpose()?;
    let dry_run = args.import.dry_run;
    let (store, run) = if dry_run {
        (context.store()?, 0)
    } else {
        context.store_and_run("dnc:import")?
    };
    let store = RefCell::new(store);
    let mut writer = Writer {
        store: &store,
        context,
        run,
        dry_run,
        defaults: &defaults,
        counts: ImportCounts::default(),
    };
    let mut hashes: HashSet<[u8; 32]> = HashSet::new();
    let (mut compared, mut matched) = (0_u64, 0_u64);
    let mut compare = |hashes: &mut HashSet<[u8; 32]>, writer: &mut Writer<'_>| {
        let salt = salt.as_deref().ok_or_else(|| {
            CliError::usage("the list holds hashed addresses")
                .hint("name their salt: --salt-file FILE")
        })?;
        compared += hashes.len() as u64;
        matched += writer.matching(salt, hashes)?;
        hashes.clear();
        Ok::<_, CliError>(())
    };
    let parse = |row: &Row| read(row, &defaults, args.import.table, &store.borrow());
    let progress = args.import.read(&[], parse, |entries| {
        let mut known = Vec::with_capacity(entries.len());
        for entry in &entries {
            match &entry.who {
                Who::Address(address) => known.push((address.clone(), entry)),
                Who::Hash(hash) => {
                    hashes.insert(*hash);
                }
                Who::Contact(_) => {}
            }
        }
        if hashes.len() >= HASHES {
            compare(&mut hashes, &mut writer)?;
        }
        writer.write(&known)
    })?;
    if !hashes.is_empty() {
        compare(&mut hashes, &mut writer)?;
    }
    let counts = writer.counts;
    if !dry_run {
        let mut store = store.borrow_mut();
        store.finish_run(run, &import::accounting(&progress), context.now)?;
    }
    args.import.conclude(&Outcome {
        what: "entries",
        counts,
        progress: &progress,
        hashes: (compared > 0).then_some((compared, matched)),
    });
    Ok(if progress.bad > 0 {
        Exit::SomeFailed
    } else {
        Exit::Done
    })
}

fn reader(name: &str) -> Result<&'static exchange::Read, CliError> {
    exchange::find(name)
        .and_then(|format| format.read.as_ref())
        .ok_or_else(|| {
            let names: Vec<&str> = exchange::FORMATS
                .iter()
                .filter(|format| format.read.is_some())
                .map(|format| format.name)
                .collect();
            CliError::usage(format!("`--from {name}` cannot be read"))
                .hint(format!("one of {}", names.join(", ")))
        })
}

/// The entry of a row; a contact's id is looked up.
fn read(
    row: &Row,
    defaults: &Defaults<'_>,
    table: Option<Table>,
    store: &Store,
) -> Result<Option<Entry>, String> {
    let format = match (defaults.format, table) {
        (Some(format), _) => Some(format),
        (None, Some(Table::LeadDonotcontact)) => {
            exchange::find("mautic-csv").and_then(|format| format.read.as_ref())
        }
        (None, Some(other)) => {
            return Err(format!("{other:?} is no do-not-contact list"));
        }
        (None, None) => exchange::of_row(row),
    };
    let Some(mut entry) = format.map_or(exchange::OWN, |format| format.entry)(row)? else {
        return Ok(None);
    };
    if let Who::Contact(id) = &entry.who {
        let found = store
            .address_of_external_id(id)
            .map_err(|error| error.to_string())?;
        entry.who = Who::Address(
            found.ok_or_else(|| format!("contact {id} is not known: import `leads` first"))?,
        );
    }
    Ok(Some(entry))
}

impl Writer<'_> {
    fn write(&mut self, entries: &[(AddressKey, &Entry)]) -> Result<(), CliError> {
        let additions: Vec<Addition> = entries
            .iter()
            .map(|(address, entry)| self.addition(address, entry))
            .collect();
        let occasion = Occasion {
            run: self.run,
            now: self.context.now,
            folder: None,
        };
        let policy = &self.context.config.policy;
        let store = &mut self.store.borrow_mut();
        for added in ingest::add(store, policy, occasion, &additions, self.dry_run)? {
            match added {
                Added::New => self.counts.added += 1,
                Added::Changed => self.counts.updated += 1,
                Added::Unchanged => self.counts.unchanged += 1,
            }
        }
        Ok(())
    }

    fn addition(&self, address: &AddressKey, entry: &Entry) -> Addition {
        let defaults = self.defaults;
        let grounds = entry.grounds.unwrap_or(defaults.grounds);
        let detail = entry
            .detail
            .or(defaults.detail)
            .filter(|_| grounds == Grounds::Bounce);
        let time = |at: Option<Timestamp>| at.map_or(0, |at| at.0).to_be_bytes();
        Addition {
            key: EventKey::of(&[
                b"dnc:import",
                address.as_str().as_bytes(),
                grounds.name().as_bytes(),
                detail.map_or("", Reason::name).as_bytes(),
                &time(entry.since),
                &time(entry.expires_at),
            ]),
            source: defaults.source.to_owned(),
            address: address.clone(),
            grounds,
            detail,
            diagnostic: entry.diagnostic.clone(),
            comment: if entry.comment.is_empty() {
                defaults.comment.to_owned()
            } else {
                entry.comment.clone()
            },
            since: entry.since.unwrap_or(self.context.now),
            expires_at: entry.expires_at,
        }
    }

    /// Adds the known addresses that are among the hashes; answers how many those are.
    fn matching(&mut self, salt: &[u8], hashes: &HashSet<[u8; 32]>) -> Result<u64, CliError> {
        let mut found = Vec::new();
        self.store.borrow().for_each_known_address(|address| {
            if hashes.contains(&own_hash(salt, &address)) {
                found.push(address);
            }
            Ok::<_, CliError>(())
        })?;
        let entry = Entry {
            who: Who::Hash([0; 32]),
            grounds: None,
            detail: None,
            diagnostic: String::new(),
            comment: String::new(),
            since: None,
            expires_at: None,
        };
        let count = found.len() as u64;
        let entries: Vec<_> = found.into_iter().map(|address| (address, &entry)).collect();
        self.write(&entries)?;
        Ok(count)
    }
}
