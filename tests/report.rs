//! The report: as text, as JSON, and as a page that a real browser draws.

use std::process::Command;

use crate::support::TestEnv;

/// The demonstration's database, and an environment that reports on it.
fn demo() -> TestEnv {
    let mut env = TestEnv::new();
    let _ = env.run(["demo", "d"]).done();
    env.set(
        "BOUNCEKIT_CONFIG",
        env.path("d/bouncekit.toml").to_str().unwrap(),
    );
    env
}

#[test]
fn every_number_is_in_all_three_forms() {
    if crate::support::engine::is_about_files("the demo has its own file") {
        return;
    }
    let env = demo();
    let json = env.run(["report", "--format", "json"]).json();
    assert_eq!(json["totals"]["sends"], 1000);
    let hard = json["totals"]["hard_bounces"].as_u64().unwrap();
    let days = json["days"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    let by_day: u64 = days
        .iter()
        .map(|day| day["hard_bounces"].as_u64().unwrap())
        .sum();
    assert!(hard > 0 && hard == by_day);
    let text = env.run(["report"]).done();
    assert!(
        text.lines()
            .any(|line| line.starts_with("hard bounces") && line.contains(&hard.to_string())),
        "{text}"
    );
    let page = env.run(["report", "--format", "html"]).done();
    assert!(page.contains(&format!(">{hard}<")), "{page}");
    assert_eq!(
        env.run(["report", "--campaign", "none", "--format", "json"])
            .json()["totals"]["sends"],
        0
    );
}

#[test]
fn what_is_beyond_limits_is_an_alarm() {
    if crate::support::engine::is_about_files("the demo has its own file") {
        return;
    }
    let env = demo();
    let (out, _) = env.run(["report", "--check"]).exit(1);
    assert!(out.contains("complaint_rate total: "), "{out}");
    let config = std::fs::read_to_string(env.path("d/bouncekit.toml")).unwrap();
    env.write(
        "d/bouncekit.toml",
        config + "[alarms]\nminimum_sends = 5000\n",
    );
    assert_eq!(env.run(["report", "--check"]).done(), "");
}

#[test]
fn an_empty_database_is_reported_too() {
    let env = TestEnv::with_config("");
    assert!(env.run(["report"]).done().contains("hard bounces"));
    assert!(
        env.run(["report", "--format", "html"])
            .done()
            .contains("</html>")
    );
    assert_eq!(env.run(["report", "--check"]).done(), "");
}

#[test]
fn hostile_text_stays_text() {
    let env = TestEnv::with_config("[[mailbox]]\nname='m'\nkind='file'\npath='in'\n");
    env.write("people.csv", "email\nanna@example.com\n");
    let _ = env.run(["contacts:import", "people.csv"]).done();
    let evil = "550 5.1.1 <script>alert(1)</script> \u{1b}[2Jgone\u{202e}";
    env.write(
        "in/a.eml",
        format!(
            "From: MAILER-DAEMON@x.example\nTo: n@x.example\nSubject: Undeliverable\nMessage-ID: <1@x>\n\
             MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
             --b\nContent-Type: text/plain\n\nno\n--b\nContent-Type: message/delivery-status\n\n\
             Reporting-MTA: dns; x.example\n\nFinal-Recipient: rfc822; anna@example.com\nAction: failed\n\
             Status: 5.1.1\nDiagnostic-Code: smtp; {evil}\n\n--b--\n"
        ),
    );
    let _ = env.run(["email:fetch"]).done();
    let page = env.run(["report", "--format", "html"]).done();
    assert!(
        !page.contains("<script") && page.contains("&lt;script"),
        "{page}"
    );
    let text = env.run(["report"]).done();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
}

#[test]
fn a_browser_draws_the_page_and_nothing_overflows() {
    let env = demo();
    let page = env.run(["report", "--format", "html"]).done();
    for loading in [
        "<script", "<link", "<img", " src=", " href=", "url(", "@import",
    ] {
        assert!(!page.contains(loading), "{loading}");
    }
    let Some(browser) = browser() else { return };
    // The page has no script of its own; this copy measures itself.
    let measure = "<script>addEventListener('load', () => { const w = document.documentElement.clientWidth;\
        const out = [...document.querySelectorAll('body *')].filter(e => !e.closest('.wide') && !e.closest('svg')\
        && e.getBoundingClientRect().right > w + 1).map(e => e.tagName + '.' + e.className);\
        parent.postMessage('MEASURED ' + w + ' ' + document.documentElement.scrollWidth\
        + ' [' + out.join() + ']', '*'); });</script></body>";
    env.write("measured.html", page.replace("</body>", measure));
    for width in [390, 1280] {
        // A window has a least width, a frame has none.
        let frame = env.write(
            format!("{width}.html"),
            format!(
                "<script>onmessage = e => document.title = e.data</script><body style='margin:0'>\
                 <iframe src=measured.html style='width:{width}px;height:1400px;border:0'></iframe>"
            ),
        );
        let url = format!("file://{}", frame.display());
        let run = |what: &str| {
            let output = Command::new(browser)
                .args([
                    "--headless",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--hide-scrollbars",
                ])
                .arg(format!(
                    "--user-data-dir={}",
                    env.path("chromium").display()
                ))
                .args(["--window-size=1300,1400", what, &url])
                .env("HOME", env.path("home"))
                .output()
                .unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let dom = run("--dump-dom");
        let wanted = format!("<title>MEASURED {width} {width} []</title>");
        assert!(dom.contains(&wanted), "{dom}");
        let shot = env.path(format!("{width}.png"));
        run(&format!("--screenshot={}", shot.display()));
        let png = std::fs::read(&shot).unwrap();
        assert!(
            png.starts_with(b"\x89PNG") && png.len() > 20_000,
            "{}",
            png.len()
        );
    }
}

fn browser() -> Option<&'static str> {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find(|name| {
            let asked = Command::new(name).arg("--version").output();
            asked.is_ok_and(|output| output.status.success())
        });
    if found.is_none() {
        eprintln!("skipped: no Chromium here; tests/run installs it");
    }
    found
}

