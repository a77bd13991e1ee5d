//! A small mailing and what came back from it: contacts, sends, and delivery reports in a folder.

use super::TestEnv;

pub(crate) const CONFIG: &str = "[[mailbox]]\nname = \"back\"\nkind = \"file\"\npath = \"back\"\n";

pub(crate) const PEOPLE: [&str; 6] = [
    "anna@example.com",
    "bert@example.com",
    "carl@outlook.example",
    "dora@outlook.example",
    "emil@example.net",
    "fritz@example.net",
];

/// Contacts 1.. and one send of campaign 7 to each (of campaign 8 to those of example.net).
pub(crate) fn mailing(config: &str) -> TestEnv {
    let env = TestEnv::with_config(&format!("{CONFIG}{config}"));
    let (mut contacts, mut sends) = (
        String::from("id,email\n"),
        String::from("tracking_hash,email_address,email_id,lead_id,date_sent\n"),
    );
    for (index, address) in PEOPLE.iter().enumerate() {
        let (id, campaign) = (index + 1, if index < 4 { 7 } else { 8 });
        contacts += &format!("{id},{address}\n");
        sends += &format!("hash{id},{address},{campaign},{id},2026-04-30 08:00:00\n");
    }
    env.run_with(["contacts:import", "-"], contacts).done();
    env.run_with(["sends:import", "-"], sends).done();
    env
}

/// A delivery report on the send to the person of this number (from 1).
pub(crate) fn bounce(env: &TestEnv, person: usize, date: &str, status: &str, text: &str) {
    let address = PEOPLE[person - 1];
    let host = address.rsplit('@').next().unwrap();
    let name = format!("{person}-{date}-{status}").replace([' ', ':'], "-");
    let at = format!("{date} +0000");
    let mail = format!(
        "From: MAILER-DAEMON@mx.example.org\r\nTo: news+bounce_hash{person}@example.org\r\n\
         Message-ID: <{name}@mx.example.org>\r\nDate: {at}\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nSorry.\r\n\
         --b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.org\r\n\r\n\
         Final-Recipient: rfc822; {address}\r\nAction: failed\r\nStatus: {status}\r\n\
         Remote-MTA: dns; mx1.{host}\r\nDiagnostic-Code: smtp; {text}\r\n--b--\r\n"
    );
    env.write(format!("back/{name}.eml"), mail);
}

pub(crate) fn unknown(env: &TestEnv, person: usize, date: &str) {
    bounce(env, person, date, "5.1.1", "550 5.1.1 user unknown");
}

pub(crate) fn full(env: &TestEnv, person: usize, date: &str) {
    bounce(env, person, date, "5.2.2", "552 5.2.2 mailbox full");
}

/// The rows of `dnc:list` as JSON.
pub(crate) fn listed(env: &TestEnv, options: &[&str]) -> Vec<serde_json::Value> {
    let args = ["dnc:list", "--format", "json"].iter().chain(options);
    rows(&env.run(args).done())
}

pub(crate) fn rows(lines: &str) -> Vec<serde_json::Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The addresses of rows, in their order.
pub(crate) fn addresses(rows: &[serde_json::Value]) -> Vec<&str> {
    rows.iter()
        .map(|row| row["address"].as_str().unwrap())
        .collect()
}

/// The number of the latest run.
pub(crate) fn latest_run(env: &TestEnv) -> String {
    let runs = rows(
        &env.run(["runs:list", "--limit", "1", "--format", "json"])
            .done(),
    );
    runs[0]["run"].to_string()
}
