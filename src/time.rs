//! Instants as integers: UTC milliseconds since 1970, as the store keeps them.

use std::fmt;

use jiff::{civil, fmt::rfc2822, tz::TimeZone};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

pub const SECOND: i64 = 1000;
pub const MINUTE: i64 = 60 * SECOND;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

impl Timestamp {
    /// From whole seconds since 1970.
    pub fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(SECOND))
    }

    /// Reads RFC 3339, `YYYY-MM-DD[ T]HH:MM:SS[.fff]` (= UTC), or `YYYY-MM-DD`.
    pub fn parse_iso(text: &str) -> Option<Self> {
        let text = text.trim();
        // What databases write, without a zone: not to be tried as anything else first.
        let zoneless =
            text.len() == 19 && text.as_bytes()[13] == b':' && text.as_bytes()[16] == b':';
        if !zoneless && let Ok(instant) = text.parse::<jiff::Timestamp>() {
            return Some(Self(instant.as_millisecond()));
        }
        let civil = text
            .parse::<civil::DateTime>()
            .or_else(|_| {
                text.parse::<civil::Date>()
                    .map(|date| date.to_datetime(civil::Time::midnight()))
            })
            .ok()?;
        let zoned = civil.to_zoned(TimeZone::UTC).ok()?;
        Some(Self(zoned.timestamp().as_millisecond()))
    }

    /// Reads a `Date:` value (RFC 5322), with the obsolete zones and missing weekdays seen in mail.
    pub fn parse_mail_date(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Ok(instant) = rfc2822::DateTimeParser::new()
            .relaxed_weekday(true)
            .parse_timestamp(text)
        {
            return Some(Self(instant.as_millisecond()));
        }
        // A text without any date gives it the epoch.
        mailparse::dateparse(text)
            .ok()
            .filter(|seconds| *seconds > 0)
            .map(Self::from_seconds)
    }

    /// A `Date:` value (RFC 5322) in UTC.
    pub fn mail_date(self) -> String {
        jiff::Timestamp::from_second(self.0.div_euclid(SECOND))
            .ok()
            .and_then(|instant| rfc2822::to_string(&instant.to_zoned(TimeZone::UTC)).ok())
            .unwrap_or_else(|| self.to_string())
    }

    /// The UTC day as IMAP searches for it: `2-Jan-2026` (RFC 9051).
    pub fn search_date(self) -> String {
        jiff::Timestamp::from_second(self.0.div_euclid(SECOND)).map_or_else(
            |_| "1-Jan-1970".into(),
            |instant| instant.strftime("%-d-%b-%Y").to_string(),
        )
    }

    /// RFC 3339 in UTC with milliseconds.
    pub fn rfc3339_millis(self) -> String {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => format!("{instant:.3}"),
            Err(_) => format!("{}ms", self.0),
        }
    }

    /// The UTC day as `YYYY-MM-DD`.
    pub fn day(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, whole seconds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(self.0.div_euclid(SECOND)) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_forms_are_read_as_utc() {
        for text in [
            "2026-01-02T03:04:05Z",
            "2026-01-02 03:04:05",
            "2026-01-02T04:04:05+01:00",
        ] {
            assert_eq!(
                Timestamp::parse_iso(text).map(|t| t.to_string()).as_deref(),
                Some("2026-01-02T03:04:05Z"),
                "{text}"
            );
        }
        assert_eq!(
            Timestamp::parse_iso("2026-01-02")
                .map(Timestamp::day)
                .as_deref(),
            Some("2026-01-02")
        );
        assert_eq!(Timestamp::parse_iso("yesterday"), None);
    }

    #[test]
    fn mail_dates_are_read() {
        for text in [
            "Fri, 02 Jan 2026 03:04:05 +0000",
            "2 Jan 2026 04:04:05 +0100",
            "Mon, 2 Jan 2026 03:04:05 GMT",
        ] {
            assert_eq!(
                Timestamp::parse_mail_date(text)
                    .map(|t| t.to_string())
                    .as_deref(),
                Some("2026-01-02T03:04:05Z"),
                "{text}"
            );
        }
        assert_eq!(Timestamp::parse_mail_date("soon"), None);
        let date = Timestamp::from_seconds(1_767_323_045);
        assert_eq!(date.search_date(), "2-Jan-2026");
        assert_eq!(date.mail_date(), "Fri, 2 Jan 2026 03:04:05 +0000");
        assert_eq!(Timestamp::parse_mail_date(&date.mail_date()), Some(date));
    }
}
