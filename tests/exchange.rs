//! Do-not-contact lists of other systems, in and out; Mautic's tables.

use std::fs;

use crate::support::{
    TestEnv,
    mailing::{CONFIG, addresses, latest_run, listed, mailing, rows},
};

/// One of each reason, two on anna.
fn filled() -> TestEnv {
    let env = mailing("");
    let add = |address: &str, more: &[&str]| {
        env.run(["dnc:add", address].iter().chain(more)).done();
    };
    add("anna@example.com", &["--reason", "user_unknown"]);
    add("anna@example.com", &["--reason", "complaint"]);
    add(
        "bert@example.com",
        &["--reason", "mailbox_full", "--for", "30d"],
    );
    add(
        "carl@outlook.example",
        &["--reason", "unsubscribe", "--comment", "wrote, \"stop\""],
    );
    add("dora@outlook.example", &["--comment", "=cmd|' /C calc'!A0"]);
    env
}

fn export(env: &TestEnv, options: &[&str]) -> String {
    let (out, _) = env.run(["dnc:export"].iter().chain(options)).exit(0);
    out
}

#[test]
fn what_is_written_is_read_again() {
    let env = filled();
    for target in ["csv", "ndjson"] {
        let file = export(&env, &["--target", target]);
        let other = TestEnv::with_config("");
        let said = other.run_with(["dnc:import", "-"], &file).done();
        assert!(said.contains("5 added") && said.contains("0 bad"), "{said}");
        let told = |env: &TestEnv| {
            let mut rows = listed(env, &[]);
            for row in &mut rows {
                let row = row.as_object_mut().unwrap();
                row.remove("run");
                row.remove("event");
            }
            rows
        };
        assert_eq!(told(&other), told(&env), "{target}");
        let again = other.run_with(["dnc:import", "-"], &file).done();
        assert!(again.contains("0 added, 0 updated, 5 unchanged"), "{again}");
    }
}

#[test]
fn every_target_reads_the_addresses_it_wrote() {
    let env = filled();
    let everybody = [
        "anna@example.com",
        "bert@example.com",
        "carl@outlook.example",
        "dora@outlook.example",
    ];
    for target in [
        "plain",
        "ses",
        "ses-json",
        "sendgrid",
        "sparkpost",
        "mandrill",
        "elastic-email",
        "mailjet",
    ] {
        let file = export(&env, &["--target", target]);
        let other = TestEnv::with_config("");
        let said = other
            .run_with(["dnc:import", "-", "--from", target], &file)
            .done();
        assert!(said.contains(", 0 bad"), "{target}: {said}");
        let rows = listed(&other, &[]);
        let wanted = if target.starts_with("ses") {
            &everybody[..2]
        } else {
            &everybody[..]
        };
        assert_eq!(addresses(&rows), wanted, "{target}: {file}");
    }
}

#[test]
fn the_formats_of_the_providers() {
    let env = filled();
    for (target, wanted) in [
        (
            "ses",
            "anna@example.com,COMPLAINT\nbert@example.com,BOUNCE\n",
        ),
        (
            "ses-json",
            "{\"emailAddress\":\"anna@example.com\",\"reason\":\"COMPLAINT\"}\n{\"emailAddress\":\"bert@example.com\",\"reason\":\"BOUNCE\"}\n",
        ),
        (
            "sparkpost",
            "recipient,type,description\nanna@example.com,non_transactional,complaint\n\
             bert@example.com,non_transactional,bounce mailbox_full\nbert@example.com,transactional,bounce mailbox_full\n\
             carl@outlook.example,non_transactional,unsubscribe\ndora@outlook.example,non_transactional,manual\n",
        ),
        (
            "mandrill",
            "email,reason,detail,created_at,expires_at\nanna@example.com,spam,,2026-06-01 12:00:00,\n\
             bert@example.com,hard-bounce,mailbox_full,2026-06-01 12:00:00,2026-07-01 12:00:00\n\
             carl@outlook.example,unsub,\"wrote, \"\"stop\"\"\",2026-06-01 12:00:00,\n\
             dora@outlook.example,custom,=cmd|' /C calc'!A0,2026-06-01 12:00:00,\n",
        ),
    ] {
        assert_eq!(export(&env, &["--target", target]), wanted, "{target}");
    }
    // Only the spreadsheet's format defuses formulas; the apostrophe does not come back in.
    assert!(export(&env, &["--target", "csv"]).contains(",'=cmd|"));
    let (_, err) = env.run(["dnc:export", "--target", "ses"]).exit(0);
    assert!(
        err.contains("2 left out, the target has no such reason"),
        "{err}"
    );
    let (_, err) = env.run(["dnc:export", "--target", "sess"]).exit(2);
    assert!(err.contains("`sess`") && err.contains("ses-json"), "{err}");
}

