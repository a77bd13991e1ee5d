use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use bouncekit_core::{
    classify::Rules,
    gate::{self, Gate},
    ingest::Accounting,
    replay::{self, Application, Applier, Entry, Options, ReplayError},
    spool::Spool,
    store::StoreError,
    time::Timestamp,
    webhook::{Kind, Level, PROVIDERS, Provider, Row},
};

use super::{
    CliError, Context, Exit,
    attempts::{self, Purpose},
    counts,
    listing::printable,
    spool,
};

/// Act on webhook payloads of mail providers: captured, archived, or stored
///
/// Reads JSON values and arrays, one or many (NDJSON), form bodies, query strings, whole HTTP
/// requests and mails of SNS, gzip too. Every event is counted once: acted, recorded, ignored for
/// its type, duplicate, unknown address or error. A bad entry is told with its place, the rest is
/// applied, and the exit status is then 1.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Files; standard input when none is given or for `-`
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Process what webhook:receive stored, instead of files
    #[arg(long, conflicts_with_all = ["files", "provider"])]
    spool: bool,
    /// With --spool: process what failed before once more
    #[arg(long, requires = "spool", conflicts_with = "dry_run")]
    retry_failed: bool,
    /// What becomes of requests that are not proven [default: `verify` of the configuration, else
    /// warn for files and require for the spool]
    #[arg(long, value_name = "LEVEL", value_enum)]
    verify: Option<Verify>,
    /// Whose payloads these are, by name or by callback name [default: found out]
    #[arg(long, short, value_name = "NAME")]
    provider: Option<String>,
    /// Leave out events before this time
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Show what would happen; change nothing
    #[arg(long)]
    dry_run: bool,
    /// What is written to standard output
    #[arg(long, value_enum, default_value_t)]
    format: Output,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Verify {
    /// They are refused
    Require,
    /// They are accepted; their events say so
    Warn,
    /// Nothing is checked
    Off,
}

