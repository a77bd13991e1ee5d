//! Contacts, sends and events as SendGrid writes them.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// Which events there are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// Hard bounces, complaints and unsubscribes only.
    Acting,
    /// 95 % delivered and open.
    Ignored,
}

pub(crate) struct Population {
    pub(crate) size: u64,
}

impl Population {
    fn address(n: u64) -> String {
        format!("user{n}.{:x}@mail{}.example", mixed(n) & 0xffff, n % 5000)
    }

    /// In Mautic's form: 13 hex digits and 9 decimal ones.
    fn hash(n: u64) -> String {
        format!(
            "{:013x}{:09}",
            mixed(n) >> 12,
            mixed(n ^ 0x55) % 1_000_000_000
        )
    }

    /// The whom of the n-th event: every contact once, in no order.
    fn whom(&self, n: u64) -> u64 {
        // A multiplier that shares no factor with the size walks through all of them.
        let mut step = (0x9e37_79b9 % self.size) | 1;
        while common_factor(step, self.size) > 1 {
            step += 2;
        }
        n.wrapping_mul(step) % self.size
    }

    pub(crate) fn write_contacts(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(out, "email,id,firstname,city,points")?;
        for n in 0..self.size {
            let (address, drawn) = (Self::address(n), mixed(n ^ 0x77));
            let city = CITIES[usize::try_from(drawn % 12).unwrap_or(0)];
            writeln!(out, "{address},{n},Name{n},{city},{}", drawn >> 8 & 127)?;
        }
        out.flush()
    }

    pub(crate) fn write_sends(&self, path: &Path) -> io::Result<()> {
        let mut out = BufWriter::new(File::create(path)?);
        writeln!(
            out,
            "tracking_hash,email_address,email_id,lead_id,date_sent"
        )?;
        for n in 0..self.size {
            writeln!(
                out,
                "{},{},7,{n},2026-05-01 10:00:00",
                Self::hash(n),
                Self::address(n)
            )?;
        }
        out.flush()
    }

    /// Events as NDJSON, and those of consequence as the rows of a bare load.
    pub(crate) fn write_events(&self, mix: Mix, ndjson: &Path, rows: &Path) -> io::Result<()> {
        let mut out = BufWriter::with_capacity(1 << 20, File::create(ndjson)?);
        let mut csv = BufWriter::with_capacity(1 << 20, File::create(rows)?);
        for n in 0..self.size {
            let whom = self.whom(n);
            let (address, hash) = (Self::address(whom), Self::hash(whom));
            let id = format!("{:016x}{:06x}", mixed(n ^ 0xabcd), n);
            let time = 1_780_000_000 + n % 86_400;
            let (event, kind, more, diagnostic) = match (mix, mixed(n) % 100) {
                (Mix::Ignored, 0..60) => ("delivered", "", DELIVERED, ""),
                (Mix::Ignored, 60..95) => ("open", "", OPEN, ""),
                (_, 95..97) => ("spamreport", "complaint", "", ""),
                (_, 97..99) => ("unsubscribe", "unsubscribe", "", ""),
                _ => (
                    "bounce",
                    "bounce",
                    BOUNCE,
                    "550 5.1.1 The email account that you tried to reach does not exist",
                ),
            };
            writeln!(
                out,
                r#"{{"email":"{address}","timestamp":{time},"smtp-id":"<14c5d75ce93.dfd.{id}@ismtpd-555>","event":"{event}","category":["newsletter","may"],"sg_event_id":"{id}","sg_message_id":"14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.{n}","hashId":"{hash}","emailId":"7","sg_template_id":"d-0a1b2c3d4e5f","sg_template_name":"May newsletter","asm_group_id":17{more}}}"#
            )?;
            if !kind.is_empty() {
                let key = format!(
                    "{:08x}{:08x}",
                    mixed(n ^ 0x1234) >> 32,
                    mixed(n ^ 0x4321) >> 32
                );
                writeln!(
                    csv,
                    "{key},{kind},{address},{hash},\"{diagnostic}\",{event},{time}000"
                )?;
            }
        }
        out.flush()?;
        csv.flush()
    }
}

pub(crate) const CITIES: [&str; 12] = [
    "Graz",
    "Wien",
    "Linz",
    "Salzburg",
    "Innsbruck",
    "Klagenfurt",
    "Villach",
    "Wels",
    "Steyr",
    "Dornbirn",
    "Leoben",
    "Krems",
];

const DELIVERED: &str = r#","response":"250 2.0.0 OK 1748512345 d2e1a72fcca58-742f8a1b2c3si1234567b3a.12 - gsmtp","ip":"192.0.2.17","tls":1"#;
const OPEN: &str = r#","useragent":"Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)","ip":"192.0.2.18","sg_machine_open":false"#;
const BOUNCE: &str = r#","reason":"550 5.1.1 The email account that you tried to reach does not exist","status":"5.1.1","type":"bounce","bounce_classification":"Invalid Address","ip":"192.0.2.17","tls":1"#;

/// SplitMix64.
fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn common_factor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { common_factor(b, a % b) }
}
