//! Charts as pictures in the page: drawn on the server, coloured by the style sheet, and each with its data as a table
//! beneath, for those who cannot see it and those who want to know exactly.

mod bands;
mod bars;
mod line;
mod spark;

use maud::{Markup, html};

pub use bands::{Band, bands};
pub use bars::{Bar, bars};
pub use line::{Line, Series};
pub use spark::spark;

use super::table::{Column, table};

/// The data of a chart, to be opened.
fn data(caption: &str, columns: &[Column], rows: Vec<Vec<Markup>>) -> Markup {
    html! { details.data { summary { "Data" span.heard { " of " (caption) } } (table(caption, columns, rows)) } }
}

/// A number of a drawing, with no more digits than can be seen.
fn coordinate(value: f64) -> String {
    format!("{value:.2}")
}

/// The next round number: where an axis ends.
fn ceiling(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let unit = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.iter().map(|step| step * unit).find(|bound| *bound >= value * 0.999_999).unwrap_or(10.0 * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_that_is_not_far() {
        let shown = |value: f64| format!("{:.2}", ceiling(value));
        assert_eq!(
            [0.0, 0.07, 1.0, 1.2, 7.5, 10.0, 101.0, 4321.0, f64::NAN].map(shown),
            ["1.00", "0.08", "1.00", "1.50", "8.00", "10.00", "150.00", "5000.00", "1.00"]
        );
    }
}
