//! Mails out of whatever a path or a pipe holds: messages, mbox, Maildir, folders of them, tar,
//! gzip and zstd around any of these. Streamed; nothing that is read is changed.

use std::{
    fs::{self, File},
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use super::{Body, mbox::Mails};

/// What was found at a place.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Mail(Body),
    /// No mail, or it cannot be read; the reason. What follows is still read.
    Refused(String),
}

/// How a feed is read.
#[derive(Clone, Copy, Debug)]
pub struct Feed {
    /// Octets of one message.
    pub message_size: u64,
    /// The input is one mail, whatever it begins with; so is every `.eml`.
    pub one: bool,
}

/// Takes what is found, with the name of its place; an error of it ends the feed.
pub type Take<'t, E> = &'t mut dyn FnMut(&str, Found) -> Result<(), E>;

/// Folders (and archives in archives) this many levels inside one another are looked into.
const DEPTH: usize = 16;
/// As many octets are looked at to tell what an input is.
const HEAD: u64 = 8192;

impl Feed {
    /// Everything at `path`, in the order of the names.
    pub fn path<E>(self, path: &Path, take: Take<'_, E>) -> Result<(), E> {
        self.entry(path, 0, take)
    }

    /// What a pipe brings. An MTA hands over one mail at a time, so whatever is no archive is a
    /// mail; nothing at all is nothing.
    pub fn pipe<E>(self, name: &str, reader: &mut dyn Read, take: Take<'_, E>) -> Result<(), E> {
        self.stream(name, reader, 0, true, take)
    }

    fn entry<E>(self, path: &Path, depth: usize, take: Take<'_, E>) -> Result<(), E> {
        let place = path.display().to_string();
        let read = || {
            Ok::<_, io::Error>(if fs::metadata(path)?.is_dir() {
                Err(listing(path)?)
            } else {
                Ok(File::open(path)?)
            })
        };
        match read() {
            Ok(Ok(mut file)) => self.stream(&place, &mut file, 0, false, take),
            Ok(Err(_)) if depth == DEPTH => take(
                &place,
                Found::Refused("folders are nested too deeply".into()),
            ),
            Ok(Err(entries)) => entries
                .iter()
                .try_for_each(|entry| self.entry(entry, depth + 1, take)),
            Err(cause) => take(&place, Found::Refused(cause.to_string())),
        }
    }

    fn stream<E>(
        self,
        place: &str,
        reader: &mut dyn Read,
        depth: usize,
        is_mail: bool,
        take: Take<'_, E>,
    ) -> Result<(), E> {
        let mut head = Vec::new();
        if let Err(cause) = reader.take(HEAD).read_to_end(&mut head) {
            return take(place, Found::Refused(cause.to_string()));
        }
        let kind = match kind(&head) {
            // A pipe that ends at once brought nothing; an empty file is a mistake.
            _ if head.is_empty() && is_mail => return Ok(()),
            _ if depth == 0 && is_mail && self.one => Kind::Mail,
            Kind::Unknown(_) if is_mail => Kind::Mail,
            kind => kind,
        };
        let mut input = io::Cursor::new(head).chain(reader);
        if depth == DEPTH && !matches!(kind, Kind::Mail) {
            return take(
                place,
                Found::Refused("archives are nested too deeply".into()),
            );
        }
        match kind {
            Kind::Mail => self.mails(place, &mut input, take),
            Kind::Gzip => {
                let mut inner = flate2::read::MultiGzDecoder::new(input);
                self.stream(place, &mut inner, depth + 1, is_mail, take)
            }
            Kind::Zstd => match zstd::stream::read::Decoder::new(input) {
                Ok(mut inner) => self.stream(place, &mut inner, depth + 1, is_mail, take),
                Err(cause) => take(place, Found::Refused(cause.to_string())),
            },
            Kind::Tar => self.tar(place, &mut input, depth + 1, take),
            Kind::Unknown(what) => take(place, Found::Refused(what.to_owned())),
        }
    }

