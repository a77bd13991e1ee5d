//! One mailbox: the way to it step by step, then its folders.

use std::{fs, path::Path};

use bouncekit_core::{
    config::{Connection, LogIn, Mailbox, OAuth, Place, TokenSource},
    mailbox::{
        Account, Bounds, Certificate, Folder as _, MailboxError, Maildir, near_folder, reach,
    },
    oauth::{AccessToken, kept_in},
    time::{DAY, MINUTE, Timestamp},
};

use super::{Finding, bounded, finding::privacy, settings::rewriting};

/// A certificate with fewer days left is a matter for today.
const SOON: i64 = 21;

pub(super) fn examine(mailbox: &Mailbox, now: Timestamp) -> Vec<Finding> {
    match &mailbox.place {
        Place::Imap(connection) => imap(mailbox, &bounded(connection), now),
        Place::Maildir(path) => {
            let mut findings = vec![readable(path)];
            if path.exists() {
                let watched = mailbox.watched.iter();
                findings.extend(watched.map(|watched| maildir(path, &watched.folder)));
            }
            findings
        }
        Place::Mbox(path) | Place::File(path) => vec![readable(path)],
    }
}

fn maildir(path: &Path, folder: &str) -> Finding {
    // Nothing is read: only names are listed.
    let bounds = Bounds {
        message_size: 0,
        batch_messages: 1,
        batch_bytes: 0,
    };
    let what = format!("folder `{folder}`");
    let opened = Maildir::open(path, folder, bounds, true);
    match opened.and_then(|mut maildir| maildir.search(None)) {
        Ok(unseen) => Finding::ok(what, format!("{unseen} unseen")),
        Err(error) => Finding::error(what, &error)
            .mend("`path` names the folder that holds cur, new and tmp; `folder` one below it"),
    }
}

fn readable(path: &Path) -> Finding {
    let tried = if path.is_dir() {
        fs::read_dir(path).map(drop)
    } else {
        fs::File::open(path).map(drop)
    };
    let shown = path.display();
    match tried {
        Ok(()) => Finding::ok("path", format!("`{shown}` can be read")),
        Err(cause) => Finding::error("path", format!("`{shown}`: {cause}"))
            .mend("`path` of the mailbox, or owner and mode of what lies there")
            .unreachable(),
    }
}

fn imap(mailbox: &Mailbox, connection: &Connection, now: Timestamp) -> Vec<Finding> {
    let mut findings = Vec::new();
    let refused = |what: &str, error: &MailboxError| {
        Finding::error(what, error).mend(error.hint()).unreachable()
    };
    let certificate = match reach(connection) {
        Ok(reached) => {
            let addresses: Vec<String> =
                reached.addresses.iter().map(ToString::to_string).collect();
            let (host, port) = (&connection.host, connection.port);
            findings.push(Finding::ok(
                "DNS",
                format!("{host} is {}", addresses.join(", ")),
            ));
            findings.push(Finding::ok("TCP", format!("port {port} answers")));
            reached.certificate
        }
        Err(error) => {
            let what = match &error {
                MailboxError::Connect { .. } => "connection",
                _ => "TLS",
            };
            findings.push(refused(what, &error));
            return findings;
        }
    };
    findings.extend(
        rewriting(&connection.host, "host")
            .map(|(found, mend)| Finding::note("Return-Path", found).mend(mend)),
    );
    let mut account = Account::new(connection, now);
    if let LogIn::OAuth(oauth) = &connection.log_in {
        match account.token(oauth, false) {
            Ok(token) => findings.extend(token_of(oauth, &token, now)),
            Err(error) => {
                findings.push(refused("token", &error));
                return findings;
            }
        }
    }
    let capabilities = match account.capabilities() {
        Ok(capabilities) => capabilities,
        Err(error @ MailboxError::Tls { .. }) => {
            let shown = certificate.map_or_else(String::new, |seen| format!("; {}", shown(&seen)));
            findings.push(
                Finding::error("TLS", format!("{error}{shown}"))
                    .mend(error.hint())
                    .unreachable(),
            );
            return findings;
        }
        Err(error) => {
            findings.extend(certificate.map(|seen| tls(&seen, now)));
            findings.push(refused("log-in", &error));
            return findings;
        }
    };
    findings.push(certificate.map_or_else(
        || {
            Finding::note("TLS", "none: password and mail go unprotected")
                .mend("security = \"tls\"")
        },
        |seen| tls(&seen, now),
    ));
    findings.push(Finding::ok("log-in", format!("as `{}`", connection.user)));
    findings.push(able(&capabilities));
    match folders(mailbox, &mut account) {
        Ok(found) => findings.extend(found),
        Err(error) => findings.push(refused("folders", &error)),
    }
    findings
}

