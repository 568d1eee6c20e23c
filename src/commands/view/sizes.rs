//! What takes how much room.

use super::amount::{bytes, counted, grouped};
use super::look::Look;
use super::table::Table;
use crate::db::looking::sizes::Sizes;

/// The size of the database, and its tables.
#[must_use]
pub fn sizes(sizes: &Sizes, look: &Look) -> String {
    let of = |amount: i64| bytes(amount.unsigned_abs());
    let mut text = format!("Database {}: {}\n\n", sizes.database, of(sizes.bytes));
    if sizes.tables.is_empty() {
        return text + "It has no tables.\n";
    }
    let mut table =
        Table::new(["Table", "Total", "Rows alone", "Indexes", "Long values", "Rows", "Partitions"]).whole(0);
    for column in 1..7 {
        table = table.numbers(column);
    }
    for size in &sizes.tables {
        table.row([
            format!("{}.{}", size.schema, size.name),
            of(size.total_bytes),
            of(size.table_bytes),
            of(size.index_bytes),
            of(size.toast_bytes),
            size.rows.map_or_else(|| "?".to_owned(), |rows| format!("~{}", grouped(rows.unsigned_abs()))),
            if size.partitions > 0 { size.partitions.to_string() } else { String::new() },
        ]);
    }
    text += &table.render(look);
    let unknown = sizes.tables.iter().filter(|size| size.rows.is_none()).count();
    if unknown > 0 {
        text += &look.dim(&format!(
            "\n{} with ? never had statistics made: type in psql: ANALYZE\n",
            counted(unknown as u64, "table", "tables")
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::looking::sizes::TableSize;

    #[test]
    fn sizes_read_like_this() {
        let size = |name: &str, total_bytes, rows, partitions| TableSize {
            schema: "queue".to_owned(),
            name: name.to_owned(),
            total_bytes,
            table_bytes: total_bytes / 2,
            index_bytes: total_bytes / 4,
            toast_bytes: total_bytes / 4,
            rows,
            partitions,
        };
        let all = Sizes {
            database: "cats".to_owned(),
            bytes: 20_000_000,
            tables: vec![size("history", 12_000_000, Some(41_000), 14), size("jobs", 65_536, None, 0)],
        };
        insta::assert_snapshot!(sizes(&all, &Look::plain()));
    }
}
