//! Whom a forged mail can suppress: nobody, with the switches of `[verp]` as told.

use bouncekit_core::verp::{Keys, Purpose, SendHash};

use crate::support::{
    TestEnv,
    mailing::{addresses, listed, mailing},
};

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// anna's send is `hash1`, sent a month ago; `old1` is half a year old.
fn world(verp: &str) -> TestEnv {
    let env = mailing(&format!(
        "[verp]\nkeys = [{{ file = \"verp.key\" }}]\nunsubscribe_address = \"news@example.org\"\n{verp}\n"
    ));
    env.write("verp.key", KEY);
    env.run_with(
        ["sends:import", "-"],
        "tracking_hash,email_address,email_id,date_sent,message_id\n\
         old1,anna@example.com,7,2025-12-01 08:00:00,\n\
         mid1,anna@example.com,7,2026-05-20 08:00:00,m1@news.example.org\n",
    )
    .done();
    env
}

fn mac(purpose: Purpose, hash: &str) -> String {
    Keys::new(vec![KEY.into()])
        .sign(purpose, &SendHash::parse(hash).unwrap())
        .unwrap()
}

/// A delivery report that arrived at `to`, on `recipient`, with the headers it returns.
fn report(to: &str, recipient: &str, returned: &str) -> String {
    let returned = if returned.is_empty() {
        String::new()
    } else {
        format!("--b\r\nContent-Type: text/rfc822-headers\r\n\r\n{returned}\r\n")
    };
    format!(
        "From: MAILER-DAEMON@mx.example.com\r\nTo: {to}\r\nMessage-ID: <r1@mx.example.com>\r\n\
         Date: Sun, 31 May 2026 10:00:00 +0000\r\nSubject: Undelivered\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nsorry\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
         Reporting-MTA: dns; mx.example.com\r\n\r\nFinal-Recipient: rfc822; {recipient}\r\nAction: failed\r\n\
         Status: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 User unknown\r\n\r\n{returned}--b--\r\n"
    )
}

/// Who is suppressed once this mail was fetched, and how many were called forged.
fn after(verp: &str, mail: &str) -> (Vec<String>, u64) {
    let env = world(verp);
    env.write("back/mail.eml", mail);
    let total = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
    assert_eq!(total["fetched"], 1, "{total}");
    let list = listed(&env, &[]);
    let suppressed = addresses(&list).into_iter().map(str::to_owned).collect();
    (suppressed, total["forged"].as_u64().unwrap())
}

#[track_caller]
fn assert_suppressed(verp: &str, mail: &str, wanted: bool) {
    let (suppressed, forged) = after(verp, mail);
    let expected: &[&str] = if wanted { &["anna@example.com"] } else { &[] };
    assert_eq!(
        (suppressed, forged),
        (expected.iter().map(|it| (*it).into()).collect(), 0),
        "`{verp}`: {mail}"
    );
}

const ANNA: &str = "anna@example.com";

#[test]
fn backscatter_suppresses_nobody_in_strict_mode() {
    let backscatter = report("news@example.org", ANNA, "");
    let strangers = report(
        "news@example.org",
        ANNA,
        "From: news@example.org\r\nTo: anna@example.com\r\nMessage-ID: <theirs@spam.example>\r\n\
         Return-Path: <news+bounce_nosuchhash@example.org>\r\nSubject: buy\r\n",
    );
    for mail in [&backscatter, &strangers] {
        assert_suppressed("", mail, true);
        assert_suppressed("match_by_address = false", mail, false);
        assert_suppressed("strict = true", mail, false);
        // Strict is strict, whatever else is said.
        assert_suppressed("strict = true\nmatch_by_address = true", mail, false);
    }
    for proof in [
        report("news+bounce_hash1@example.org", ANNA, ""),
        report(
            "news@example.org",
            ANNA,
            "Return-Path: <news+bounce_hash1@example.org>\r\n",
        ),
        report(
            "news@example.org",
            ANNA,
            "List-Unsubscribe: <mailto:news+unsubscribe_hash1@example.org>\r\n",
        ),
        report("news@example.org", ANNA, "X-Bouncekit-Send: hash1\r\n"),
        report(
            "news@example.org",
            ANNA,
            "Message-ID: <m1@news.example.org>\r\n",
        ),
    ] {
        assert_suppressed("strict = true", &proof, true);
    }
}

