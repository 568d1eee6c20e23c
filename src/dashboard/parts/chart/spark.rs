//! A line that stands among words.

use maud::{Markup, html};

use super::coordinate;

const WIDTH: f64 = 120.0;
const HEIGHT: f64 = 28.0;
/// Room for the dot at the end.
const EDGE: f64 = 4.0;

/// Values from the first to the last, between two bounds.
#[must_use]
pub fn spark(label: &str, values: &[f64], (least, most): (f64, f64)) -> Markup {
    let step = (WIDTH - 2.0 * EDGE) / values.len().saturating_sub(1).max(1) as f64;
    let height = |value: f64| {
        let share = if most > least { (value - least) / (most - least) } else { 0.5 };
        EDGE + (HEIGHT - 2.0 * EDGE) * (1.0 - share.clamp(0.0, 1.0))
    };
    let points: Vec<(f64, f64)> =
        values.iter().enumerate().map(|(nth, value)| (EDGE + nth as f64 * step, height(*value))).collect();
    let line: Vec<String> = points.iter().map(|(x, y)| format!("{},{}", coordinate(*x), coordinate(*y))).collect();
    html! {
        svg.spark role="img" aria-label=(label) viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } width=(WIDTH) height=(HEIGHT) {
            title { (label) }
            polyline points=(line.join(" ")) {}
            @if let Some((x, y)) = points.last() { circle cx=(coordinate(*x)) cy=(coordinate(*y)) r="3" {} }
        }
    }
}
