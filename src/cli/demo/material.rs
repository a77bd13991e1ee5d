//! Invented people, and the mails that come back from them.

use bouncekit_core::time::Timestamp;
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

macro_rules! samples {
    ($($name:literal),* $(,)?) => {
        /// Name and text with `{hash}`, `{address}`, `{local}`, `{domain}`, `{name}`,
        /// `{message_id}`, `{sent}` and `{date}` to be filled in.
        pub(super) const SAMPLES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../fixtures/demo/", $name, ".eml"))),)*];
    };
}

samples! {
    "arf_provider", "arf_yahoo", "domino", "exchange", "exchange_german", "exim", "google",
    "microsoft_blocked", "out_of_office", "outlook_com", "postfix", "postfix_delayed", "qmail",
    "reply", "sendmail", "ses", "spam", "unsubscribe", "yahoo",
}

/// The one that comes day after day.
pub(super) const MAILBOX_FULL: (&str, &str) = SAMPLES[4];

pub(super) const CONFIG: &str = r#"# Made by `bouncekit demo`; config.example.toml explains every key.
[store]
path = "demo.db"

[verp]
return_address = "news@news.example.com"

[[mailbox]]
name = "inbox"
kind = "maildir"
path = "mail"

[archive]
keep = "all"
"#;

const FIRST: &[&str] = &[
    "Anna", "Bert", "Clara", "David", "Elif", "Franz", "Greta", "Hugo", "Ines", "Jan", "Karin",
    "Luca", "Mara", "Nils", "Olga", "Pavel", "Rosa", "Sven", "Tina", "Yusuf",
];
const LAST: &[&str] = &[
    "Berg", "Costa", "Dupont", "Engel", "Fischer", "Garcia", "Hansen", "Ito", "Jansen", "Kaya",
    "Lang", "Moreau", "Novak", "Olsen", "Petrov", "Rossi", "Silva", "Tanaka", "Urban", "Vogel",
    "Weber", "Yilmaz", "Zimmer", "Adler", "Brandt",
];
const CITIES: &[&str] = &["Graz", "Lyon", "Oslo", "Porto", "Turin", "Utrecht", "Wien"];
const DOMAINS: &[&str] = &[
    "example.com",
    "example.net",
    "example.org",
    "mail.example.com",
    "post.example.net",
    "home.example.org",
];

/// One contact with the send that went to it.
pub(super) struct Person {
    pub(super) id: usize,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    pub(super) city: &'static str,
    pub(super) address: String,
    /// As Mautic makes them: 13 hex digits of time, 8 decimal ones.
    pub(super) hash: String,
}

impl Person {
    /// The person number `index`; the same one each time.
    pub(super) fn at(index: usize) -> Self {
        let first = FIRST[index % FIRST.len()];
        let last = LAST[index / FIRST.len() % LAST.len()];
        // Names come again after 500 people; addresses do not.
        let again = index / (FIRST.len() * LAST.len());
        let more = if again == 0 {
            String::new()
        } else {
            (again + 1).to_string()
        };
        let digest = Sha256::digest(index.to_be_bytes());
        let number = u32::from_be_bytes([digest[8], digest[9], digest[10], digest[11]]);
        Self {
            id: index + 1,
            first,
            last,
            city: CITIES[index % CITIES.len()],
            address: format!("{first}.{last}{more}@{}", DOMAINS[index % DOMAINS.len()])
                .to_lowercase(),
            hash: format!(
                "{}{:08}",
                &HEXLOWER.encode(&digest[..7])[..13],
                number % 100_000_000
            ),
        }
    }

    pub(super) fn message_id(&self) -> String {
        format!("{}@news.example.com", self.hash)
    }

    /// A sample mail as it comes back from this person.
    pub(super) fn fill(&self, template: &str, date: Timestamp, sent: Timestamp) -> String {
        let (local, domain) = self.address.split_once('@').unwrap_or_default();
        template
            .replace("{hash}", &self.hash)
            .replace("{address}", &self.address)
            .replace("{local}", local)
            .replace("{domain}", domain)
            .replace("{name}", &format!("{} {}", self.first, self.last))
            .replace("{message_id}", &self.message_id())
            .replace("{sent}", &sent.mail_date())
            .replace("{date}", &date.mail_date())
    }
}
