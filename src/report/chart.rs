//! Plots as SVG text that can stand inside a page: colours follow the page, sizes its width.

use plotters::prelude::*;
use plotters::{
    coord::{Shift, types::RangedCoordf64},
    style::text_anchor,
};

use super::{FAULTS, Report};

/// Units of the drawing; the page scales it.
const SIZE: (u32, u32) = (480, 250);

/// Text and lines; becomes the page's own colour.
const INK: RGBColor = RGBColor(1, 2, 3);

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Drawn = Result<(), Box<dyn std::error::Error>>;

/// Draws, and makes the result fit for a page. A plot that cannot be drawn says why in its place.
fn svg(label: &str, draw: impl FnOnce(&Area<'_>) -> Drawn) -> String {
    let mut text = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        draw(&area).and_then(|()| Ok(area.present()?))
    };
    if let Err(cause) = drawn {
        return format!("<!-- {label}: {cause} -->");
    }
    let (width, height) = SIZE;
    text.replacen(
        &format!("<svg width=\"{width}\" height=\"{height}\""),
        &format!("<svg role=\"img\" aria-label=\"{label}\""),
        1,
    )
    .replace("#010203", "currentColor")
}

/// Bounces a day, stacked by whose fault they are.
pub(super) fn bounces(report: &Report) -> String {
    svg("bounces a day by fault", |area| {
        let most = report.days.iter().map(|day| day.totals.bounces()).max();
        let top = number(most.unwrap_or(0).max(4)) * 1.1;
        // There is no half bounce.
        let whole = |value: &f64| {
            if value.fract() == 0.0 {
                format!("{value}")
            } else {
                String::new()
            }
        };
        let mut chart = axes(area, report, top, &whole)?;
        for (index, day) in report.days.iter().enumerate() {
            let mut base = 0.0;
            for (fault, (red, green, blue)) in FAULTS {
                let count = day.faults.get(fault.name()).copied().unwrap_or(0);
                if count == 0 {
                    continue;
                }
                let x = position(index);
                let corners = [(x - 0.4, base), (x + 0.4, base + number(count))];
                let colour = RGBColor(*red, *green, *blue);
                chart.draw_series([Rectangle::new(corners, colour.filled())])?;
                base += number(count);
            }
        }
        Ok(())
    })
}

/// The share of complaints a day, in per cent, against the limits.
pub(super) fn complaints(report: &Report, limits: [f64; 2]) -> String {
    svg("complaint rate a day", |area| {
        let rates: Vec<f64> = report
            .days
            .iter()
            .map(|day| super::Rate::of(day.totals.complaints, day.totals.sends).share * 100.0)
            .collect();
        let top = rates
            .iter()
            .copied()
            .chain([limits[1] * 100.0])
            .fold(0.0, f64::max);
        let mut chart = axes(area, report, top * 1.15, &|value| format!("{value:.1} %"))?;
        let last = position(report.days.len());
        for (limit, (red, green, blue)) in limits
            .into_iter()
            .zip([(0xda, 0x8b, 0x2b), (0xd1, 0x4d, 0x41)])
        {
            let line = [(-0.5, limit * 100.0), (last - 0.5, limit * 100.0)];
            let style = RGBColor(red, green, blue).stroke_width(2);
            chart.draw_series([PathElement::new(line, style)])?;
        }
        // Days on which nothing was sent have no rate.
        let sent = |(index, _): &(usize, &f64)| report.days[*index].totals.sends > 0;
        let points: Vec<(f64, f64)> = rates
            .iter()
            .enumerate()
            .filter(sent)
            .map(|(index, rate)| (position(index), *rate))
            .collect();
        let colour = RGBColor(0x3b, 0x82, 0xc4);
        chart.draw_series(LineSeries::new(points.clone(), colour.stroke_width(2)))?;
        chart.draw_series(
            points
                .into_iter()
                .map(|point| Circle::new(point, 3, colour.filled())),
        )?;
        Ok(())
    })
}

