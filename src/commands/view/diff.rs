//! What changed from one backup to another.

use std::fmt::Display;

use super::amount::{bytes, counted, grouped};
use super::backups::seconds;
use super::look::Look;
use super::section::section;
use super::text::safe;
use crate::model::backup::Diff;
use crate::model::backup::diff::{Change, TableChange};

/// The changes, most telling first.
#[must_use]
pub fn render(diff: &Diff, look: &Look) -> String {
    let from = diff.from.moment();
    let time = seconds((diff.to.moment() - from).abs().as_seconds_f64());
    let order = if diff.to.moment() < from { "earlier" } else { "later" };
    let mut lines = vec![look.heading(&format!("From {} to {}, {time} {order}", diff.from, diff.to))];
    if diff.is_same_content() {
        lines.push("Both hold the same.".to_owned());
    }

    let mut tables: Vec<String> = Vec::new();
    tables.extend(diff.added.iter().map(|change| table("+", change, &look.good("new"))));
    tables.extend(diff.removed.iter().map(|change| table("-", change, &look.bad("gone"))));
    tables.extend(diff.changed.iter().map(|change| table("~", change, &how(change))));
    section(&mut lines, "Tables", tables, look);

    let stands = |at: Option<i64>| at.map_or_else(|| "none".to_owned(), |at| at.to_string());
    let sequences = diff.sequences.iter().map(|it| arrow(&it.what, stands(it.before), stands(it.after)));
    section(&mut lines, "Sequences", sequences.collect(), look);

    let mut sizes = vec![
        arrow("in the store", bytes(diff.bytes.before), bytes(diff.bytes.after)),
        arrow("uncompressed", bytes(diff.raw_bytes.before), bytes(diff.raw_bytes.after)),
        arrow("rows", grouped(diff.rows.before), grouped(diff.rows.after)),
        arrow("time", seconds(diff.seconds.before), seconds(diff.seconds.after)),
    ];
    if let Some(Change { before, after, .. }) = &diff.large_objects {
        sizes.push(arrow("large objects", grouped(before.rows), grouped(after.rows)));
    }
    section(&mut lines, "Amounts", sizes, look);
    for (title, changes) in [("Asked for otherwise", &diff.options), ("Made of and by", &diff.versions)] {
        let changes = changes.iter().map(|it| arrow(&it.what, or_none(&it.before), or_none(&it.after)));
        section(&mut lines, title, changes.collect(), look);
    }
    lines.join("\n") + "\n"
}

fn table(mark: &str, change: &TableChange, how: &str) -> String {
    let rows = match (change.before, change.after) {
        (Some(before), Some(after)) if before.rows != after.rows => {
            format!("{} → {} rows", grouped(before.rows), grouped(after.rows))
        }
        (Some(of), _) | (None, Some(of)) => counted(of.rows, "row", "rows"),
        (None, None) => String::new(),
    };
    format!("{mark} {}  {rows}, {how}", safe(&change.table))
}

fn how(change: &TableChange) -> String {
    let columns = if change.has_other_columns { ", other columns" } else { "" };
    match change.rows {
        0 => format!("other values{columns}"),
        rows if rows > 0 => format!("{} more{columns}", grouped(rows.unsigned_abs())),
        rows => format!("{} fewer{columns}", grouped(rows.unsigned_abs())),
    }
}

fn arrow(what: &str, before: impl Display, after: impl Display) -> String {
    safe(&format!("{what:<16}{before} → {after}"))
}

fn or_none(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[cfg(test)]
mod tests {
    use super::super::backup::tests::{fingerprint, manifest};
    use super::*;
    use crate::model::backup::Format;
    use crate::model::backup::manifest::Sequence;

    #[test]
    fn changes_read_like_this() {
        let (before, mut after) = (manifest("2026-11-21T03:00:00Z"), manifest("2026-11-22T03:00:00Z"));
        let same = Diff::between(&before, &after);
        after.format = Format::Plain;
        after.tools.pg_dump = "16.1".into();
        after.files[1].bytes += 200_000;
        after.tables[0].fingerprint.hash.0 += 1;
        after.tables[1].fingerprint = fingerprint(41_120);
        after.tables[2].name = "new".into();
        after.sequences.push(Sequence {
            schema: "public".into(),
            name: "ids".into(),
            last_value: 41_120,
            is_called: true,
        });
        let look = Look::plain();
        insta::assert_snapshot!(format!(
            "{}\n{}",
            render(&same, &look),
            render(&Diff::between(&before, &after), &look)
        ));
    }
}
