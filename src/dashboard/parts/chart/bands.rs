//! One bar in several parts, such as how much of the code is how complex.

use maud::{Markup, html};

use super::coordinate;
use crate::model::amount::percent;

/// A part.
pub struct Band {
    /// What it is.
    pub name: String,
    /// How much of the whole: 0 to 1.
    pub share: f64,
}

/// A bar in parts, in the order of their colours, from good to bad or from the first to the last.
#[must_use]
pub fn bands(label: &str, palette: &str, bands: &[Band]) -> Markup {
    let starts = bands.iter().scan(0.0, |at, band| {
        let start = *at;
        *at += band.share;
        Some(start)
    });
    html! {
        figure class={ "bands " (palette) } {
            svg role="img" aria-label=(told(label, bands)) width="100%" height="16" {
                @for (nth, (band, start)) in bands.iter().zip(starts).enumerate() {
                    rect class={ "b" (nth) } x={ (coordinate(start * 100.0)) "%" } y="0" height="16" width={ (coordinate(band.share * 100.0)) "%" } {
                        title { (band.name) ": " (percent(band.share)) }
                    }
                }
            }
            figcaption {
                @for (nth, band) in bands.iter().enumerate() {
                    span.key { span class={ "swatch b" (nth) } aria-hidden="true" {} (band.name) " " strong { (percent(band.share)) } }
                }
            }
        }
    }
}

fn told(label: &str, bands: &[Band]) -> String {
    let parts: Vec<String> = bands.iter().map(|band| format!("{} {}", band.name, percent(band.share))).collect();
    format!("{label}: {}", parts.join(", "))
}
