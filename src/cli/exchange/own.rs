//! Our own: plain addresses, CSV, NDJSON, and salted hashes.

use bouncekit_core::{address::AddressKey, classify::Reason, suppression::Grounds};
use data_encoding::HEXLOWER_PERMISSIVE;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Entry, Format, Gone, Read, Removed, Row, Who, Write, csv_line, date, entry, text};
use crate::cli::{dnc_add::reason, listing::csv_cell};

pub(super) const PLAIN: Format = Format {
    name: "plain",
    about: "one address a line",
    write: Some(Write {
        header: "",
        by_reason: false,
        reason: named,
        lines: |listed| format!("{}\n", listed.address),
        removed: super::addresses_apart(""),
        contacts: false,
    }),
    read: Some(Read {
        columns: &[],
        entry: read,
    }),
};

pub(super) const CSV: Format = Format {
    name: "csv",
    about: "address, reason, detail, since, expires_at, comment; safe to open in a spreadsheet",
    write: Some(Write {
        header: "address,reason,detail,since,expires_at,comment\n",
        by_reason: true,
        reason: named,
        lines: |listed| {
            let cells = [
                listed.address.to_string(),
                listed.grounds.name().to_owned(),
                listed.detail.map_or("", Reason::name).to_owned(),
                listed.since.to_string(),
                listed
                    .expires_at
                    .map(|at| at.to_string())
                    .unwrap_or_default(),
                listed.comment.to_owned(),
            ];
            safe_line(&cells)
        },
        removed: Removed::Apart {
            header: "address,reason\n",
            line: |gone| safe_line(&[gone.address.to_string(), gone.reason.to_owned()]),
        },
        contacts: false,
    }),
    read: Some(Read {
        columns: &["address"],
        entry: read,
    }),
};

pub(super) const NDJSON: Format = Format {
    name: "ndjson",
    about: "the same as one JSON object a line",
    write: Some(Write {
        header: "",
        by_reason: true,
        reason: named,
        lines: |listed| {
            let value = json!({
                "address": listed.address.as_str(),
                "reason": listed.grounds.name(),
                "detail": listed.detail,
                "since": listed.since.to_string(),
                "expires_at": listed.expires_at.map(|at| at.to_string()),
                "comment": listed.comment,
            });
            format!("{value}\n")
        },
        removed: Removed::Apart {
            header: "",
            line: |gone| {
                format!(
                    "{}\n",
                    json!({"address": gone.address.as_str(), "reason": gone.reason})
                )
            },
        },
        contacts: false,
    }),
    read: Some(Read {
        columns: &["address"],
        entry: read,
    }),
};

/// For handing a list to somebody who may learn of it only whom they know themselves.
pub(super) const SHA256: Format = Format {
    name: "sha256",
    about: "SHA-256 of salt and address, in hexadecimal; needs --salt-file",
    write: Some(Write {
        header: "",
        by_reason: false,
        reason: named,
        lines: |listed| format!("{}\n", hash_text(listed.salt, listed.address)),
        removed: Removed::Apart {
            header: "",
            line: |gone: &Gone<'_>| format!("{}\n", hash_text(gone.salt, gone.address)),
        },
        contacts: false,
    }),
    read: Some(Read {
        columns: &["sha256"],
        entry: |row| {
            let hash = text(row, "sha256").ok_or("no hash (column `sha256`)")?;
            let bytes = HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).ok();
            let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let hash = bytes.ok_or_else(|| format!("`{hash}` is no SHA-256 in hexadecimal"))?;
            Ok(Some(Entry {
                who: Who::Hash(hash),
                ..nobody()
            }))
        },
    }),
};

/// The hash of an address: of the salt followed by the normalised address.
pub(crate) fn hash(salt: &[u8], address: &AddressKey) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(address.as_str());
    hasher.finalize().into()
}

fn hash_text(salt: &[u8], address: &AddressKey) -> String {
    HEXLOWER_PERMISSIVE.encode(&hash(salt, address))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems do not have all grounds"
)]
fn named(grounds: Grounds) -> Option<&'static str> {
    Some(grounds.name())
}

fn safe_line(cells: &[String]) -> String {
    let cells: Vec<_> = cells.iter().map(|cell| csv_cell(cell)).collect();
    csv_line(&cells.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

fn nobody() -> Entry {
    Entry {
        who: Who::Hash([0; 32]),
        grounds: None,
        detail: None,
        diagnostic: String::new(),
        comment: String::new(),
        since: None,
        expires_at: None,
    }
}

/// The columns of [`CSV`], of which only the address must be there; `email` is an address too.
pub(super) fn read(row: &Row) -> Result<Option<Entry>, String> {
    let mut row = row.clone();
    for other in ["email", "e-mail", "email_address", "mail"] {
        if !row.contains_key("address") {
            row.rename(other, "address");
        }
    }
    // The apostrophe that keeps a spreadsheet from running the cell.
    for column in ["address", "comment"] {
        if let Some(bare) = text(&row, column)
            .as_deref()
            .and_then(|t| t.strip_prefix('\''))
            && bare.starts_with(['=', '+', '-', '@'])
        {
            row.replace(column, bare.into());
        }
    }
    let mut entry = entry(&row, "address")?;
    for column in ["reason", "detail"] {
        if let Some(name) = text(&row, column) {
            let (grounds, detail) = reason(&name.to_lowercase())
                .ok_or_else(|| format!("`{name}` is no reason (column `{column}`)"))?;
            entry.grounds = entry.grounds.or(Some(grounds));
            entry.detail = entry.detail.or(detail);
        }
    }
    entry.since = date(&row, "since")?;
    entry.expires_at = date(&row, "expires_at")?;
    entry.comment = text(&row, "comment").unwrap_or_default();
    Ok(Some(entry))
}
