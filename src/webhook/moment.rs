//! Times in every form webhooks bring them.

use crate::time::{SECOND, Timestamp};

/// The last second of year 9999: what a date can be written with.
const LATEST: i64 = 253_402_300_799 * SECOND;

/// Reads Unix time as integer, float or digit string (10 digits are seconds, 13 milliseconds),
/// ISO 8601 (without a zone: UTC), `YYYY-MM-DD HH:MM:SS` and US `M/D/YYYY h:mm:ss AM`.
pub(super) fn read(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let numeric = text
        .bytes()
        .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+'));
    let moment = if numeric {
        unix(text)
    } else if text.contains('/') {
        american(text)
    } else {
        Timestamp::parse_iso(text)
    };
    moment.filter(|moment| (0..=LATEST).contains(&moment.0))
}

fn unix(text: &str) -> Option<Timestamp> {
    let (whole, scaled) = if text.bytes().all(|b| b.is_ascii_digit()) {
        let number: i64 = text.parse().ok()?;
        (number, number.checked_mul(SECOND))
    } else {
        let number: f64 = text
            .parse()
            .ok()
            .filter(|number: &f64| number.is_finite())?;
        if number.abs() > 1e18 {
            return None;
        }
        // Whole milliseconds are all that is kept.
        #[expect(clippy::cast_possible_truncation)]
        (number as i64, Some((number * 1000.0).round() as i64))
    };
    match whole {
        // Until the year 5138 as seconds; milliseconds from 1973 on.
        0..100_000_000_000 => scaled.map(Timestamp),
        100_000_000_000..100_000_000_000_000 => Some(Timestamp(whole)),
        100_000_000_000_000..100_000_000_000_000_000 => Some(Timestamp(whole / 1000)),
        _ => Some(Timestamp(whole / 1_000_000)),
    }
}

/// `12/22/2017 9:03:39 PM`, month first; the time may lack its seconds, AM/PM or both.
fn american(text: &str) -> Option<Timestamp> {
    let mut words = text.split_whitespace();
    let mut date = words.next()?.split('/').map(str::parse::<u32>);
    let (month, day, year) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = words
        .next()
        .unwrap_or("0")
        .split(':')
        .map(str::parse::<u32>);
    let mut part = || time.next().unwrap_or(Ok(0)).ok();
    let (mut hour, minute, second) = (part()?, part()?, part()?);
    match words.next().map(str::to_ascii_uppercase).as_deref() {
        Some("AM") if hour == 12 => hour = 0,
        Some("PM") if hour < 12 => hour += 12,
        Some("AM" | "PM") | None => {}
        Some(_) => return None,
    }
    Timestamp::parse_iso(&format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_is_the_same_moment() {
        for text in [
            "1513976619",
            "1513976619.0",
            "1513976619000",
            "1513976619000000",
            "1.513976619e9",
            "2017-12-22T21:03:39Z",
            "2017-12-22T22:03:39+01:00",
            "2017-12-22T22:03:39+0100",
            "2017-12-22T21:03:39.000Z",
            "2017-12-22 21:03:39",
            "12/22/2017 9:03:39 PM",
            "12/22/2017 21:03:39",
        ] {
            assert_eq!(
                read(text).map(|moment| moment.to_string()).as_deref(),
                Some("2017-12-22T21:03:39Z"),
                "{text}"
            );
        }
        assert_eq!(
            read("1/2/2017 12:05:00 AM")
                .map(|at| at.to_string())
                .as_deref(),
            Some("2017-01-02T00:05:00Z")
        );
        for text in [
            "soon",
            "",
            "-5",
            "99999999999999999999",
            "1/2",
            "13/40/2017 1:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