#[test]
fn a_bulk_is_counted_by_cron_and_few_are_left_to_the_next_report() {
    let env = TestEnv::new();
    env.run(["dnc:add", "anna@example.com"]).done();
    assert_eq!(env.count("day_kind"), 0);
    env.sql(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50001)
         INSERT INTO event (key, source, kind, occurred_at, received_at, run)
         SELECT randomblob(16), 'sendgrid', 'delivered', 1777700000000, 1777700000000, 1 FROM n",
    );
    env.run(["dnc:add", "bert@example.com"]).done();
    assert_eq!(env.count("day_kind"), 0, "somebody waits");
    env.run(["webhook:replay", "--spool"]).done();
    assert_eq!(env.count("day_kind"), 2);
    // What comes now is noted, and added when somebody asks.
    env.run(["dnc:add", "carl@example.com"]).done();
    assert_eq!(env.count("uncounted"), 1);
    env.run(["report"]).done();
    assert_eq!(env.count("uncounted"), 0);
}

/// By root, a file in the place of the device would break it for everybody.
#[test]
fn a_device_stays_what_it_is() {
    let env = TestEnv::new();
    env.run(["dnc:add", "anna@example.com"]).done();
    let link = env.path("nowhere");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    for args in [
        &["metrics", "-o", "nowhere"][..],
        &["report", "--format", "html", "-o", "nowhere"],
        &["dnc:export", "-o", "nowhere", "--quiet"],
    ] {
        env.run(args).done();
        let there = std::fs::symlink_metadata(&link).unwrap();
        assert!(there.is_symlink(), "{args:?}");
    }
    assert!(!env.path("nowhere.part").exists());
}

#[test]
fn a_link_to_a_file_stays_and_the_file_is_replaced() {
    let env = TestEnv::new();
    env.run(["dnc:add", "anna@example.com"]).done();
    let link = env.path("link");
    for args in [
        &["metrics", "-o", "link"][..],
        &["dnc:export", "-o", "link", "--quiet"],
    ] {
        let file = env.write("file", "before");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(&file, &link).unwrap();
        env.run(args).done();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_ne!(std::fs::read_to_string(&file).unwrap(), "before");
    }
}
