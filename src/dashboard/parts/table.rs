//! Tables. On a narrow screen each row becomes a block, in which every value stands beside the name of its column.

use maud::{Markup, html};

/// A column.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    name: &'static str,
    is_number: bool,
    is_hidden: bool,
}

impl Column {
    /// Of words.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self { name, is_number: false, is_hidden: false }
    }

    /// Of numbers, which stand under each other.
    #[must_use]
    pub const fn number(name: &'static str) -> Self {
        Self { name, is_number: true, is_hidden: false }
    }

    /// Whose name is for those who cannot see what is in it: buttons, check boxes.
    #[must_use]
    pub const fn of_actions(name: &'static str) -> Self {
        Self { name, is_number: false, is_hidden: true }
    }
}

/// A table; its caption is heard, and not seen where a heading says the same.
#[must_use]
pub fn table(caption: &str, columns: &[Column], rows: impl IntoIterator<Item = Vec<Markup>>) -> Markup {
    html! {
        div.table {
            table role="table" {
                caption { (caption) }
                thead role="rowgroup" {
                    tr role="row" {
                        @for column in columns {
                            th role="columnheader" scope="col" class=[column.is_number.then_some("number")] {
                                @if column.is_hidden { span.heard { (column.name) } } @else { (column.name) }
                            }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for row in rows {
                        tr role="row" {
                            @for (column, cell) in columns.iter().zip(row) {
                                td role="cell" class=[column.is_number.then_some("number")]
                                    data-label=[(!column.is_hidden).then_some(column.name)] { (cell) }
                            }
                        }
                    }
                }
            }
        }
    }
}
