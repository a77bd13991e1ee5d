use std::{
    fs::File,
    io::{self, BufWriter, Write as _},
    path::{Path, PathBuf},
};

use bouncekit_core::{
    address::AddressKey,
    store::{DoNotContact, Exporting, Notes},
};

use super::{
    CliError, Context, Exit,
    dnc_import::salt,
    exchange::{self, Gone, Listed, Removed},
    listing::printable,
    output,
    selection::SelectionArgs,
};

/// Export the do-not-contact list for another system
///
/// Formats for programs hold addresses as they are; for a spreadsheet take `csv`. Each export is
/// remembered by its target, so that the next one can be the difference.
#[derive(clap::Args)]
#[command(after_long_help = exchange::overview())]
pub(crate) struct Args {
    #[command(flatten)]
    selection: SelectionArgs,
    /// For whom: plain, csv, ndjson, sha256, ses, ses-json, sendgrid, sparkpost, mandrill,
    /// elastic-email, mailjet, mailjet-api, mautic-csv, mautic-api (--help tells more)
    #[arg(long, value_name = "FORMAT", default_value = "plain")]
    target: String,
    /// Remember this export under a name of its own, where one format serves several accounts
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Only what is new since the last export to that target
    #[arg(long)]
    since_last: bool,
    /// Write to this file (at once, when it is complete) instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// With --since-last: write what is to be taken off the target's list to this file
    #[arg(long, value_name = "FILE", requires = "since_last")]
    removed: Option<PathBuf>,
    /// File with the salt of hashed addresses; its line end does not count
    #[arg(long, value_name = "FILE")]
    salt_file: Option<PathBuf>,
    /// Write the list, but do not remember it
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let format = exchange::find(&args.target)
        .and_then(|format| format.write.as_ref())
        .ok_or_else(|| {
            let names: Vec<&str> = exchange::FORMATS.iter().map(|format| format.name).collect();
            CliError::usage(format!("there is no target `{}`", args.target))
                .hint(format!("one of {}", names.join(", ")))
        })?;
    let salt = args.salt_file.as_deref().map(salt).transpose()?;
    if args.target == "sha256" && salt.is_none() {
        return Err(CliError::usage("hashes without a salt can be guessed")
            .hint("make one with `openssl rand -hex 16 > salt` and give --salt-file salt"));
    }
    let mut selection = args.selection.selection(&[], context.now)?;
    let mut store = context.store()?;
    args.selection
        .read_filter(&mut selection, &store, context)?;
    let target = args.name.as_ref().unwrap_or(&args.target).clone();
    let exporting = store.begin_export(&target)?;
    let mut export = Export {
        format,
        exporting: &exporting,
        salt: salt.as_deref().unwrap_or_default(),
        since_last: args.since_last,
        out: Out::new(args.output.as_deref())?,
        previous: None,
        counts: Counts::default(),
    };
    export.out.text(format.header)?;
    let noting = args.since_last || !args.dry_run;
    let contacts = format.contacts;
    exporting.for_each_listed(&selection, context.now, noting, contacts, |row, notes| {
        export.row(&row, notes)
    })?;
    let mut removals = true;
    if args.since_last {
        removals = export.gone(args.removed.as_deref())?;
    }
    let Export { out, counts, .. } = export;
    out.done()?;
    exporting.finish()?;
    if !args.dry_run {
        store.remember_export(&target, removals)?;
    }
    if !context.quiet {
        tell(args, &target, &counts, removals);
    }
    Ok(Exit::Done)
}

#[derive(Default)]
struct Counts {
    written: u64,
    removed: u64,
    /// Entries whose grounds the target does not have.
    foreign: u64,
    /// Entries of addresses without a contact, where the target needs one.
    contactless: u64,
}

struct Export<'a> {
    format: &'static exchange::Write,
    exporting: &'a Exporting<'a>,
    salt: &'a [u8],
    since_last: bool,
    out: Out,
    /// The address written last.
    previous: Option<AddressKey>,
    counts: Counts,
}