#[test]
fn lists_are_known_by_their_columns() {
    for (file, wanted) in [
        ("anna@example.com\nBert@Example.com\n", "manual  |manual  "),
        (
            "status,reason,email,created\n5.1.1,\"550 5.1.1 user unknown, sorry\",anna@example.com,1767323045\n",
            "bounce user_unknown 2026-01-02T03:04:05Z",
        ),
        (
            "ip,email,created\n192.0.2.1,anna@example.com,1767323045\n",
            "complaint  2026-01-02T03:04:05Z",
        ),
        (
            "email,created\nanna@example.com,1767323045\n",
            "unsubscribe  2026-01-02T03:04:05Z",
        ),
        (
            "anna@example.com,BOUNCE\nbert@example.com, COMPLAINT\n",
            "bounce  |complaint  ",
        ),
        (
            "{\"emailAddress\": \"anna@example.com\", \"reason\": \"BOUNCE\"}\n",
            "bounce  ",
        ),
        (
            "recipient,type,source,description\nanna@example.com,non_transactional,Spam Complaint,x\n\
             bert@example.com,transactional,Bounce Rule,550 5.1.1 no such user\n",
            "complaint  |bounce user_unknown ",
        ),
        (
            "email,reason,detail,created_at,last_event_at,expires_at,subaccount\n\
             anna@example.com,hard-bounce,550 mailbox does not exist,2026-01-02 03:04:05,2026-01-02 03:04:05,2027-01-02 03:04:05,\n\
             bert@example.com,unsigned,,2026-01-02 03:04:05,,,\n",
            "bounce user_unknown 2026-01-02T03:04:05Z",
        ),
        (
            "Email,ErrorCode,FriendlyErrorMessage,DateUpdated\nanna@example.com,550,user unknown,2026-01-02T03:04:05\n",
            "bounce user_unknown 2026-01-02T03:04:05Z",
        ),
        (
            "E-Mail;Reason;Comment\nanna@example.com;unsubscribe;by letter\n",
            "unsubscribe  ",
        ),
    ] {
        let env = TestEnv::with_config("");
        let said = env.run_with(["dnc:import", "-"], file).done();
        assert!(said.contains(", 0 bad"), "{said}");
        let found: Vec<String> = listed(&env, &[])
            .iter()
            .map(|row| {
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                let since = text("since");
                let now = since == crate::support::NOW;
                format!(
                    "{} {} {}",
                    text("reason"),
                    text("detail"),
                    if now { "" } else { &since }
                )
            })
            .collect();
        assert_eq!(found.join("|"), wanted, "{file}");
    }
}

#[test]
fn bad_lines_are_told_and_the_rest_is_kept() {
    let env = TestEnv::with_config("");
    env.write("list.csv", "address,reason\nanna@example.com,bounce\nnobody,bounce\nbert@example.com,dunno\ncarl@example.com,user_unknown\n");
    let (out, err) = env.run(["dnc:import", "list.csv", "--dry-run"]).exit(1);
    assert!(
        out.contains("2 added") && out.contains("2 bad (dry run"),
        "{out}"
    );
    assert!(listed(&env, &[]).is_empty());
    assert!(
        err.contains("list.csv: line 3: `nobody`") && err.contains("line 4: `dunno` is no reason"),
        "{err}"
    );
    assert!(
        env.run(["dnc:import", "list.csv"])
            .exit(1)
            .0
            .contains("2 added")
    );
    // Released by a person: the same list does not bring it back; undone, it counts again.
    env.run(["dnc:release", "anna@example.com"]).done();
    let release = latest_run(&env);
    assert!(
        env.run(["dnc:import", "list.csv"])
            .exit(1)
            .0
            .contains("2 unchanged")
    );
    assert_eq!(addresses(&listed(&env, &[])), ["carl@example.com"]);
    env.run(["runs:undo", &release]).done();
    assert_eq!(listed(&env, &[]).len(), 2);
}

