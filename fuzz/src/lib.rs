//! What several targets do with their bytes.

use bouncekit_core::{
    classify::{Diagnostics, Rules},
    event,
    message::{self, Options},
    replay::{self, ReplayError},
    review,
    suppression::Preset,
    webhook::{Provider, delivery_event},
};

/// A mail is read whatever it is, twice the same; its diagnostics hold no control characters, and
/// each of its events has a key of its own.
pub fn mail(bytes: &[u8]) {
    let options = Options::default();
    let inbound = message::parse(bytes, &options);
    assert_eq!(inbound, message::parse(bytes, &options));
    for report in &inbound.reports {
        assert!(
            !report.diagnostic.contains(char::is_control),
            "{:?}",
            report.diagnostic
        );
    }
    let events = event::from_inbound(&inbound, [0; 16], "fuzz", |diagnostics| {
        Rules::builtin().classify(diagnostics)
    });
    assert_eq!(events.len(), inbound.reports.len().max(1));
    let mut keys: Vec<_> = events.iter().map(|event| event.key).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(keys.len(), events.len(), "two events have one key");
    for event in &events {
        review::normalise(&event.diagnostic);
    }
}

/// A mail of the type multipart/report whose second part is `report`.
pub fn report_with(report_type: &str, part_type: &str, report: &[u8]) -> Vec<u8> {
    let mut mail = format!(
        "From: MAILER-DAEMON@mx.example.net\r\nTo: news+bounce_abc123@example.com\r\n\
         Message-ID: <1@mx.example.net>\r\nSubject: Report\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type={report_type}; boundary=\"=b\"\r\n\r\n\
         --=b\r\n\r\nA report.\r\n--=b\r\nContent-Type: {part_type}\r\n\r\n"
    )
    .into_bytes();
    mail.extend_from_slice(report);
    mail.extend_from_slice(
        b"\r\n--=b\r\nContent-Type: text/rfc822-headers\r\n\r\n\
          To: anna@example.com\r\nMessage-ID: <2@example.com>\r\n\r\n--=b--\r\n",
    );
    mail
}

/// What is said to be `provider`'s is read to its end as JSON lines, form or request, twice the same;
/// the rows that mark somebody become events, and no other.
pub fn payload(provider: &str, bytes: &[u8]) {
    let options = replay::Options {
        provider: Provider::named(provider),
        preset: Preset::Standard,
        gate: None,
    };
    let read = || {
        let mut rows = Vec::new();
        let outcome = replay::read::<ReplayError>(bytes, &options, &mut |entry| {
            let judge = |diagnostics: &Diagnostics<'_>| Rules::builtin().classify(diagnostics);
            let event = delivery_event(&entry.row, judge);
            assert_eq!(event.is_some(), entry.row.kind.marks(), "{:?}", entry.row);
            if let Some(event) = event {
                assert!(!event.diagnostic.contains(char::is_control), "{event:?}");
                assert!(
                    !event.receiving_host.contains(char::is_control),
                    "{event:?}"
                );
            }
            rows.push(format!("{:?} {:?}", entry.place, entry.row));
            Ok(())
        });
        (rows, outcome.map_err(|error| error.to_string()))
    };
    assert_eq!(read(), read());
}
