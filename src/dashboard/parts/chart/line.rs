//! Values over time, as lines with what is beneath them.

use maud::{Markup, html};

use super::{ceiling, coordinate, data};
use crate::dashboard::parts::table::Column;

const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 160.0;

/// Values over time.
pub struct Line<'a> {
    /// What it shows.
    pub title: &'a str,
    /// What there is to see, in a sentence.
    pub summary: String,
    /// The moments, from left to right, as they are read.
    pub moments: &'a [String],
    /// What was measured.
    pub series: &'a [Series<'a>],
    /// How a value is read.
    pub read: fn(f64) -> String,
}

/// One thing that was measured.
pub struct Series<'a> {
    /// Its name.
    pub name: &'static str,
    /// One value for each moment; none where nothing was measured.
    pub values: &'a [Option<f64>],
}

impl Line<'_> {
    /// The chart.
    #[must_use]
    pub fn draw(&self) -> Markup {
        let most =
            self.series.iter().flat_map(|series| series.values).flatten().fold(0.0_f64, |most, &value| most.max(value));
        let top = ceiling(most);
        let (first, last) = (self.moments.first(), self.moments.last());
        let middle = self.moments.get(self.moments.len() / 2);
        html! {
            figure.chart {
                div.plot {
                    div.scale aria-hidden="true" {
                        span { ((self.read)(top)) } span { ((self.read)(top / 2.0)) } span { ((self.read)(0.0)) }
                    }
                    svg role="img" viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" aria-label={ (self.title) ": " (self.summary) } {
                        title { (self.title) }
                        desc { (self.summary) }
                        @for part in [0.0, 0.5, 1.0] {
                            line.grid x1="0" x2=(WIDTH) y1=(HEIGHT * part) y2=(HEIGHT * part) {}
                        }
                        @for (nth, series) in self.series.iter().enumerate() {
                            @for piece in pieces(series.values, top) {
                                path class={ "area s" (nth) } d=(area(&piece)) {}
                                path class={ "line s" (nth) } d=(line(&piece)) {}
                            }
                        }
                    }
                }
                div.moments aria-hidden="true" {
                    @for moment in [first, middle, last].into_iter().flatten() { span { (moment) } }
                }
                figcaption {
                    @for (nth, series) in self.series.iter().enumerate() {
                        span.key { span class={ "swatch s" (nth) } aria-hidden="true" {} (series.name) }
                    }
                }
                (self.table())
            }
        }
    }

    fn table(&self) -> Markup {
        let mut columns = vec![Column::text("Time")];
        columns.extend(self.series.iter().map(|series| Column::number(series.name)));
        let cell = |value: Option<f64>| html! { (value.map_or_else(|| "–".to_owned(), self.read)) };
        let rows = self.moments.iter().enumerate().map(|(nth, moment)| {
            let values = self.series.iter().map(|series| cell(series.values.get(nth).copied().flatten()));
            std::iter::once(html! { (moment) }).chain(values).collect()
        });
        data(self.title, &columns, rows.collect())
    }
}

/// The points of values that follow each other without a gap.
fn pieces(values: &[Option<f64>], top: f64) -> Vec<Vec<(f64, f64)>> {
    let step = WIDTH / values.len().saturating_sub(1).max(1) as f64;
    let point =
        |(nth, value): (usize, &Option<f64>)| value.map(|value| (nth as f64 * step, HEIGHT * (1.0 - value / top)));
    let points: Vec<Option<(f64, f64)>> = values.iter().enumerate().map(point).collect();
    points
        .split(Option::is_none)
        .filter(|piece| !piece.is_empty())
        .map(|piece| piece.iter().flatten().copied().collect())
        .collect()
}

fn line(points: &[(f64, f64)]) -> String {
    let mut path: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", coordinate(*x), coordinate(*y))).collect();
    if let [(x, y)] = points {
        // A single value is to be seen, too.
        path.push(format!("{} {}", coordinate(x + 4.0), coordinate(*y)));
    }
    format!("M{}", path.join("L"))
}

fn area(points: &[(f64, f64)]) -> String {
    let (Some((first, _)), Some((last, _))) = (points.first(), points.last()) else { return String::new() };
    format!("{}L{} {HEIGHT}L{} {HEIGHT}Z", line(points), coordinate(*last), coordinate(*first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_parts_a_line() {
        let pieces = pieces(&[Some(1.0), Some(2.0), None, Some(0.0)], 2.0);
        assert_eq!(pieces, [vec![(0.0, 80.0), (200.0, 0.0)], vec![(600.0, 160.0)]]);
        assert_eq!(line(&pieces[0]), "M0.00 80.00L200.00 0.00");
    }

    #[test]
    fn a_chart_has_its_data_as_a_table_and_escapes_what_it_is_told() {
        let chart = Line {
            title: "Cats <b>",
            summary: "at most 2".to_owned(),
            moments: &["10:00".to_owned(), "11:00".to_owned()],
            series: &[Series { name: "completed", values: &[Some(1.0), None] }],
            read: |value| format!("{value:.0} cats"),
        };
        let drawn = chart.draw().into_string();
        assert!(drawn.contains("1 cats") && drawn.contains("–") && drawn.contains("10:00"), "{drawn}");
        assert!(!drawn.contains("<b>") && !drawn.contains("style="), "{drawn}");
    }
}
