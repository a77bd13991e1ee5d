//! What is to run regularly for a configuration; drawn as crontab lines or as units.

use std::path::Path;

use super::{CliError, Context};

/// One regular command.
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// For people.
    pub(crate) what: &'static str,
    /// With the whole path of program and configuration.
    pub(crate) command: String,
    /// The five fields of a crontab line.
    pub(crate) cron: &'static str,
    /// systemd.time(7).
    pub(crate) calendar: &'static str,
}

impl Job {
    /// The commands that the present configuration has work for.
    pub(crate) fn all(context: &Context) -> Result<Vec<Self>, CliError> {
        let program = std::env::current_exe()?;
        let config = context.config_path.as_deref().ok_or_else(|| {
            CliError::usage("there is no configuration to install")
                .hint("write one (config.example.toml), or name it with --config FILE")
        })?;
        let config = std::path::absolute(config)?;
        let command = |words: &str| {
            format!(
                "{} --quiet --config {} {words}",
                quoted(&program),
                quoted(&config)
            )
        };
        let mut jobs = Vec::new();
        if !context.config.mailbox.is_empty() {
            jobs.push(Self {
                name: "bouncekit-fetch",
                what: "fetch what came back to the mailboxes",
                command: command("email:fetch"),
                cron: "*/5 * * * *",
                calendar: "*:0/5",
            });
        }
        if context.config.webhook.url.is_some() || !context.config.provider.is_empty() {
            jobs.push(Self {
                name: "bouncekit-spool",
                what: "act on received webhooks",
                command: command("webhook:replay --spool"),
                cron: "* * * * *",
                calendar: "*:*",
            });
        }
        jobs.push(Self {
            name: "bouncekit-segments",
            what: "bring the segments up to date",
            command: command("segments:update"),
            cron: "2-59/5 * * * *",
            calendar: "*:2/5",
        });
        jobs.push(Self {
            name: "bouncekit-check",
            what: "say what is beyond its limit",
            command: command("report --check"),
            cron: "10 7 * * *",
            calendar: "*-*-* 07:10",
        });
        jobs.push(Self {
            name: "bouncekit-maintain",
            what: "check the database and apply retention",
            command: command("maintain"),
            cron: "20 3 * * *",
            calendar: "*-*-* 03:20",
        });
        Ok(jobs)
    }
}

/// A path as cron's shell and systemd both read it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains([' ', '"', '\'', '$', '%', '\\']) {
        format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        text
    }
}
