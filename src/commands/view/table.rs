//! Tables without lines: a heading, columns, two blanks between them; wrapped to the screen's width.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement};

use super::look::Look;
use super::text::safe;

/// A table.
pub struct Table {
    inner: comfy_table::Table,
    columns: usize,
}

impl Table {
    /// A table with these columns.
    #[must_use]
    pub fn new<const N: usize>(columns: [&str; N]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(columns.to_vec());
        for column in inner.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Self { inner, columns: N }
    }

    /// Aligns the column's numbers; columns count from 0.
    #[must_use]
    pub fn numbers(mut self, column: usize) -> Self {
        if let Some(column) = self.inner.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        self
    }

    /// Never breaks the column's cells, which people copy: ids, keys.
    #[must_use]
    pub fn whole(mut self, column: usize) -> Self {
        if let Some(column) = self.inner.column_mut(column) {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        self
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(N, self.columns, "as many cells as columns");
        self.inner.add_row(cells.map(|cell| safe(&cell)));
    }

    /// The table as text; only a screen bounds its width, so that a pipe gets one line per row.
    #[must_use]
    pub fn render(mut self, look: &Look) -> String {
        if look.is_terminal {
            // The padding of the last column is never seen.
            self.inner.set_width(u16::try_from(look.width + 2).unwrap_or(u16::MAX));
        } else {
            self.inner.set_content_arrangement(ContentArrangement::Disabled);
        }
        let mut text = String::new();
        for (index, line) in self.inner.to_string().lines().enumerate() {
            let line = line.trim_end();
            text.push_str(&if index == 0 { look.heading(line) } else { line.to_owned() });
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::super::steps::tests::screen;
    use super::super::text::width;
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["Key", "Value"]).whole(0);
        table
            .row(["scheduler.sweep_grace_seconds".into(), "some words that do not fit into so narrow a column".into()]);
        table
    }

    #[test]
    fn on_a_screen_cells_wrap_but_for_the_whole_ones() {
        let text = table().render(&screen(50));
        assert!(text.lines().all(|line| width(line) <= 50), "{text}");
        assert!(text.lines().count() > 2 && text.contains("scheduler.sweep_grace_seconds"), "{text}");
    }

    #[test]
    fn in_a_pipe_each_row_is_a_line() {
        assert_eq!(table().render(&Look::plain()).lines().count(), 2);
    }
}