/// The share of bounces of each campaign, in per cent, with its interval.
pub(super) fn campaigns(report: &Report, limit: f64) -> String {
    svg("bounce rate of campaigns", |area| {
        let rates: Vec<_> = report.campaigns.iter().map(|c| c.bounce_rate).collect();
        let top = rates
            .iter()
            .map(|rate| rate.high * 100.0)
            .chain([limit * 100.0])
            .fold(0.0, f64::max);
        let names: Vec<&str> = report
            .campaigns
            .iter()
            .map(|campaign| campaign.email_id.as_str())
            .collect();
        // One campaign alone is not as wide as the plot.
        let slots = names.len().max(6);
        let mut chart = ChartBuilder::on(area)
            .margin(8)
            .x_label_area_size(30)
            .y_label_area_size(52)
            .build_cartesian_2d(-0.5..position(slots) - 0.5, 0.0..top * 1.1)?;
        let name = |x: &f64| label_at(*x, &names);
        chart
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(INK.mix(0.0))
            .bold_line_style(INK.mix(0.15))
            .axis_style(INK.mix(0.4))
            .label_style(("sans-serif", 14).into_font().color(&INK))
            .x_labels(slots)
            .x_label_formatter(&name)
            .y_labels(5)
            .y_label_formatter(&|value| format!("{value:.1} %"))
            .draw()?;
        let colour = RGBColor(0x3b, 0x82, 0xc4);
        for (index, rate) in rates.iter().enumerate() {
            let x = position(index);
            let corners = [(x - 0.3, 0.0), (x + 0.3, rate.share * 100.0)];
            chart.draw_series([Rectangle::new(corners, colour.filled())])?;
            let interval = [(x, rate.low * 100.0), (x, rate.high * 100.0)];
            chart.draw_series([PathElement::new(interval, INK.stroke_width(2))])?;
        }
        let line = [
            (-0.5, limit * 100.0),
            (position(slots) - 0.5, limit * 100.0),
        ];
        let style = RGBColor(0xd1, 0x4d, 0x41).stroke_width(2);
        chart.draw_series([PathElement::new(line, style)])?;
        Ok(())
    })
}

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// Axes with the days below.
fn axes<'a, 'b>(
    area: &'a Area<'b>,
    report: &Report,
    top: f64,
    value: &dyn Fn(&f64) -> String,
) -> Result<Chart<'a, 'b>, Box<dyn std::error::Error>> {
    let days: Vec<&str> = report
        .days
        .iter()
        .map(|day| day.day.get(5..).unwrap_or_default())
        .collect();
    let mut chart = ChartBuilder::on(area)
        .margin(8)
        .x_label_area_size(30)
        .y_label_area_size(52)
        .build_cartesian_2d(-0.5..position(days.len()) - 0.5, 0.0..top)?;
    let anchor = text_anchor::Pos::new(text_anchor::HPos::Center, text_anchor::VPos::Top);
    chart
        .configure_mesh()
        .disable_x_mesh()
        .light_line_style(INK.mix(0.0))
        .bold_line_style(INK.mix(0.15))
        .axis_style(INK.mix(0.4))
        .label_style(("sans-serif", 14).into_font().color(&INK))
        .x_label_style(("sans-serif", 14).into_font().color(&INK).pos(anchor))
        .x_labels(days.len().clamp(2, 6))
        .x_label_formatter(&|x| label_at(*x, &days))
        .y_labels(5)
        .y_label_formatter(&value)
        .draw()?;
    Ok(chart)
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
const fn number(count: u64) -> f64 {
    count as f64
}

/// Where item `index` stands on an axis of items.
#[expect(clippy::cast_precision_loss, reason = "few items stand on an axis")]
const fn position(index: usize) -> f64 {
    index as f64
}

/// The name of the item at `x`, if one stands just there.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounded and not negative"
)]
fn label_at(x: f64, names: &[&str]) -> String {
    if x < -0.01 || (x - x.round()).abs() > 0.01 {
        return String::new();
    }
    let name = names.get(x.round() as usize).copied().unwrap_or_default();
    name.chars().take(12).collect()
}
