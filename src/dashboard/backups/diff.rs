//! What changed from one backup to the next.

use maud::{Markup, html};

use super::own;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::time;
use crate::model::amount::bytes;
use crate::model::backup::Diff;
use crate::model::backup::diff::{Change, TableChange};
use crate::model::figures::{counted, grouped};

/// Tables of one sort that are told.
const TABLES: usize = 100;

pub(super) fn between(diff: &Diff) -> Markup {
    html! {
        p {
            "Compared with " a href=(own(diff.from.as_str())) { (diff.from) } ": "
            @if diff.is_same_content() { "it holds the very same." } @else { (summary(diff)) "." }
        }
        (sums(diff))
        @for (title, changes) in [("Tables that came", &diff.added), ("Tables that went", &diff.removed), ("Tables with other rows", &diff.changed)] {
            @if !changes.is_empty() { h3 { (title) } (tables(title, changes)) }
        }
        @if !diff.sequences.is_empty() {
            details { summary { (counted(diff.sequences.len() as u64, "sequence stands", "sequences stand")) " elsewhere" }
                ul { @for change in diff.sequences.iter().take(TABLES) { li { code { (change.what) } ": " (stood(change.before)) " → " (stood(change.after)) } } } }
        }
        (words("Asked for otherwise", &diff.options))
        (words("Other versions", &diff.versions))
    }
}

fn summary(diff: &Diff) -> String {
    let parts = [(diff.added.len(), "came"), (diff.removed.len(), "went"), (diff.changed.len(), "changed")];
    let told: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{} {what}", counted(count as u64, "table", "tables")))
        .collect();
    if told.is_empty() { "its sequences or large objects changed".to_owned() } else { told.join(", ") }
}

fn sums(diff: &Diff) -> Markup {
    let columns = [Column::text(""), Column::number("Before"), Column::number("This one"), Column::number("Change")];
    let number = |what: &str, change: &Change<u64>, read: fn(u64) -> String| {
        vec![
            html! { (what) },
            html! { (read(change.before)) },
            html! { (read(change.after)) },
            html! { (signed(change.before as f64, change.after as f64)) },
        ]
    };
    let took = vec![
        html! { "Time" },
        html! { (time::lasting(Some(diff.seconds.before))) },
        html! { (time::lasting(Some(diff.seconds.after))) },
        html! { (signed(diff.seconds.before, diff.seconds.after)) },
    ];
    table(
        "Sums",
        &columns,
        [number("Rows", &diff.rows, grouped), number("Size in the store", &diff.bytes, bytes), took],
    )
}

/// `+12 %`; nothing where there was nothing before.
fn signed(before: f64, after: f64) -> String {
    if before <= 0.0 || (after - before).abs() < f64::EPSILON {
        return if (after - before).abs() < f64::EPSILON { "=".to_owned() } else { "–".to_owned() };
    }
    format!("{:+.0} %", (after - before) / before * 100.0)
}

fn tables(caption: &str, changes: &[TableChange]) -> Markup {
    let columns =
        [Column::text("Table"), Column::number("Rows before"), Column::number("Rows now"), Column::number("Change")];
    let rows = changes.iter().take(TABLES).map(|change| {
        let count = |side: Option<crate::model::backup::Fingerprint>| {
            side.map_or_else(|| "–".to_owned(), |of| grouped(of.rows))
        };
        vec![
            html! { (change.table) @if change.has_other_columns { " " span.muted.small { "other columns" } } },
            html! { (count(change.before)) },
            html! { (count(change.after)) },
            html! { @if change.rows == 0 { "other values" } @else { (format!("{:+}", change.rows)) } },
        ]
    });
    html! {
        (table(caption, &columns, rows))
        @if changes.len() > TABLES { p.muted { "and " (changes.len() - TABLES) " more" } }
    }
}

fn stood(value: Option<i64>) -> String {
    value.map_or_else(|| "not there".to_owned(), |value| value.to_string())
}

fn words(title: &str, changes: &[Change<String>]) -> Markup {
    html! {
        @if !changes.is_empty() {
            h3 { (title) }
            ul { @for change in changes { li { (change.what) ": " (shown(&change.before)) " → " (shown(&change.after)) } } }
        }
    }
}

fn shown(text: &str) -> &str {
    if text.is_empty() { "none" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_in_hundredths() {
        assert_eq!([signed(100.0, 112.0), signed(100.0, 50.0)], ["+12 %", "-50 %"]);
        assert_eq!([signed(0.0, 0.0), signed(5.0, 5.0), signed(0.0, 5.0)], ["=", "=", "–"]);
    }
}
