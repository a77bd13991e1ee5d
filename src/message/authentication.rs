//! Authentication-Results (RFC 8601): what our own receiving servers found out about a sender.

/// Results of trusted hosts about one mail, lower case, one by one: `dkim=pass header.d=...`.
///
/// The names of `hosts` are those our receiving servers write (authserv-id) and, as RFC 8601
/// demands, remove from what comes in.
pub(super) fn results(hosts: &[String], fields: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for field in fields {
        let plain = without_free_text(&field.to_lowercase());
        let mut pieces = plain.split(';');
        let host = pieces.next().and_then(|id| id.split_whitespace().next());
        let is_trusted =
            host.is_some_and(|host| hosts.iter().any(|known| known.eq_ignore_ascii_case(host)));
        if is_trusted {
            found.extend(pieces.map(|piece| piece.trim().to_owned()));
        }
    }
    found
}

/// Whether a trusted host says that the mail really is from the domain of `sender`: DKIM or DMARC
/// passed for it, or SPF for an envelope sender of it.
pub fn vouches_for(hosts: &[String], fields: &[String], sender: &str) -> bool {
    let Some((_, domain)) = sender.rsplit_once('@') else {
        return false;
    };
    let domain = domain.to_lowercase();
    results(hosts, fields).iter().any(|result| {
        passed_for(result).is_some_and(|proven| {
            // `news.example.com` is covered by `example.com` (relaxed alignment), never the reverse.
            domain == proven
                || (proven.contains('.')
                    && domain
                        .strip_suffix(proven)
                        .is_some_and(|sub| sub.ends_with('.')))
        })
    })
}

/// The domain that one result says passed.
pub(super) fn passed_for(result: &str) -> Option<&str> {
    let mut words = result.split_whitespace();
    let properties: &[&str] = match words.next()? {
        "dkim=pass" => &["header.d=", "header.i="],
        "dmarc=pass" => &["header.from="],
        "spf=pass" => &["smtp.mailfrom=", "smtp.mfrom="],
        _ => return None,
    };
    let value =
        words.find_map(|word| properties.iter().find_map(|name| word.strip_prefix(name)))?;
    Some(value.rsplit('@').next().unwrap_or(value))
}

/// Comments and quoted strings are the other side's words: a local part may be written
/// `"; dkim=pass header.d=..."`.
fn without_free_text(field: &str) -> String {
    let (mut out, mut comment, mut quoted) = (String::new(), 0_u32, false);
    let mut chars = field.chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' if quoted || comment > 0 => {
                chars.next();
            }
            '"' if comment == 0 => quoted = !quoted,
            '(' if !quoted => comment += 1,
            ')' if !quoted && comment > 0 => comment -= 1,
            _ if quoted || comment > 0 => {}
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vouched(field: &str, sender: &str) -> bool {
        vouches_for(&["mx.example.com".into()], &[field.into()], sender)
    }

    #[test]
    fn only_a_pass_for_the_senders_domain_by_a_trusted_host_counts() {
        for field in [
            "mx.example.com; dkim=pass header.d=example.org",
            "MX.example.com 1; dkim=pass (2048-bit key; good) header.i=@example.org header.s=x",
            "mx.example.com; spf=fail; dmarc=pass (p=none) header.from=Example.org",
            "mx.example.com; spf=pass smtp.mailfrom=anna@example.org",
        ] {
            assert!(vouched(field, "Anna@Example.org"), "{field}");
            assert!(vouched(field, "anna@sub.example.org"), "{field}");
            for other in [
                "anna@example.com",
                "anna@evilexample.org",
                "anna@org",
                "anna",
            ] {
                assert!(!vouched(field, other), "{field} for {other}");
            }
        }
        for field in [
            "mx.evil.example; dkim=pass header.d=example.org",
            "mx.example.com; dkim=fail header.d=example.org",
            "mx.example.com; dkim=pass header.d=org",
            "mx.example.com; dkim=pass header.d=evil.example",
            "mx.example.com; none",
            "mx.example.com",
            "",
        ] {
            assert!(!vouched(field, "anna@example.org"), "{field}");
        }
    }

    #[test]
    fn the_other_sides_words_are_no_results() {
        for field in [
            "mx.example.com; spf=pass smtp.mailfrom=\"x; dkim=pass header.d=example.org \"@evil.example",
            "mx.example.com; spf=pass (it says \\); dkim=pass header.d=example.org ) smtp.mailfrom=evil.example",
            "\"mx.example.com\"evil.example; dkim=pass header.d=example.org",
        ] {
            assert!(!vouched(field, "anna@example.org"), "{field}");
        }
    }
}
