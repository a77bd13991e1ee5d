//! One engine for all free-text formats: a row says which words begin the report, how a recipient
//! is written, and where the report ends.

use std::sync::OnceLock;

use super::{
    super::said,
    pattern::{Hit, Pattern},
    search::Search,
    table,
};

/// A format. What is empty or `false` does not matter to it.
#[expect(clippy::struct_excessive_bools, reason = "each is a trait of a format")]
pub(super) struct Row {
    pub(super) name: &'static str,
    /// Words that only this kind of report has; one suffices. Blanks and line ends are alike.
    pub(super) begin: &'static [&'static str],
    /// Templates of lines that name a recipient, see [`super::pattern`].
    pub(super) recipient: &'static [&'static str],
    /// How lines start that end the report, lower case.
    pub(super) end: &'static [&'static str],
    /// How lines start after which stands what holds for all recipients, lower case.
    pub(super) shared: &'static [&'static str],
    /// Recipients may stand above the words of `begin`.
    pub(super) from_top: bool,
    /// What happened is told before the recipient it happened to.
    pub(super) told_before: bool,
    /// Users of the system itself are named without a domain.
    pub(super) local: bool,
    /// Systems that write under any name: the words alone suffice.
    pub(super) any_sender: bool,
}

impl Row {
    pub(super) const NEW: Self = Self {
        name: "",
        begin: &[],
        recipient: &[],
        end: &[],
        shared: &[],
        from_top: false,
        told_before: false,
        local: false,
        any_sender: false,
    };
}

/// A recipient of a report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::message) struct Item {
    pub(in crate::message) address: String,
    /// What the report says of this recipient, one line.
    pub(in crate::message) text: String,
}

struct Engine {
    rows: Vec<(&'static Row, Vec<Pattern>)>,
    begins: Search,
    /// The row of each phrase of `begins`.
    owners: Vec<usize>,
}

fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let phrases: Vec<(usize, &'static str)> = table::ROWS
            .iter()
            .enumerate()
            .flat_map(|(row, of)| of.begin.iter().map(move |phrase| (row, *phrase)))
            .collect();
        Engine {
            rows: table::ROWS
                .iter()
                .map(|row| (row, compile(row.recipient)))
                .collect(),
            begins: Search::new(phrases.iter().map(|(_, phrase)| *phrase)),
            owners: phrases.iter().map(|(row, _)| *row).collect(),
        }
    })
}

pub(super) fn compile(templates: &[&'static str]) -> Vec<Pattern> {
    templates
        .iter()
        .map(|template| Pattern::new(template))
        .collect()
}

/// Reads a report by the first row whose words it has and whose recipients it names.
pub(super) fn read(text: &str, any_sender_only: bool) -> Option<(&'static str, Vec<Item>)> {
    let engine = engine();
    let lines: Vec<&str> = text.lines().collect();
    let flat = Flat::new(&lines);
    let mut begins: Vec<Option<usize>> = vec![None; engine.rows.len()];
    for (phrase, at) in engine.begins.hits(&flat.text) {
        begins[engine.owners[phrase]].get_or_insert_with(|| flat.line(at));
    }
    let rows = engine.rows.iter().zip(&begins);
    rows.filter(|((row, _), _)| row.any_sender || !any_sender_only)
        .find_map(|((row, patterns), begin)| {
            let start = if row.from_top { 0 } else { (*begin)? };
            begin.as_ref()?;
            let items = items(row, patterns, &lines[start..]);
            (!items.is_empty()).then_some((row.name, items))
        })
}

/// The words of a text with single blanks, and the line of each.
struct Flat {
    text: String,
    starts: Vec<usize>,
}

impl Flat {
    fn new(lines: &[&str]) -> Self {
        let mut text = String::new();
        let mut starts = Vec::with_capacity(lines.len());
        for line in lines {
            starts.push(text.len());
            for word in line.split_whitespace() {
                text.push_str(word);
                text.push(' ');
            }
        }
        Self { text, starts }
    }

    fn line(&self, at: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= at)
            .saturating_sub(1)
    }
}

/// More recipients than any report names.
const MOST: usize = 1000;

/// A line with a recipient.
struct Found<'a> {
    line: usize,
    hit: Hit<'a>,
    has_words: bool,
}

