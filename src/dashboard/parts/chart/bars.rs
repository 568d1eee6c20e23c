//! Bars that lie beneath each other, each with its name and what it says.

use maud::{Markup, html};

use super::coordinate;

/// One bar.
pub struct Bar {
    /// What it is.
    pub name: Markup,
    /// How long, of the whole width: 0 to 1.
    pub share: f64,
    /// How much of the width it could have had: 0 to 1.
    pub of: f64,
    /// What it comes to, as it is read.
    pub value: String,
    /// What is behind it.
    pub note: Markup,
}

/// Bars; as a list, it is read without being seen.
#[must_use]
pub fn bars(label: &str, bars: &[Bar]) -> Markup {
    html! {
        ul.bars aria-label=(label) {
            @for bar in bars {
                li {
                    span.name { (bar.name) }
                    svg aria-hidden="true" focusable="false" width="100%" height="10" {
                        rect.track x="0" y="0" rx="5" height="10" width=(width(bar.of)) {}
                        rect.fill x="0" y="0" rx="5" height="10" width=(width(bar.share)) {}
                    }
                    span.value { (bar.value) }
                    span.note { (bar.note) }
                }
            }
        }
    }
}

fn width(share: f64) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    format!("{}%", coordinate(share * 100.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_never_leaves_its_place() {
        assert_eq!([-1.0, 0.5, 7.0, f64::NAN].map(width), ["0.00%", "50.00%", "100.00%", "0.00%"]);
    }
}
