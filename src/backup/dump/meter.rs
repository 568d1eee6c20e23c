//! How far a dump is, in bytes and tables, and what that says about when it ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::model::figures::{grouped, left};
use crate::model::progress::Report;

/// Counts what has come by. Written by the threads that read, read by the one that tells.
#[derive(Debug)]
pub(super) struct Meter {
    bytes: AtomicU64,
    tables: AtomicU64,
    expected_bytes: AtomicU64,
    expected_tables: AtomicU64,
    started: Instant,
}

impl Default for Meter {
    fn default() -> Self {
        let zero = || AtomicU64::new(0);
        Self { bytes: zero(), tables: zero(), expected_bytes: zero(), expected_tables: zero(), started: Instant::now() }
    }
}

impl Meter {
    /// Says how much will come: about so many bytes, and so many tables.
    pub fn expect(&self, bytes: u64, tables: u64) {
        self.expected_bytes.store(bytes, Ordering::Relaxed);
        self.expected_tables.store(tables, Ordering::Relaxed);
    }

    /// Bytes of the dump have come.
    pub fn add_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// The rows of a table are through.
    pub fn add_table(&self) {
        self.tables.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells how far it is.
    pub fn tell(&self, report: &dyn Report) {
        let bytes = self.bytes.load(Ordering::Relaxed);
        let expected = self.expected_bytes.load(Ordering::Relaxed);
        let tables = (self.tables.load(Ordering::Relaxed), self.expected_tables.load(Ordering::Relaxed));
        // An estimate that was passed was none.
        let total = if bytes <= expected { expected } else { 0 };
        report.report(bytes, total, &words(bytes, total, tables, self.started.elapsed()));
    }
}

/// `1.2 GB of about 3.4 GB, 14 of 27 tables, 310 MB/s, about 7 s left`.
fn words(bytes: u64, total: u64, (tables, all_tables): (u64, u64), elapsed: Duration) -> String {
    let mut parts = vec![if total > 0 { format!("{} of about {}", size(bytes), size(total)) } else { size(bytes) }];
    if all_tables > 0 {
        parts.push(format!("{} of {} tables", grouped(tables), grouped(all_tables)));
    }
    let rate = bytes as f64 / elapsed.as_secs_f64();
    if elapsed >= Duration::from_secs(1) && bytes > 0 {
        parts.push(format!("{}/s", size(rate as u64)));
        parts.extend(left(bytes, total, elapsed).map(|left| format!("about {left} left")));
    }
    parts.join(", ")
}

/// `310 MB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    let (mut size, mut unit) = (bytes as f64 / 1000.0, 0);
    while size >= 999.5 && unit + 1 < UNITS.len() {
        (size, unit) = (size / 1000.0, unit + 1);
    }
    if size < 9.95 && unit > 0 { format!("{size:.1} {}", UNITS[unit]) } else { format!("{size:.0} {}", UNITS[unit]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_reads_well() {
        let words = |bytes, total, tables, seconds| words(bytes, total, tables, Duration::from_secs(seconds));
        assert_eq!(
            words(1_240_000_000, 3_400_000_000, (14, 27), 4),
            "1.2 GB of about 3.4 GB, 14 of 27 tables, 310 MB/s, about 7 s left"
        );
        assert_eq!(words(0, 3_400_000_000, (0, 1_027), 9), "0 kB of about 3.4 GB, 0 of 1,027 tables");
        assert_eq!(words(5_000_000, 0, (0, 0), 1), "5.0 MB, 5.0 MB/s");
        assert_eq!(words(1_000, 9_999_000, (0, 0), 0), "1 kB of about 10 MB");
        assert_eq!(words(1_000_000, 9_001_000_000, (0, 0), 1), "1.0 MB of about 9.0 GB, 1.0 MB/s, about 3 h left");
    }
}
