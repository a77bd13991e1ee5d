//! What goes wrong between the program and its mailboxes: each failure has its message and its exit
//! status, shows no secret, and leaves everything for the next run.

use std::{
    io::Read as _,
    net::{TcpListener, UdpSocket},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use crate::{
    email_fetch::{assert_balance, fetching_env, outcome},
    support::{
        Output, Validity,
        dovecot::{PASSWORD, dovecot, dovecot_with},
        fake_imap::{Answer, FakeImap},
        mails::sample,
        proxy::{Passage, Proxy},
    },
};

/// Asserts status 3 and that the message says all of `words`, and never the password.
#[track_caller]
fn unreachable(output: Output, words: &[&str]) -> String {
    let (out, err) = output.exit(3);
    assert!(
        !out.contains(PASSWORD) && !err.contains(PASSWORD),
        "{out}{err}"
    );
    assert!(
        err.starts_with("error: ") && err.contains("\nhint: "),
        "{err}"
    );
    for word in words {
        assert!(err.contains(word), "no `{word}` in: {err}");
    }
    out
}

const ONE: &str = "[[mailbox]]\nname = \"m\"\n";

#[test]
fn a_wrong_password_is_told_without_it() {
    let Some(dovecot) = dovecot() else { return };
    let env = {
        let mut env = fetching_env(&(dovecot.connection("tls") + ONE));
        env.set("MAIL_PASSWORD", format!("{PASSWORD}-wrong"));
        env
    };
    unreachable(
        env.run(["email:fetch", "-vv"]),
        &["mailbox `m`", "log-in of `u1`", "password"],
    );
    // Nor by a server that repeats it.
    let fake = FakeImap::start(vec![], |command| match command.strip_prefix("LOGIN") {
        Some(words) => Answer::raw(format!("{{tag}} NO wrong:{words}\r\n")),
        None => Answer::Proper,
    });
    let env = fetching_env(&(fake.connection() + ONE));
    unreachable(env.run(["email:fetch", "-vv"]), &["wrong:", "\"...\""]);
}

#[test]
fn a_folder_that_does_not_exist_names_the_near_one_and_the_others_go_on() {
    let Some(dovecot) = dovecot() else { return };
    dovecot.put("Rückläufer", "1", sample("postfix", 1));
    let connection = dovecot.connection("starttls");
    let env = fetching_env(&format!(
        "{connection}[[mailbox]]\nname = \"m\"\nfolders = {{ bounces = \"Ruckläufer\", replies = \"Rückläufer\" }}\n"
    ));
    let out = unreachable(
        env.run(["email:fetch"]),
        &["no folder `Ruckläufer`", "did you mean `Rückläufer`?"],
    );
    assert!(out.contains("m/Rückläufer: 1 fetched"), "{out}");
}

#[test]
fn certificates_that_cannot_be_trusted_are_explained() {
    let Some(expired) = dovecot_with(Validity::Expired) else {
        return;
    };
    for security in ["tls", "starttls"] {
        let env = fetching_env(&(expired.connection(security) + ONE));
        unreachable(
            env.run(["email:fetch"]),
            &["expired", "its admin must renew it"],
        );
    }
    // Nobody vouches for the authority.
    let stranger = expired.connection("tls").replace("ca_file", "# ca_file");
    let env = fetching_env(&(stranger + ONE));
    unreachable(env.run(["email:fetch"]), &["TLS failed", "ca_file"]);
    // TLS where none is spoken, and the other way round.
    let plain = expired
        .connection("tls")
        .replace(&expired.tls_port.to_string(), &expired.port.to_string());
    let env = fetching_env(&(plain + ONE));
    unreachable(
        env.run(["email:fetch"]),
        &["does not speak TLS on this port", "starttls"],
    );
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let Some(dovecot) = dovecot() else { return };
    // Dovecot listens there too, with a certificate for 127.0.0.1 and localhost.
    let other = dovecot
        .connection("tls")
        .replace("\"localhost\"", "\"127.0.0.2\"");
    let env = fetching_env(&(other + ONE));
    unreachable(
        env.run(["email:fetch"]),
        &["TLS failed", "for another name"],
    );
}

#[test]
fn a_refused_connection_and_a_stranger_at_the_port() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = |port: u16| {
        format!(
            "[connection]\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"plain\"\nuser = \"u1\"\npassword_env = \"MAIL_PASSWORD\"\n{ONE}"
        )
    };
    let env = fetching_env(&config(closed));
    unreachable(
        env.run(["email:fetch"]),
        &["cannot connect", "refused", "`host`, `port`"],
    );
    let smtp = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = smtp.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for client in smtp.incoming() {
            let _ = std::io::Write::write_all(&mut client.unwrap(), b"220 mx ESMTP\r\n");
        }
    });
    let env = fetching_env(&config(port));
    unreachable(
        env.run(["email:fetch"]),
        &["no IMAP server", "220 mx ESMTP"],
    );
}

