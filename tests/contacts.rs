//! Contacts and sends from files as people have them, good and bad.

use crate::support::TestEnv;

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
