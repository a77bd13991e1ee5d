//! The round trip of a return address: a mail to it, and what became of it in the mailbox.

use bouncekit_core::{
    config::{Mailbox, Place},
    mailbox::{Account, FoundMail, MailboxError},
    random,
    time::{DAY, Timestamp},
    verp::{Purpose, ReturnToken, SendHash, decode, encode},
};
use serde_json::json;

use super::{CliError, Context, Exit, Finding, Shape, bounded};

/// Prints the mail on stdout and how to send it on stderr, so that the one can be piped on.
pub(super) fn send_test(context: &Context, to: &str, shape: Shape) -> Result<Exit, CliError> {
    let verp = &context.config.verp;
    let base = Some(to)
        .filter(|to| !to.is_empty())
        .or(verp.return_address.as_deref());
    let base = base.ok_or_else(|| {
        CliError::usage("no return address is configured")
            .hint("doctor --send-test news@example.com, or `verp.return_address`")
    })?;
    let random = random::octets::<10>().map_err(CliError::usage)?;
    let text = data_encoding::HEXLOWER.encode(&random);
    let hash = SendHash::parse(&text).ok_or_else(|| CliError::usage("no token could be made"))?;
    let token = ReturnToken {
        purpose: Purpose::Bounce,
        mac: context.signing_keys()?.sign(Purpose::Bounce, &hash),
        hash,
    };
    let address = encode(base, verp.separator(), &token)
        .map_err(|error| CliError::usage(error).hint("write local@domain"))?;
    let mail = format!(
        "From: {base}\nTo: {address}\nDate: {}\nMessage-ID: <{text}.doctor@bouncekit.invalid>\n\
         Subject: bouncekit doctor {text}\nAuto-Submitted: auto-generated\n\
         MIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n\n\
         A test of the return address. It may be deleted.\n",
        context.now.mail_date()
    );
    // The address is ours or was checked to be one; a quote in it must not end the shell's.
    let quoted = address.replace('\'', "'\\''");
    let send = format!("sendmail -i -f '{quoted}' '{quoted}' < test.eml");
    let find = format!("bouncekit doctor --find-test {text}");
    if shape == Shape::Json {
        let all =
            json!({"token": text, "address": address, "mail": mail, "send": send, "find": find});
        println!("{all:#}");
        return Ok(Exit::Done);
    }
    print!("{mail}");
    if !context.quiet {
        eprintln!(
            "Keep it and send it by the way your campaigns leave:\n  \
             bouncekit doctor --send-test > test.eml   (this one, if you redirected it)\n  {send}\n\
             or at once: bouncekit doctor --send-test | sendmail -i -t\n\
             some minutes later:\n  {find}"
        );
    }
    Ok(Exit::Done)
}

/// Searches all folders of the mailboxes.
pub(super) fn find_test(context: &Context, mailboxes: &[Mailbox], token: &str) -> Vec<Finding> {
    let since = Timestamp(context.now.0 - 30 * DAY);
    let mut findings = Vec::new();
    let mut searched = 0;
    for mailbox in mailboxes {
        let what = format!("mailbox `{}`", mailbox.name);
        let Place::Imap(connection) = &mailbox.place else {
            findings.push(
                Finding::note(&what, "is local").mend(format!("grep -rl {token} PATH looks there")),
            );
            continue;
        };
        let mut account = Account::new(&bounded(connection), context.now);
        match search(&mut account, token, since) {
            Ok(found) => {
                searched += 1;
                for mail in &found {
                    findings.extend(judge(context, mailbox, mail, token));
                }
            }
            Err(error) => findings.push(
                Finding::error(what, &error)
                    .mend(error.hint())
                    .unreachable(),
            ),
        }
    }
    let found = findings.iter().any(|one| one.what.starts_with("test"));
    if !found && searched > 0 {
        findings.push(
            Finding::warning("test mail", "in no folder: not there yet, refused, or delivered elsewhere")
                .mend(
                    "wait some minutes; if it came back to its sender as \"user unknown\", the server \
                     does not accept addresses with this separator: switch it on there (Postfix: \
                     recipient_delimiter = +), or let another of `separators` mint, or use a catch-all",
                ),
        );
    }
    findings
}

fn search(
    account: &mut Account,
    token: &str,
    since: Timestamp,
) -> Result<Vec<FoundMail>, MailboxError> {
    let mut found = Vec::new();
    for folder in account.folders()? {
        found.extend(account.find(&folder, token, since)?);
    }
    Ok(found)
}

/// What the server did to one mail.
fn judge(context: &Context, mailbox: &Mailbox, mail: &FoundMail, token: &str) -> Vec<Finding> {
    let Ok((headers, _)) = mailparse::parse_headers(&mail.header) else {
        return Vec::new();
    };
    let values = |name: &str| -> Vec<String> {
        let same = headers
            .iter()
            .filter(|one| one.get_key_ref().eq_ignore_ascii_case(name));
        same.map(mailparse::MailHeader::get_value).collect()
    };
    let keeps = |text: &String| {
        decode(bare(text), &context.config.verp.separators)
            .is_some_and(|found| found.hash.as_str() == token)
    };
    let mut findings = Vec::new();
    if values("Content-Type")
        .iter()
        .any(|kind| kind.to_lowercase().starts_with("multipart/report"))
    {
        findings.push(
            Finding::error(
                "test bounced",
                format!("a bounce of it lies in `{}`: the address is not accepted", mail.folder),
            )
            .mend("switch on addresses with a separator at the server (Postfix: recipient_delimiter = +)"),
        );
        return findings;
    }
    let watched = mailbox.watched.iter().any(|one| one.folder == mail.folder);
    findings.push(if watched {
        Finding::ok("test arrived", format!("in `{}` of mailbox `{}`", mail.folder, mailbox.name))
    } else {
        Finding::warning(
            "test folder",
            format!("it lies in `{}` of mailbox `{}`, which is not watched", mail.folder, mailbox.name),
        )
        .mend(format!(
            "folder = \"{}\"; or, if the server makes a folder for each detail, switch that off or use another separator",
            mail.folder
        ))
    });
    findings.push(if values("To").iter().any(keeps) {
        Finding::ok("test address", "the hash is whole in To")
    } else {
        Finding::warning(
            "test address",
            format!("To is now `{}`", values("To").join(", ")),
        )
        .mend("something on the way rewrites To: hash_header and Message-ID are what is left")
    });
    for name in ["Delivered-To", "X-Original-To", "Envelope-To"] {
        let values = values(name);
        if !values.is_empty() && !values.iter().any(keeps) {
            findings.push(Finding::note(
                "test address",
                format!(
                    "{name} is `{}`, without the hash: fine as long as To keeps it",
                    values.join(", ")
                ),
            ));
        }
    }
    let paths = values("Return-Path");
    if !paths.is_empty() && !paths.iter().any(keeps) {
        findings.push(
            Finding::warning(
                "test Return-Path",
                format!("it is `{}`: it was sent with another, or the sending service rewrote it", paths.join(", ")),
            )
            .mend(
                "send with `-f`; Gmail and Amazon SES always rewrite it: there the X-Bouncekit-Send \
                 header and the Message-ID find the send, or SNS tells (webhook:setup amazon_ses)",
            ),
        );
    }
    findings
}

/// The address in `<...>`, or the text.
fn bare(text: &str) -> &str {
    let inside = text.split_once('<').map_or(text, |(_, rest)| rest);
    inside.split('>').next().unwrap_or(inside).trim()
}