impl From<Verify> for Level {
    fn from(verify: Verify) -> Self {
        match verify {
            Verify::Require => Self::Require,
            Verify::Warn => Self::Warn,
            Verify::Off => Self::Off,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    /// The accounting
    #[default]
    Text,
    /// The normalised rows, one array; the accounting goes to standard error
    Json,
    /// The normalised rows, one a line; the accounting goes to standard error
    Ndjson,
    /// The accounting as a JSON object
    Accounting,
}

/// The page cache for big inputs; small ones never fill it.
const CACHE: u32 = 80;

/// So many bad entries and remarkable events are told one by one, then only counted.
const TOLD: u64 = 20;

/// Why reading stopped: the input or our own output.
enum Stop {
    Replay(ReplayError),
    Output(io::Error),
}

impl From<ReplayError> for Stop {
    fn from(error: ReplayError) -> Self {
        Self::Replay(error)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Replay(error.into())
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let client = if args.dry_run || args.spool {
        None
    } else {
        spool::sns_client(context)?
    };
    let gate = Gate::new(
        &context.config,
        gate::Options {
            level: args.verify.map(Level::from),
            default: Some(Level::Warn),
            client: client.as_ref(),
            fetch: false,
        },
    );
    let options = Options {
        provider: args.provider.as_deref().map(named).transpose()?,
        preset: context.config.policy.base().preset,
        gate: Some(&gate),
    };
    let since = args.since.as_deref().map(moment).transpose()?;
    let settings = context.ingest_settings()?;
    let mut store = context.store_with_cache(CACHE)?;
    if args.spool && !args.dry_run {
        spool::take(context, &mut store)?;
    }
    if args.retry_failed {
        let names = Spool::at(&context.config.webhook.spool).retry_failed()?;
        let batch = store.begin()?;
        batch.leave_places(&names)?;
        batch.commit()?;
    }
    let attempts = attempts::begin(context, &mut store, Purpose::of_run(args.dry_run))?;
    let run = if args.dry_run {
        0
    } else {
        context.begin_run(&mut store, "webhook:replay")?
    };
    let mut told = Told::default();
    let mut rows = Rows::new(args.format)?;
    let application = Application {
        rules: Rules::builtin(),
        settings: &settings,
        run,
        now: context.now,
        since,
        chunk: context.config.limits.batch_events,
        dry_run: args.dry_run,
    };
    let mut applier = Applier::new(&mut store, application)?;
    let drained = args.spool.then(|| {
        spool::work(
            context,
            args.verify.map(Level::from),
            (args.dry_run, &attempts),
            &mut applier,
            &mut |name, entry| {
                told.entry(Path::new(name), entry);
                rows.write(&entry.row)
            },
        )
    });
    let refused = if args.spool {
        Vec::new()
    } else {
        read_files(args, &options, &gate, &mut told, &mut rows, &mut applier)?
    };
    applier.finish()?;
    let (accounting, too_old) = (applier.accounting.clone(), applier.too_old);
    drop(applier);
    if !args.dry_run {
        if args.spool {
            spool::give_back(context, &mut store)?;
        }
        store.finish_run(run, &accounting.to_json(), context.now)?;
    }
    let drained = drained.transpose()?;
    rows.end()?;
    told.end(too_old);
    show(args, &accounting, context.quiet)?;
    if args.spool && !args.dry_run {
        counts::put_in_order(&mut store);
    }
    for error in &refused {
        let _ = write!(io::stderr(), "{error}");
    }
    if let Some(exit) = drained.and_then(|drained| spool::tell(&drained, context.quiet)) {
        return Ok(exit);
    }
    Ok(match refused.iter().map(|error| error.exit).max() {
        Some(exit) => exit,
        None if accounting.errors > 0 => Exit::SomeFailed,
        None => Exit::Done,
    })
}

/// Reads the files, or standard input; answers why some were refused.
fn read_files(
    args: &Args,
    options: &Options<'_>,
    gate: &Gate<'_>,
    told: &mut Told,
    rows: &mut Rows,
    applier: &mut Applier<'_>,
) -> Result<Vec<CliError>, CliError> {
    let mut refused = Vec::new();
    let stdin = [PathBuf::from("-")];
    let files = if args.files.is_empty() {
        &stdin[..]
    } else {
        &args.files[..]
    };
    for path in files {
        let input: Box<dyn Read> = if path.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            match File::open(path) {
                Ok(file) => Box::new(file),
                Err(cause) => {
                    refused.push(CliError::file(path, &cause));
                    continue;
                }
            }
        };
        let read = replay::read(input, options, &mut |entry| {
            told.entry(path, &entry);
            rows.write(&entry.row)?;
            applier.add(&entry)?;
            Ok(())
        });
        for subscription in gate.take_subscriptions() {
            spool::tell_subscription(&path.display().to_string(), &subscription);
        }
        match read {
            Ok(()) => {}
            Err(Stop::Output(error)) => return Err(error.into()),
            Err(Stop::Replay(ReplayError::Store(error))) => return Err(error.into()),
            Err(Stop::Replay(error)) => refused.push(explained(error, path)),
        }
    }
    Ok(refused)
}

pub(super) fn named(name: &str) -> Result<&'static Provider, CliError> {
    Provider::named(&name.trim().to_lowercase()).ok_or_else(|| {
        CliError::usage(format!("there is no provider `{name}`"))
            .hint(format!("known are: {}", provider_names()))
    })
}

fn provider_names() -> String {
    let names: Vec<&str> = PROVIDERS.iter().map(|provider| provider.name).collect();
    names.join(", ")
}

fn moment(text: &str) -> Result<Timestamp, CliError> {
    Timestamp::parse_iso(text).ok_or_else(|| {
        CliError::usage(format!("`--since {text}` is no time"))
            .hint("write 2026-01-02 or 2026-01-02T03:04:05Z")
    })
}

fn explained(error: ReplayError, path: &Path) -> CliError {
    let name = if path.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        format!("`{}`", path.display())
    };
    match error {
        ReplayError::Store(error) => error.into(),
        ReplayError::Config(error) => CliError::usage(&error).hint(error.hint()),
        ReplayError::Later(error) => {
            CliError::new(Exit::Unreachable, format!("{name}: {error}")).hint(error.hint())
        }
        ReplayError::Read(cause) => CliError::new(
            Exit::Usage,
            format!("{name} cannot be read to its end: {cause}"),
        )
        .hint("what was read before is applied; replay it again when it is mended, nothing counts twice"),
        error @ (ReplayError::Unknown | ReplayError::Ambiguous(_)) => {
            CliError::usage(format!("{name} is refused: {error}"))
                .hint(format!("name the provider with --provider: {}", provider_names()))
        }
    }
}

