//! The table, for terminals and for the document.

use std::path::Path;

use comfy_table::presets::{ASCII_MARKDOWN, UTF8_FULL_CONDENSED};
use comfy_table::{ContentArrangement, TableStyle};
use peers::Result;

use crate::bed::Scope;
use crate::goals::{Row, rows};
use crate::results::Results;

/// Between these lines the document is ours.
const MARKS: [&str; 2] = ["<!-- queue: written by scripts/bench -->\n", "<!-- end of queue -->\n"];

/// Width of a terminal that people have, in characters.
const TERMINAL: u16 = 160;

pub struct Table {
    head: Vec<String>,
    rows: Vec<Row>,
    failures: Vec<String>,
}

impl Table {
    pub fn new(results: &Results, scope: Scope) -> Self {
        let mut head = vec!["measure".to_owned()];
        head.extend(results.systems.iter().map(|(name, _)| (*name).to_owned()));
        head.push("goals".to_owned());
        Self { head, rows: rows(results, scope), failures: results.failures.clone() }
    }

    /// For terminals.
    pub fn as_text(&self) -> String {
        let mut table = self.drawn(UTF8_FULL_CONDENSED, "\n");
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(TERMINAL);
        format!("{table}\n{}", self.not_measured())
    }

    /// Replaces the table in a document.
    pub fn write(&self, document: &Path, machine: &str) -> Result {
        let text = std::fs::read_to_string(document)?;
        let [begin, end] = MARKS;
        let (before, rest) = text.split_once(begin).ok_or("the document has no place for the queue's table")?;
        let (_, after) = rest.split_once(end).ok_or("the document has no end of the queue's table")?;
        let table = self.drawn(ASCII_MARKDOWN, "; ");
        let failures = self.not_measured();
        Ok(std::fs::write(document, format!("{before}{begin}\n{machine}\n\n{table}\n\n{failures}{end}{after}"))?)
    }

    fn drawn(&self, style: TableStyle, between_goals: &str) -> comfy_table::Table {
        let mut table = comfy_table::Table::new();
        table.load_style(style).set_header(&self.head);
        for row in &self.rows {
            let verdict = |reached| if reached { "reached" } else { "MISSED" };
            let goals = row.goals.iter().map(|goal| format!("{}: {}, {}", goal.what, goal.is, verdict(goal.reached)));
            let mut cells = vec![row.what.clone()];
            cells.extend(row.cells.iter().cloned());
            cells.push(goals.collect::<Vec<_>>().join(between_goals));
            table.add_row(cells);
        }
        table
    }

    fn not_measured(&self) -> String {
        let lines: String = self.failures.iter().map(|failure| format!("- {failure}\n")).collect();
        if lines.is_empty() { lines } else { format!("Not measured:\n\n{lines}\n") }
    }
}
