//! What is handed to other programs: completions, manual pages, crontab lines, units, metrics.

use std::{fs, process::Command};

use crate::support::TestEnv;

#[test]
fn every_command_has_a_manual_page_that_groff_reads() {
    let env = TestEnv::new();
    let said = env.run(["install:man", "man1"]).done();
    let pages: Vec<_> = fs::read_dir(env.path("man1"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(
        said.starts_with(&format!("{} pages", pages.len())),
        "{said}"
    );
    assert!(env.path("man1/bouncekit-email-fetch.1").is_file());
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        assert!(
            text.contains(".SH NAME") && text.contains(".SH SYNOPSIS"),
            "{text}"
        );
        let Ok(checked) = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(&page)
            .output()
        else {
            eprintln!("skipped: no groff here");
            return;
        };
        assert!(checked.stderr.is_empty(), "{}: {checked:?}", page.display());
    }
}

#[test]
fn completions_name_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let script = TestEnv::new().run(["completions", shell]).done();
        assert!(
            script.contains("email:fetch") || script.contains("email\\:fetch"),
            "{shell}"
        );
    }
}

#[test]
fn what_cron_and_systemd_start_can_be_started() {
    let env = TestEnv::with_config("[[mailbox]]\nname='m'\nkind='maildir'\npath='mail'\n");
    for folder in ["mail/new", "mail/cur", "mail/tmp"] {
        fs::create_dir_all(env.path(folder)).unwrap();
    }
    let lines = env.run(["install:cron", "--user", "mailer"]).done();
    let mut started = 0;
    for line in lines.lines().filter(|line| !line.starts_with('#')) {
        let mut fields = line.splitn(6, ' ').skip(5);
        let (user, command) = fields.next().unwrap().trim().split_once("  ").unwrap();
        assert_eq!(user, "mailer");
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir("/")
            .env_clear()
            .env("HOME", env.path("home"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{command}: {output:?}");
        assert!(output.stderr.is_empty(), "{command}: {output:?}");
        started += 1;
    }
    assert!(started >= 3, "{lines}");
    let units = env.run(["install:systemd", "--user", "mailer"]).done();
    assert_eq!(units.matches("ExecStart=").count(), started);
    assert_eq!(units.matches("OnCalendar=").count(), started);
    assert!(
        units.contains(
            &format!("ReadWritePaths={}", env.path("").display())
                .trim_end_matches('/')
                .to_owned()
        )
    );
    let (_, err) = TestEnv::new().run(["install:cron"]).exit(2);
    assert!(err.contains("hint: "), "{err}");
}

#[test]
fn metrics_are_prometheus_text() {
    let env = TestEnv::with_config("");
    env.write("people.csv", "email\nanna@example.com\n");
    let _ = env.run(["contacts:import", "people.csv"]).done();
    let _ = env.run(["metrics", "--output", "b.prom"]).done();
    let text = fs::read_to_string(env.path("b.prom")).unwrap();
    assert!(
        text.contains(
            "bouncekit_last_run_timestamp_seconds{command=\"contacts:import\"} 1780315200"
        ),
        "{text}"
    );
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(
            name.starts_with("bouncekit_") && value.parse::<u64>().is_ok(),
            "{line}"
        );
    }
    assert_eq!(
        fs::read_dir(env.path(""))
            .unwrap()
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .file_name()
                    .to_string_lossy()
                    .starts_with(".b.prom")
            })
            .count(),
        0
    );
}
