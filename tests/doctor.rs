//! `doctor` against a real Dovecot, and against everything that people set up wrongly.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use serde_json::Value;

use crate::support::{
    Output, TestEnv, Validity,
    dovecot::{Dovecot, PASSWORD, dovecot, dovecot_with},
};

/// The clock must be the real one: certificates are of today.
fn env_of(dovecot: &Dovecot, more: &str) -> TestEnv {
    let mut env = TestEnv::with_config(&format!(
        "{}[verp]\nreturn_address = \"news@example.com\"\n[[mailbox]]\nname = \"m\"\n{more}",
        dovecot.connection("tls")
    ));
    env.set("MAIL_PASSWORD", PASSWORD);
    env.set("BOUNCEKIT_NOW", "");
    env
}

/// The findings about `what`, as `severity: found -> mend`, after asserting the exit status.
#[track_caller]
fn findings(output: Output, code: i32, what: &str) -> Vec<String> {
    let (stdout, stderr) = output.exit(code);
    assert!(!stdout.contains(PASSWORD) && !stderr.contains(PASSWORD));
    let all: Value = serde_json::from_str(&stdout).unwrap();
    let groups = all["groups"].as_array().unwrap().iter();
    let all = groups.flat_map(|group| group["findings"].as_array().unwrap());
    let same = all.filter(|one| one["what"] == what).map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_owned();
        format!(
            "{}: {} -> {}",
            text("severity"),
            text("found"),
            text("mend")
        )
    });
    same.collect()
}

const JSON: [&str; 3] = ["doctor", "--format", "json"];

