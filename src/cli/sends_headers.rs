use std::io::Write as _;

use bouncekit_core::{
    address::{AddressKey, bare},
    store::NewSend,
    verp::{Purpose, ReturnToken, SendHash, encode},
};
use sha2::{Digest as _, Sha256};

use super::{CliError, Context, Exit, listing::Shape};

/// Mint the headers of one send, and record it
///
/// Prints Return-Path, List-Unsubscribe, List-Unsubscribe-Post (where an https address is
/// configured, RFC 8058) and the header that carries the send hash.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The campaign e-mail
    #[arg(long, value_name = "ID")]
    email_id: String,
    /// Whom it goes to
    #[arg(long)]
    address: String,
    /// The Message-ID it will have, if it is known: one more way to recognise what comes back
    #[arg(long)]
    message_id: Option<String>,
    /// The contact's id where the send comes from
    #[arg(long)]
    external_id: Option<String>,
    /// Print, record nothing
    #[arg(long)]
    dry_run: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Shape,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let key = AddressKey::parse(&args.address).ok_or_else(|| {
        CliError::usage(format!("`{}` is not an address", args.address)).hint("write local@domain")
    })?;
    let verp = &context.config.verp;
    let base = verp.return_address.as_deref().ok_or_else(|| {
        CliError::usage("no return address is configured")
            .hint("set `verp.return_address = \"news@example.com\"`")
    })?;
    let unsubscribe = verp.unsubscribe_address.as_deref().unwrap_or(base);
    let keys = context.signing_keys()?;
    let hash = fresh_hash(args, context)?;
    let address = |base: &str, purpose| {
        let token = ReturnToken {
            purpose,
            mac: keys.sign(purpose, &hash),
            hash: hash.clone(),
        };
        encode(base, verp.separator(), &token).map_err(|error| {
            CliError::usage(error).hint("choose a shorter mailbox name, or leave signing off")
        })
    };
    let mut list_unsubscribe = format!("<mailto:{}>", address(unsubscribe, Purpose::Unsubscribe)?);
    let mut headers = vec![(
        "Return-Path",
        format!("<{}>", address(base, Purpose::Bounce)?),
    )];
    if let Some(url) = &verp.unsubscribe_url {
        list_unsubscribe += &format!(", <{}/{hash}>", url.trim_end_matches('/'));
    }
    headers.push(("List-Unsubscribe", list_unsubscribe));
    if verp.unsubscribe_url.is_some() {
        headers.push((
            "List-Unsubscribe-Post",
            "List-Unsubscribe=One-Click".to_owned(),
        ));
    }
    headers.push((verp.hash_header.as_str(), hash.to_string()));

    if !args.dry_run {
        let mut store = context.store()?;
        let batch = store.begin()?;
        batch.import_sends(&[NewSend {
            hash: hash.clone(),
            email_id: args.email_id.clone(),
            external_id: args.external_id.clone(),
            address: bare(&args.address).to_owned(),
            key,
            message_id: args
                .message_id
                .as_deref()
                .map(|id| id.trim().trim_matches(['<', '>']).to_owned()),
            sent_at: context.now,
        }])?;
        batch.commit()?;
    }
    let mut out = std::io::stdout().lock();
    if args.format == Shape::Json {
        let object: serde_json::Map<String, serde_json::Value> = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.into()))
            .collect();
        writeln!(out, "{}", serde_json::Value::Object(object))?;
    } else {
        for (name, value) in headers {
            writeln!(out, "{name}: {value}")?;
        }
    }
    Ok(Exit::Done)
}

/// 21 lower-case hex digits nobody can guess, from the system's random source.
fn fresh_hash(args: &Args, context: &Context) -> Result<SendHash, CliError> {
    let mut random = [0; 16];
    let source = std::path::Path::new("/dev/urandom");
    std::fs::File::open(source)
        .and_then(|mut file| std::io::Read::read_exact(&mut file, &mut random))
        .map_err(|cause| CliError::file(source, &cause))?;
    let mut hasher = Sha256::new();
    hasher.update(random);
    hasher.update(args.address.as_bytes());
    hasher.update(context.now.0.to_le_bytes());
    let digits = data_encoding::HEXLOWER.encode(&hasher.finalize());
    SendHash::parse(&digits[..21]).ok_or_else(|| CliError::usage("no send hash could be made"))
}