#[test]
fn what_an_unsigned_hash_is_worth() {
    let signed = format!(
        "news+bounce_hash1_{}@example.org",
        mac(Purpose::Bounce, "hash1")
    );
    let old = format!(
        "news+bounce_old1_{}@example.org",
        mac(Purpose::Bounce, "old1")
    );
    let to = |address: &str| report(address, ANNA, "");
    let other = report("news+bounce_hash1@example.org", "stranger@example.net", "");
    for (mail, accept, prefer, require) in [
        (to(&signed), true, true, true),
        (to(&signed.to_uppercase()), true, true, true),
        (to(&old), true, true, true),
        (to("news+bounce_hash1@example.org"), true, true, false),
        // Older than what is still in delivery.
        (to("news+bounce_old1@example.org"), true, false, false),
        // A guessed hash, and not even the address of its send.
        (other, true, false, false),
    ] {
        for (mode, wanted) in [("accept", accept), ("prefer", prefer), ("require", require)] {
            let verp = format!("signatures = \"{mode}\"\nmatch_by_address = false");
            assert_suppressed(&verp, &mail, wanted);
        }
    }
}

#[test]
fn a_wrong_signature_is_counted_and_nothing_else_of_the_mail_believed() {
    let purpose = mac(Purpose::Unsubscribe, "hash1");
    let of_another = mac(Purpose::Bounce, "hash2");
    for mac in ["aaaaaaaaaaaaaaaa", &purpose, &of_another] {
        let to = format!("news+bounce_hash1_{mac}@example.org");
        // Address and returned message would do, were the signature not there.
        let mail = report(&to, ANNA, "Message-ID: <m1@news.example.org>\r\n");
        for mode in ["accept", "prefer", "require"] {
            let verp = format!("signatures = \"{mode}\"\nmatch_by_address = true");
            assert_eq!(after(&verp, &mail), (Vec::new(), 1), "{mode}: {to}");
        }
    }
}

#[test]
fn a_hash_that_is_too_old_is_counted_and_only_unsubscribes() {
    let signed = |purpose: Purpose, hash: &str| {
        let mac = mac(purpose, hash);
        let name = match purpose {
            Purpose::Bounce => "bounce",
            Purpose::Unsubscribe => "unsubscribe",
        };
        format!("news+{name}_{hash}_{mac}@example.org")
    };
    let count = |verp: &str, mail: &str| {
        let env = world(verp);
        env.write("back/mail.eml", mail);
        let total = env.run(["email:fetch", "--format", "json"]).json()["total"].clone();
        (listed(&env, &[]).len(), total["expired"].as_u64().unwrap())
    };
    let old = report(&signed(Purpose::Bounce, "old1"), ANNA, "");
    let young = report(&signed(Purpose::Bounce, "hash1"), ANNA, "");
    for (verp, mail, expected) in [
        ("", &old, (1, 0)),
        ("hash_lasting = \"365d\"", &old, (1, 0)),
        // The address alone would do, were the hash not there.
        ("hash_lasting = \"90d\"", &old, (0, 1)),
        ("hash_lasting = \"90d\"", &young, (1, 0)),
        ("hash_lasting = \"20d\"", &young, (0, 1)),
    ] {
        assert_eq!(count(verp, mail), expected, "{verp}");
    }
    let wish = format!(
        "From: {ANNA}\r\nTo: {}\r\nMessage-ID: <u1@example.com>\r\nSubject: unsubscribe\r\n\r\n\r\n",
        signed(Purpose::Unsubscribe, "old1")
    );
    assert_eq!(count("hash_lasting = \"90d\"", &wish), (1, 0));
}

