//! Contacts and sends from files as people have them, good and bad.

use std::{
    io::{self, Read as _, Write as _},
    process::Stdio,
    thread,
};

use crate::support::{TestEnv, finish};

#[test]
fn a_bom_quotes_and_wrong_column_counts() {
    let env = TestEnv::with_config("");
    env.write(
        "people.csv",
        "\u{feff}email;\"first name\";city\r\nanna@example.com;\"Anna \"\"A\"\" Berg\";Graz\r\n\
         bert@example.com;Bert\r\nnobody;x;y\r\n",
    );
    let (out, err) = env.run(["contacts:import", "people.csv"]).exit(1);
    assert!(out.contains("1 added"), "{out}");
    assert!(err.contains("people.csv: line 3"), "{err}");
    assert!(err.contains("line 4") && err.contains("`nobody`"), "{err}");
    let shown = env
        .run(["contacts:show", "ANNA@example.com", "--format", "json"])
        .json();
    assert_eq!(shown["contacts"].as_array().unwrap().len(), 1);
    assert!(
        shown["contacts"][0]["attributes"]
            .to_string()
            .contains("Anna \\\"A\\\" Berg")
    );
}

#[test]
fn the_same_file_twice_changes_nothing() {
    let env = TestEnv::with_config("");
    let file = "{\"id\": 7, \"email\": \"anna@example.com\", \"city\": \"Graz\"}\n";
    env.write("people.ndjson", file);
    assert!(
        env.run(["contacts:import", "people.ndjson"])
            .done()
            .contains("1 added")
    );
    assert!(
        env.run_with(["contacts:import", "-"], file)
            .done()
            .contains("1 unchanged")
    );
    assert_eq!(
        env.run(["contacts:list", "--format", "json"])
            .done()
            .lines()
            .count(),
        1
    );
}

#[test]
fn a_quote_that_is_never_closed_does_not_take_the_file_into_memory() {
    let env = TestEnv::with_config("");
    let mut child = env
        .command_within(230_000, ["contacts:import", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        stdin.write_all(b"email,city\nanna@example.com,Graz\nbert@example.com,\"Graz\n")?;
        io::copy(&mut io::repeat(b'\n').take(160_000_000), &mut stdin)
    });
    let (out, err) = finish(child).exit(1);
    assert_eq!(writer.join().unwrap().unwrap(), 160_000_000);
    assert!(out.contains("2 contacts read: 1 added"), "{out}");
    assert!(
        err.contains("line 3: ") && err.contains("never closed"),
        "{err}"
    );
    env.run(["contacts:show", "anna@example.com"]).done();
}

#[test]
fn long_values_are_kept_a_few_at_a_time() {
    let env = TestEnv::with_config("");
    let mut child = env
        .command_within(400_000, ["contacts:import", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        stdin.write_all(b"email,about\n")?;
        for number in 0..300 {
            write!(stdin, "a{number}@example.com,")?;
            io::copy(&mut io::repeat(b'x').take(900_000), &mut stdin)?;
            stdin.write_all(b"\n")?;
        }
        Ok::<_, io::Error>(())
    });
    let out = finish(child).done();
    writer.join().unwrap().unwrap();
    assert!(out.contains("300 contacts read: 300 added"), "{out}");
}
