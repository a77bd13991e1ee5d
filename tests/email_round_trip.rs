//! The whole way: headers minted for a send, the mail sent with them, what comes back to them
//! fetched from a real mailbox, the address on the do-not-contact list.

use std::collections::HashMap;

use crate::support::{
    TestEnv,
    dovecot::{Dovecot, PASSWORD, dovecot},
};

const KEY: &str = "kX3vB9qL2mN8pR4tY6wZ1cD5fG7hJ0sA";

struct Letter {
    headers: HashMap<String, String>,
    address: String,
}

impl Letter {
    fn send(env: &TestEnv, address: &str) -> Self {
        let minted = env
            .run([
                "sends:headers",
                "--email-id",
                "7",
                "--address",
                address,
                "--format",
                "json",
            ])
            .done();
        Self {
            headers: serde_json::from_str(&minted).unwrap(),
            address: address.to_owned(),
        }
    }

    fn return_address(&self) -> &str {
        self.headers["Return-Path"].trim_matches(['<', '>'])
    }

    fn unsubscribe_address(&self) -> &str {
        self.headers["List-Unsubscribe"]
            .trim_start_matches("<mailto:")
            .trim_end_matches('>')
    }

    /// As a mail system returns it: to the envelope's sender, the letter's own headers enclosed.
    fn bounced_to(&self, to: &str) -> String {
        let mut letter = String::new();
        for (name, value) in &self.headers {
            letter += &format!("{name}: {value}\n");
        }
        let address = &self.address;
        format!(
            "Return-Path: <>\nDelivered-To: {to}\nFrom: MAILER-DAEMON@mx.example\nTo: {to}\n\
             Subject: Undelivered Mail Returned to Sender\nMessage-ID: <{to}-r@mx.example>\n\
             MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
             --b\n\n<{address}>: 550 5.1.1 User unknown\n\n--b\nContent-Type: message/delivery-status\n\n\
             Reporting-MTA: dns; mx.example\n\nFinal-Recipient: rfc822; {address}\nAction: failed\n\
             Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\n\n--b\n\
             Content-Type: text/rfc822-headers\n\n{letter}To: {address}\nSubject: Our letter\n\n--b--\n"
        )
    }

    fn unsubscribe_mail(&self) -> String {
        let (to, from) = (self.unsubscribe_address(), &self.address);
        format!(
            "Delivered-To: {to}\nFrom: {from}\nTo: {to}\nSubject: unsubscribe\nMessage-ID: <{to}-u@x.example>\n\nunsubscribe\n"
        )
    }
}

fn env(dovecot: &Dovecot, verp: &str) -> TestEnv {
    let connection = dovecot.connection("tls");
    let mut env = TestEnv::with_config(&format!(
        "{connection}[[mailbox]]\nname = \"m\"\n[verp]\nreturn_address = \"news@news.example.com\"\n{verp}"
    ));
    env.set("MAIL_PASSWORD", PASSWORD);
    env.set("VERP_KEY", KEY);
    env.write(
        "people.csv",
        "email\nanna@example.com\nbert@example.com\ncarl@example.com\n",
    );
    env.run(["contacts:import", "people.csv"]).done();
    env
}

fn reasons(env: &TestEnv, address: &str) -> Vec<String> {
    let shown = env
        .run(["contacts:show", address, "--format", "json"])
        .json();
    let rows = shown["do_not_contact"].as_array().unwrap();
    rows.iter()
        .map(|row| {
            row["reason"]
                .as_str()
                .or(row["grounds"].as_str())
                .unwrap()
                .to_owned()
        })
        .collect()
}

fn round_trip(verp: &str) {
    let Some(dovecot) = dovecot() else { return };
    let env = env(&dovecot, verp);
    let bounced = Letter::send(&env, "anna@example.com");
    let left = Letter::send(&env, "bert@example.com");
    let kept = Letter::send(&env, "carl@example.com");
    assert_ne!(bounced.return_address(), kept.return_address());
    // Addresses come back in any case.
    dovecot.put(
        "INBOX",
        "1",
        bounced.bounced_to(&bounced.return_address().to_uppercase()),
    );
    dovecot.put("INBOX", "2", left.unsubscribe_mail());
    let total = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
    assert_eq!(total["acted"], 2, "{total}");
    assert_eq!(reasons(&env, "anna@example.com"), ["bounce"]);
    assert_eq!(reasons(&env, "bert@example.com"), ["unsubscribe"]);
    assert!(reasons(&env, "carl@example.com").is_empty());
}

#[test]
fn a_minted_address_leads_back_to_the_person() {
    round_trip("");
}

#[test]
fn a_signed_one_too() {
    round_trip("signatures = \"require\"\nkeys = [{ env = \"VERP_KEY\" }]\n");
}

#[test]
fn a_forged_signature_convicts_nobody() {
    let Some(dovecot) = dovecot() else { return };
    let env = env(
        &dovecot,
        "signatures = \"require\"\nkeys = [{ env = \"VERP_KEY\" }]\n",
    );
    let letter = Letter::send(&env, "anna@example.com");
    let (start, domain) = letter.return_address().split_once('@').unwrap();
    let (unsigned, mac) = start.rsplit_once('_').unwrap();
    let last = if mac.ends_with('a') { 'b' } else { 'a' };
    let forged = format!("{unsigned}_{}{last}@{domain}", &mac[..mac.len() - 1]);
    // The letter itself is not enclosed: whoever has it has the right signature.
    let report = letter.bounced_to(&forged);
    let report = report
        .split("Content-Type: text/rfc822-headers")
        .next()
        .unwrap()
        .to_owned();
    dovecot.put("INBOX", "1", report);
    let total = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
    assert_eq!(
        (&total["forged"], &total["acted"]),
        (&1.into(), &0.into()),
        "{total}"
    );
    assert!(reasons(&env, "anna@example.com").is_empty());
}
