//! Mailjet, campaign exclusion list: a file of addresses, nothing else is taken in.
//! <https://documentation.mailjet.com/hc/en-us/articles/360042455934-Campaign-Exclusion-List>

use super::{Format, Read, Write, csv_line, entry};

pub(super) const FORMAT: Format = Format {
    name: "mailjet",
    about: "Mailjet campaign exclusion list, CSV: email",
    write: Some(Write {
        header: "email\n",
        by_reason: false,
        reason: |_| Some("excluded"),
        lines: |listed| csv_line(&[listed.address.as_str()]),
        removed: super::addresses_apart("email\n"),
        contacts: false,
    }),
    read: Some(Read {
        columns: &[],
        entry: |row| entry(row, "email").map(Some),
    }),
};
