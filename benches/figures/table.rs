//! The table of figures, for terminals and for the document.

use std::fmt::Write as _;
use std::path::Path;

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{ContentArrangement, TableStyle};

use crate::Result;

/// Width of a terminal that people have, in characters.
const TERMINAL: u16 = 120;

/// One figure.
pub struct Row {
    what: String,
    measured: String,
    goal: String,
    reached: Option<bool>,
    details: String,
}

impl Row {
    /// A figure that is only stated.
    pub fn new(what: impl Into<String>, measured: impl Into<String>) -> Self {
        let (goal, details) = (String::new(), String::new());
        Self { what: what.into(), measured: measured.into(), goal, reached: None, details }
    }

    /// What it should be, and whether it is.
    pub fn goal(mut self, goal: &str, reached: bool) -> Self {
        goal.clone_into(&mut self.goal);
        self.reached = Some(reached);
        self
    }

    /// How it was come by.
    pub fn details(mut self, details: impl Into<String>) -> Self {
        self.details = details.into();
        self
    }
}

/// All figures, in the order of their making.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
}

impl Table {
    /// Adds a figure, and says so: some take minutes.
    pub fn push(&mut self, row: Row) {
        eprintln!("{}: {}", row.what, row.measured);
        self.rows.push(row);
    }

    /// For terminals.
    pub fn as_text(&self) -> String {
        let mut table = self.drawn(UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(TERMINAL);
        table.to_string()
    }

    /// Replaces the figures in a document: what stands between two lines of it.
    pub fn write(&self, document: &Path, marks: [&str; 2], machine: &str) -> Result<()> {
        let text = std::fs::read_to_string(document)?;
        let [begin, end] = marks;
        let (before, rest) = text.split_once(begin).ok_or("the document has no place for figures")?;
        let (_, after) = rest.split_once(end).ok_or("the document has no end of figures")?;
        let mut new = format!("{before}{begin}\n{machine}\n\n{}\n\n{end}", self.drawn(ASCII_MARKDOWN));
        new.write_str(after)?;
        Ok(std::fs::write(document, new)?)
    }

    fn drawn(&self, style: TableStyle) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(style).set_header(["figure", "measured", "goal", "", "how"]);
        for row in &self.rows {
            let verdict = row.reached.map_or("", |reached| if reached { "reached" } else { "MISSED" });
            table.add_row([&row.what, &row.measured, &row.goal, verdict, &row.details]);
        }
        table
    }
}

/// Median and 95th percentile.
pub fn quantiles(values: &[f64]) -> (f64, f64) {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| sorted.get((sorted.len() * percent).div_ceil(100).saturating_sub(1)).copied();
    (at(50).unwrap_or(f64::NAN), at(95).unwrap_or(f64::NAN))
}

/// Median.
pub fn median(values: &[f64]) -> f64 {
    quantiles(values).0
}
