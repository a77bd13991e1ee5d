//! Mails to be fetched, made from the samples of the demo.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The send of person `number`.
pub(crate) fn hash(number: usize) -> String {
    format!("{:013x}{number:08}", 0x5_f0c3_a1b9_0000_u64 + number as u64)
}

pub(crate) fn address(number: usize) -> String {
    format!("person{number}@example.org")
}

/// The sends of persons 0 to `count`, as `sends:import` reads them.
pub(crate) fn sends(count: usize) -> String {
    let mut csv = String::from("tracking_hash,email_address,email_id,date_sent\n");
    for number in 0..count {
        let (hash, address) = (hash(number), address(number));
        csv += &format!("{hash},{address},7,2026-05-30 08:00:00\n");
    }
    csv
}

/// What sample `name` of the demo looks like when it comes back for person `number`.
pub(crate) fn sample(name: &str, number: usize) -> String {
    let path = fixtures().join("demo").join(format!("{name}.eml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    let text = text
        .replace("{hash}", &hash(number))
        .replace("{address}", &address(number))
        .replace("{domain}", "example.org")
        .replace("{date}", "Sun, 31 May 2026 09:00:00 +0000")
        .replace("{sent}", "Sat, 30 May 2026 08:00:00 +0000")
        .replace(
            "{message_id}",
            &format!("{}@mail.news.example.com", hash(number)),
        );
    assert!(!text.contains("{hash") && text.len() > 300, "{name}");
    text
}

/// The names of all samples of the demo.
pub(crate) fn sample_names() -> Vec<String> {
    let names: Vec<String> = eml_files(&fixtures().join("demo"))
        .iter()
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert!(names.len() >= 12, "{names:?}");
    names
}

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// All `.eml` files below a folder, in the order of their paths.
pub(crate) fn eml_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(eml_files(&path));
        } else if path.extension().is_some_and(|kind| kind == "eml") {
            found.push(path);
        }
    }
    found.sort();
    found
}
