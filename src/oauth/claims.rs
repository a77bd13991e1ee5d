//! What an access token says of itself, where it is a JWT (RFC 9068): nothing is decided by it, but it
//! tells why a server refuses it.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;

/// The claims that concern mail. Not verified: the server does that.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// For whom it is made out.
    pub aud: String,
    /// What the program itself may do.
    pub roles: Vec<String>,
    /// What it may do for a person, separated by spaces.
    pub scp: String,
}

impl Claims {
    /// Reads the claims; `None` for a token that is opaque, as Google's are.
    pub fn of(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?.trim_end_matches('=');
        serde_json::from_slice(&BASE64URL_NOPAD.decode(payload.as_bytes()).ok()?).ok()
    }

    /// Why Exchange Online would refuse a token with these claims, as what to do about it.
    pub fn hint(&self) -> &'static str {
        let outlook = [
            "https://outlook.office365.com",
            "https://outlook.office.com",
        ];
        if !outlook.iter().any(|name| self.aud.starts_with(name)) {
            return "the token is not for Exchange: `scope` begins with \
                    https://outlook.office365.com/ (.default for client credentials)";
        }
        let may = |name: &str| self.roles.iter().any(|role| role == name);
        if self
            .scp
            .split(' ')
            .any(|scope| scope == "IMAP.AccessAsUser.All")
        {
            return "is `user` the account that consented, and is IMAP switched on for it \
                    (Set-CASMailbox -ImapEnabled $true)?";
        }
        if may("IMAP.AccessAsApp") {
            return "the permission is there; the mailbox must be opened to the program in Exchange: \
                    New-ServicePrincipal -AppId ... -ObjectId ... (that of the enterprise \
                    application), then Add-MailboxPermission -Identity USER -User ... -AccessRights \
                    FullAccess";
        }
        "the token has no permission for IMAP: in Entra, App registrations > API permissions > APIs \
         my organization uses > Office 365 Exchange Online, add IMAP.AccessAsApp (application \
         permissions) and grant admin consent"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(claims: &str) -> String {
        format!("e30.{}.sig", BASE64URL_NOPAD.encode(claims.as_bytes()))
    }

    #[test]
    fn what_a_token_lacks_is_told() {
        for (claims, word) in [
            (
                r#"{"aud":"https://graph.microsoft.com"}"#,
                "not for Exchange",
            ),
            (
                r#"{"aud":"https://outlook.office365.com"}"#,
                "IMAP.AccessAsApp",
            ),
            (
                r#"{"aud":"https://outlook.office365.com","roles":["Mail.Read"]}"#,
                "admin consent",
            ),
            (
                r#"{"aud":"https://outlook.office365.com","roles":["IMAP.AccessAsApp"]}"#,
                "Add-MailboxPermission",
            ),
            (
                r#"{"aud":"https://outlook.office.com","scp":"openid IMAP.AccessAsUser.All"}"#,
                "consented",
            ),
        ] {
            let hint = Claims::of(&token(claims)).unwrap().hint();
            assert!(hint.contains(word), "{claims}: {hint}");
        }
        assert_eq!(Claims::of("ya29.opaque"), None);
        assert_eq!(Claims::of("a.b.c"), None);
    }
}
