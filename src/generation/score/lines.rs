//! Counts lines of code and of comments from the tokens of a syntax tree.

use tree_sitter::Node;

/// Counts rows as they are met in order.
#[derive(Debug, Default)]
pub struct Rows {
    /// Rows with code.
    pub code: u64,
    /// Rows with nothing but comments.
    pub comments: u64,
    last_code: Option<usize>,
    last_comment: Option<usize>,
}

impl Rows {
    /// A token stands on these rows; how many of them were not code before.
    pub fn code(&mut self, first: usize, last: usize) -> u64 {
        // A row with a comment before the code is a row of code.
        if self.last_comment.is_some_and(|row| row >= first) && self.last_code.is_none_or(|row| row < first) {
            self.comments -= 1;
            self.last_comment = None;
        }
        let new = new_rows(&mut self.last_code, first, last);
        self.code += new;
        new
    }

    /// A comment stands on these rows.
    pub fn comment(&mut self, first: usize, last: usize) {
        let first = self.last_code.map_or(first, |row| first.max(row + 1));
        if first <= last {
            self.comments += new_rows(&mut self.last_comment, first, last);
        }
    }
}

/// How many of the rows lie after the last one that was counted.
pub fn new_rows(last_counted: &mut Option<usize>, first: usize, last: usize) -> u64 {
    let from = last_counted.map_or(first, |row| first.max(row + 1));
    if from > last {
        return 0;
    }
    *last_counted = Some(last);
    (last - from + 1) as u64
}

/// First and last row of a node; a line break at its end does not make it reach the next row.
#[must_use]
pub fn rows(node: &Node<'_>) -> (usize, usize) {
    let (start, end) = (node.start_position(), node.end_position());
    let last = if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row };
    (start.row, last)
}
