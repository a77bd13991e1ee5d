//! The report for a terminal: tables and sparklines.

use super::{Report, Totals};

/// One of eight heights for each value.
pub(super) fn sparkline(values: &[u64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let bar = |value: u64| {
        // 0 is the lowest bar, and only 0.
        let height = (value * 7).div_ceil(most);
        BARS[usize::try_from(height.min(7)).unwrap_or(7)]
    };
    values.iter().map(|value| bar(*value)).collect()
}

/// Name, value and the value before, of each total.
pub(super) fn lines(report: &Report) -> Vec<(&'static str, u64, u64, Vec<u64>)> {
    type Field = fn(&Totals) -> u64;
    let fields: [(&str, Field); 8] = [
        ("sends", |t| t.sends),
        ("hard bounces", |t| t.hard_bounces),
        ("soft bounces", |t| t.soft_bounces),
        ("complaints", |t| t.complaints),
        ("unsubscribes", |t| t.unsubscribes),
        ("replies", |t| t.replies),
        ("automatic replies", |t| t.auto_replies),
        ("unrecognised", |t| t.unrecognised),
    ];
    let line = |(name, of): (&'static str, Field)| {
        let days = report.days.iter().map(|day| of(&day.totals)).collect();
        (name, of(&report.totals), of(&report.before), days)
    };
    fields.into_iter().map(line).collect()
}

/// Draws the report. Other people's text is given as it is: the caller makes it harmless.
pub fn render(report: &Report) -> String {
    let mut out = format!("{} to {}", report.since, report.generated_at);
    if let Some(campaign) = &report.campaign {
        out += &format!(", campaign {campaign}");
    }
    out += "\n\n";
    for alarm in &report.alarms {
        out += &format!("! {}: {}\n", alarm.about, alarm.text);
    }
    if !report.alarms.is_empty() {
        out.push('\n');
    }
    let totals = lines(report).into_iter().map(|(name, now, before, days)| {
        vec![
            name.into(),
            now.to_string(),
            before.to_string(),
            sparkline(&days),
        ]
    });
    out += &table(["", "now", "before", "by day"], totals);
    let reasons = report.reasons();
    let top = &reasons[..reasons.len().min(6)];
    let by_reason = top.iter().map(|reason| {
        let days: Vec<u64> = report
            .days
            .iter()
            .map(|day| day.reasons.get(reason).copied().unwrap_or(0))
            .collect();
        let sum: u64 = days.iter().sum();
        vec![(*reason).to_owned(), sum.to_string(), sparkline(&days)]
    });
    out += &table(["bounces by reason", "", "by day"], by_reason);
    let domains = report.domains.iter().map(|domain| {
        let worst = domain.reasons.iter().max_by_key(|(_, count)| **count);
        let worst = worst.map_or_else(String::new, |(reason, count)| format!("{reason} {count}"));
        vec![domain.domain.clone(), domain.bounces.to_string(), worst]
    });
    out += &table(["receiving domain", "bounces", "mostly"], domains);
    let campaigns = report.campaigns.iter().map(|campaign| {
        vec![
            campaign.email_id.clone(),
            campaign.sends.to_string(),
            campaign.bounce_rate.percent(),
            campaign.complaint_rate.percent(),
        ]
    });
    out += &table(["campaign", "sends", "bounces", "complaints"], campaigns);
    let diagnostics = report.diagnostics.iter().map(|group| {
        vec![
            group.count.to_string(),
            group.reason.to_owned(),
            group.sample.chars().take(90).collect(),
        ]
    });
    out += &table(["said", "reason", "for example"], diagnostics);
    let sources = report.sources.iter().map(|source| {
        vec![
            source.source.clone(),
            source.last_event.clone(),
            source.events.to_string(),
            source.unrecognised.percent(),
        ]
    });
    out += &table(["source", "last", "events", "unrecognised"], sources);
    let segments = report.segments.iter().map(|segment| {
        vec![
            segment.name.clone(),
            segment.members.to_string(),
            format!("+{}", segment.joined),
            sparkline(&segment.growth),
        ]
    });
    out += &table(["segment", "members", "joined", "growth"], segments);
    let suppressed = report.suppressed.iter().map(|row| {
        vec![
            row.reason.clone(),
            row.detail.clone(),
            row.count.to_string(),
            row.older_than_90_days.to_string(),
            row.expired.to_string(),
        ]
    });
    out += &table(
        ["do not contact", "", "in force", "over 90 days", "expired"],
        suppressed,
    );
    out
}

/// Aligned columns with a blank line behind; nothing when there are no rows.
fn table<const N: usize>(header: [&str; N], rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let header: Vec<String> = header.iter().map(|&name| name.to_owned()).collect();
    let all = || std::iter::once(&header).chain(&rows);
    let width = |column: usize| {
        all()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..N).map(width).collect();
    // A column of numbers is read from the right.
    let number = |column: usize| {
        rows.iter()
            .all(|row| row[column].starts_with(|c: char| c.is_ascii_digit() || c == '+'))
    };
    let right: Vec<bool> = (0..N).map(number).collect();
    let mut out = String::new();
    for row in all() {
        let mut line = String::new();
        for column in 0..N {
            let (cell, width) = (&row[column], widths[column]);
            if right[column] {
                line += &format!("{cell:>width$}  ");
            } else {
                line += &format!("{cell:<width$}  ");
            }
        }
        out += line.trim_end();
        out.push('\n');
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_nothing_is_the_lowest_bar() {
        assert_eq!(sparkline(&[0, 1, 1000]), "▁▂█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
    }

    #[test]
    fn numbers_stand_right() {
        let rows = [["a", "5"], ["bb", "500"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(
            table(["x", "n"], rows.into_iter()),
            "x     n\na     5\nbb  500\n\n"
        );
    }
}
