//! Who stands for whom: the same by the same, whatever its spelling.

use std::{collections::HashMap, sync::LazyLock};

use regex::bytes::{Captures, Regex};

/// Finds addresses, Message-IDs and whatever else has an `@`.
static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)([a-z0-9_][a-z0-9!#$%&'*+/=?^_`{|}~.-]{0,127})@([a-z0-9](?:[a-z0-9.-]{0,253}[a-z0-9])?)",
    )
});
static IPV4: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?-u)\b(?:\d{1,3}\.){3}\d{1,3}\b"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("the pattern is fixed")
}

/// Providers whose own words and codes are judged by their name; they name nobody.
const PROVIDERS: &[&str] = &[
    "google.com",
    "gmail.com",
    "googlemail.com",
    "outlook.com",
    "hotmail.com",
    "live.com",
    "office365.com",
    "microsoft.com",
    "yahoo.com",
    "yahoo.co.jp",
    "yahoodns.net",
    "aol.com",
    "icloud.com",
    "me.com",
    "apple.com",
    "gmx.net",
    "gmx.de",
    "web.de",
    "orange.fr",
    "comcast.net",
    "charter.net",
    "spectrum.net",
    "qq.com",
    "docomo.ne.jp",
    "ezweb.ne.jp",
    "mimecast.com",
    "pphosted.com",
    "barracudanetworks.com",
    "amazonses.com",
    "amazonaws.com",
    "sendgrid.net",
    "mail.ru",
    "yandex.ru",
    "t-online.de",
    "free.fr",
    "libero.it",
];

/// Local parts that are roles, and name nobody.
const ROLES: &[&str] = &["postoffice", "abuse", "noreply", "no-reply", "root"];
/// In local parts of mail systems. Stars are somebody's redaction already.
const SYSTEMS: &[&str] = &[
    "daemon",
    "postmaster",
    "post_master",
    "microsoftexchange",
    "*",
];

/// Words that may stand in display names and mean something to the rules, or name fields.
const COMMON: &str = " mail mailer daemon delivery system subsystem postmaster microsoft outlook \
    exchange administrator user unknown news newsletter service support team info abuse message \
    notification status returned undeliverable failure report feedback the and for from out office \
    reply automatic list content filter spam virus type transfer encoding version mime subject date \
    received return path original final recipient action remote reporting diagnostic code arrival \
    last attempt envelope delivered failed sender host domain ";

#[derive(Default)]
pub(super) struct Substitutes {
    locals: HashMap<Vec<u8>, String>,
    domains: HashMap<Vec<u8>, String>,
    /// Lower case, with what stands for it.
    hashes: HashMap<String, String>,
    names: HashMap<String, String>,
    ips: HashMap<Vec<u8>, String>,
    /// Hashes, names and domains in one pattern, once everything is learnt.
    words: Option<Regex>,
}

impl Substitutes {
    pub(super) fn learn_hash(&mut self, hash: &str) {
        let number = self.hashes.len() + 1;
        // As long as it was, and an unlikely hash of anybody's.
        let substitute = format!("{number:0width$}", width = hash.len());
        self.hashes.entry(hash.to_lowercase()).or_insert(substitute);
    }

    /// Addresses of a header field, and the names beside them.
    pub(super) fn learn_field(&mut self, field: &[u8]) {
        const NAMING: &[&str] = &["from", "to", "cc", "reply-to", "sender", "x-sender"];
        self.learn_addresses(field);
        let text = String::from_utf8_lossy(field);
        let Some((name, value)) = text.split_once(':') else {
            return;
        };
        if !NAMING.contains(&name.trim().to_lowercase().as_str()) {
            return;
        }
        for mailbox in value.split(',') {
            let display = mailbox.split('<').next().unwrap_or_default();
            if display.contains('@') {
                continue;
            }
            for word in display.split(|c: char| !c.is_alphanumeric()) {
                let lower = word.to_lowercase();
                if word.chars().count() >= 3 && !COMMON.contains(&format!(" {lower} ")) {
                    let number = self.names.len() + 1;
                    let substitute = || format!("Name{number}");
                    self.names.entry(lower).or_insert_with(substitute);
                }
            }
        }
    }

    pub(super) fn learn_addresses(&mut self, text: &[u8]) {
        for found in ADDRESS.captures_iter(text) {
            let domain = found[2].to_ascii_lowercase();
            if !is_provider(&domain) {
                let number = self.domains.len() + 1;
                let substitute = || format!("d{number}.example");
                self.domains.entry(domain).or_insert_with(substitute);
            }
        }
        self.words = None;
    }