    fn mails<E>(self, place: &str, input: &mut dyn Read, take: Take<'_, E>) -> Result<(), E> {
        let reader = BufReader::with_capacity(64 * 1024, input);
        // A returned message may begin with a `From ` line of its own.
        let one = self.one || [".eml", ".eml.gz"].iter().any(|end| place.ends_with(end));
        let mut mails = match Mails::new(reader, self.message_size, one) {
            Ok(mails) => mails,
            Err(cause) => return take(place, Found::Refused(cause.to_string())),
        };
        let mut number = 0;
        loop {
            number += 1;
            // Two mails of an mbox are two places.
            let named = if number == 1 {
                place.to_owned()
            } else {
                format!("{place}, mail {number}")
            };
            match mails.next() {
                Ok(Some(body)) => take(&named, Found::Mail(body))?,
                Ok(None) => return Ok(()),
                Err(cause) => return take(&named, Found::Refused(cause.to_string())),
            }
        }
    }

    fn tar<E>(
        self,
        place: &str,
        input: &mut dyn Read,
        depth: usize,
        take: Take<'_, E>,
    ) -> Result<(), E> {
        let mut archive = tar::Archive::new(input);
        let entries = match archive.entries() {
            // Raw: a long name would be read into memory whatever length it claims.
            Ok(entries) => entries.raw(true),
            Err(cause) => return take(place, Found::Refused(cause.to_string())),
        };
        let mut long_name = None;
        for entry in entries {
            let mut entry = match entry {
                Ok(entry) => entry,
                Err(cause) => return take(place, Found::Refused(cause.to_string())),
            };
            let kind = entry.header().entry_type();
            if kind.is_gnu_longname() {
                let mut name = Vec::new();
                // An entry that cannot be read ends the archive at the next one.
                let _ = (&mut entry).take(4096).read_to_end(&mut name);
                name.truncate(memchr::memchr(0, &name).unwrap_or(name.len()));
                long_name = Some(name);
                continue;
            }
            let name = long_name
                .take()
                .unwrap_or_else(|| entry.path_bytes().into_owned());
            let name = String::from_utf8_lossy(&name).into_owned();
            if kind.is_file() && is_wanted(Path::new(&name)) {
                self.stream(&format!("{place}: {name}"), &mut entry, depth, false, take)?;
            }
        }
        Ok(())
    }
}

/// What a folder holds: of a Maildir the messages, of any other its files and folders.
fn listing(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut parts = vec![folder.to_owned()];
    let (new, cur) = (folder.join("new"), folder.join("cur"));
    if new.is_dir() && cur.is_dir() {
        parts = vec![new, cur];
    }
    let mut paths = Vec::new();
    for part in parts {
        for entry in fs::read_dir(part)? {
            let entry = entry?;
            // Links to folders could lead round in a circle.
            let kind = entry.file_type()?;
            let path = entry.path();
            if is_wanted(&path) && (kind.is_dir() || path.is_file()) {
                paths.push(path);
            }
        }
    }
    // Maildir names start with the time of delivery: oldest first.
    paths.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(paths)
}

/// Files that mail servers keep beside the messages are no mails, and no mistakes either.
fn is_wanted(path: &Path) -> bool {
    const INDEXES: &[&str] = &["dovecot", "courierimap", "maildir", "subscriptions"];
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !INDEXES.iter().any(|index| name.starts_with(index))
}

enum Kind {
    /// A message or an mbox.
    Mail,
    Gzip,
    Zstd,
    Tar,
    /// What it is instead.
    Unknown(&'static str),
}

fn kind(head: &[u8]) -> Kind {
    const MAGIC: &[(&[u8], &str)] = &[
        (b"PK\x03\x04", "a zip archive"),
        (b"BZh", "a bzip2 file"),
        (b"\xfd7zXZ", "an xz file"),
        (b"!BDN", "an Outlook folder (.pst)"),
        (b"\xd0\xcf\x11\xe0", "an Outlook message (.msg)"),
        (b"SQLite format 3", "a database"),
    ];
    if head.starts_with(b"\x1f\x8b") {
        Kind::Gzip
    } else if head.starts_with(b"\x28\xb5\x2f\xfd") {
        Kind::Zstd
    } else if head.get(257..262) == Some(b"ustar") {
        Kind::Tar
    } else if let Some((_, what)) = MAGIC.iter().find(|(magic, _)| head.starts_with(magic)) {
        Kind::Unknown(what)
    } else if head.is_empty() {
        Kind::Unknown("empty")
    } else if starts_with_field(head) {
        Kind::Mail
    } else {
        Kind::Unknown("no mail: it does not start with a header field")
    }
}

/// Whether the first line that is not blank is a header field (RFC 5322, 2.2) or `From `.
fn starts_with_field(head: &[u8]) -> bool {
    let text = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let text = text.trim_ascii_start();
    let text = text.strip_prefix(b">").unwrap_or(text);
    let name = text
        .iter()
        .take_while(|octet| octet.is_ascii_graphic() && **octet != b':')
        .count();
    let rest = text[name..].trim_ascii_start();
    name > 0 && (rest.starts_with(b":") || text.starts_with(b"From "))
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, io::Write as _};

