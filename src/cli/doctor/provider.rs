//! The configured providers: what proves their callbacks, and what waits in the spool.

use bouncekit_core::{
    spool::Spool,
    webhook::{Provider, Scheme, signature::certificate::Certificates as _},
};

use super::{Context, Finding};

pub(super) fn examine(context: &Context) -> Vec<Finding> {
    let names = context.config.provider.keys();
    let mut findings: Vec<Finding> = names
        .filter_map(|name| Provider::named(name))
        .map(|provider| proof(context, provider))
        .collect();
    if !context.config.provider.is_empty() {
        findings.extend(certificates(context));
        findings.extend(backlog(context));
    }
    findings
}

fn proof(context: &Context, provider: &Provider) -> Finding {
    let what = format!("provider `{}`", provider.name);
    let setup = format!("bouncekit webhook:setup {}", provider.name);
    match context.config.expected(provider) {
        Err(error) => Finding::error(what, &error).mend(error.hint()),
        Ok(expected) if expected.proves(provider.scheme) => {
            Finding::ok(what, "its callbacks are proven before they are taken")
        }
        Ok(_) if provider.scheme == Scheme::Sns => {
            Finding::warning(what, "no `topics`: nothing of it is believed")
                .mend("[provider.amazon_ses] topics = [\"arn:aws:sns:...\"]")
        }
        Ok(_) => Finding::warning(what, "nothing that proves its callbacks is given").mend(setup),
    }
}

fn certificates(context: &Context) -> Option<Finding> {
    let amazon = context.config.provider.get("amazon_ses")?;
    let folder = context.config.certificates();
    let shown = format!("`{}`", folder.path.display());
    Some(match folder.anchors().len() {
        0 if !amazon.fetch_certificates => Finding::warning(
            "SNS certificates",
            format!("none in {shown}, and none is fetched: no signature can be checked"),
        )
        .mend("[provider.amazon_ses] fetch_certificates = true, or put them there"),
        0 => Finding::ok(
            "SNS certificates",
            format!("fetched into {shown} when needed"),
        ),
        count => Finding::ok("SNS certificates", format!("{count} in {shown}")),
    })
}

fn backlog(context: &Context) -> Vec<Finding> {
    let spool = Spool::at(&context.config.webhook.spool);
    let (waiting, failed) = match spool.counts() {
        Ok(counts) => counts,
        Err(error) => return vec![Finding::error("spool", &error).mend(error.hint())],
    };
    let limit = context.config.webhook.spool_files;
    let wait = format!("{waiting} requests wait");
    let mut findings = vec![if waiting as u64 > limit / 2 {
        Finding::warning("spool", format!("{wait}, {limit} fit"))
            .mend("bouncekit webhook:replay --spool, every minute from cron")
    } else {
        Finding::ok("spool", wait)
    }];
    if failed > 0 {
        findings.push(
            Finding::warning(
                "spool",
                format!("{failed} requests failed; NAME.reason says why"),
            )
            .mend("bouncekit webhook:replay --retry-failed --spool"),
        );
    }
    findings
}
