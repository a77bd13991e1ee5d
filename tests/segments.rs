//! Segments as admins use them: defined, built, looked at, explained, kept by hand.

use bouncekit_core::{store::Holder, time::Timestamp};

use crate::support::{TestEnv, mailing};

const PEOPLE: &str = "id,email,city,age,joined,vip\n\
1,anna@example.com,Graz,41,2026-05-20,yes\n\
2,bert@example.com,Wien,29,2025-03-01,no\n\
3,carl@example.org,graz,,,\n\
4,dora@xn--bcher-kva.example,Linz,7,2026-06-01,\n";

/// A returned mail that says this of `to`.
fn bounce(to: &str, status: &str, said: &str, date: &str) -> String {
    format!(
        "Return-Path: <>\r\nFrom: MAILER-DAEMON@mx.example.com\r\nTo: news@example.net\r\n\
         Message-ID: <{to}{date}@mx.example.com>\r\nDate: {date}\r\nSubject: Undelivered\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"b\"\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; {to}\r\nAction: failed\r\n\
         Status: {status}\r\nRemote-MTA: dns; in.example.com\r\nDiagnostic-Code: smtp; {said}\r\n\r\n--b--\r\n"
    )
}

/// Four people; anna's mailbox is gone, bert's is full (twice).
fn world() -> TestEnv {
    let env =
        TestEnv::with_config("[[mailbox]]\nname = 'bounces'\nkind = 'maildir'\npath = 'Mail'\n");
    for folder in ["cur", "tmp"] {
        env.write(format!("Mail/{folder}/.keep"), "");
    }
    let (gone, full) = ("550 5.1.1 User unknown", "452 4.2.2 Mailbox full");
    env.write(
        "Mail/new/1",
        bounce(
            "anna@example.com",
            "5.1.1",
            gone,
            "Mon, 25 May 2026 10:00:00 +0000",
        ),
    );
    for (name, date) in [
        ("2", "Tue, 26 May 2026 10:00:00 +0000"),
        ("3", "Fri, 29 May 2026 10:00:00 +0000"),
    ] {
        env.write(
            format!("Mail/new/{name}"),
            bounce("bert@example.com", "4.2.2", full, date),
        );
    }
    env.write("people.csv", PEOPLE);
    let _ = env.run(["contacts:import", "people.csv"]).done();
    let _ = env.run(["email:fetch"]).done();
    env
}

/// The local parts of those who meet a filter.
fn meeting(env: &TestEnv, filter: &str) -> String {
    let out = env
        .run(["contacts:list", "--format", "json", "--filter", filter])
        .done();
    let names = out.lines().map(|line| {
        let row: serde_json::Value = serde_json::from_str(line).unwrap();
        row["address"]
            .as_str()
            .unwrap()
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    });
    names.collect::<Vec<_>>().join(" ")
}