/// The recipients that the templates find in the lines of a report.
pub(super) fn items(row: &Row, patterns: &[Pattern], lines: &[&str]) -> Vec<Item> {
    let mut found: Vec<Found<'_>> = Vec::new();
    let mut indentation = None;
    let mut shared = None;
    let mut end = lines.len();
    for (at, line) in lines.iter().enumerate() {
        let bare = line.trim_matches(|c: char| c.is_whitespace() || "-=*_#|".contains(c));
        if bare.is_empty() || found.len() >= MOST {
            continue;
        }
        if at > 0 && starts_with_any(line.trim(), bare, row.end) {
            end = at;
            break;
        }
        if shared.is_none() && starts_with_any(line.trim(), bare, row.shared) {
            shared = Some(at);
        }
        let depth = line.len() - line.trim_start().len();
        if shared.is_some() {
            continue;
        }
        let in_column = indentation.is_none_or(|first| first == depth);
        let line = without_bullet(line);
        // A single word at the margin is a word.
        let local = row.local && (depth > 0 || line.starts_with('<'));
        let hit = patterns
            .iter()
            .filter(|pattern| in_column || pattern.anywhere)
            .find_map(|pattern| Some((pattern.find(line, local)?, pattern.has_words)));
        let is_named = |hit: &Hit<'_>| hit.address.contains('@') || (local && hit.why.is_empty());
        let Some((hit, has_words)) = hit.filter(|(hit, _)| is_named(hit)) else {
            continue;
        };
        if !has_words {
            indentation = Some(depth);
        }
        let again = found
            .last()
            .is_some_and(|last| last.hit.address.eq_ignore_ascii_case(hit.address));
        if !again {
            found.push(Found {
                line: at,
                hit,
                has_words,
            });
        }
    }
    let own_end = shared.unwrap_or(end);
    let mut texts: Vec<String> = (0..found.len())
        .map(|index| own_text(row, &found, index, lines, own_end))
        .collect();
    // A list of addresses shares what stands behind it.
    for index in (0..texts.len().saturating_sub(1)).rev() {
        if says_nothing(&texts[index]) {
            let behind = texts[index + 1].clone();
            texts[index] = behind;
        }
    }
    let shared = shared.map(|at| &lines[at..end]);
    let above = found.first().map_or(0, |first| first.line);
    let alone = found.len() == 1;
    let command = named_command(lines);
    found
        .into_iter()
        .zip(texts)
        .map(|(found, mut text)| {
            let address = found.hit.address;
            if let Some(shared) = shared {
                add_shared(&mut text, shared, address, alone);
            }
            if says_nothing(&text) {
                text = joined(lines[..above].iter().copied());
            }
            if let Some(command) = command {
                text = format!("{text} (in reply to {command} command)");
            }
            Item {
                address: address.to_owned(),
                text,
            }
        })
        .collect()
}

/// The command that was refused, where it stands below a heading of its own.
fn named_command(lines: &[&str]) -> Option<&'static str> {
    let bare = |line: &&str| {
        line.trim_matches(|c: char| !c.is_alphanumeric())
            .to_lowercase()
    };
    let heading = lines.iter().position(|line| bare(line) == "smtp command")?;
    let command = lines.get(heading + 1).map(bare)?;
    [("mail", "MAIL FROM"), ("rcpt", "RCPT TO"), ("data", "DATA")]
        .into_iter()
        .find_map(|(start, name)| command.starts_with(start).then_some(name))
}

