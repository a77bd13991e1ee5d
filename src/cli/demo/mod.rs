//! `demo`: a folder with a mailing that went out and what came back, and the program run over it.

mod material;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use bouncekit_core::time::{DAY, HOUR, Timestamp};
use material::{Person, SAMPLES};

use super::{CliError, Context, Exit, parse};

/// Make a folder with a mailing and its returned mails, and run everything over it
///
/// Needs no configuration, no network and no mail server. The folder is made anew each time; one
/// that the demo did not make is never touched.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "FOLDER", default_value = "bouncekit-demo")]
    folder: PathBuf,
}

/// Contacts, each with one send.
const PEOPLE: usize = 1000;

/// Each sample mail comes back from so many people.
const COPIES: usize = 8;

/// Says that the folder is ours.
const MARK: &str = ".bouncekit-demo";

/// The mailing went out so long ago.
const SENT: i64 = 20 * DAY;

pub(crate) fn run(context: &mut Context, args: &Args) -> Result<Exit, CliError> {
    let folder = &args.folder;
    claim(folder)?;
    let mails =
        write_material(folder, context.now).map_err(|cause| CliError::file(folder, &cause))?;
    let config = folder.join("bouncekit.toml");
    println!(
        "`{}`: {PEOPLE} people got a mailing, {mails} mails came back.",
        folder.display()
    );
    let mut worst = Exit::Done;
    for words in [
        vec!["contacts:import", "contacts.csv"],
        vec!["sends:import", "sends.csv"],
        vec!["email:fetch"],
        vec!["segments:create", "Bounced", "--filter", "bounced = yes"],
        vec!["segments:update"],
        vec!["segments:show", "Bounced"],
    ] {
        println!("\n$ bouncekit {}", quoted(&words));
        let mut line = vec!["bouncekit".into(), "--config".into(), config.clone().into()];
        for word in words {
            // The files are named as one would from within the folder.
            let file = folder.join(word);
            line.push(if file.is_file() {
                file.into_os_string()
            } else {
                word.into()
            });
        }
        let cli = parse(&line).map_err(|error| CliError::usage(error.to_string()))?;
        let mut inner = Context::new(&cli.global)?;
        inner.now = context.now;
        worst = worst.max(cli.command.run(&mut inner)?);
    }
    println!("\nTry next:");
    let interesting = Person::at(PEOPLE - 1).address;
    let mut next = vec![
        format!("contacts:show {interesting}"),
        "runs:list".to_owned(),
    ];
    if let Some(mail) = a_mail(folder, "domino") {
        next.insert(1, format!("email:explain '{}'", mail.display()));
    }
    for words in next {
        println!("  bouncekit --config {} {words}", config.display());
    }
    Ok(worst)
}

/// Makes the folder empty and ours.
fn claim(folder: &Path) -> Result<(), CliError> {
    let failed = |cause: io::Error| CliError::file(folder, &cause);
    if folder.join(MARK).is_file() {
        fs::remove_dir_all(folder).map_err(failed)?;
    }
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        return Err(CliError::usage(format!(
            "`{}` is there already and the demo did not make it",
            folder.display()
        ))
        .hint("name another folder: bouncekit demo FOLDER"));
    }
    fs::write(folder.join(MARK), "").map_err(failed)
}

/// Writes configuration, contacts, sends and the Maildir; answers the number of mails.
fn write_material(folder: &Path, now: Timestamp) -> io::Result<usize> {
    fs::write(folder.join("bouncekit.toml"), material::CONFIG)?;
    let sent = Timestamp(now.0 - SENT);
    let people: Vec<Person> = (0..PEOPLE).map(Person::at).collect();
    let mut contacts = csv::Writer::from_path(folder.join("contacts.csv"))?;
    contacts.write_record(["id", "email", "first_name", "last_name", "city"])?;
    let mut sends = csv::Writer::from_path(folder.join("sends.csv"))?;
    sends.write_record([
        "tracking_hash",
        "email_id",
        "lead_id",
        "email_address",
        "date_sent",
        "message_id",
    ])?;
    for person in &people {
        let id = person.id.to_string();
        contacts.write_record([&id, &person.address, person.first, person.last, person.city])?;
        sends.write_record([
            &person.hash,
            "7",
            &id,
            &person.address,
            &sent.to_string(),
            &person.message_id(),
        ])?;
    }
    contacts.flush()?;
    sends.flush()?;

    let inbox = folder.join("mail/new");
    for name in ["new", "cur", "tmp"] {
        fs::create_dir_all(folder.join("mail").join(name))?;
    }
    let mut mails = 0;
    let mut write = |name: &str, template: &str, person: &Person, age: i64| {
        mails += 1;
        let date = Timestamp(now.0 - age);
        let mail = person.fill(template, date, sent);
        // Unique names of a Maildir begin with the time of delivery.
        let file = format!("{}.{name}_{mails}.demo", date.0 / 1000);
        fs::write(inbox.join(file), mail)
    };
    for (index, (name, template)) in SAMPLES.iter().enumerate() {
        for copy in 0..COPIES {
            // Spread over the list; no two mails are about one person.
            let person =
                &people[(copy * SAMPLES.len() + index) * PEOPLE / (SAMPLES.len() * COPIES)];
            let age = i64::try_from(index + copy).unwrap_or(0) * 7 * HOUR;
            write(name, template, person, age)?;
        }
    }
    // A full mailbox suppresses only when it stays full: one person's, day after day.
    let (name, template) = material::MAILBOX_FULL;
    for day in 1..=5 {
        write(name, template, &people[PEOPLE - 1], day * DAY)?;
    }
    Ok(mails)
}

/// One of the sample mails, where the run put it.
fn a_mail(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder.join("mail/cur"))
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.to_string_lossy().contains(&format!(".{name}_")))
        .collect();
    paths.sort();
    paths.into_iter().next()
}

/// Words as one would type them.
fn quoted(words: &[&str]) -> String {
    let quoted: Vec<String> = words
        .iter()
        .map(|word| {
            if word.contains(' ') {
                format!("'{word}'")
            } else {
                (*word).to_owned()
            }
        })
        .collect();
    quoted.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_mail_is_part_of_the_demo() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/demo");
        let mut files: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        files.sort();
        let names: Vec<&str> = SAMPLES.iter().map(|(name, _)| *name).collect();
        assert_eq!(files, names);
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        let sent = Timestamp(1_780_000_000_000);
        for (name, template) in SAMPLES {
            let mail = Person::at(3).fill(template, sent, sent);
            assert!(!mail.contains(['{', '}']), "{name}: {mail}");
        }
    }
}