/// The local parts of a segment's members.
fn members(env: &TestEnv, segment: &str) -> String {
    let out = env
        .run(["segments:show", segment, "--format", "csv"])
        .done();
    let names = out.lines().skip(1).map(|line| {
        line.split(',')
            .nth(2)
            .unwrap()
            .split('@')
            .next()
            .unwrap()
            .to_owned()
    });
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn filters_mean_what_they_say() {
    let env = world();
    for (filter, who) in [
        ("bounced", "anna"),
        ("bounced = no", "bert carl dora"),
        ("contactable and contact.city = 'Graz'", "carl"),
        ("city = graz", "anna carl"),
        ("city != graz", "bert dora"),
        ("city in (Linz, wien)", "bert dora"),
        ("city starts G or city ends 'Z'", "anna carl dora"),
        ("city contains 'IE' or city like 'L_nz'", "bert dora"),
        ("city matches '^[A-Z]raz$'", "anna"),
        ("age is empty", "carl"),
        ("age is not empty and age < 30", "bert dora"),
        ("age between 29 and 41", "anna bert"),
        ("age = 7.0", "dora"),
        ("vip = yes", "anna"),
        ("vip != yes", "bert carl dora"),
        ("vip = no", "bert"),
        ("joined > -30d", "anna dora"),
        ("joined = today", "dora"),
        ("joined = 2025-03-01 or joined < 2025-03-01", "bert"),
        ("joined <= 2026-05-20", "anna bert"),
        ("domain = BÜCHER.example", "dora"),
        ("address = 'Anna@Example.COM'", "anna"),
        ("address like '%@example.___'", "anna bert carl"),
        ("external_id in (2, 3)", "bert carl"),
        ("soft_bounces within 7d >= 2", "bert"),
        ("soft_bounces within 5d >= 2", ""),
        ("soft_bounces within 5d = 1", "bert"),
        ("bounces = 0", "carl dora"),
        ("last_bounce > -4d", "bert"),
        ("last_bounce is empty", "carl dora"),
        ("first_bounce = 2026-05-26", "bert"),
        ("bounce_reason = user_unknown", "anna"),
        ("bounce_reason != user_unknown", "bert carl dora"),
        (
            "bounce_fault = recipient and bounce_permanence = soft",
            "bert",
        ),
        ("bounce_status starts '4.'", "bert"),
        ("bounce_code between 500 and 599", "anna"),
        ("diagnostic contains 'MAILBOX FULL'", "bert"),
        ("receiving_host = in.example.com", "anna bert"),
        ("provider = bounces", "anna bert"),
        ("score = 2", "bert"),
        ("score > 0 and bounced", ""),
        (
            "listed_for = bounce and listed_detail = user_unknown",
            "anna",
        ),
        ("listed_since < -5d", "anna"),
        ("not (bounced or city = linz) and id > 2", "carl"),
    ] {
        assert_eq!(meeting(&env, filter), who, "{filter}");
    }
}

#[test]
fn a_segment_is_built_and_follows() {
    let mut env = world();
    let _ = env
        .run(["segments:create", "Bounced", "--filter", "bounced = yes"])
        .done();
    let _ = env
        .run([
            "segments:create",
            "Soft",
            "--filter",
            "soft_bounces within 5d > 0 and segment != Bounced",
        ])
        .done();
    let out = env.run(["segments:update", "--timing"]).done();
    assert!(
        out.contains("segment 1 `Bounced`: 1 added, 0 removed, 1 member\n"),
        "{out}"
    );
    assert!(out.contains("full, 4 contacts looked at"), "{out}");
    assert_eq!(
        (members(&env, "Bounced"), members(&env, "2")),
        ("anna".into(), "bert".into())
    );

    // Nothing new: nobody is looked at. A day too late for the window: bert is, and leaves.
    let out = env.run(["segments:update", "--timing"]).done();
    assert!(out.contains("incremental, 0 contacts looked at"), "{out}");
    env.set("BOUNCEKIT_NOW", "2026-06-04T12:00:00Z");
    let dry = env.run(["segments:update", "--dry-run"]).done();
    assert!(
        dry.contains("`Soft`: 0 would join, 1 would leave\n  - bert@example.com"),
        "{dry}"
    );
    assert_eq!(members(&env, "Soft"), "bert");
    let out = env.run(["segments:update", "--timing"]).done();
    assert!(
        out.contains("`Soft`: 0 added, 1 removed, 0 members"),
        "{out}"
    );
    assert!(out.contains("incremental, 1 contact looked at"), "{out}");

    // An address corrected starts clean.
    let _ = env
        .run_with(["contacts:import"], "id,email\n1,anna.b@example.com\n")
        .done();
    let out = env
        .run(["segments:update", "--format", "json", "--list-id", "1"])
        .json();
    assert_eq!(out["segments"][0]["removed"], 1, "{out}");
    let list = env.run(["segments:list", "--format", "json"]).done();
    assert!(
        list.contains("\"built_at\":\"2026-06-04T12:00:00Z\""),
        "{list}"
    );
}

#[test]
fn what_people_do_by_hand_stays() {
    let env = world();
    let _ = env
        .run(["segments:create", "Bounced", "--filter", "bounced"])
        .done();
    let _ = env.run(["segments:update"]).done();
    let out = env
        .run(["segments:add", "Bounced", "carl@example.org", "4"])
        .done();
    assert!(out.contains("2 put in by hand"), "{out}");
    let (out, err) = env
        .run(["segments:remove", "Bounced", "anna@example.com", "nobody"])
        .exit(1);
    assert!(out.contains("1 taken out by hand, 1 unknown"), "{out}");
    assert!(
        err.contains("no contact `nobody`") && err.contains("hint: "),
        "{err}"
    );
    for more in [vec![], vec!["--full"]] {
        let _ = env.run(["segments:update"].into_iter().chain(more)).done();
        assert_eq!(members(&env, "Bounced"), "carl dora");
    }
    let _ = env
        .run_with(
            ["segments:add", "Bounced", "-", "--by-filter"],
            "4\n\nanna@example.com\n",
        )
        .done();
    let out = env.run(["segments:update"]).done();
    assert!(out.contains("1 added, 0 removed, 2 members"), "{out}");
    assert_eq!(members(&env, "Bounced"), "anna carl");
    let why = env
        .run(["segments:explain", "Bounced", "carl@example.org"])
        .done();
    assert!(
        why.contains("by hand since") && why.contains("does not meet"),
        "{why}"
    );
}

#[test]
fn an_explanation_names_the_row() {
    let env = world();
    let filter = "bounced and not (age > 50 or soft_bounces > 0) and joined > -30d";
    let _ = env
        .run(["segments:create", "Why", "--filter", filter])
        .done();
    let why = env
        .run(["segments:explain", "Why", "anna@example.com"])
        .done();
    assert!(
        why.contains("not in `Why`") && why.contains("now meets the filter"),
        "{why}"
    );
    let lines: Vec<&str> = why.lines().map(str::trim).collect();
    for [condition, because] in [
        [
            "yes bounced = yes",
            "reason bounce, detail user_unknown, since 2026-05-25T10:00:00Z",
        ],
        ["no  contact.age > 50", "it is \"41\""],
        ["no  soft_bounces > 0", "it is 0"],
        ["yes contact.joined > -30d", "it is \"2026-05-20\""],
    ] {
        let at = lines.iter().position(|line| *line == condition);
        let at = at.unwrap_or_else(|| panic!("{condition}: {why}"));
        assert!(lines[at + 1].starts_with(because), "{because}: {why}");
    }
    let why = env
        .run(["segments:explain", "1", "2", "--format", "json"])
        .json();
    assert_eq!(why["meets"], false);
    let soft = &why["filter"]["all"][1]["not"]["any"][1];
    assert_eq!(soft["value"], 2, "{why}");
    assert_eq!(soft["rows"][0]["reason"], "mailbox_full");
    assert_eq!(soft["rows"][0]["at"], "2026-05-29T10:00:00Z");
}

#[test]
fn mistakes_point_at_the_place_and_a_way_out() {
    let env = world();
    let (_, err) = env
        .run([
            "segments:create",
            "X",
            "--filter",
            "city = graz and bouncd = yes",
        ])
        .exit(2);
    assert_eq!(
        err,
        "error: column 17 of the filter: nothing is named `bouncd`: no filter, and no contact has such an attribute\n  \
         city = graz and bouncd = yes\n                  ^^^^^^\nhint: did you mean `bounced`?\n"
    );
    let (_, err) = env
        .run(["contacts:list", "--filter", "ciyt = graz"])
        .exit(2);
    assert!(err.contains("did you mean `city`?"), "{err}");
    let (_, err) = env.run(["segments:update", "--segment", "Bouncd"]).exit(2);
    assert!(err.contains("no segment `Bouncd`"), "{err}");

    for (name, filter) in [
        ("a", "bounced"),
        ("b", "segment = a"),
        ("c", "segment = b or bounced"),
    ] {
        let _ = env
            .run(["segments:create", name, "--filter", filter])
            .done();
    }
    let (_, err) = env
        .run(["segments:edit", "a", "--filter", "segment in (c)"])
        .exit(2);
    assert!(
        ["a → c → b → a", "b → a → c → b", "c → b → a → c"]
            .iter()
            .any(|path| err.contains(path)),
        "{err}"
    );
    let (_, err) = env
        .run(["segments:create", "d", "--filter", "segment = d"])
        .exit(2);
    assert!(err.contains("no segment `d`"), "{err}");
    let (_, err) = env
        .run(["segments:create", "A", "--filter", "bounced"])
        .exit(2);
    assert!(err.contains("there already"), "{err}");
    let (_, err) = env.run(["segments:delete", "a"]).exit(2);
    assert!(err.contains("`b`"), "{err}");

    // A new name is followed by those who refer to it.
    let out = env.run(["segments:edit", "a", "--name", "It's"]).done();
    assert!(out.contains("`b`: segment = 'It''s'"), "{out}");
    let _ = env.run(["segments:update"]).done();
    assert_eq!(members(&env, "c"), "anna");
    let _ = env.run(["segments:delete", "c", "b"]).done();
    assert_eq!(
        env.run(["segments:list", "--format", "csv"])
            .done()
            .lines()
            .count(),
        2
    );
}

#[test]
fn mautics_options_choose_and_limit() {
    let env = world();
    for (name, filter) in [("a", "id > 0"), ("b", "id > 1"), ("c", "id > 2")] {
        let _ = env
            .run(["segments:create", name, "--filter", filter])
            .done();
    }
    let _ = env.run(["segments:unpublish", "c"]).done();
    let out = env.run(["segments:update", "--exclude", "2"]).done();
    assert!(
        out.contains("`a`: 4 added") && !out.contains("`b`") && !out.contains("`c`"),
        "{out}"
    );
    let update = [
        "segments:update",
        "-i",
        "b",
        "--max-contacts",
        "2",
        "--batch-limit",
        "1",
    ];
    let out = env.run(update).done();
    assert!(
        out.contains("2 added, 0 removed, 2 members, 1 changes left"),
        "{out}"
    );
    assert!(
        env.run(update)
            .done()
            .contains("1 added, 0 removed, 3 members\n")
    );
    let _ = env.run(["segments:publish", "c"]).done();
    assert!(env.run(["segments:update"]).done().contains("`c`: 2 added"));
}

#[test]
fn the_configuration_declares_segments() {
    let env = TestEnv::with_config(
        "[[segment]]\nname = 'Good'\nfilter = \"segment != 'Bad'\"\n\
         [[segment]]\nname = 'Bad'\nfilter = 'bounced or complained'\npublished = false\n",
    );
    let _ = env
        .run(["segments:create", "Mine", "--filter", "bounced"])
        .done();
    let dry = env.run(["segments:apply", "--dry-run"]).done();
    assert!(dry.contains("+ `Good`: segment != 'Bad'\n+ `Bad` (unpublished): bounced = yes or complained = yes\n2 created"), "{dry}");
    assert!(!env.run(["segments:list"]).done().contains("Good"));
    assert_eq!(
        env.run(["segments:apply"]).done(),
        dry.replace(" (dry run: nothing was written)", "")
    );
    assert!(
        env.run(["segments:apply"])
            .done()
            .starts_with("0 created, 0 changed, 0 deleted, 2 as they should be")
    );

    env.write(
        "bouncekit.toml",
        "[[segment]]\nname = 'Bad'\nfilter = 'bounced'\n",
    );
    let (out, err) = env.run(["segments:apply"]).exit(0);
    assert!(out.contains("- `Bad` (unpublished): bounced = yes or complained = yes\n+ `Bad`: bounced = yes\n? `Good`"), "{out}");
    assert!(err.contains("--prune"), "{err}");
    assert!(
        env.run(["segments:apply", "--prune"])
            .done()
            .contains("- `Good`")
    );
    let list = env.run(["segments:list"]).done();
    assert!(
        list.contains("Mine") && list.contains("Bad") && !list.contains("Good"),
        "{list}"
    );

    env.write(
        "bouncekit.toml",
        "[[segment]]\nname = 'Bad'\nfilter = 'bouncd'\n",
    );
    let (_, err) = env.run(["segments:apply"]).exit(2);
    assert!(
        err.contains("[[segment]] `Bad`: column 1") && err.contains("^^^^^^"),
        "{err}"
    );
}

#[test]
fn an_export_is_whole_and_harmless() {
    let env = world();
    let _ = env
        .run_with(
            ["contacts:import"],
            "id,email,city\n9,eve@example.com,\"=HYPERLINK(1)\"\n",
        )
        .done();
    let _ = env
        .run(["segments:create", "All", "--filter", "id > 0"])
        .done();
    let _ = env.run(["segments:update"]).done();
    let out = env
        .run(["segments:export", "All", "--output", "all.csv"])
        .done();
    assert!(out.contains("5 members"), "{out}");
    let file = std::fs::read_to_string(env.path("all.csv")).unwrap();
    assert!(
        file.starts_with(
            "id,external_id,address,origin,since,age,city,joined,vip\n1,1,anna@example.com,filter,"
        ),
        "{file}"
    );
    assert!(file.contains("'=HYPERLINK(1)"), "{file}");
    assert!(!env.path("all.csv.part").exists());
    let json = env
        .run(["segments:export", "All", "--format", "json"])
        .done();
    assert!(
        json.lines().nth(1).unwrap().contains("\"city\":\"Wien\""),
        "{json}"
    );
}

#[test]
fn overlapping_runs_name_the_holder() {
    let env = world();
    let _ = env
        .run(["segments:create", "Bounced", "--filter", "bounced"])
        .done();
    let pid = std::process::id();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let started = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .nth(19)
        .unwrap()
        .parse()
        .unwrap();
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .unwrap()
        .trim()
        .to_owned();
    let mut store = env.store();
    let holder = Holder { host, pid, started };
    store
        .take_lease("segments", &holder, Timestamp(0), |_| false)
        .unwrap()
        .unwrap();
    let (_, err) = env.run(["segments:update"]).exit(4);
    assert!(
        err.contains(&format!("process {pid}")) && err.contains("hint: "),
        "{err}"
    );
    store.end_lease("segments", &holder).unwrap();
    assert!(env.run(["segments:update"]).done().contains("1 added"));
}

#[test]
fn every_filter_is_told() {
    let env = TestEnv::new();
    let out = env.run(["segments:filters"]).done();
    for filter in bouncekit_core::segment::FILTERS {
        assert!(
            out.lines().any(|line| line.starts_with(filter.name)),
            "{}",
            filter.name
        );
    }
    assert!(out.contains("contact.NAME"), "{out}");
}

/// The addresses of those who meet the filter, with blanks between them.
fn addresses_meeting(env: &TestEnv, filter: &str) -> String {
    let listed = env.run(["contacts:list", "--format", "csv", "--filter", filter]);
    let lines = listed.done();
    let names = lines
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(2).unwrap().to_owned());
    names.collect::<Vec<_>>().join(" ")
}

