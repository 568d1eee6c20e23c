//! Backups: those that stand in a store, those that stay and go.

use std::fmt::Write as _;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::amount::{bytes, counted, duration, grouped, relative};
use super::look::Look;
use super::table::Table;
use super::text::safe;
use crate::backup::shelf::{Entry, Shelved};
use crate::model::backup::policy::{Sentence, Sorted};
use crate::model::backup::{Manifest, Verdict};

fn layout(row: &Entry) -> String {
    let lock = if row.is_encrypted == Some(true) { ", encrypted" } else { "" };
    row.format.map_or_else(dash, |format| format!("{}{lock}", format.name()))
}

fn verdict(row: &Entry) -> String {
    let restored = row.restore_seconds.filter(|_| row.verdict == Verdict::Verified);
    match (restored, &row.reason) {
        (Some(time), _) => format!("{}, restored in {}", row.verdict.name(), seconds(time)),
        (None, Some(reason)) => format!("{}: {reason}", row.verdict.name()),
        (None, None) => row.verdict.name().to_owned(),
    }
}

/// Backups as a table, and where they are.
#[must_use]
pub fn list(rows: &[Entry], place: &str, now: DateTime<Utc>, look: &Look) -> String {
    if rows.is_empty() {
        return format!("No backups in {}. Make one: repo-to-cat backup now\n", safe(place));
    }
    let columns = ["Name", "Database", "Made (UTC)", "Age", "Size", "Rows", "Format", "Verdict"];
    let mut table = Table::new(columns).whole(0).numbers(4).numbers(5);
    for row in rows {
        table.row([
            row.name.clone(),
            row.database.clone(),
            row.made_at.format("%Y-%m-%d %H:%M").to_string(),
            relative(row.made_at, now),
            row.bytes.map_or_else(dash, bytes),
            row.rows.map_or_else(dash, grouped),
            layout(row),
            verdict(row),
        ]);
    }
    let size = bytes(rows.iter().filter_map(|row| row.bytes).sum());
    let sum = format!("{} of {size} in {}", counted(rows.len() as u64, "backup", "backups"), safe(place));
    format!("{}\n{}\n", table.render(look), look.dim(&sum))
}

/// What stays, what goes and why; `removed` says how many went, and is none where this was a dry run.
#[must_use]
pub fn prune(shelf: &[Shelved], sorted: &Sorted, leftovers: &[String], removed: Option<usize>, look: &Look) -> String {
    let size = |sentence: &Sentence| {
        let shelved = shelf.iter().find(|shelved| shelved.name == sentence.name);
        shelved.and_then(|shelved| shelved.manifest.as_ref()).map_or(0, Manifest::bytes)
    };
    let mut text = String::new();
    for (title, sentences) in [("Stays", &sorted.keep), ("Goes", &sorted.remove)] {
        if !sentences.is_empty() {
            let mut table = Table::new([title, "Size", "Because"]).whole(0).numbers(1);
            for sentence in sentences {
                table.row([sentence.name.to_string(), bytes(size(sentence)), sentence.reasons.join(", ")]);
            }
            _ = writeln!(text, "{}", table.render(look));
        }
    }
    let unread: Vec<_> = shelf.iter().filter_map(|shelved| Some((&shelved.name, shelved.problem.as_ref()?))).collect();
    for (name, problem) in &unread {
        _ = writeln!(text, "{name} stays: {}\n", safe(problem));
    }
    if !leftovers.is_empty() {
        _ = writeln!(text, "{}", look.heading("Left by killed runs"));
        for leftover in leftovers {
            _ = writeln!(text, "{}", safe(leftover));
        }
        text.push('\n');
    }
    let backups = |number: usize| counted(number as u64, "backup", "backups");
    let freed = bytes(sorted.remove.iter().map(size).sum());
    text + &match (removed, sorted.remove.len()) {
        (_, 0) if leftovers.is_empty() => "Nothing is to be removed.\n".to_owned(),
        (None, goes) => format!(
            "A dry run: {} of {freed} would go. Remove with: repo-to-cat backup prune --no-dry-run\n",
            backups(goes)
        ),
        (Some(removed), goes) if removed < goes => format!("Removed {} of {goes}.\n", backups(removed)),
        (Some(removed), _) => format!("Removed {}: {freed} more room.\n", backups(removed)),
    }
}

/// A time that was measured.
pub(super) fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

fn dash() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::backup::tests::{shelved, spoilt};
    use super::*;
    use crate::backup::retention::plan;
    use crate::model::backup::Policy;

    #[test]
    fn backups_read_like_this() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let shelf = [
            shelved("2026-11-22T03:00:00Z", Verdict::Unverified),
            shelved("2026-11-21T03:00:00Z", Verdict::Verified),
            shelved("2026-11-20T03:00:00Z", Verdict::Failed),
            spoilt("2026-11-19T03:00:00Z"),
        ];
        let mut rows: Vec<_> = shelf.iter().map(Entry::of).collect();
        rows[1].is_encrypted = Some(true);
        let look = Look::plain();
        insta::assert_snapshot!(format!(
            "{}\n{}",
            list(&rows, "s3://cats/prod", now, &look),
            list(&[], "/var/lib/repo-to-cat/backups", now, &look)
        ));
    }

    #[test]
    fn what_stays_and_goes_reads_like_this() {
        let shelf: Vec<_> = (1..=4)
            .map(|day| shelved(&format!("2020-11-2{day}T03:00:00Z"), Verdict::Verified))
            .chain([shelved("2020-11-20T03:00:00Z", Verdict::Failed), spoilt("2020-11-19T03:00:00Z")])
            .collect();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let sorted = plan(&shelf, &Policy { last: 2, ..Policy::default() }, now);
        let leftovers = [".cats_20201123_030000Z.draft".to_owned()];
        let look = Look::plain();
        insta::assert_snapshot!(format!(
            "{}\n{}\n{}\n{}",
            prune(&shelf, &sorted, &leftovers, None, &look),
            prune(&shelf, &sorted, &[], Some(sorted.remove.len()), &look),
            prune(&shelf, &sorted, &[], Some(1), &look),
            prune(&[], &Sorted::default(), &[], None, &look)
        ));
    }
}
