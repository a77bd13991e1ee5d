//! What commands write as JSON is what `bouncekit schema` says of them.

use serde_json::Value;

use crate::support::{
    TestEnv,
    mailing::{full, latest_run, mailing, unknown},
};

/// What has no `--format json`, and why.
const OTHERWISE: &[(&str, &str)] = &[
    ("completions", "a script for a shell"),
    ("demo", "shows other commands' output"),
    ("dnc:export", "writes what its --target asks for"),
    ("install:cron", "a crontab"),
    ("install:man", "man pages"),
    ("install:systemd", "units"),
    ("metrics", "Prometheus' text format"),
    ("schema", "JSON anyway"),
    ("webhook:confirm", "a step of setting up, for a person"),
    ("webhook:receive", "an answer in HTTP"),
    ("webhook:setup", "instructions for a person"),
    ("webhook:test", "a step of setting up, for a person"),
];

#[test]
fn every_command_that_prints_results_prints_json_that_is_described() {
    let env = TestEnv::new();
    let help = env.run(["--help"]).done();
    // Below the heading; a line that goes on is indented deeper.
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    assert!(commands.len() > 50, "{help}");
    let described = env.run(["schema"]).done();
    let described: Vec<&str> = described.lines().collect();
    for command in commands {
        let help = env.run([command, "--help"]).done();
        // What is said of the option, up to the next one.
        let json = help
            .lines()
            .skip_while(|line| !line.trim_start().starts_with("--format <FORMAT>"))
            .enumerate()
            .take_while(|(number, line)| {
                let line = line.trim_start();
                *number == 0 || !line.starts_with('-') || line.starts_with("- ")
            })
            .any(|(_, line)| line.contains("json"));
        let otherwise = OTHERWISE.iter().any(|(name, _)| *name == command);
        assert!(json != otherwise, "{command}: --format json?");
        assert_eq!(json, described.contains(&command), "{command}: a schema?");
    }
}

#[test]
fn every_list_is_as_its_schema_says() {
    let env = busy();
    let run = latest_run(&env);
    let database = env.database().to_str().unwrap().to_owned();
    let add = [
        "dnc:add",
        "gerd@example.net",
        "--comment",
        "by phone",
        "--quiet",
    ];
    let _ = env.run(add);
    write_inputs(&env);
    let commands: &[(&str, &[&str])] = &[
        ("contacts:import", &["contacts.csv", "--dry-run"]),
        ("contacts:list", &[]),
        ("contacts:show", &["anna@example.com"]),
        ("dnc:add", &["hans@example.net"]),
        ("dnc:import", &["list.csv", "--dry-run"]),
        ("dnc:list", &[]),
        ("dnc:release", &["--reason", "user_unknown", "--dry-run"]),
        ("doctor", &[]),
        ("email:explain", &["full.eml"]),
        ("email:fetch", &[]),
        ("email:ingest", &["full.eml", "nowhere.eml"]),
        ("forget", &["anna@example.com", "--dry-run"]),
        ("hooks:deliver", &["--all"]),
        ("hooks:list", &[]),
        ("maintain", &["--dry-run"]),
        ("policy:test", &["other.toml"]),
        ("quarantine:drop", &["--all", "--dry-run"]),
        ("quarantine:list", &[]),
        ("quarantine:retry", &["--all", "--dry-run"]),
        ("reclassify", &[]),
        ("report", &[]),
        ("review", &[]),
        ("rules:eval", &["labelled"]),
        ("rules:list", &[]),
        ("rules:test", &["own.toml"]),
        ("runs:list", &[]),
        ("runs:show", &[&run]),
        ("runs:undo", &[&run, "--dry-run"]),
        (
            "segments:add",
            &["Bounced", "anna@example.com", "nobody@example.com"],
        ),
        ("segments:apply", &[]),
        (
            "segments:create",
            &["Graz", "--filter", "contact.city = 'graz'"],
        ),
        ("segments:delete", &["Graz"]),
        ("segments:edit", &["Bounced", "--filter", "bounced"]),
        ("segments:explain", &["Bounced", "anna@example.com"]),
        ("segments:export", &["Bounced"]),
        ("segments:filters", &[]),
        ("segments:list", &[]),
        ("segments:publish", &["Bounced"]),
        (
            "segments:remove",
            &["Bounced", "anna@example.com", "--dry-run"],
        ),
        ("segments:show", &["Bounced"]),
        ("segments:unpublish", &["Bounced", "--dry-run"]),
        ("segments:update", &["--full", "--dry-run"]),
        (
            "sends:headers",
            &[
                "--email-id",
                "7",
                "--address",
                "anna@example.com",
                "--dry-run",
            ],
        ),
        ("sends:import", &["more.csv", "--dry-run"]),
        ("store:copy", &[&database, "copy.db", "--dry-run"]),
        ("webhook:replay", &["events.json", "--dry-run"]),
        ("webhook:replay --format accounting", &["events.json"]),
    ];
    let known = env.run(["schema"]).done();
    let tried: Vec<&str> = commands.iter().map(|(name, _)| *name).collect();
    assert_eq!(known.lines().collect::<Vec<_>>(), tried);

    let shows = |(name, arguments): &&(&str, &[&str])| is_as_described(&env, name, arguments);
    let empty: Vec<&str> = commands
        .iter()
        .filter(|command| !shows(command))
        .map(|(name, _)| *name)
        .collect();
    // Nothing failed, and today's rules say what they said.
    assert_eq!(empty, ["reclassify"], "these showed nothing");
}