#[test]
fn who_opened_is_known_where_the_import_says_so() {
    let env = TestEnv::new();
    let people = "id,email\n1,anna@example.com\n2,bert@example.com\n3,carl@example.com\n";
    env.run_with(["contacts:import", "-"], people).done();
    let sends = "tracking_hash,email_address,email_id,date_sent,is_read,date_read\n\
                 a1,anna@example.com,7,2026-05-01 08:00:00,1,2026-05-20 09:00:00\n\
                 b1,bert@example.com,7,2026-05-01 08:00:00,0,\n\
                 c1,carl@example.com,7,2026-05-01 08:00:00,1,\n";
    env.run_with(["sends:import", "-"], sends).done();
    let who = |filter: &str| addresses_meeting(&env, filter);
    assert_eq!(who("opened"), "anna@example.com carl@example.com");
    assert_eq!(who("not opened"), "bert@example.com");
    assert_eq!(who("last_opened > -15d"), "anna@example.com");
    // Mautic tells of an opening with the next dump; the first time stays.
    let later = "tracking_hash,email_address,email_id,date_sent,is_read,date_read\n\
                 a1,anna@example.com,7,2026-05-01 08:00:00,1,2026-05-25 09:00:00\n\
                 b1,bert@example.com,7,2026-05-01 08:00:00,1,2026-05-30 09:00:00\n";
    env.run_with(["sends:import", "-"], later).done();
    assert_eq!(who("not opened"), "");
    assert_eq!(who("last_opened > -10d"), "bert@example.com");
}

