//! How backups grow, and how long they take.

use maud::{Markup, html};

use crate::dashboard::parts::chart::{Line, Series};
use crate::dashboard::parts::time;
use crate::db::backups::BackupRow;
use crate::model::amount;

/// Fewer are no trend.
const FEWEST: usize = 2;

/// The backups of one database, the newest first as they are listed; drawn from the oldest on.
pub(super) fn trends(newest_first: &[BackupRow]) -> Markup {
    let rows: Vec<&BackupRow> = newest_first.iter().rev().collect();
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Markup::default() };
    if rows.len() < FEWEST {
        return Markup::default();
    }
    let moments: Vec<String> = rows.iter().map(|row| row.started_at.format("%m-%d %H:%M").to_string()).collect();
    let values = |read: fn(&BackupRow) -> Option<f64>| rows.iter().map(|row| read(row)).collect::<Vec<_>>();
    let stored = values(|row| Some(row.bytes as f64));
    let (took, restored) = (values(|row| Some(row.seconds)), values(|row| row.restore_seconds));
    let size = Line {
        title: "Size in the store",
        summary: format!(
            "{} backups, from {} to {}",
            rows.len(),
            amount::bytes(first.bytes.unsigned_abs()),
            amount::bytes(last.bytes.unsigned_abs())
        ),
        moments: &moments,
        series: &[Series { name: "in the store", values: &stored }],
        read: bytes,
    };
    let duration = Line {
        title: "How long it took",
        summary: format!("from {} to {}", seconds(first.seconds), seconds(last.seconds)),
        moments: &moments,
        series: &[Series { name: "to make it", values: &took }, Series { name: "to restore it", values: &restored }],
        read: seconds,
    };
    html! {
        div.grid {
            section.card { h2 { (size.title) } (size.draw()) }
            section.card { h2 { (duration.title) } (duration.draw()) }
        }
    }
}

fn bytes(bytes: f64) -> String {
    amount::bytes(bytes.max(0.0) as u64)
}

fn seconds(seconds: f64) -> String {
    time::lasting(Some(seconds))
}