    use super::*;

    const MAIL: &[u8] = b"From: a@example.com\nSubject: one\n\nx\n";
    const FEED: Feed = Feed {
        message_size: 1000,
        one: false,
    };

    fn all(path: &Path) -> Vec<(String, Found)> {
        let mut found = Vec::new();
        let take = &mut |place: &str, what| {
            found.push((place.to_owned(), what));
            Ok::<_, Infallible>(())
        };
        let Ok(()) = FEED.path(path, take);
        found
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    #[test]
    fn what_is_inside_of_what_is_found() {
        let long = format!("{}/one.eml", "deep".repeat(50));
        let inner = tar(&[
            (&long, MAIL),
            ("two.eml.gz", &gzip(MAIL)),
            ("cur/dovecot-uidlist", b"3 V1 N1"),
            ("notes", b"nothing to see"),
        ]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.tar.gz");
        fs::write(&path, gzip(&inner)).unwrap();
        let found = all(&path);
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].0.ends_with(&long));
        assert_eq!(found[0].1, Found::Mail(Body::Whole(MAIL.into())));
        assert_eq!(found[1].1, Found::Mail(Body::Whole(MAIL.into())));
        assert!(matches!(&found[2], (place, Found::Refused(_)) if place.ends_with(": notes")));
    }

    #[test]
    fn a_cut_archive_says_so_and_keeps_what_came_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.tar");
        let whole = tar(&[("1.eml", MAIL), ("2.eml", MAIL)]);
        fs::write(&path, &whole[..1024 + 512 + 4]).unwrap();
        let found = all(&path);
        assert_eq!(found[0].1, Found::Mail(Body::Whole(MAIL.into())));
        assert!(
            matches!(found.last(), Some((_, Found::Refused(_)))),
            "{found:?}"
        );
        let squeezed = gzip(&MAIL.repeat(50));
        fs::write(&path, &squeezed[..squeezed.len() - 9]).unwrap();
        assert!(matches!(all(&path).last(), Some((_, Found::Refused(_)))));
    }

    #[test]
    fn folders_and_maildirs_are_read_in_order() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a/new/2.x", "a/cur/1.x:2,S", "a/.Sub/new/3", "b.eml"] {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, MAIL).unwrap();
        }
        fs::write(folder.path().join("a/dovecot.index"), b"\0").unwrap();
        let names: Vec<String> = all(folder.path())
            .into_iter()
            .map(|(place, _)| place.rsplit('/').next().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["1.x:2,S", "2.x", "b.eml"]);
    }

    #[test]
    fn what_is_missing_or_no_mail_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(
            &all(&folder.path().join("gone"))[..],
            [(_, Found::Refused(_))]
        ));
        let path = folder.path().join("x");
        for content in [
            &b""[..],
            b"PK\x03\x04..",
            b"\x89PNG\r\n\x1a\n",
            b"hello\nworld: x\n",
        ] {
            fs::write(&path, content).unwrap();
            assert!(
                matches!(&all(&path)[..], [(_, Found::Refused(_))]),
                "{content:?}"
            );
        }
    }

    #[test]
    fn a_pipe_brings_a_mail_whatever_it_looks_like() {
        for (bytes, count) in [(&b""[..], 0), (b"no header\n", 1), (&gzip(MAIL), 1)] {
            let mut found = 0;
            let take = &mut |_: &str, what| {
                assert!(matches!(what, Found::Mail(_)));
                found += 1;
                Ok::<_, Infallible>(())
            };
            let Ok(()) = FEED.pipe("-", &mut &*bytes, take);
            assert_eq!(found, count, "{bytes:?}");
        }
    }
}