/// The files that commands are told to read.
fn write_inputs(env: &TestEnv) {
    env.write("other.toml", "[policy]\nthreshold = 1\n");
    env.write("own.toml", OWN_RULES);
    env.write("contacts.csv", "id,email\n1,anna@example.com\n");
    env.write(
        "more.csv",
        "tracking_hash,email_address,email_id\nabc123,anna@example.com,7\n",
    );
    env.write(
        "list.csv",
        "address,reason\nhans@example.net,manual\nnobody,manual\n",
    );
    env.write("full.eml", OVER_QUOTA);
    env.write("labelled/full.eml", OVER_QUOTA);
    env.write("labelled/full.json", LABEL);
    env.write("events.json", EVENTS);
}

/// Runs a command and compares its JSON with its schema; whether there was any.
fn is_as_described(env: &TestEnv, name: &str, arguments: &[&str]) -> bool {
    let schema = env.run(["schema", name]).json();
    let title = schema["title"].as_str().unwrap();
    assert!(title.contains(name));
    let mut line: Vec<&str> = name.split(' ').collect();
    line.extend(arguments);
    if !line.contains(&"--format") {
        line.extend(["--format", "json"]);
    }
    let text = env.run(&line).stdout;
    let values: Vec<Value> = if title.starts_with("each line of ") {
        let line = |line| serde_json::from_str(line).unwrap();
        text.lines().map(line).collect()
    } else {
        vec![serde_json::from_str(&text).unwrap()]
    };
    for value in &values {
        let wrong = wrongs(&schema, &schema, value, name);
        assert!(wrong.is_empty(), "{wrong:#?} in {value:#}");
    }
    !values.is_empty()
}

/// A mailing that brought something for every list to show.
fn busy() -> TestEnv {
    let env = mailing(
        "[limits]\nmessage_size = 2048\n[hooks]\non_suppress = [\"false\"]\n[verp]\nreturn_address = \"news@example.org\"\n\
         [[segment]]\nname = \"Declared\"\nfilter = \"bounced\"\n",
    );
    unknown(&env, 1, "2 May 2026 10:00:00");
    full(&env, 2, "2 May 2026 10:00:00");
    env.write(
        "back/strange.eml",
        "Subject: Hello\r\n\r\nSomething else entirely.\r\n",
    );
    env.write(
        "back/large.eml",
        format!("Subject: x\r\n\r\n{}", "x".repeat(4096)),
    );
    let _ = env.run(["email:fetch", "--quiet"]);
    env.run([
        "segments:create",
        "Bounced",
        "--filter",
        "bounced or contact.city = 'graz'",
    ])
    .done();
    env.run(["segments:update"]).done();
    env
}

