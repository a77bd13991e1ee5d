//! `webhook:setup`: what to click and paste at a provider.

use std::io::{self, Write as _};

use bouncekit_core::webhook::{
    Provider, Scheme, SecretIn, signature::certificate::Certificates as _,
};

use super::{CliError, Context, Exit, listing::printable, webhook_replay::named};

/// Say what to click and paste at a mail provider, and what to write into the configuration
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The provider, by name or callback name
    #[arg(value_name = "PROVIDER")]
    provider: String,
}

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let provider = named(&args.provider)?;
    let setup = provider.setup;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{}\n\nURL\n  {}",
        provider.title,
        printable(&url(context, provider))
    )?;
    if context.config.webhook.url.is_none() {
        writeln!(
            out,
            "  (set `url` in [webhook] to the host that providers reach)"
        )?;
    }
    let others = &provider.callbacks[1..];
    if !others.is_empty() {
        let others = others.join("`, `");
        writeln!(
            out,
            "  (`{others}` in place of `{}` is the same)",
            provider.callbacks[0]
        )?;
    }
    writeln!(out, "\nAt the provider")?;
    for (number, step) in setup.steps.iter().enumerate() {
        writeln!(out, "  {}. {step}", number + 1)?;
    }
    section(
        &mut out,
        "Events to switch on (others are counted and ignored)",
        setup.events,
    )?;
    section(&mut out, "In outgoing mails", setup.metadata)?;
    writeln!(
        out,
        "\nIn the configuration\n  [provider.{}]",
        provider.name
    )?;
    for key in setup.keys {
        writeln!(out, "  {key}")?;
    }
    section(&mut out, "To know", setup.notes)?;
    writeln!(out, "\nNow\n  {}", printable(&state(context, provider)))?;
    writeln!(
        out,
        "  try it with `bouncekit webhook:test {}`",
        provider.name
    )?;
    Ok(Exit::Done)
}

fn section(out: &mut impl io::Write, title: &str, lines: &[&str]) -> io::Result<()> {
    writeln!(out, "\n{title}")?;
    lines
        .iter()
        .try_for_each(|line| writeln!(out, "  - {line}"))
}

/// The URL to paste; secrets are named, not shown.
fn url(context: &Context, provider: &Provider) -> String {
    let base = context.config.webhook.url.as_deref();
    let base = base.unwrap_or("https://HOST").trim_end_matches('/');
    let path = format!("/mailer/{}/callback", provider.callbacks[0]);
    match provider.setup.secret_in {
        SecretIn::Nowhere => format!("{base}{path}"),
        SecretIn::Path => format!("{base}{path}/SECRET"),
        SecretIn::Login => {
            let (scheme, host) = base.split_once("://").unwrap_or(("https", base));
            format!("{scheme}://USER:PASSWORD@{host}{path}")
        }
    }
}

/// Whether the configuration can already tell good from bad.
fn state(context: &Context, provider: &Provider) -> String {
    match context.config.expected(provider) {
        Ok(expected) if expected.proves(provider.scheme) => {
            let mut text =
                String::from("callbacks of this provider are proven before they are taken");
            let fetches = context.config.provider.get(provider.name);
            let fetches = fetches.is_some_and(|keys| keys.fetch_certificates);
            let folder = context.config.certificates();
            if provider.scheme == Scheme::Sns && !fetches && folder.anchors().is_empty() {
                text.push_str(&format!(
                    "; but there is no certificate in `{}`, and none is fetched",
                    folder.path.display()
                ));
            }
            text
        }
        Ok(_) => "nothing of this provider is taken yet: the configuration expects no proof".into(),
        Err(error) => format!(
            "nothing of this provider is taken: {error}; {}",
            error.hint()
        ),
    }
}
