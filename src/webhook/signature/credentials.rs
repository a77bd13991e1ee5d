//! Proofs that are only secrets told: basic authentication (RFC 7617), SparkPost's token, and a
//! secret in the URL.

use data_encoding::{BASE64, BASE64_NOPAD};

use super::{Refused, same_secret};

/// Checks an `Authorization` header against user and password.
pub fn basic(authorization: Option<&str>, user: &str, password: &str) -> Result<(), Refused> {
    let value = authorization.ok_or(Refused::Missing("Authorization header"))?;
    let (scheme, encoded) = value
        .trim()
        .split_once(' ')
        .ok_or(Refused::Malformed("the Authorization header"))?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Refused::Malformed("the Authorization header"));
    }
    let encoded = encoded.trim().as_bytes();
    let pair = BASE64
        .decode(encoded)
        .or_else(|_| BASE64_NOPAD.decode(encoded))
        .map_err(|_| Refused::Malformed("the Authorization header"))?;
    // The first colon ends the user; the password may hold more.
    let colon = pair
        .iter()
        .position(|octet| *octet == b':')
        .ok_or(Refused::Malformed("the Authorization header"))?;
    let right_user = same_secret(&pair[..colon], user.as_bytes());
    let right_password = same_secret(&pair[colon + 1..], password.as_bytes());
    if right_user & right_password {
        Ok(())
    } else {
        Err(Refused::Wrong("the user or password"))
    }
}

/// Checks a secret that is sent as it stands; `what` names its place.
pub fn secret(given: Option<&str>, expected: &str, what: &'static str) -> Result<(), Refused> {
    let given = given.ok_or(Refused::Missing(what))?;
    if same_secret(given.as_bytes(), expected.as_bytes()) {
        Ok(())
    } else {
        Err(Refused::Wrong(what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(pair: &str) -> String {
        format!("Basic {}", BASE64.encode(pair.as_bytes()))
    }

    #[test]
    fn the_first_colon_splits_and_a_password_may_be_empty() {
        assert_eq!(basic(Some(&header("u:p:a")), "u", "p:a"), Ok(()));
        assert_eq!(basic(Some("basic dTo="), "u", ""), Ok(()));
        for wrong in [
            header("u:x"),
            header("x:p:a"),
            header("u"),
            "Bearer x".into(),
            "Basic".into(),
            "Basic !".into(),
        ] {
            assert!(basic(Some(&wrong), "u", "p:a").is_err(), "{wrong}");
        }
        assert_eq!(
            basic(None, "u", "p"),
            Err(Refused::Missing("Authorization header"))
        );
    }

    #[test]
    fn a_secret_is_there_and_right() {
        assert_eq!(secret(Some("s"), "s", "token"), Ok(()));
        assert_eq!(
            secret(Some("t"), "s", "token"),
            Err(Refused::Wrong("token"))
        );
        assert_eq!(secret(None, "s", "token"), Err(Refused::Missing("token")));
    }
}
