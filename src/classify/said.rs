//! What hosts around the world say, against the rules.

use super::{Diagnostics, EnhancedStatusCode, Reason, Rules};

#[test]
fn what_hosts_say_is_understood() {
    let said = include_str!("../../fixtures/diagnostics.txt");
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in said
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
    {
        let mut cells = line.splitn(3, '|').map(str::trim);
        let (Some(reason), Some(host), Some(text)) = (cells.next(), cells.next(), cells.next())
        else {
            panic!("`{line}` has too few cells");
        };
        let expected = Reason::from_name(reason).unwrap_or_else(|| panic!("`{reason}` in {line}"));
        let reply_code = text.get(..3).and_then(|code| code.parse().ok());
        let found = Rules::builtin().explain(&Diagnostics {
            status: EnhancedStatusCode::find(text, reply_code),
            reply_code,
            text,
            receiving_host: host,
        });
        let verdict = &found.classification;
        if verdict.reason != expected {
            wrong.push(format!(
                "expected {reason}, {} by {} ({}): {text}",
                verdict.reason.name(),
                verdict.rule,
                found.matched
            ));
        }
        count += 1;
    }
    assert!(count > 100);
    assert!(
        wrong.is_empty(),
        "{} of {count} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// Reports are full of sentences that say nothing about the cause.
#[test]
fn what_every_report_says_decides_nothing() {
    let mut wrong = Vec::new();
    let neutral = include_str!("../../fixtures/boilerplate.txt");
    let lines: Vec<&str> = neutral.lines().filter(|line| !line.is_empty()).collect();
    assert!(lines.len() > 20);
    for text in lines {
        let found = Rules::builtin().explain(&Diagnostics {
            text,
            ..Diagnostics::default()
        });
        if found.classification.rule != "no-rule" {
            wrong.push(format!(
                "{} ({}): {text}",
                found.classification.rule, found.matched
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