const OVER_QUOTA: &str = "From: Mail Delivery System <MAILER-DAEMON@mx.example.net>\r\n\
    To: bounces@news.example\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/plain\r\n\r\nNot delivered.\r\n\
    --b\r\nContent-Type: message/delivery-status\r\n\r\n\
    Reporting-MTA: dns; mx.example.net\r\n\r\n\
    Final-Recipient: rfc822; anna@example.com\r\nAction: failed\r\nStatus: 5.2.2\r\n\
    Diagnostic-Code: smtp; 552 5.2.2 mailbox is over quota\r\n\r\n--b--\r\n";

/// The reason is wrong, so that there is a disagreement to be shown.
const LABEL: &str = r#"{"results": [{"recipient": "anna@example.com", "kind": "bounce",
    "reason": "user_unknown", "hard": true, "status": "5.2.2"}]}"#;

/// A bounce, and an entry that cannot be read.
const EVENTS: &str = r#"[{"email": "anna@example.com", "timestamp": 1777700000, "event": "bounce",
    "sg_event_id": "e1", "sg_message_id": "m1", "status": "5.1.1", "reason": "550 5.1.1 no such user", "type": "bounce"},
    {"email": "anna@example.com", "timestamp": "never", "event": "bounce", "sg_event_id": "e2", "sg_message_id": "m2"}]"#;

const OWN_RULES: &str = "[[rules]]\nid = \"own-full\"\nreason = \"mailbox_full\"\nphrases = [\"konto ist voll\"]\n\
                         sample = { text = \"550 konto ist voll\" }\n[[rules]]\nid = \"own-bare\"\n\
                         reason = \"mailbox_full\"\nphrases = [\"ganz voll\"]\n";

/// Where the value is not as the schema says; enough of JSON Schema for our own schemas, and a
/// keyword that is not among them is an error too.
fn wrongs(root: &Value, schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (keyword, says) in schema.as_object().unwrap() {
        let holds = match keyword.as_str() {
            "$schema" | "title" | "description" | "$defs" => true,
            "$ref" => {
                let name = says.as_str().unwrap().strip_prefix("#/$defs/").unwrap();
                wrong.extend(wrongs(root, &root["$defs"][name], value, place));
                true
            }
            "type" => match says.as_array() {
                Some(types) => types.iter().any(|one| is_of(value, one)),
                None => is_of(value, says),
            },
            "enum" => says.as_array().unwrap().contains(value),
            "format" => match (says.as_str().unwrap(), value.as_str()) {
                (_, None) => value.is_null(),
                ("date-time", Some(text)) => is_date_time(text),
                ("date", Some(text)) => is_date_time(&format!("{text}T00:00:00Z")),
                _ => false,
            },
            "required" => {
                let names = says.as_array().unwrap();
                let there = |name: &Value| value.get(name.as_str().unwrap()).is_some();
                !value.is_object() || names.iter().all(there)
            }
            "items" => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    wrong.extend(wrongs(root, says, item, &format!("{place}[{index}]")));
                }
                true
            }
            "properties" => {
                for (name, of) in says.as_object().unwrap() {
                    if let Some(inner) = value.get(name) {
                        wrong.extend(wrongs(root, of, inner, &format!("{place}.{name}")));
                    }
                }
                true
            }
            "additionalProperties" => {
                let stated = schema.get("properties").and_then(Value::as_object);
                for (name, inner) in value.as_object().into_iter().flatten() {
                    if stated.is_some_and(|stated| stated.contains_key(name)) {
                        continue;
                    }
                    if says == false {
                        wrong.push(format!("{place}.{name} is not described"));
                    } else {
                        wrong.extend(wrongs(root, says, inner, &format!("{place}.{name}")));
                    }
                }
                true
            }
            _ => false,
        };
        if !holds {
            wrong.push(format!("{place}: {keyword} {says}, not {value}"));
        }
    }
    wrong
}

fn is_of(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    }
}

/// RFC 3339 in UTC.
fn is_date_time(text: &str) -> bool {
    let digits: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let (whole, rest) = digits.split_at_checked(19).unwrap_or(("", ""));
    whole == "0000-00-00T00:00:00"
        && rest.strip_suffix('Z').is_some_and(|fraction| {
            fraction.is_empty() || fraction.starts_with('.') && !fraction.ends_with('.')
        })
}