#[test]
fn the_score_is_that_of_the_policy_with_its_overrides() {
    let env = mailing::mailing(
        "[[policy.override]]\ndomains = ['outlook.example']\nreasons = { mailbox_full = 'score 3' }\n\
         [[policy.override]]\nreceiving_hosts = ['example.net']\nreasons = { mailbox_full = 'score 2' }\n\
         [[policy.override]]\ncampaigns = ['7']\nwindow = '1d'\n",
    );
    for person in [1, 2, 3, 5] {
        mailing::full(&env, person, "25 May 2026 14:05:00");
    }
    mailing::full(&env, 2, "1 Jun 2026 09:00:00");
    env.run(["email:fetch"]).done();
    let who = |filter: &str| addresses_meeting(&env, filter);
    assert_eq!(who("score = 3"), "carl@outlook.example");
    assert_eq!(who("score = 2"), "emil@example.net");
    // Of campaign 7 only the last day counts.
    assert_eq!(who("score = 1"), "bert@example.com");
    assert_eq!(
        who("score >= 1 or bounces > 0"),
        "anna@example.com bert@example.com carl@outlook.example emil@example.net"
    );
    // What an undone run brought gives no points.
    env.run(["runs:undo", &mailing::latest_run(&env)]).done();
    assert_eq!(who("score >= 1 or bounces > 0"), "");
}

#[test]
fn an_edit_must_say_what_is_to_change() {
    let env = TestEnv::new();
    let create = [
        "segments:create",
        "All",
        "--filter",
        "bounced or not bounced",
    ];
    env.run(create).done();
    let (_, err) = env.run(["segments:edit", "All"]).exit(2);
    assert!(err.contains("--filter") && err.contains("--name"), "{err}");
}