fn own_text(row: &Row, found: &[Found<'_>], index: usize, lines: &[&str], end: usize) -> String {
    let this = &found[index];
    let own = if this.has_words || row.told_before {
        lines[this.line]
    } else {
        this.hit.why
    };
    if row.told_before {
        // The first line is the heading that began the report.
        let heading = usize::from(!row.from_top).min(this.line);
        let from = index
            .checked_sub(1)
            .map_or(heading, |before| found[before].line + 1);
        return joined(lines[from..this.line].iter().copied().chain([own]));
    }
    let to = found.get(index + 1).map_or(end, |next| next.line);
    joined(
        [own]
            .into_iter()
            .chain(lines[this.line + 1..to.max(this.line + 1)].iter().copied()),
    )
}

/// Whether a recipient's own lines leave open what happened.
fn says_nothing(text: &str) -> bool {
    !text.contains(char::is_alphabetic)
}

/// Adds what holds for all recipients: all of it for a single one, else the lines that name it.
fn add_shared(text: &mut String, shared: &[&str], address: &str, alone: bool) {
    if alone {
        let more = joined(shared[1..].iter().copied());
        if !more.is_empty() {
            text.push(' ');
            text.push_str(&more);
        }
    } else if said::reply_code(text).is_none() {
        let its: Vec<&str> = shared
            .iter()
            .copied()
            .filter(|line| line.contains(address))
            .collect();
        let its = if its.is_empty() { shared } else { &its };
        text.push(' ');
        text.push_str(&joined(its.iter().copied()));
    }
    *text = text.trim().to_owned();
}

fn starts_with_any(line: &str, bare: &str, starts: &[&str]) -> bool {
    starts.iter().any(|start| {
        [line, bare].iter().any(|text| {
            text.as_bytes()
                .get(..start.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(start.as_bytes()))
        })
    })
}

/// A line without a bullet or a number before it.
pub(super) fn without_bullet(line: &str) -> &str {
    let line = line.trim();
    let numbered = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == '[');
    if numbered.len() < line.len()
        && let Some(rest) = [". ", ") ", "] "]
            .iter()
            .find_map(|mark| numbered.strip_prefix(mark))
    {
        return rest.trim_start();
    }
    ["* ", "- ", "• ", "· ", "+ ", "o "]
        .iter()
        .find_map(|bullet| line.strip_prefix(bullet))
        .map_or(line, str::trim_start)
}

/// So much of what is said of a recipient is kept.
const LONGEST: usize = 4096;

/// Lines as one: decoration dropped, and of a reply over several lines the repeated codes.
pub(in crate::message) fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for line in lines {
        if !line.contains(char::is_alphanumeric) {
            continue;
        }
        for word in line.split_whitespace() {
            if out.len() > LONGEST {
                return said::one_reply(&out);
            }
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
    }
    said::one_reply(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_complete_and_their_names_are_said_once() {
        let mut names = std::collections::HashSet::new();
        for row in table::ROWS {
            assert!(names.insert(row.name), "{} stands twice", row.name);
            assert!(
                !row.begin.is_empty() && !row.recipient.is_empty(),
                "{}",
                row.name
            );
            for phrase in row.end.iter().chain(row.shared) {
                assert_eq!(*phrase, phrase.to_lowercase(), "{}", row.name);
            }
            for template in row.recipient {
                assert!(template.contains("{to}"), "{template}");
            }
        }
    }

    #[test]
    fn every_row_reads_a_fixture() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/messages/text_bounce");
        let mut unread: Vec<&str> = table::ROWS.iter().map(|row| row.name).collect();
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|kind| kind == "eml") {
                let inbound = crate::message::parse(
                    &std::fs::read(path).unwrap(),
                    &crate::message::Options::default(),
                );
                unread.retain(|name| *name != inbound.format.name());
            }
        }
        assert!(unread.is_empty(), "no fixture for {unread:?}");
    }

    #[test]
    fn the_refused_command_below_its_heading_is_read() {
        let read = |last| named_command(&["550 no", "-------SMTP command", last]);
        assert_eq!(read("DATA"), Some("DATA"));
        assert_eq!(read("RCPT TO:<neko@example.com>"), Some("RCPT TO"));
        assert_eq!(read("thank you"), None);
        assert_eq!(named_command(&["SMTP command"]), None);
    }

    #[test]
    fn each_recipient_has_its_own_words() {
        let row = Row {
            name: "x",
            begin: &["these failed:"],
            recipient: &["{to}: {why}", "{to}"],
            end: &["bye"],
            ..Row::NEW
        };
        let text = "these failed:\n\n  a@example.com: no\n    <c@example.com>\n  b@example.com\n  d@example.com\n    full\n\nBye.\n  e@example.com: x";
        let lines: Vec<&str> = text.lines().collect();
        let items = items(&row, &compile(row.recipient), &lines);
        let found: Vec<_> = items
            .iter()
            .map(|item| (item.address.as_str(), item.text.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("a@example.com", "no <c@example.com>"),
                ("b@example.com", "full"),
                ("d@example.com", "full")
            ]
        );
    }
}
