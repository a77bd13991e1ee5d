//! Mailjet, campaign exclusion list: a file of addresses, nothing else is taken in, or calls of the
//! REST API that set the property `IsExcludedFromCampaigns` of a contact (named by its address).
//! <https://documentation.mailjet.com/hc/en-us/articles/360042455934-Campaign-Exclusion-List>
//! <https://dev.mailjet.com/email/reference/contacts/contact/>

use bouncekit_core::address::AddressKey;
use serde_json::json;

use super::{Format, Read, Removed, Write, csv_line, entry};

pub(super) const CSV: Format = Format {
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

pub(super) const API: Format = Format {
    name: "mailjet-api",
    about: "Mailjet REST calls as JSON lines: method, path, body",
    write: Some(Write {
        header: "",
        by_reason: false,
        reason: |_| Some("excluded"),
        lines: |listed| call(listed.address, true),
        removed: Removed::Inline(|gone| call(gone.address, false)),
        contacts: false,
    }),
    read: None,
};

fn call(address: &AddressKey, excluded: bool) -> String {
    let path = format!("/v3/REST/contact/{}", encoded(address.as_str()));
    let body = json!({"IsExcludedFromCampaigns": excluded});
    format!("{}\n", json!({"method": "PUT", "path": path, "body": body}))
}

/// A segment of a path (RFC 3986, 3.3), all that is not unreserved as `%XX`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for octet in text.bytes() {
        if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) {
            out.push(char::from(octet));
        } else {
            out += &format!("%{octet:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_segment_of_the_path() {
        let address = AddressKey::parse("anna+news/x@example.com").unwrap();
        assert_eq!(
            call(&address, true),
            "{\"body\":{\"IsExcludedFromCampaigns\":true},\"method\":\"PUT\",\
             \"path\":\"/v3/REST/contact/anna%2Bnews%2Fx%40example.com\"}\n"
        );
    }
}
