//! `webhook:receive`: a provider's callback, as a CGI program.

use std::{
    fs::File,
    io::{self, Read, Write as _},
    os::fd::AsFd as _,
};

use bouncekit_core::{
    cgi::{self, Answer, Head, Status},
    config::Config,
    receive,
    time::Timestamp,
};

use super::{CliError, Context, Exit, listing::printable};

/// Receive a provider's callback, as a CGI program of a web server.
///
/// The server starts it once for each request to /mailer/NAME/callback; it is not for a terminal.
/// The request is verified as far as that goes without a network, stored in the spool, and only
/// then answered with 200. `webhook:replay --spool` processes the spool, from cron.
///
/// Started by a server without arguments, bouncekit is this command. `webhook:setup` says what the
/// provider needs to know.
#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(context: &mut Context, _args: &Args) -> Result<Exit, CliError> {
    let variables = std::env::vars_os().map(|(name, value)| {
        let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
        (text(name), text(value))
    });
    let head = cgi::head(variables);
    if head.request.method.is_empty() {
        return Err(CliError::usage(
            "webhook:receive is started by a web server, as a CGI program",
        )
        .hint("`bouncekit webhook:test PROVIDER` tries it without one"));
    }
    let head_only = head.request.method == "HEAD";
    let answer = answer(head, &context.config, context.now, &mut io::stdin().lock());
    send(&answer, head_only)?;
    Ok(Exit::Done)
}

/// What a request is answered with; also for `webhook:test`.
pub(super) fn answer(
    mut head: Head,
    config: &Config,
    now: Timestamp,
    body: &mut dyn Read,
) -> Answer {
    let provider = match receive::admit(&mut head, config) {
        Ok(provider) => provider,
        Err(answer) => return answer,
    };
    let length = head.content_length.ok().flatten();
    let limit = config.webhook.body_limit;
    let mut request = head.request;
    // One octet more than is allowed shows that there are more.
    let read = body
        .take(length.unwrap_or(limit + 1))
        .read_to_end(&mut request.body);
    let received = request.body.len() as u64;
    if received > limit {
        return receive::too_large(config);
    }
    if let Some(cause) = read.err().map(|error| error.to_string()).or_else(|| {
        let missing = length.filter(|length| *length != received);
        missing.map(|length| format!("only {received} of {length} octets came"))
    }) {
        return Answer::new(Status::BadRequest, "the body did not arrive as a whole")
            .because(&cause, None);
    }
    request.received_at = Some(now);
    receive::receive(provider, &request, config)
}

/// Answers that nothing can be taken now, where not even the configuration can be read.
pub(super) fn unavailable() -> io::Result<()> {
    write_at_once(&Answer::new(Status::Unavailable, "not now, try again later").to_cgi(false))
}

fn send(answer: &Answer, head_only: bool) -> io::Result<()> {
    if let Some(log) = &answer.log {
        let hint = log.hint.as_ref().map(|hint| format!("; {hint}"));
        log::warn!("{}{}", printable(&log.cause), hint.unwrap_or_default());
    }
    write_at_once(&answer.to_cgi(head_only))
}

/// Past the line buffer of `Stdout`: one write is whole or did not happen.
fn write_at_once(bytes: &[u8]) -> io::Result<()> {
    File::from(io::stdout().as_fd().try_clone_to_owned()?).write_all(bytes)
}
