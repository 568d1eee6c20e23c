//! Whether a backup is unlike the one before: a sign of what no check would find, such as a table that somebody emptied.

use serde::Serialize;

use crate::model::backup::{DrillReport, Manifest};
use crate::model::figures::grouped;

/// What is compared of a backup.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Measured {
    /// Its size in the store, in bytes.
    pub bytes: u64,
    /// Rows of all tables.
    pub rows: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How long the drill's restore took, in seconds, where there was one.
    pub restore_seconds: Option<f64>,
}

/// Something that is more, or less, than it may be against the one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alarm {
    /// What: a name for metrics and JSON.
    pub what: &'static str,
    /// How much it was.
    pub before: f64,
    /// How much it is.
    pub after: f64,
    /// For people: `the size fell by 61 % against the last verified backup: 12.3 MB, it was 31.5 MB`.
    pub words: String,
}

/// Something that is watched, and from which difference on. Below, nobody is told: a small database doubles by a row, and a
/// backup of two seconds takes four because of a neighbour.
struct Watch {
    what: &'static str,
    words: &'static str,
    /// The smallest difference that counts.
    floor: f64,
    show: fn(f64) -> String,
}

const SIZE: Watch = Watch { what: "size", words: "the size", floor: 1e6, show: megabytes };
const ROWS: Watch = Watch { what: "rows", words: "the number of rows", floor: 1000.0, show: whole };
const DURATION: Watch = Watch { what: "duration", words: "the duration", floor: 30.0, show: seconds };
const RESTORE: Watch = Watch { what: "restore_time", words: "the time to restore", floor: 30.0, show: seconds };

impl Measured {
    /// Of a backup and, where it was tried, its drill.
    #[must_use]
    pub fn of(manifest: &Manifest, drill: Option<&DrillReport>) -> Self {
        Self {
            bytes: manifest.bytes(),
            rows: manifest.rows(),
            seconds: manifest.seconds(),
            restore_seconds: drill.and_then(|drill| drill.restore_seconds),
        }
    }

    /// What differs from `before`, the last verified backup of the same database and of the same part of it, by more than
    /// `percent` of what it was then: of size and rows at least 1 MB and 1,000, of times at least 30 seconds. Rows that are
    /// all gone are always told.
    #[must_use]
    pub fn alarms(&self, before: &Self, percent: u64) -> Vec<Alarm> {
        let restore = before.restore_seconds.zip(self.restore_seconds);
        let pairs = [
            Some((SIZE, before.bytes as f64, self.bytes as f64)),
            Some((ROWS, before.rows as f64, self.rows as f64)),
            Some((DURATION, before.seconds, self.seconds)),
            restore.map(|(before, after)| (RESTORE, before, after)),
        ];
        let all_gone = before.rows > 0 && self.rows == 0;
        pairs
            .into_iter()
            .flatten()
            .filter(|(watch, before, after)| {
                let difference = (after - before).abs();
                (difference >= watch.floor && difference * 100.0 > before * percent as f64)
                    || (all_gone && watch.what == ROWS.what)
            })
            .map(|(watch, before, after)| watch.alarm(before, after))
            .collect()
    }
}

impl Watch {
    fn alarm(&self, before: f64, after: f64) -> Alarm {
        let Self { what, words, show, .. } = *self;
        let moved = if after > before { "grew" } else { "fell" };
        let share = if before > 0.0 {
            format!(" by {} %", grouped(((after - before).abs() / before * 100.0).round() as u64))
        } else {
            String::new()
        };
        let words = format!(
            "{words} {moved}{share} against the last verified backup: {}, it was {}",
            show(after),
            show(before)
        );
        Alarm { what, before, after, words }
    }
}

fn megabytes(bytes: f64) -> String {
    format!("{:.1} MB", bytes / 1e6)
}

fn whole(number: f64) -> String {
    grouped(number as u64)
}

fn seconds(seconds: f64) -> String {
    format!("{} s", grouped(seconds.round() as u64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const USUAL: Measured = Measured { bytes: 31_500_000, rows: 20_000, seconds: 40.0, restore_seconds: Some(100.0) };

    fn words(before: Measured, after: Measured) -> Vec<String> {
        after.alarms(&before, 50).into_iter().map(|alarm| alarm.words).collect()
    }

    #[test]
    fn a_drop_and_a_growth_are_told_in_words() {
        let after = Measured { bytes: 12_300_000, rows: 50_000, seconds: 60.0, restore_seconds: Some(251.0) };
        assert_eq!(
            words(USUAL, after),
            [
                "the size fell by 61 % against the last verified backup: 12.3 MB, it was 31.5 MB",
                "the number of rows grew by 150 % against the last verified backup: 50,000, it was 20,000",
                "the time to restore grew by 151 % against the last verified backup: 251 s, it was 100 s",
            ]
        );
    }

    #[test]
    fn what_is_small_is_no_alarm_and_what_is_gone_is() {
        let tiny = Measured { bytes: 900, rows: 3, seconds: 0.2, restore_seconds: None };
        let doubled = Measured { bytes: 9000, rows: 30, seconds: 4.0, restore_seconds: Some(9.0) };
        assert_eq!(words(tiny, doubled), [""; 0]);
        assert_eq!(words(doubled, tiny), [""; 0]);
        assert_eq!(words(tiny, Measured { rows: 0, ..tiny }).len(), 1, "every row is gone");
        assert_eq!(words(Measured::default(), Measured::default()), [""; 0]);
        let first = words(Measured::default(), USUAL);
        assert_eq!(first[0], "the size grew against the last verified backup: 31.5 MB, it was 0.0 MB");
    }

    proptest! {
        #[test]
        fn within_the_share_there_is_none(
            bytes in 0_u64..1 << 40, rows in 1_u64..1 << 40, seconds in 0_f64..1e6, share in 0.52_f64..1.48,
        ) {
            let before = Measured { bytes, rows, seconds, restore_seconds: Some(seconds) };
            let after = Measured {
                bytes: (bytes as f64 * share) as u64,
                rows: (rows as f64 * share).ceil() as u64,
                seconds: seconds * share,
                restore_seconds: None,
            };
            prop_assert_eq!(after.alarms(&before, 50), []);
            prop_assert_eq!(before.alarms(&before, 0), []);
        }
    }
}