#[test]
fn a_burst_of_guesses_or_of_old_hashes_is_an_alarm() {
    for (hash, mac, kind) in [
        ("hash1", "aaaaaaaaaaaaaaaa".to_owned(), "forged"),
        ("old1", mac(Purpose::Bounce, "old1"), "expired"),
    ] {
        let env = world("hash_lasting = \"90d\"\n[alarms]\nsilence_factor = 1000");
        for number in 0..21 {
            let to = format!("news+bounce_{hash}_{mac}@example.org");
            let mail = report(&to, ANNA, "").replace("<r1@", &format!("<r{number}@"));
            env.write(format!("back/{number}.eml"), mail);
            if number == 19 {
                let (told, _) = env.run(["email:fetch"]).exit(0);
                assert!(told.contains(&format!("; 20 {kind}")), "{told}");
                let (told, _) = env.run(["report", "--check"]).exit(0);
                assert!(!told.contains(kind), "{told}");
            }
        }
        let (told, _) = env.run(["email:fetch"]).exit(0);
        assert!(told.contains(&format!("; 1 {kind}")), "{told}");
        let output = env.run(["report", "--check"]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let told = format!("{}{}", output.stdout, output.stderr);
        assert!(told.contains("21 reports"), "{told}");
        assert!(listed(&env, &[]).is_empty());
    }
}

#[test]
fn an_unsubscribe_needs_the_hash_or_a_sender_that_a_trusted_host_vouches_for() {
    let request = |to: &str, from: &str, results: &str| {
        let results = if results.is_empty() {
            String::new()
        } else {
            format!("Authentication-Results: {results}\r\n")
        };
        format!(
            "{results}From: Anna <{from}>\r\nTo: {to}\r\nMessage-ID: <u1@mail.example.com>\r\n\
             Date: Sun, 31 May 2026 10:00:00 +0000\r\nSubject: unsubscribe\r\n\r\nunsubscribe\r\n"
        )
    };
    let ours = "news@example.org";
    let hash = format!(
        "news+unsubscribe_hash1_{}@example.org",
        mac(Purpose::Unsubscribe, "hash1")
    );
    let passed = "mx.example.org; dkim=pass header.d=example.com";
    let trusted = "trusted_mail_hosts = [\"mx.example.org\"]";
    for (mail, distrusting, trusting) in [
        (request(&hash, ANNA, ""), true, true),
        // The hash is enough, from whatever mailbox she writes.
        (request(&hash, "anna@private.example", ""), true, true),
        (request(ours, ANNA, ""), false, false),
        (request(ours, ANNA, passed), false, true),
        (
            request(
                ours,
                ANNA,
                "mx.example.org; spf=pass smtp.mailfrom=anna@example.com",
            ),
            false,
            true,
        ),
        (
            request(
                ours,
                ANNA,
                "mx.example.org; spf=pass smtp.mailfrom=x@evil.example",
            ),
            false,
            false,
        ),
        (
            request(ours, ANNA, "mx.example.org; dkim=fail header.d=example.com"),
            false,
            false,
        ),
        (
            request(
                ours,
                ANNA,
                "mx.evil.example; dkim=pass header.d=example.com",
            ),
            false,
            false,
        ),
        (
            request(
                ours,
                ANNA,
                "mx.example.org; spf=pass smtp.mailfrom=\"; dkim=pass header.d=example.com \"@evil.example",
            ),
            false,
            false,
        ),
        // One can only ask for oneself.
        (request(ours, "eve@example.com", passed), false, false),
    ] {
        for strict in ["strict = false", "strict = true"] {
            assert_suppressed(strict, &mail, distrusting);
            assert_suppressed(&format!("{strict}\n{trusted}"), &mail, trusting);
        }
    }
    // A forged signature spoils even that.
    let forged = request(
        "news+unsubscribe_hash1_aaaaaaaaaaaaaaaa@example.org",
        ANNA,
        passed,
    );
    assert_eq!(after(trusted, &forged), (Vec::new(), 1));
}
