//! What the beginning of a file tells: its separator, and whether it has a header line.

use std::{
    io::{self, BufRead, Read as _},
    rc::Rc,
};

use super::Columns;

/// Header lines are shorter; of a longer one this much tells enough.
const LONGEST_HEAD: u64 = 256 * 1024;

/// Everything up to the end of the first line that is not blank, without a byte order mark.
pub(super) fn take(input: &mut impl BufRead) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut input = input.take(LONGEST_HEAD);
    while input.read_until(b'\n', &mut head)? > 0 {
        while head.starts_with(b"\xef\xbb\xbf") {
            head.drain(..3);
        }
        if !head.trim_ascii().is_empty() {
            break;
        }
    }
    Ok(head)
}

/// The first line that is not blank, without its line end.
pub(super) fn first_line(head: &[u8]) -> &[u8] {
    let line = head.strip_suffix(b"\n").unwrap_or(head);
    let line = memchr::memrchr(b'\n', line).map_or(line, |end| &line[end + 1..]);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether JSON begins that is not one object a line; a column may be called `[x]`.
pub(super) fn is_json_array(line: &[u8]) -> bool {
    let inside = line.trim_ascii().strip_prefix(b"[");
    inside.is_some_and(|inside| {
        matches!(
            inside.trim_ascii_start().first(),
            None | Some(b'{' | b'[' | b']')
        )
    })
}

/// The most frequent of the usual separators in the first line.
pub(super) fn delimiter(line: &[u8]) -> u8 {
    [b',', b';', b'\t']
        .into_iter()
        .rev()
        .max_by_key(|delimiter| memchr::memchr_iter(*delimiter, line).count())
        .unwrap_or(b',')
}

/// A list that begins with an address or a hash instead of a header line: addresses alone, or
/// with a reason as SES writes it.
pub(super) fn bare_list(line: &[u8]) -> Option<Columns> {
    let line = line.trim_ascii_end();
    let delimiter = delimiter(line);
    let cells = line.split(|octet| *octet == delimiter);
    let cells: Vec<&[u8]> = cells.take(3).collect();
    let ses_reason = |cell: &[u8]| {
        let cell = cell.trim_ascii();
        cell.eq_ignore_ascii_case(b"BOUNCE") || cell.eq_ignore_ascii_case(b"COMPLAINT")
    };
    let hash = |cell: &[u8]| cell.len() == 64 && cell.iter().all(u8::is_ascii_hexdigit);
    let names: &[&str] = match cells[..] {
        [cell] if hash(cell) => &["sha256"],
        [cell] if cell.contains(&b'@') => &["address"],
        [cell, reason] if cell.contains(&b'@') && ses_reason(reason) => &["emailaddress", "reason"],
        _ => return None,
    };
    Some(Columns {
        names: Rc::new(names.iter().map(|&name| name.to_owned()).collect()),
        more: false,
    })
}
