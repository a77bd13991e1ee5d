//! A mail made shareable: addresses, names, send hashes and IP addresses are replaced, the same by
//! the same, and what is attached is left out. What mail systems say stays, so that the sample
//! is judged as the mail was.

mod pieces;
mod substitutes;

use pieces::Piece;
use substitutes::Substitutes;

use crate::message::{self, Options, Target};

/// The mail without what is personal in it.
pub fn redact(raw: &[u8], options: &Options) -> Vec<u8> {
    let pieces = pieces::cut(raw);
    let inbound = message::parse(raw, options);
    let mut substitutes = Substitutes::default();
    for clue in &inbound.clues {
        if let Target::Token(token) = &clue.target {
            substitutes.learn_hash(token.hash.as_str());
            if let Some(mac) = &token.mac {
                substitutes.learn_hash(mac);
            }
        }
    }
    for piece in &pieces {
        match piece {
            Piece::Header(field) => substitutes.learn_field(&pieces::decoded(field)),
            Piece::Text(text) | Piece::Encoded(_, text) => substitutes.learn_addresses(text),
            Piece::Attachment(..) => {}
        }
    }
    let mut out = Vec::with_capacity(raw.len());
    for piece in pieces {
        match piece {
            Piece::Header(field) => out.extend(substitutes.replace(&pieces::decoded(&field))),
            Piece::Text(text) => out.extend(substitutes.replace(&text)),
            Piece::Encoded(encoding, text) => {
                encoding.write(&substitutes.replace(&text), &mut out);
            }
            Piece::Attachment(encoding) => encoding.write(b"(left out)\n", &mut out),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{classify::Rules, event};

    fn verdicts(raw: &[u8]) -> Vec<String> {
        let inbound = message::parse(raw, &Options::default());
        let events = event::from_inbound(&inbound, [0; 16], "x", |diagnostics| {
            Rules::builtin().classify(diagnostics)
        });
        events
            .iter()
            .map(|event| {
                let verdict = event.classification.as_ref();
                format!(
                    "{} {:?} {:?} {:?} {}",
                    event.kind.name(),
                    verdict,
                    event.status,
                    event.reply_code,
                    event.address.is_some()
                )
            })
            .collect()
    }

    #[test]
    fn nobody_is_named_and_the_same_is_the_same() {
        let mail = "Delivered-To: news+bounce_5c1f1d3b2a91@firma.de\nFrom: =?utf-8?q?J=C3=BCrgen_Wei=C3=9F?= <j.weiss@firma.de>\n\
            Subject: Re: Your order, Anna\nContent-Type: multipart/mixed; boundary=b\n\n\
            --b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n\
            RGVhciBBbm5hIEJlcmcsIEFOTkFAa3VuZGUuYXQgb24gMTAuMS4yLjMgaXMgdW5rbm93bg==\n\
            --b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n\
            <img src=3D\"https://firma.de/email/5c1f1d3b2a91.gif\"> anna@kunde.=\nat\n\
            --b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\nQW5uYSBCZXJn\n\
            --b\nContent-Type: message/rfc822\n\nTo: Anna Berg <anna@kunde.at>\nSubject: x\n\nHello Anna,\n--b--\n";
        let out = redact(mail.as_bytes(), &Options::default());
        let text = String::from_utf8(out.clone()).unwrap();
        let parsed = mime_texts(&out);
        for gone in [
            "anna",
            "berg",
            "kunde",
            "firma",
            "weiss",
            "weiß",
            "5c1f1d3b2a91",
            "10.1.2.3",
            "QW5uYSBCZXJn",
        ] {
            for text in [&text, &parsed] {
                assert!(
                    !text.to_lowercase().contains(&gone.to_lowercase()),
                    "{gone}: {text}"
                );
            }
        }
        assert!(parsed.contains("is unknown"), "{parsed}");
        let inbound = message::parse(&out, &Options::default());
        // Arrival address and tracking link still name one send.
        assert_eq!(inbound.clues.len(), 1, "{inbound:?}");
    }

    fn mime_texts(raw: &[u8]) -> String {
        let text = message::mime::normalise(raw);
        let mail = message::mime::Mail::parse(&text);
        let parts: Vec<String> = mail.parts.iter().map(message::mime::Part::text).collect();
        parts.join("\n")
    }

    #[test]
    fn the_verdict_on_every_fixture_stays() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        let mut folders: Vec<_> = std::fs::read_dir(root.join("messages"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        folders.push(root.join("demo"));
        let files = folders
            .iter()
            .flat_map(|folder| std::fs::read_dir(folder).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "eml"));
        let mut count = 0;
        for path in files {
            let raw = std::fs::read(&path).unwrap();
            let out = redact(&raw, &Options::default());
            assert_eq!(verdicts(&out), verdicts(&raw), "{}", path.display());
            count += 1;
        }
        assert!(count > 50);
    }
}