#[test]
fn a_healthy_installation_has_nothing_to_mend() {
    let Some(dovecot) = dovecot() else { return };
    let env = env_of(&dovecot, "");
    env.run(["dnc:list"]).done();
    let text = env.run(["doctor"]).done();
    for part in [
        "ok       TLS: TLSv1.",
        "bouncekit test authority",
        "ok       log-in: as `u1`",
        "UIDPLUS",
        "ok       folder `INBOX`: 0 messages, 0 unseen",
        "ok       soundness",
        "0 warnings, 0 errors",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    let tls = findings(env.run(JSON), 0, "TLS");
    assert!(
        tls[0].contains("29 days left") || tls[0].contains("30 days left"),
        "{tls:?}"
    );
}

#[test]
fn a_wrong_password_and_a_closed_port_are_unreachable() {
    let Some(dovecot) = dovecot() else { return };
    let mut env = env_of(&dovecot, "");
    env.set("MAIL_PASSWORD", "wrong-3fK9");
    let output = env.run(JSON);
    assert!(!format!("{output:?}").contains("wrong-3fK9"));
    let found = findings(output, 3, "log-in");
    assert!(
        found[0].starts_with("error: ") && found[0].contains("refused"),
        "{found:?}"
    );
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let env = env_of(
        &dovecot,
        &format!("connection = {{ security = \"tls\", port = {port} }}"),
    );
    let found = findings(env.run(JSON), 3, "connection");
    assert!(found[0].contains("cannot connect"), "{found:?}");
}

#[test]
fn an_expired_certificate_is_shown_with_its_end() {
    let Some(dovecot) = dovecot_with(Validity::Expired) else {
        return;
    };
    let found = findings(env_of(&dovecot, "").run(JSON), 3, "TLS");
    assert!(
        found[0].starts_with("error: ") && found[0].contains("expired"),
        "{found:?}"
    );
    assert!(
        found[0].contains("certificate for localhost, until 20"),
        "{found:?}"
    );
}

#[test]
fn a_misspelt_folder_is_told_with_the_one_that_was_meant() {
    let Some(dovecot) = dovecot() else { return };
    dovecot.make_folder("Rückläufer");
    let env = env_of(&dovecot, "folder = \"Ruckläufer\"");
    let found = findings(env.run(JSON), 1, "folder `Ruckläufer`");
    assert!(found[0].contains("did you mean `Rückläufer`?"), "{found:?}");
    env.run(["doctor", "--fix"]).exit(1);
    assert!(!dovecot.maildir("Ruckläufer").exists());
}

#[test]
fn fix_takes_a_secret_out_of_everybodys_sight() {
    let env = TestEnv::with_config("[verp]\nkeys = [{ file = \"verp.key\" }]\n");
    let key = env.write("verp.key", "0123456789abcdef0123456789abcdef\n");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let found = findings(env.run(JSON), 1, "signing key 1");
    assert!(
        found[1].starts_with("error: ") && found[1].contains("chmod 600"),
        "{found:?}"
    );
    assert_eq!(key.metadata().unwrap().mode() & 0o777, 0o644);
    let text = env.run(["doctor", "--fix"]).done();
    assert!(text.contains("mended: chmod 600"), "{text}");
    assert!(!text.contains("0123456789abcdef"), "{text}");
    assert_eq!(key.metadata().unwrap().mode() & 0o777, 0o600);
    env.run(["doctor"]).done();
}

#[test]
fn a_damaged_database_is_told() {
    if crate::support::engine::is_about_files("it writes into the file") {
        return;
    }
    let env = TestEnv::with_config("");
    env.run(["dnc:add", "anna@example.com"]).done();
    let path = env.path("bouncekit.db");
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len().min(40_960);
    bytes[4096..end].fill(0x5a);
    fs::write(&path, bytes).unwrap();
    for wal in ["bouncekit.db-wal", "bouncekit.db-shm"] {
        let _ = fs::remove_file(env.path(wal));
    }
    let (stdout, _) = env.run(["doctor"]).exit(1);
    assert!(stdout.contains("damage"), "{stdout}");
    assert!(stdout.contains("backup"), "{stdout}");
}

#[test]
fn the_lease_of_a_dead_process_is_freed_only_when_asked() {
    if crate::support::engine::is_about_files("it writes into the file") {
        return;
    }
    let env = TestEnv::with_config("");
    env.run(["dnc:list"]).done();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let leases = || {
        let database = rusqlite::Connection::open(env.path("bouncekit.db")).unwrap();
        let insert = "INSERT OR REPLACE INTO lease VALUES ($1, $2, 999999, 1, 5)";
        database
            .execute(insert, ("mailbox:here", host.trim()))
            .unwrap();
        database
            .execute(insert, ("mailbox:there", "elsewhere"))
            .unwrap();
    };
    leases();
    let found = findings(env.run(JSON), 1, "lease `mailbox:here`");
    assert!(
        found[0].contains("is dead") && found[0].contains("--fix"),
        "{found:?}"
    );
    let text = env.run(["doctor", "--fix"]).done();
    assert!(text.contains("mended: freed"), "{text}");
    assert!(findings(env.run(JSON), 0, "lease `mailbox:here`").is_empty());
    // Whether a process of another machine lives cannot be told from here.
    assert_eq!(findings(env.run(JSON), 0, "lease `mailbox:there`").len(), 1);
}

#[test]
fn a_test_mail_is_found_and_judged() {
    let Some(dovecot) = dovecot() else { return };
    let env = env_of(&dovecot, "");
    let sent = env
        .run(["doctor", "--send-test", "--format", "json"])
        .json();
    let text = |key: &str| sent[key].as_str().unwrap();
    let (token, address) = (text("token"), text("address"));
    assert!(address.starts_with("news+bounce_"), "{address}");
    assert!(text("send").contains(address), "{sent}");
    let find = ["doctor", "--format", "json", "--find-test", token];
    let found = findings(env.run(find), 1, "test mail");
    assert!(found[0].contains("in no folder"), "{found:?}");

    let kept = format!(
        "Return-Path: <{address}>\nDelivered-To: news@example.com\n{}",
        text("mail")
    );
    dovecot.put("INBOX", "1", &kept);
    assert!(findings(env.run(find), 0, "test arrived")[0].contains("INBOX"));
    let notes = findings(env.run(find), 0, "test address");
    assert!(
        notes[0].starts_with("ok: ") && notes[1].contains("Delivered-To"),
        "{notes:?}"
    );
    // It is looked for, not read.
    assert_eq!(dovecot.seen("INBOX"), 0);

    let rewritten = format!("Return-Path: <bounce@mailer.example.net>\n{}", text("mail"));
    dovecot.put("news+bounce", "2", rewritten);
    assert!(findings(env.run(find), 1, "test folder")[0].contains("`news+bounce`"));
    assert!(findings(env.run(find), 1, "test Return-Path")[0].contains("SES"));

    let bounce = format!("To: {address}\nContent-Type: multipart/report; boundary=x\n\n--x--\n");
    dovecot.put("INBOX", "3", bounce);
    assert!(findings(env.run(find), 1, "test bounced")[0].contains("not accepted"));
}

#[test]
fn a_provider_that_cannot_be_believed_or_brings_nothing_is_told() {
    let env = TestEnv::with_config("[provider.amazon_ses]\nfetch_certificates = true\n");
    env.run(["dnc:list"]).done();
    let found = findings(env.run(JSON), 1, "provider `amazon_ses`");
    assert!(found[0].contains("`topics`"), "{found:?}");
    let found = findings(env.run(JSON), 1, "source `amazon_ses`");
    assert!(found[0].contains("webhook:setup amazon_ses"), "{found:?}");
    env.write(
        "spool/failed/20260102T030405.678Z-00-amazon_ses-5.http",
        "x",
    );
    let found = findings(env.run(JSON), 1, "spool");
    assert!(
        found.iter().any(|one| one.contains("1 requests failed")),
        "{found:?}"
    );
    // The folder was made as any folder is.
    assert!(found[0].contains("chmod 700"), "{found:?}");
    env.run(["doctor", "--fix"]).exit(1);
    assert_eq!(env.path("spool").metadata().unwrap().mode() & 0o777, 0o700);
}

#[test]
fn an_unusable_configuration_is_a_matter_of_its_own() {
    let env = TestEnv::with_config("[stor]\n");
    let (_, stderr) = env.run(["doctor"]).exit(2);
    assert!(stderr.contains("`store`"), "{stderr}");
}

#[test]
fn a_clock_behind_the_database_is_told() {
    let mut env = TestEnv::with_config("");
    env.run(["dnc:add", "anna@example.com"]).done();
    env.set("BOUNCEKIT_NOW", "2026-05-01T00:00:00Z");
    let found = findings(env.run(JSON), 1, "clock");
    assert!(found[0].contains("2026-06-01"), "{found:?}");
}

#[test]
fn local_mailboxes_are_looked_at_too() {
    let config = "[[mailbox]]\nname = \"m\"\nkind = \"maildir\"\npath = \"mail\"\n";
    let env = TestEnv::with_config(config);
    assert!(findings(env.run(JSON), 3, "path")[0].contains("No such file"));
    env.write("mail/new/1", "x");
    assert!(findings(env.run(JSON), 1, "folder ``")[0].starts_with("error: "));
    fs::create_dir(env.path("mail/cur")).unwrap();
    assert!(findings(env.run(JSON), 0, "folder ``")[0].contains("1 unseen"));
}