/// Where the token came from, how long it holds, and who else can read it.
fn token_of(oauth: &OAuth, token: &AccessToken, now: Timestamp) -> Vec<Finding> {
    let TokenSource::Endpoint(endpoint) = &oauth.source else {
        return vec![Finding::ok("token", "given by `token_command`")];
    };
    let minutes = token
        .expires_at
        .map_or(0, |end| (end.0 - now.0).div_euclid(MINUTE));
    let from = if token.kept { "kept" } else { "given" };
    let mut findings = vec![Finding::ok(
        "token",
        format!("{from}, for {minutes} minutes, by `{}`", endpoint.url),
    )];
    let path = kept_in(endpoint);
    findings.extend(path.map(|path| privacy("kept token", &path, 0o600, false)));
    findings
}

fn shown(certificate: &Certificate) -> String {
    format!(
        "{}, certificate for {}, until {}, issued by {}, chain: {}",
        certificate.protocol,
        certificate.names.join(", "),
        certificate.expires.day(),
        certificate.issuer,
        certificate.chain.join(" < ")
    )
}

fn tls(certificate: &Certificate, now: Timestamp) -> Finding {
    let days = (certificate.expires.0 - now.0).div_euclid(DAY);
    let found = format!("{}; {days} days left", shown(certificate));
    if days < SOON {
        return Finding::warning("TLS", found)
            .mend("have the server's certificate renewed: without it nothing is fetched");
    }
    Finding::ok("TLS", found)
}

/// What a server should be able to do, and what is done where it is not.
fn able(capabilities: &[String]) -> Finding {
    let has = |name: &str| capabilities.iter().any(|one| one == name);
    let lacks: Vec<&str> = [
        (
            "UIDPLUS",
            "no UIDPLUS: `after = \"delete\"` only flags as deleted",
        ),
        ("MOVE", "no MOVE: `after = \"move:...\"` copies and deletes"),
    ]
    .into_iter()
    .filter(|(name, _)| !has(name))
    .map(|(_, means)| means)
    .collect();
    let list = capabilities.join(" ");
    if lacks.is_empty() {
        Finding::ok("capabilities", list)
    } else {
        Finding::note(
            "capabilities",
            format!("{}; it has: {list}", lacks.join("; ")),
        )
    }
}

fn folders(mailbox: &Mailbox, account: &mut Account) -> Result<Vec<Finding>, MailboxError> {
    let names = account.folders()?;
    let mut findings = Vec::new();
    for watched in &mailbox.watched {
        let folder = &watched.folder;
        let what = format!("folder `{folder}`");
        // INBOX is the one name without regard to case (RFC 9051, 5.1).
        let present = names.iter().any(|name| {
            name == folder
                || name.eq_ignore_ascii_case("INBOX") && folder.eq_ignore_ascii_case(name)
        });
        if !present {
            let mend = near_folder(folder, &names).map_or_else(
                || {
                    let some: Vec<&str> = names.iter().take(20).map(String::as_str).collect();
                    format!("there are: {}", some.join(", "))
                },
                |near| format!("did you mean `{near}`? folder = \"{near}\""),
            );
            findings.push(Finding::error(what, "is not there").mend(mend));
            continue;
        }
        let (all, unseen) = account.counts(folder)?;
        findings.push(Finding::ok(
            what,
            format!("{all} messages, {unseen} unseen"),
        ));
    }
    Ok(findings)
}
