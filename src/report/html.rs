//! The report as one page: no script, no network, light and dark, fit to print.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{FAULTS, Limits, Report, chart, text::lines};

const STYLE: &str = include_str!("style.css");

/// Reasons that have a column of the heat map.
const COLUMNS: usize = 8;

/// Draws the page.
pub fn render(report: &Report, limits: &Limits) -> String {
    let complaint_limits = [limits.complaint_rate, limits.complaint_rate_severe];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "What came back, " (report.since) " to " (report.generated_at) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "What came back" }
                    p {
                        (report.since) " to " (report.generated_at)
                        @if let Some(campaign) = &report.campaign { ", campaign " (campaign) }
                    }
                }
                (alarms(report))
                (totals(report))
                div.pair {
                section {
                    h2 { "Bounces a day, by whose fault" }
                    figure {
                        (PreEscaped(chart::bounces(report)))
                        figcaption {
                            @for (fault, (red, green, blue)) in FAULTS {
                                span.key style=(format!("--key: rgb({red} {green} {blue})")) {
                                    (fault.name().replace('_', " "))
                                }
                            }
                        }
                    }
                }
                section {
                    h2 { "Complaint rate a day" }
                    figure {
                        (PreEscaped(chart::complaints(report, complaint_limits)))
                        figcaption {
                            "Lines: " (format!("{:.1} %", complaint_limits[0] * 100.0))
                            " is where providers begin to mind, "
                            (format!("{:.1} %", complaint_limits[1] * 100.0))
                            " where they refuse."
                        }
                    }
                }
                }
                (heat_map(report))
                (campaigns(report, limits))
                (diagnostics(report))
                (sources(report))
                (segments(report))
                (suppressed(report))
                footer { p { "Made by bouncekit " (env!("CARGO_PKG_VERSION")) "." } }
            }
        }
    };
    page.into_string()
}

/// So many alarms are shown before the rest is folded away.
const ALARMS: usize = 12;

/// A number with narrow spaces between the thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

fn alarm_list(alarms: &[super::Alarm]) -> Markup {
    html! {
        ul {
            @for alarm in alarms {
                // A number and its sign stay on one line.
                li { strong { (alarm.about) } ": " (alarm.text.replace(" %", "\u{a0}%")) }
            }
        }
    }
}

fn alarms(report: &Report) -> Markup {
    let (first, rest) = report.alarms.split_at(report.alarms.len().min(ALARMS));
    html! {
        @if !report.alarms.is_empty() {
            section.alarms {
                h2 { "Beyond limits" }
                (alarm_list(first))
                @if !rest.is_empty() {
                    details {
                        summary { (rest.len()) " more" }
                        (alarm_list(rest))
                    }
                }
            }
        }
    }
}

fn totals(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Totals" }
            div.tiles {
                @for (name, now, before, days) in lines(report) {
                    div.tile {
                        span.name { (name) }
                        span.value { (grouped(now)) }
                        span.before { "before: " (grouped(before)) }
                        (bars(&days))
                    }
                }
            }
        }
    }
}

/// A bar a day, as wide as its place.
fn bars(values: &[u64]) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    html! {
        svg.bars viewBox=(format!("0 0 {} 100", values.len() * 4)) preserveAspectRatio="none" aria-hidden="true" {
            @for (index, value) in values.iter().enumerate() {
                @let height = value * 96 / most + 4;
                rect x=(index * 4) y=(100 - height) width="3" height=(height) {}
            }
        }
    }
}

/// How strong a cell is drawn: 0 to 100 per cent.
fn strength(count: u64, most: u64) -> u64 {
    if count == 0 {
        0
    } else {
        15 + count * 70 / most.max(1)
    }
}

