//! `webhook:confirm`: an SNS subscription, by hand.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    path::{Path, PathBuf},
};

use bouncekit_core::{
    gate::{self, Admission, Gate},
    replay,
    sns::{self, SnsError},
    spool::Spool,
    webhook::{Level, Provider, Request, signature::sns::Envelope},
};

use super::{CliError, Context, Exit, listing::printable, spool};

/// Confirm a subscription of Amazon SNS, from its stored message
///
/// The message must be signed by SNS and its topic one of `topics` in [provider.amazon_ses]. The
/// address that is visited is built from region, topic and token; the one in the message is not
/// used. Nothing else is asked of the network.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The message: a file, the name of a request in the spool, or `-` for standard input
    #[arg(value_name = "FILE|NAME")]
    message: PathBuf,
    /// Fetch the signing certificate from Amazon if it is not at hand
    #[arg(long)]
    fetch_certificate: bool,
    /// Check the message and show the address; visit nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let request = read(context, &args.message)?;
    let envelope = Envelope::parse(&request.body).ok_or_else(|| {
        CliError::usage(format!(
            "`{}` is no signed message of SNS",
            args.message.display()
        ))
        .hint("give the SubscriptionConfirmation, as SNS sent it or as the spool keeps it")
    })?;
    let url = sns::confirmation_url(&envelope).map_err(|error| explained(&error))?;
    let client = spool::client(context)?;
    prove(context, args, &request, &client)?;
    let mut out = io::stdout();
    if args.dry_run {
        writeln!(out, "would visit {}", printable(&url))?;
        return Ok(Exit::Done);
    }
    let subscription = sns::confirm(&client, &envelope).map_err(|error| explained(&error))?;
    writeln!(
        out,
        "confirmed: `{}`, subscription `{}`",
        printable(&envelope.topic_arn),
        printable(&subscription)
    )?;
    Ok(Exit::Done)
}

fn read(context: &Context, message: &Path) -> Result<Request, CliError> {
    let spool = Spool::at(&context.config.webhook.spool);
    let name = message.to_str().unwrap_or_default();
    let path = spool.find(name).unwrap_or_else(|| message.to_owned());
    let input: Box<dyn Read> = if name == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&path).map_err(|cause| CliError::file(&path, &cause))?;
        Box::new(file)
    };
    replay::first_request(input)
        .map_err(|cause| CliError::file(&path, &cause))?
        .ok_or_else(|| {
            CliError::usage(format!("`{}` holds no message", path.display()))
                .hint("give the SubscriptionConfirmation, as SNS sent it or as the spool keeps it")
        })
}

/// Whatever the configuration says: only a proven message is answered.
fn prove(
    context: &Context,
    args: &Args,
    request: &Request,
    client: &bouncekit_core::https::Client,
) -> Result<(), CliError> {
    let gate = Gate::new(
        &context.config,
        gate::Options {
            level: Some(Level::Require),
            default: None,
            client: (args.fetch_certificate && !args.dry_run).then_some(client),
            fetch: args.fetch_certificate,
        },
    );
    let provider = Provider::named("amazon_ses")
        .ok_or_else(|| CliError::usage("there is no provider `amazon_ses`"))?;
    match gate.prove(provider, request) {
        Ok(Admission::Admitted(_)) => Ok(()),
        Ok(Admission::Refused(verification)) => {
            let error = CliError::usage(format!("the message is {verification}"));
            Err(match verification.hint() {
                Some(hint) => error.hint(hint),
                None => error,
            })
        }
        Ok(Admission::Later(error)) => Err(explained(&error)),
        Err(error) => Err(CliError::usage(&error).hint(error.hint())),
    }
}

fn explained(error: &SnsError) -> CliError {
    let exit = match error {
        SnsError::Https(_) => Exit::Unreachable,
        SnsError::Answer { .. } | SnsError::Pending => Exit::SomeFailed,
        _ => Exit::Usage,
    };
    CliError::new(exit, error).hint(error.hint())
}