#[test]
fn the_difference_to_the_last_export() {
    let env = filled();
    assert_eq!(export(&env, &["--target", "ses"]).lines().count(), 2);
    assert_eq!(export(&env, &["--target", "ses", "--since-last"]), "");
    // Another target has not been told anything.
    assert_eq!(export(&env, &["--since-last"]).lines().count(), 4);
    env.run(["dnc:add", "emil@example.net", "--reason", "bounce"])
        .done();
    env.run([
        "dnc:release",
        "anna@example.com",
        "--force",
        "--comment",
        "by letter",
    ])
    .done();
    let diff = ["--target", "ses", "--since-last"];
    let (out, err) = env
        .run(["dnc:export", "--dry-run"].iter().chain(&diff))
        .exit(0);
    assert_eq!(out, "emil@example.net,BOUNCE\n");
    assert!(
        err.contains("1 new entries, 1 to be removed (not written"),
        "{err}"
    );
    assert_eq!(export(&env, &diff), "emil@example.net,BOUNCE\n");
    // What was not written is still to be told.
    let out = export(
        &env,
        &[&diff[..], &["--removed", "gone.csv", "-o", "new.csv"]].concat(),
    );
    assert_eq!(out, "");
    assert_eq!(
        fs::read_to_string(env.path("gone.csv")).unwrap(),
        "anna@example.com\n"
    );
    assert_eq!(fs::read_to_string(env.path("new.csv")).unwrap(), "");
    let (_, err) = env.run(["dnc:export"].iter().chain(&diff)).exit(0);
    assert!(err.contains("0 new entries, 0 to be removed"), "{err}");
    // A reason that changes is told, without a removal.
    env.run(["dnc:add", "emil@example.net", "--reason", "complaint"])
        .done();
    let (out, err) = env.run(["dnc:export"].iter().chain(&diff)).exit(0);
    assert_eq!(out, "emil@example.net,COMPLAINT\n");
    assert!(err.contains("0 to be removed"), "{err}");
}

#[test]
fn hashes_tell_only_who_is_known() {
    let env = filled();
    env.write("salt", "0123456789abcdef\n");
    let (_, err) = env.run(["dnc:export", "--target", "sha256"]).exit(2);
    assert!(err.contains("--salt-file"), "{err}");
    let hashes = export(&env, &["--target", "sha256", "--salt-file", "salt"]);
    assert!(
        hashes.lines().count() == 4 && hashes.lines().all(|line| line.len() == 64),
        "{hashes}"
    );

    let other = mailing("");
    other.write("salt", "0123456789abcdef");
    other.write("hashes", format!("{hashes}{}\n", "0".repeat(64)));
    assert!(
        other
            .run(["dnc:import", "hashes"])
            .exit(2)
            .1
            .contains("--salt-file")
    );
    let said = other
        .run([
            "dnc:import",
            "hashes",
            "--salt-file",
            "salt",
            "--reason",
            "unsubscribe",
        ])
        .done();
    assert!(
        said.contains("4 added") && said.contains("5 hashes: 4 are of known addresses"),
        "{said}"
    );
    assert_eq!(
        addresses(&listed(&other, &["--reason", "unsubscribe"])),
        addresses(&listed(&env, &[]))[1..]
    );
}

/// Mautic's tables as `mysqldump --tab` writes them.
fn mautic() -> TestEnv {
    let env = TestEnv::with_config(CONFIG);
    env.write(
        "leads.sql",
        "CREATE TABLE `leads` (\n  `id` bigint unsigned NOT NULL AUTO_INCREMENT,\n  `owner_id` int DEFAULT NULL,\n  \
         `internal` longtext,\n  `email` varchar(191) DEFAULT NULL,\n  `company` varchar(191) DEFAULT NULL,\n  PRIMARY KEY (`id`)\n);\n",
    );
    env.write(
        "leads.txt",
        "1\t\\N\ta:0:{}\tanna@example.com\tA\\\tB \\\\ Sons\n2\t1\ta:0:{}\t\\N\t\\N\n3\t1\ta:0:{}\tbert@example.com\tOne\\\nTwo\n4\t1\tx\tnobody\t\\N\n",
    );
    env.write(
        "email_stats.txt",
        "1\t7\t1\t\\N\t\\N\t\\N\tanna@example.com\t2026-05-01 08:00:00\t0\t0\t0\t\\N\t5f0c1a2b3c4d5123456789\t0\tcampaign.event\t3\ta:0:{}\t0\t\\N\ta:0:{}\t2026-05-01\n\
         2\t7\t3\t\\N\t\\N\t\\N\tbert@example.com\t2026-05-01 08:00:00\t0\t0\t0\t\\N\t\\N\t0\t\\N\t\\N\t\\N\t0\t\\N\t\\N\t2026-05-01\n",
    );
    env.write(
        "lead_donotcontact.txt",
        "1\t1\t2026-04-01 10:00:00\t2\temail\t7\tMailbox is full\n2\t3\t2026-04-02 10:00:00\t1\temail\t\\N\tMarked as spam\n\
         3\t3\t2026-04-03 10:00:00\t3\tsms\t\\N\t\\N\n4\t99\t2026-04-04 10:00:00\t3\temail\t\\N\t\\N\n",
    );
    env
}

