use std::path::Path;

use bouncekit_core::store::{CopyError, OpenOptions, Store};

use super::{CliError, Context, Exit, context::connect, listing::Shape};

/// Copy the whole database to an empty one, from a file to PostgreSQL or back
///
/// Each is a file, or the address of a PostgreSQL database as in `url` of [store]. What was written
/// is read back and compared by count and checksum before it is committed. Nobody should write to
/// the old one meanwhile: what comes after the beginning is not copied.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// File or postgres://user@host/database to read; brought to the present version
    from: String,
    /// File or postgres://user@host/database to fill; must be new or empty
    to: String,
    /// Copy, compare and take it back
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

fn is_url(place: &str) -> bool {
    place.starts_with("postgres://") || place.starts_with("postgresql://")
}

fn open(context: &Context, place: &str) -> Result<Store, CliError> {
    let settings = &context.config.store;
    let options = OpenOptions {
        wait: settings.wait.into(),
        ..OpenOptions::default()
    };
    if is_url(place) {
        return connect(place, settings, options);
    }
    Ok(Store::open(Path::new(place), options)?)
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    if !is_url(&args.from) && !Path::new(&args.from).exists() {
        return Err(CliError::usage(format!("there is no file `{}`", args.from))
            .hint("give the database's file, or its address as postgres://user@host/database"));
    }
    let is_new = !is_url(&args.to) && !Path::new(&args.to).exists();
    let (mut from, mut to) = (open(context, &args.from)?, open(context, &args.to)?);
    let copied = from.copy_to(&mut to, args.dry_run);
    drop(to);
    if is_new && (args.dry_run || copied.is_err()) {
        // A database that is closed has one file.
        let _ = std::fs::remove_file(&args.to);
    }
    let copied = copied.map_err(|error| match error {
        CopyError::Store(error) => error.into(),
        CopyError::NotEmpty(_) => CliError::usage(error)
            .hint("give a new file or a new database (createdb); nothing was changed"),
        CopyError::Differs { .. } => {
            CliError::usage(error).hint("nothing was changed; report it with the command you ran")
        }
    })?;
    if args.format == Shape::Json {
        println!("{:#}", serde_json::json!({ "tables": copied }));
        return Ok(Exit::Done);
    }
    let mut rows = 0;
    for table in &copied {
        println!("{:<16} {:>12} {}", table.table, table.rows, table.checksum);
        rows += table.rows;
    }
    let would = if args.dry_run { "would be " } else { "" };
    println!("{rows} rows {would}copied and compared");
    Ok(Exit::Done)
}
