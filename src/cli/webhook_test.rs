//! `webhook:test`: a provider's sample, sent to the callback.

use std::{
    fs::DirBuilder,
    io::{self, Write as _},
    os::unix::fs::DirBuilderExt as _,
};

use bouncekit_core::{
    cgi::Head,
    replay::{self, ReplayError},
    webhook::{Provider, Request, Scheme, sample},
};

use super::{CliError, Context, Exit, listing::printable, webhook_receive, webhook_replay::named};

/// Send a provider's sample to the callback, and show what comes of it
///
/// The sample is proven as the configuration says where the key is ours (Mandrill's key, logins,
/// tokens, secrets in the URL). SendGrid and Amazon sign with keys of their own: their sample is
/// unsigned, and refusing it is right. Nothing is applied: without --url the sample is received by
/// this very program into a spool that is thrown away.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The provider, by name or callback name
    #[arg(value_name = "PROVIDER")]
    provider: String,
    /// Send it to the web server at this address instead, e.g. http://127.0.0.1; its spool gets it
    #[arg(long, value_name = "URL")]
    url: Option<String>,
}

/// What the endpoint said.
struct Outcome {
    status: u16,
    text: String,
    log: Option<String>,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let provider = named(&args.provider)?;
    let expected = context
        .config
        .expected(provider)
        .map_err(|error| CliError::usage(&error).hint(error.hint()))?;
    let request = sample(provider, &expected);
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "sent: {} {}, a sample of {}",
        request.method,
        printable(request.path().split("/callback").next().unwrap_or_default()),
        provider.title
    )?;
    let outcome = match &args.url {
        Some(url) => over_http(url, &request)?,
        None => in_process(context, &request)?,
    };
    writeln!(
        out,
        "answered: {} {}",
        outcome.status,
        printable(outcome.text.trim())
    )?;
    if let Some(log) = &outcome.log {
        writeln!(out, "for the server's log: {}", printable(log))?;
    }
    decoded(context, provider, &request, &mut out)?;
    let signs_itself = matches!(provider.scheme, Scheme::Sns | Scheme::SendGrid)
        && expected.proves(provider.scheme);
    match outcome.status {
        200 => Ok(Exit::Done),
        403 if signs_itself => {
            writeln!(
                out,
                "that is right: only {} can sign, and this was unsigned; use the test of the \
                 provider itself to see a signed one arrive",
                provider.title
            )?;
            Ok(Exit::Done)
        }
        _ => Ok(Exit::SomeFailed),
    }
}

/// The way of a callback through this program, into a spool that is thrown away.
fn in_process(context: &Context, request: &Request) -> Result<Outcome, CliError> {
    let folder =
        std::env::temp_dir().join(format!("bouncekit-webhook-test-{}", std::process::id()));
    // The sample holds logins: the folder must be new, and nobody else's.
    DirBuilder::new()
        .mode(0o700)
        .create(&folder)
        .map_err(|cause| CliError::file(&folder, &cause))?;
    let mut config = context.config.clone();
    // Certificates stay where they are.
    let certificates = config.certificates().path;
    config.webhook.spool.clone_from(&folder);
    if let Some(keys) = config.provider.get_mut("amazon_ses") {
        keys.certificates = Some(certificates);
    }
    let head = Head {
        path_info: None,
        content_length: Ok(Some(request.body.len() as u64)),
        request: Request {
            body: Vec::new(),
            ..request.clone()
        },
    };
    let answer = webhook_receive::answer(head, &config, context.now, &mut request.body.as_slice());
    std::fs::remove_dir_all(&folder).map_err(|cause| CliError::file(&folder, &cause))?;
    Ok(Outcome {
        status: answer.status.code(),
        text: answer.text,
        log: answer.log.map(|log| match log.hint {
            Some(hint) => format!("{}; {hint}", log.cause),
            None => log.cause,
        }),
    })
}

fn over_http(base: &str, request: &Request) -> Result<Outcome, CliError> {
    let url = format!("{}{}", base.trim_end_matches('/'), request.target);
    let page = bouncekit_core::https::send(&url, request).map_err(|error| {
        CliError::new(Exit::Unreachable, &error).hint(
            "is the web server running, and is this its address? see `bouncekit webhook:setup` \
             and the server's error log",
        )
    })?;
    Ok(Outcome {
        status: page.status,
        text: String::from_utf8_lossy(&page.body).into_owned(),
        log: None,
    })
}

/// The rows that the replay would make of the sample.
fn decoded(
    context: &Context,
    provider: &'static Provider,
    request: &Request,
    out: &mut impl io::Write,
) -> Result<(), CliError> {
    let options = replay::Options {
        provider: Some(provider),
        preset: context.config.policy.base().preset,
        gate: None,
    };
    let mut lines = Vec::new();
    replay::read(request.to_frame().as_slice(), &options, &mut |entry| {
        let row = &entry.row;
        lines.push(format!(
            "means: {} of {}{}",
            row.kind.name(),
            row.recipient.as_deref().unwrap_or("nobody"),
            row.reason
                .as_deref()
                .map(|reason| format!(", {reason}"))
                .unwrap_or_default()
        ));
        Ok::<(), ReplayError>(())
    })
    .map_err(|error| CliError::usage(&error))?;
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "{}", printable(line)))?;
    Ok(())
}