fn heat_map(report: &Report) -> Markup {
    let reasons = report.reasons();
    let (columns, rest) = reasons.split_at(reasons.len().min(COLUMNS));
    let of =
        |domain: &super::Domain, reason: &str| domain.reasons.get(reason).copied().unwrap_or(0);
    let most = report
        .domains
        .iter()
        .flat_map(|domain| domain.reasons.values().copied())
        .max()
        .unwrap_or(0);
    let cell = |count: u64| {
        html! {
            td.heat style=(format!("--heat: {}%", strength(count, most))) {
                @if count > 0 { (grouped(count)) }
            }
        }
    };
    html! {
        @if !report.domains.is_empty() {
            section {
                h2 { "Receiving domains and reasons" }
                div.wide {
                    table.map {
                        thead {
                            tr {
                                th { "domain" }
                                @for reason in columns {
                                    th.turned { span { (reason.replace('_', " ")) } }
                                }
                                @if !rest.is_empty() { th.turned { span { "others" } } }
                            }
                        }
                        tbody {
                            @for domain in &report.domains {
                                tr {
                                    th scope="row" { (domain.domain) }
                                    @for reason in columns { (cell(of(domain, reason))) }
                                    @if !rest.is_empty() {
                                        (cell(rest.iter().map(|reason| of(domain, reason)).sum()))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn campaigns(report: &Report, limits: &Limits) -> Markup {
    html! {
        @if !report.campaigns.is_empty() {
            section {
                h2 { "Campaigns" }
                figure {
                    (PreEscaped(chart::campaigns(report, limits.bounce_rate)))
                    figcaption {
                        "Share of sends that bounced, with the 95 % interval; the line is your limit of "
                        (format!("{:.1} %", limits.bounce_rate * 100.0)) "."
                    }
                }
                div.wide {
                    table {
                        thead { tr {
                            th { "campaign" } th.number { "sends" } th.number.extra { "hard" } th.number.extra { "soft" }
                            th.number { "bounces" } th.number { "complaints" } th.number.extra { "unsubscribed" }
                        } }
                        tbody {
                            @for campaign in &report.campaigns {
                                tr {
                                    th scope="row" { (campaign.email_id) }
                                    td.number { (grouped(campaign.sends)) }
                                    td.number.extra { (grouped(campaign.hard_bounces)) }
                                    td.number.extra { (grouped(campaign.soft_bounces)) }
                                    td.number { (campaign.bounce_rate.percent()) }
                                    td.number { (campaign.complaint_rate.percent()) }
                                    td.number.extra { (grouped(campaign.unsubscribes)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn diagnostics(report: &Report) -> Markup {
    html! {
        @if !report.diagnostics.is_empty() {
            section {
                h2 { "What hosts say most often" }
                ol.said {
                    @for group in &report.diagnostics {
                        li {
                            span.count { (grouped(group.count)) }
                            span.reason { (group.reason.replace('_', " ")) }
                            code { (group.sample) }
                        }
                    }
                }
            }
        }
    }
}

fn sources(report: &Report) -> Markup {
    html! {
        @if !report.sources.is_empty() {
            section {
                h2 { "Mailboxes and providers" }
                div.wide {
                    table {
                        thead { tr {
                            th { "source" } th { "last event" } th.number.extra { "days silent" }
                            th.number { "events" } th.number { "unrecognised" }
                        } }
                        tbody {
                            @for source in &report.sources {
                                tr {
                                    th scope="row" { (source.source) }
                                    td { (source.last_event) }
                                    td.number.extra { (source.silent_days) }
                                    td.number { (grouped(source.events)) }
                                    td.number { (source.unrecognised.percent()) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn segments(report: &Report) -> Markup {
    html! {
        @if !report.segments.is_empty() {
            section {
                h2 { "Segments" }
                div.wide {
                    table {
                        thead { tr {
                            th { "segment" } th.number { "members" } th.number { "joined" } th { "growth" }
                            th.extra { "built" }
                        } }
                        tbody {
                            @for segment in &report.segments {
                                tr {
                                    th scope="row" { (segment.name) }
                                    td.number { (grouped(segment.members)) }
                                    td.number { (grouped(segment.joined)) }
                                    td.growth { (bars(&segment.growth)) }
                                    td.extra { (segment.built_at.as_deref().unwrap_or("never")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn suppressed(report: &Report) -> Markup {
    html! {
        @if !report.suppressed.is_empty() {
            section {
                h2 { "Do not contact" }
                div.wide {
                    table {
                        thead { tr {
                            th { "reason" } th { "detail" } th.number { "in force" }
                            th.number { "over 90 days" } th.number { "expired" }
                        } }
                        tbody {
                            @for row in &report.suppressed {
                                tr {
                                    th scope="row" { (row.reason) }
                                    td { (row.detail.replace('_', " ")) }
                                    td.number { (grouped(row.count)) }
                                    td.number { (grouped(row.older_than_90_days)) }
                                    td.number { (grouped(row.expired)) }
                                }
                            }
                        }
                    }
                }
                p.note { "What is over 90 days old is what " code { "dnc:release --older-than 90d" } " would release." }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1 000"),
            (1_234_567, "1 234 567"),
        ] {
            assert_eq!(grouped(number).replace('\u{202f}', " "), text);
        }
    }
}