#[test]
fn a_silent_server_is_left_after_the_time_limit() {
    let fake = FakeImap::start(vec![b"x".to_vec()], |command| {
        if command.contains("BODY.PEEK") {
            Answer::Raw(Vec::new())
        } else {
            Answer::Proper
        }
    });
    let connection = fake.connection() + "read_timeout = \"1s\"\n";
    let env = fetching_env(&(connection + ONE));
    // The one message is silence: it is put off, not the end of the mailbox.
    let (out, _) = env.run(["email:fetch"]).exit(1);
    assert!(out.contains("1 fetched = 1 deferred"), "{out}");
    let silent = FakeImap::start(vec![], |command| {
        if command.starts_with("LOGIN") {
            Answer::Raw(Vec::new())
        } else {
            Answer::Proper
        }
    });
    let connection = silent.connection() + "read_timeout = \"1s\"\n";
    let env = fetching_env(&(connection + ONE));
    unreachable(
        env.run(["email:fetch"]),
        &["silent too long", "read_timeout"],
    );
}

#[test]
fn a_server_that_drips_is_left_at_the_total_time_limit() {
    let fake = FakeImap::start(vec![vec![b'x'; 500]], |command| {
        if command.contains("BODY.PEEK") {
            Answer::Endless(b"x".to_vec(), Duration::from_millis(20))
        } else {
            Answer::Proper
        }
    });
    let connection = fake.connection() + "read_timeout = \"1s\"\ntotal_timeout = \"2s\"\n";
    let env = fetching_env(&(connection + ONE));
    let start = Instant::now();
    unreachable(env.run(["email:fetch"]), &["total_timeout"]);
    // Without the limit it would never end.
    assert!(start.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_line_that_breaks_again_and_again_ends_the_run_and_loses_nothing() {
    let Some(dovecot) = dovecot() else { return };
    for number in 0..40 {
        dovecot.put("INBOX", &format!("{number:02}"), sample("postfix", number));
    }
    // Each connection breaks after 30 kB of answers, some 15 mails: halved batches get through.
    let proxy = Proxy::cutting(dovecot.port, 30_000, usize::MAX);
    let connection = dovecot
        .connection("plain")
        .replace(&dovecot.port.to_string(), &proxy.port.to_string());
    let config = connection + ONE + "[limits]\nbatch_messages = 20\n";
    let env = fetching_env(&config);
    let mut fetched = 0;
    for _ in 0..10 {
        let output = env.run(["email:fetch", "--format", "json"]);
        let value: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
        assert_balance(&value["total"]);
        fetched += value["total"]["fetched"].as_u64().unwrap();
        if output.status.success() {
            break;
        }
    }
    assert_eq!(fetched, 40);
    assert_eq!(dovecot.seen("INBOX"), 40);

    // Undisturbed, the same rows.
    let other = fetching_env(&(dovecot.connection("plain") + ONE));
    dovecot.client_marks_all_unread("INBOX");
    other.run(["email:fetch"]).done();
    assert_eq!(outcome(&env), outcome(&other));
}

#[test]
fn a_server_gone_for_good_in_the_middle_keeps_what_was_committed() {
    let Some(dovecot) = dovecot() else { return };
    for number in 0..40 {
        dovecot.put("INBOX", &format!("{number:02}"), sample("postfix", number));
    }
    // The third request for mails goes out once the first is answered. It, and all later commands,
    // get no answer but a closed line; whether the second one's answer came through before is chance.
    let requests = AtomicUsize::new(0);
    let proxy = Proxy::watching(dovecot.port, move |command| {
        let fetch = usize::from(command.contains("BODY.PEEK"));
        if requests.fetch_add(fetch, Ordering::SeqCst) + fetch >= 3 {
            Passage::Close
        } else {
            Passage::Forward
        }
    });
    let connection = dovecot
        .connection("plain")
        .replace(&dovecot.port.to_string(), &proxy.port.to_string());
    let env = fetching_env(&(connection + ONE + "[limits]\nbatch_messages = 10\n"));
    let out = unreachable(
        env.run(["email:fetch"]),
        &[
            "closed the connection",
            "the next run goes on where this one ended",
        ],
    );
    let done = [10, 20]
        .into_iter()
        .find(|done| out.contains(&format!("m/INBOX: {done} fetched = {done} acted")))
        .expect(&out);
    let run = env.run(["runs:list", "--format", "json"]).done();
    assert!(run.contains(&format!("\"acted\":{done}")), "{run}");
    // The next run, with the server back, does the rest.
    env.write("bouncekit.toml", dovecot.connection("plain") + ONE);
    let rest = env.run(["email:fetch", "--format", "json"]).json();
    assert_eq!(rest["total"]["acted"], 40 - done, "{rest}");
    assert_eq!(dovecot.seen("INBOX"), 40);
}

#[test]
fn one_broken_mailbox_does_not_stop_the_others() {
    let Some(dovecot) = dovecot() else { return };
    dovecot.put("INBOX", "1", sample("postfix", 1));
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let connection = dovecot.connection("tls");
    let env = fetching_env(&format!(
        "{connection}
[[mailbox]]
name = \"gone\"
connection = {{ port = {closed} }}
[[mailbox]]
name = \"no-maildir\"
kind = \"maildir\"
path = \"nowhere\"
[[mailbox]]
name = \"no-secret\"
connection = {{ password_file = \"nowhere.txt\" }}
[[mailbox]]
name = \"good\"
"
    ));
    let out = unreachable(
        env.run(["email:fetch"]),
        &[
            "mailbox `gone`",
            "mailbox `no-maildir`",
            "mailbox `no-secret`",
            "nowhere.txt",
        ],
    );
    assert!(out.contains("good/INBOX: 1 fetched = 1 acted"), "{out}");
    let (out, _) = env.run(["email:fetch", "--format", "json"]).exit(3);
    let value: serde_json::Value = serde_json::from_str(&out).unwrap();
    let folders = value["folders"].as_array().unwrap();
    assert!(
        folders[0]["error"].as_str().unwrap().contains("refused"),
        "{value}"
    );
    assert!(folders[3]["error"].is_null());
}

#[test]
fn a_password_never_goes_unprotected_over_a_network() {
    // An address of this machine that is not loopback; nothing is sent to find it out.
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    let own = socket
        .connect("192.0.2.1:9")
        .and_then(|()| socket.local_addr());
    let Ok(own) = own.map(|address| address.ip()) else {
        eprintln!("skipped: this machine has no network");
        return;
    };
    let listener = TcpListener::bind((own, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let connection = format!(
        "[connection]\nhost = \"{own}\"\nport = {port}\nsecurity = \"plain\"\nuser = \"u1\"\npassword_env = \"MAIL_PASSWORD\"\n"
    );
    let env = fetching_env(&(connection + ONE));
    unreachable(env.run(["email:fetch"]), &["unprotected", "allow_plain"]);
    let mut sent = String::new();
    let (mut stream, _) = listener.accept().unwrap();
    stream.read_to_string(&mut sent).unwrap();
    assert_eq!(sent, "");
}