    /// Japanese in seven bits (ISO-2022-JP) looks like words and is none: it stays as it is.
    pub(super) fn replace(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(start) = memchr::memmem::find(rest, b"\x1b$") {
            let end = memchr::memmem::find(&rest[start..], b"\x1b(");
            let end = end.map_or(rest.len(), |end| start + end);
            out.extend(self.replace_plain(&rest[..start]));
            out.extend(&rest[start..end]);
            rest = &rest[end..];
        }
        out.extend(self.replace_plain(rest));
        out
    }

    fn replace_plain(&mut self, text: &[u8]) -> Vec<u8> {
        let words = self.words.take().unwrap_or_else(|| self.pattern());
        let text = ADDRESS.replace_all(text, |found: &Captures<'_>| self.address(found));
        let text = IPV4.replace_all(&text, |found: &Captures<'_>| {
            let number = self.ips.len() % 254 + 1;
            let ip = self.ips.entry(found[0].to_vec());
            ip.or_insert_with(|| format!("192.0.2.{number}")).clone()
        });
        let text = words.replace_all(&text, |found: &Captures<'_>| self.word(&found[0]));
        self.words = Some(words);
        text.into_owned()
    }

    fn address(&mut self, found: &Captures<'_>) -> String {
        let local = found[1].to_ascii_lowercase();
        let domain = found[2].to_ascii_lowercase();
        let domain = if is_provider(&domain) {
            String::from_utf8_lossy(&found[2]).into_owned()
        } else {
            self.domains
                .get(&domain)
                .cloned()
                .unwrap_or_else(|| "d.example".into())
        };
        let spelled = String::from_utf8_lossy(&local);
        let is_system = SYSTEMS.iter().any(|system| spelled.contains(system));
        if is_system || ROLES.contains(&&*spelled) {
            return format!("{}@{domain}", String::from_utf8_lossy(&found[1]));
        }
        let (mailbox, token) = self.split_token(&local);
        let number = self.locals.len() + 1;
        let mailbox = self
            .locals
            .entry(mailbox.to_vec())
            .or_insert_with(|| format!("person{number}"));
        format!("{mailbox}{token}@{domain}")
    }

    /// A return address keeps its purpose, and of hash and mac what stands for them.
    fn split_token<'l>(&self, local: &'l [u8]) -> (&'l [u8], String) {
        let at = local.iter().rposition(|octet| b"+-=".contains(octet));
        let (mailbox, token) = local.split_at(at.unwrap_or(local.len()));
        let token = String::from_utf8_lossy(token).into_owned();
        let mut fields = token.split('_');
        let is_ours = fields.next().is_some_and(|purpose| {
            matches!(
                purpose.trim_start_matches(['+', '-', '=']),
                "bounce" | "unsubscribe"
            )
        });
        if !is_ours {
            return (local, String::new());
        }
        let fields: Vec<&str> = token
            .split('_')
            .map(|field| self.hashes.get(field).map_or(field, String::as_str))
            .collect();
        (mailbox, fields.join("_"))
    }

    /// What stands for a word that [`Self::pattern`] found.
    fn word(&self, found: &[u8]) -> Vec<u8> {
        let lower = String::from_utf8_lossy(found).to_lowercase();
        let known = self
            .hashes
            .get(&lower)
            .or_else(|| self.names.get(&lower))
            .or_else(|| self.domains.get(lower.as_bytes()));
        known.map_or_else(
            || found.to_vec(),
            |substitute| substitute.clone().into_bytes(),
        )
    }

    fn pattern(&self) -> Regex {
        let domains = self
            .domains
            .keys()
            .map(|domain| String::from_utf8_lossy(domain).into_owned());
        let mut words: Vec<String> = self
            .hashes
            .keys()
            .chain(self.names.keys())
            .cloned()
            .chain(domains)
            .collect();
        // The longest first: a name may begin another.
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let words: Vec<String> = words.iter().map(|word| regex::escape(word)).collect();
        if words.is_empty() {
            return pattern(r"[^\s\S]");
        }
        // Not inside a longer word.
        let text = format!(r"(?i)\b(?:{})\b", words.join("|"));
        Regex::new(&text).unwrap_or_else(|_| pattern(r"[^\s\S]"))
    }
}

fn is_provider(domain: &[u8]) -> bool {
    PROVIDERS.iter().any(|provider| {
        domain
            .strip_suffix(provider.as_bytes())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with(b"."))
    })
}