impl Export<'_> {
    fn row(&mut self, row: &DoNotContact, notes: &mut Notes<'_>) -> Result<(), CliError> {
        let entry = &row.entry;
        let Some(reason) = (self.format.reason)(entry.grounds) else {
            self.counts.foreign += 1;
            return Ok(());
        };
        // Strongest first: what follows of the same address is weaker.
        if !self.format.by_reason && self.previous.as_ref() == Some(&row.address) {
            return Ok(());
        }
        self.previous = Some(row.address.clone());
        let contacts = if self.format.contacts {
            notes.external_ids(&row.address)?
        } else {
            vec![String::new()]
        };
        if contacts.is_empty() {
            self.counts.contactless += 1;
            return Ok(());
        }
        let known = notes.note(&row.address, reason)?;
        if known && self.since_last {
            return Ok(());
        }
        // A comment may be anybody's words.
        let comment = printable(&entry.comment);
        for contact in contacts {
            self.counts.written += 1;
            self.out.text(&(self.format.lines)(&Listed {
                address: &row.address,
                grounds: entry.grounds,
                detail: entry.detail,
                since: entry.since,
                expires_at: entry.expires_at,
                comment: &comment,
                reason,
                contact: &contact,
                salt: self.salt,
            }))?;
        }
        Ok(())
    }

    /// Writes what is gone since the last export; answers whether there was a place for it.
    fn gone(&mut self, apart: Option<&Path>) -> Result<bool, CliError> {
        let (line, mut file) = match (&self.format.removed, apart) {
            (Removed::Inline(line), None) => (line, None),
            (Removed::Inline(line), Some(path)) => (line, Some(Out::new(Some(path))?)),
            (Removed::Apart { header, line }, Some(path)) => {
                let mut file = Out::new(Some(path))?;
                file.text(header)?;
                (line, Some(file))
            }
            (Removed::Apart { .. }, None) => {
                let removed = &mut self.counts.removed;
                self.exporting
                    .for_each_removed(self.format.by_reason, |_, _| {
                        *removed += 1;
                        Ok::<_, CliError>(())
                    })?;
                return Ok(*removed == 0);
            }
        };
        let (format, exporting, salt) = (self.format, self.exporting, self.salt);
        let (out, removed) = (
            file.as_mut().unwrap_or(&mut self.out),
            &mut self.counts.removed,
        );
        exporting.for_each_removed(format.by_reason, |address, reason| {
            *removed += 1;
            let contacts = if format.contacts {
                exporting.external_ids(&address)?
            } else {
                vec![String::new()]
            };
            for contact in contacts {
                out.text(&line(&Gone {
                    address: &address,
                    reason,
                    contact: &contact,
                    salt,
                }))?;
            }
            Ok::<_, CliError>(())
        })?;
        if let Some(file) = file {
            file.done()?;
        }
        Ok(true)
    }
}

fn tell(args: &Args, target: &str, counts: &Counts, removals: bool) {
    let new = if args.since_last { " new" } else { "" };
    let mut said = format!("{target}: {}{new} entries", counts.written);
    if args.since_last {
        said += &format!(", {} to be removed", counts.removed);
    }
    if !removals {
        said += " (not written: name a file with --removed, or they are told again next time)";
    }
    if counts.foreign > 0 {
        said += &format!(
            "; {} left out, the target has no such reason",
            counts.foreign
        );
    }
    if counts.contactless > 0 {
        said += &format!(
            "; {} left out, no contact has an external id",
            counts.contactless
        );
    }
    eprintln!("{said}");
}

/// Standard output, or a file that is there only when it is complete.
enum Out {
    Stdout(BufWriter<io::StdoutLock<'static>>),
    File {
        path: PathBuf,
        part: PathBuf,
        out: BufWriter<File>,
    },
    /// A device or a pipe, written as it is.
    Special {
        path: PathBuf,
        out: BufWriter<File>,
    },
}

impl Out {
    fn new(path: Option<&Path>) -> Result<Self, CliError> {
        let Some(path) = path else {
            return Ok(Self::Stdout(BufWriter::new(io::stdout().lock())));
        };
        if output::is_special(path) {
            let file = File::options()
                .write(true)
                .open(path)
                .map_err(|cause| CliError::file(path, &cause))?;
            return Ok(Self::Special {
                path: path.to_owned(),
                out: BufWriter::new(file),
            });
        }
        let path = output::place(path);
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        let file = File::create(&part).map_err(|cause| CliError::file(&part, &cause))?;
        Ok(Self::File {
            path,
            part,
            out: BufWriter::new(file),
        })
    }

    fn text(&mut self, text: &str) -> Result<(), CliError> {
        match self {
            Self::Stdout(out) => Ok(out.write_all(text.as_bytes())?),
            Self::File {
                part: path, out, ..
            }
            | Self::Special { path, out } => out
                .write_all(text.as_bytes())
                .map_err(|cause| CliError::file(path, &cause)),
        }
    }

    fn done(self) -> Result<(), CliError> {
        match self {
            Self::Stdout(mut out) => Ok(out.flush()?),
            Self::Special { path, mut out } => {
                out.flush().map_err(|cause| CliError::file(&path, &cause))
            }
            Self::File { path, part, out } => out
                .into_inner()
                .map_err(io::IntoInnerError::into_error)
                .and_then(|file| file.sync_all())
                .and_then(|()| std::fs::rename(&part, &path))
                .map_err(|cause| CliError::file(&path, &cause)),
        }
    }
}
