//! Forgetting people, and upkeep.

use std::fs;

use crate::support::TestEnv;

const CONFIG: &str = "[[mailbox]]\nname='m'\nkind='file'\npath='in'\n[archive]\nkeep='all'\n";

fn bounce(number: u32, address: &str) -> String {
    format!(
        "From: MAILER-DAEMON@x.example\nTo: n@x.example\nSubject: Undeliverable\nMessage-ID: <{number}@x>\n\
         Date: Mon, 25 May 2026 10:00:00 +0000\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nno\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; x.example\n\nFinal-Recipient: rfc822; {address}\nAction: failed\n\
         Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <{address}> unknown\n\n--b--\n"
    )
}

#[test]
fn a_forgotten_person_leaves_no_trace_but_stays_suppressed() {
    let env = TestEnv::with_config(CONFIG);
    let people = "email,name\nanna@example.com,Anna Xylander\nbert@example.com,Bert\n";
    let _ = env.run_with(["contacts:import", "-"], people).done();
    env.write("in/a.eml", bounce(1, "anna@example.com"));
    env.write("in/b.eml", bounce(2, "bert@example.com"));
    let _ = env.run(["email:fetch"]).done();

    let segment = ["segments:create", "Bounced", "--filter", "bounced"];
    let _ = env.run(segment).done();
    let _ = env.run(["segments:update"]).done();
    let export = ["dnc:export", "--target", "plain", "--since-last"];
    assert!(env.run(export).exit(0).0.contains("anna@example.com"));
    // What reports count holds samples of what was said.
    let report = env.run(["report"]).done();
    assert!(report.contains("user_unknown"), "{report}");
    let would = env.run(["forget", "Anna@example.com", "--dry-run"]).done();
    assert!(
        would.starts_with("would be forgotten: 1 contacts"),
        "{would}"
    );
    let gone = env
        .run(["forget", "Anna@example.com", "--format", "json"])
        .json();
    assert_eq!(gone["events"], 1);
    assert_eq!(gone["archived_mails"], 1);
    assert_eq!(gone["suppressions"], 1);

    let (_, err) = env.run(["contacts:show", "anna@example.com"]).exit(1);
    assert!(err.contains("nothing is known"), "{err}");
    for name in ["bouncekit.db", "bouncekit.db-wal"] {
        let bytes = fs::read(env.path(name)).unwrap_or_default();
        for trace in ["anna@example.com", "Xylander"] {
            assert!(
                memchr_find(&bytes, trace.as_bytes()).is_none(),
                "{trace} in {name}"
            );
        }
    }
    assert!(
        env.run(["contacts:show", "bert@example.com"])
            .done()
            .contains("user_unknown")
    );

    let _ = env.run_with(["contacts:import", "-"], people).done();
    let shown = env.run(["contacts:show", "anna@example.com"]).done();
    assert!(
        shown.contains("bounce since 2026-05-25T10:00:00Z"),
        "{shown}"
    );
}

#[test]
fn a_forgotten_person_who_comes_back_by_a_send_is_on_the_list() {
    let env = TestEnv::with_config(CONFIG);
    let add = ["dnc:add", "anna@example.com", "--reason", "unsubscribe"];
    env.run(add).done();
    env.run(["forget", "anna@example.com"]).done();
    let sends = "hash,email,email_id,sent_at\nabc123,Anna@example.com,7,2026-05-01 08:00:00\n";
    env.run_with(["sends:import", "-"], sends).done();
    let shown = env.run(["contacts:show", "anna@example.com"]).done();
    assert!(shown.contains("unsubscribe since "), "{shown}");
    assert!(shown.contains("came back by an import"), "{shown}");
}

fn memchr_find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

#[test]
fn retention_keeps_what_the_list_stands_on() {
    if crate::support::engine::is_about_files("the backup is a file") {
        return;
    }
    let env = TestEnv::with_config(&format!("{CONFIG}[retention]\nevents='1d'\nsends='1d'\n"));
    let _ = env
        .run_with(["contacts:import", "-"], "email\nanna@example.com\n")
        .done();
    env.write("in/a.eml", bounce(1, "anna@example.com"));
    env.write("in/b.eml", bounce(2, "nobody@example.com"));
    let _ = env.run(["email:fetch"]).done();
    let mut later = env;
    later.set("BOUNCEKIT_NOW", "2026-07-01T00:00:00Z");
    let would = later.run(["maintain", "--dry-run"]).done();
    assert!(would.contains("would be removed: 1 events"), "{would}");
    let did = later
        .run(["maintain", "--backup", "copy.db", "--vacuum"])
        .done();
    assert!(did.contains("removed: 1 events"), "{did}");
    let shown = later.run(["contacts:show", "anna@example.com"]).done();
    assert!(shown.contains("because of "), "{shown}");
    later.write("copy.toml", "[store]\npath='copy.db'\n");
    let copied = later
        .run(["--config", "copy.toml", "contacts:show", "anna@example.com"])
        .done();
    assert_eq!(shown, copied);
    let again = later.run(["maintain", "--backup", "copy.db"]).done();
    assert!(again.contains("removed: 0 events"), "{again}");
}