fn show(args: &Args, accounting: &Accounting, quiet: bool) -> Result<(), CliError> {
    let would = if args.dry_run { "dry run: " } else { "" };
    if args.format == Output::Text {
        writeln!(io::stdout(), "{would}{accounting}")?;
    } else if args.format == Output::Accounting {
        writeln!(io::stdout(), "{}", accounting.to_json())?;
    } else if !quiet {
        eprintln!("{would}{accounting}");
    }
    Ok(())
}

/// The normalised rows on standard output.
struct Rows {
    out: BufWriter<io::Stdout>,
    format: Output,
    is_first: bool,
}

impl Rows {
    fn new(format: Output) -> io::Result<Self> {
        let mut out = BufWriter::new(io::stdout());
        if format == Output::Json {
            out.write_all(b"[")?;
        }
        Ok(Self {
            out,
            format,
            is_first: true,
        })
    }

    fn write(&mut self, row: &Row<'_>) -> io::Result<()> {
        match self.format {
            Output::Text | Output::Accounting => return Ok(()),
            Output::Json if self.is_first => self.out.write_all(b"\n")?,
            Output::Json => self.out.write_all(b",\n")?,
            Output::Ndjson => {}
        }
        self.is_first = false;
        let json = serde_json::to_string(row)?;
        self.out
            .write_all(super::listing::json_text(&json).as_bytes())?;
        if self.format == Output::Ndjson {
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn end(mut self) -> io::Result<()> {
        if self.format == Output::Json {
            self.out.write_all(b"\n]\n")?;
        }
        self.out.flush()
    }
}

/// What is said on standard error while reading: bad entries with their places, notices, and
/// remarks on kinds of events, each once.
#[derive(Default)]
struct Told {
    bad: u64,
    notices: u64,
    remarks: BTreeMap<(&'static str, String, String), u64>,
}

impl Told {
    fn entry(&mut self, path: &Path, entry: &Entry<'_>) {
        let row = &entry.row;
        match row.kind {
            Kind::Error => self.complain(path, entry),
            Kind::Control => {
                self.notices += 1;
                if self.notices <= TOLD {
                    let what = row.note.as_deref().or(row.raw_type.as_deref());
                    log::warn!("{}: {}", row.provider, what.unwrap_or_default());
                }
            }
            _ => {
                if let Some(note) = row.note.as_deref()
                    && row.kind == Kind::Ignore
                {
                    self.remark(row, note);
                }
            }
        }
    }

    fn complain(&mut self, path: &Path, entry: &Entry<'_>) {
        self.bad += 1;
        if self.bad <= TOLD {
            eprintln!(
                "error: {}: line {}, offset {}: {}: {}",
                printable(&path.display().to_string()),
                entry.place.line,
                entry.place.offset,
                entry.row.provider,
                printable(entry.row.reason.as_deref().unwrap_or_default())
            );
        } else if self.bad == TOLD + 1 {
            eprintln!("error: more bad entries follow; they are counted only");
        }
    }

    fn remark(&mut self, row: &Row<'_>, note: &str) {
        let name = row.raw_type.as_deref().unwrap_or_default().to_owned();
        let key = (row.provider, name, note.to_owned());
        let room = self.remarks.len() < 100;
        if let Some(count) = self.remarks.get_mut(&key) {
            *count += 1;
        } else if room {
            self.remarks.insert(key, 1);
        }
    }

    fn end(&self, too_old: u64) {
        for ((provider, name, note), count) in &self.remarks {
            log::warn!("{provider}: {count} `{name}` ignored: {note}");
        }
        if too_old > 0 {
            log::warn!("{too_old} events before --since were ignored");
        }
    }
}