#[test]
fn dumps_of_mautics_tables_are_read() {
    let env = mautic();
    let (out, err) = env
        .run(["contacts:import", "--table", "leads", "leads.txt"])
        .exit(1);
    assert!(
        out.contains("2 added") && out.contains("1 left out, 1 bad"),
        "{out}"
    );
    assert!(err.contains("leads.txt: line 5: `nobody`"), "{err}");
    let shown = env
        .run(["contacts:show", "anna@example.com", "--format", "json"])
        .json();
    let contact = &shown["contacts"][0];
    assert_eq!(
        (&contact["external_id"], &contact["attributes"]),
        (&"1".into(), &serde_json::json!({"company": "A\tB \\ Sons"}))
    );

    let out = env
        .run(["sends:import", "--table", "email_stats", "email_stats.txt"])
        .done();
    assert!(
        out.contains("1 added") && out.contains("1 left out"),
        "{out}"
    );
    let shown = env.run(["contacts:show", "anna@example.com"]).done();
    assert!(
        shown.contains("2026-05-01T08:00:00Z e-mail 7 hash 5f0c1a2b3c4d5123456789"),
        "{shown}"
    );

    let (out, err) = env
        .run([
            "dnc:import",
            "--table",
            "lead_donotcontact",
            "lead_donotcontact.txt",
        ])
        .exit(1);
    assert!(
        out.contains("2 added") && out.contains("1 left out, 1 bad"),
        "{out}"
    );
    assert!(err.contains("line 4: contact 99 is not known"), "{err}");
    let rows = listed(&env, &[]);
    let told = |row: &serde_json::Value| {
        format!("{} {} {}", row["reason"], row["detail"], row["since"]).replace('"', "")
    };
    assert_eq!(told(&rows[0]), "bounce mailbox_full 2026-04-01T10:00:00Z");
    assert_eq!(told(&rows[1]), "complaint null 2026-04-02T10:00:00Z");

    // Without the definition beside it, the columns must be named.
    fs::remove_file(env.path("leads.sql")).unwrap();
    let (_, err) = env
        .run(["contacts:import", "--table", "leads", "leads.txt"])
        .exit(2);
    assert!(
        err.contains("leads.txt") && err.contains("--columns"),
        "{err}"
    );
    let (out, _) = env
        .run([
            "contacts:import",
            "--columns",
            "id,owner_id,internal,email,company",
            "--table",
            "leads",
            "leads.txt",
        ])
        .exit(1);
    assert!(out.contains("2 unchanged"), "{out}");
}

#[test]
fn mautic_is_told_in_its_own_words() {
    let env = mautic();
    assert!(
        env.run(["contacts:import", "--table", "leads", "leads.txt"])
            .exit(1)
            .0
            .contains("2 added")
    );
    env.run(["dnc:add", "anna@example.com", "--reason", "user_unknown"])
        .done();
    env.run(["dnc:add", "bert@example.com", "--reason", "unsubscribe"])
        .done();
    env.run(["dnc:add", "zoe@example.org"]).done();
    assert_eq!(
        export(&env, &["--target", "mautic-csv"]),
        "lead_id,date_added,reason,channel,channel_id,comments\n\
         1,2026-06-01 12:00:00,2,email,\\N,Unknown user or server\n\
         3,2026-06-01 12:00:00,1,email,\\N,Contact unsubscribed via email\n"
    );
    let calls = rows(&export(&env, &["--target", "mautic-api"]));
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0]["path"], "/api/contacts/1/dnc/email/add");
    assert_eq!(calls[0]["body"]["reason"], 2);
    env.run(["dnc:release", "anna@example.com"]).done();
    let calls = rows(&export(&env, &["--target", "mautic-api", "--since-last"]));
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0]["path"], "/api/contacts/1/dnc/email/remove");
    let (_, err) = env.run(["dnc:export", "--target", "mautic-api"]).exit(0);
    assert!(
        err.contains("1 left out, no contact has an external id"),
        "{err}"
    );
}
