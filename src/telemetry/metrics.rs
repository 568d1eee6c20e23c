//! What this process counts about its jobs. Counting is an atomic addition or two: no lock, no look-up, no allocation.
//!
//! Everything is told at `GET /metrics` (`http/metrics.rs`) in the text format of Prometheus.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::exposition::{Page, Type};
use super::histogram::Histogram;
use crate::model::job::JobKind;

/// How an attempt at a job ended, once that was committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Done.
    Completed,
    /// Failed, to be tried again.
    Retried,
    /// Put off by its handler, no attempt spent.
    Snoozed,
    /// Set aside until a person or a condition lets it go on.
    Parked,
    /// Given up.
    Discarded,
    /// Stopped by a person.
    Cancelled,
    /// Given back untouched.
    HandedBack,
    /// Too late: the job was no longer this worker's, and nothing was written.
    Refused,
}

impl Ending {
    const ALL: [Self; 8] = [
        Self::Completed,
        Self::Retried,
        Self::Snoozed,
        Self::Parked,
        Self::Discarded,
        Self::Cancelled,
        Self::HandedBack,
        Self::Refused,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Retried => "retried",
            Self::Snoozed => "snoozed",
            Self::Parked => "parked",
            Self::Discarded => "discarded",
            Self::Cancelled => "cancelled",
            Self::HandedBack => "handed_back",
            Self::Refused => "refused",
        }
    }
}

/// Every kind, and a last place for those that only a newer program knows.
const KINDS: usize = JobKind::ALL.len() + 1;

/// Bounds in nanoseconds: 1 ms to an hour.
const TIMES: &[u64; 17] = &[
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    10_000_000_000,
    30_000_000_000,
    60_000_000_000,
    300_000_000_000,
    3_600_000_000_000,
];
const GROUPS: &[u64; 11] = &[0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

/// What a process counts. There is one, [`HERE`]; tests make their own.
#[derive(Debug)]
struct Counts {
    endings: [[AtomicU64; Ending::ALL.len()]; KINDS],
    waits: [Histogram<17>; KINDS],
    runs: [Histogram<17>; KINDS],
    claims: Histogram<11>,
    commits: Histogram<11>,
    wake_ups: AtomicU64,
    rescued: AtomicU64,
    quarantined: AtomicU64,
    heartbeats_failed: AtomicU64,
    logs_lost: AtomicU64,
    /// Bytes of the backup, and of the drill, that run here.
    moved: [AtomicU64; KINDS],
}

static HERE: Counts = Counts::new();

/// An attempt's end was committed, or refused.
pub fn ended(kind: &str, ending: Ending) {
    HERE.endings[place(kind)][ending as usize].fetch_add(1, Ordering::Relaxed);
}

/// A handler was started; its job had been due for so long when it was claimed.
pub fn started(kind: &str, waited: Duration) {
    HERE.waits[place(kind)].record(nanoseconds(waited));
}

/// A handler ended by itself or was stopped, after so long.
pub fn ran(kind: &str, ran: Duration) {
    HERE.runs[place(kind)].record(nanoseconds(ran));
}

/// A claim brought so many jobs.
pub fn claimed(jobs: usize) {
    HERE.claims.record(jobs as u64);
}

/// A transaction committed the ends of so many attempts.
pub fn committed(attempts: usize) {
    HERE.commits.record(attempts as u64);
}

/// An idle fetcher was told that there is work.
pub fn woken() {
    HERE.wake_ups.fetch_add(1, Ordering::Relaxed);
}

/// This process freed jobs of lost workers, and discarded others that too many workers had died on.
pub fn rescued(freed: u64, quarantined: u64) {
    HERE.rescued.fetch_add(freed, Ordering::Relaxed);
    HERE.quarantined.fetch_add(quarantined, Ordering::Relaxed);
}

/// A heartbeat was not answered, or found its lease lost.
pub fn heartbeat_failed() {
    HERE.heartbeats_failed.fetch_add(1, Ordering::Relaxed);
}

/// Logs of so many attempts could not be stored.
pub fn logs_lost(attempts: usize) {
    HERE.logs_lost.fetch_add(attempts as u64, Ordering::Relaxed);
}

/// The job of this kind that runs here has moved so many bytes so far; 0: it has ended.
pub fn moved(kind: &str, bytes: u64) {
    HERE.moved[place(kind)].store(bytes, Ordering::Relaxed);
}

/// Writes everything that this process has counted.
pub fn write_to(page: &mut Page) {
    HERE.write_to(page);
}

fn place(kind: &str) -> usize {
    JobKind::ALL.iter().position(|known| known.name() == kind).unwrap_or(KINDS - 1)
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn labels() -> [&'static str; KINDS] {
    std::array::from_fn(|place| JobKind::ALL.get(place).map_or("unknown", |kind| kind.name()))
}

impl Counts {
    const fn new() -> Self {
        Self {
            endings: [const { [const { AtomicU64::new(0) }; Ending::ALL.len()] }; KINDS],
            waits: [const { Histogram::new(TIMES) }; KINDS],
            runs: [const { Histogram::new(TIMES) }; KINDS],
            claims: Histogram::new(GROUPS),
            commits: Histogram::new(GROUPS),
            wake_ups: AtomicU64::new(0),
            rescued: AtomicU64::new(0),
            quarantined: AtomicU64::new(0),
            heartbeats_failed: AtomicU64::new(0),
            logs_lost: AtomicU64::new(0),
            moved: [const { AtomicU64::new(0) }; KINDS],
        }
    }

    fn write_to(&self, page: &mut Page) {
        page.family("repo_to_cat_attempts_total", Type::Counter, "Attempts at jobs that ended in this process.");
        for (kind, endings) in labels().into_iter().zip(&self.endings) {
            for (ending, count) in Ending::ALL.into_iter().zip(endings) {
                let labels = [("kind", kind), ("ending", ending.name())];
                page.sample(&labels, count.load(Ordering::Relaxed));
            }
        }
        let times = [
            ("repo_to_cat_job_wait_seconds", "From when a job was due to its claim.", &self.waits),
            ("repo_to_cat_job_run_seconds", "How long a handler ran.", &self.runs),
        ];
        for (name, help, histograms) in times {
            page.family(name, Type::Histogram, help);
            for (kind, histogram) in labels().into_iter().zip(histograms) {
                histogram.write_to(page, &[("kind", kind)], 1e9);
            }
        }
        let groups = [
            ("repo_to_cat_claim_jobs", "Jobs that a claim brought.", &self.claims),
            ("repo_to_cat_commit_attempts", "Ends of attempts that one transaction committed.", &self.commits),
        ];
        for (name, help, histogram) in groups {
            page.family(name, Type::Histogram, help);
            histogram.write_to(page, &[], 1.0);
        }
        let totals = [
            ("repo_to_cat_wake_ups_total", "Times that the idle fetcher was told of work.", &self.wake_ups),
            ("repo_to_cat_rescued_jobs_total", "Jobs of lost workers that this process freed.", &self.rescued),
            (
                "repo_to_cat_quarantined_jobs_total",
                "Jobs that this process discarded because too many workers were lost on them.",
                &self.quarantined,
            ),
            (
                "repo_to_cat_heartbeat_failures_total",
                "Heartbeats that did not renew the lease.",
                &self.heartbeats_failed,
            ),
            ("repo_to_cat_lost_logs_total", "Attempts whose log lines could not be stored.", &self.logs_lost),
        ];
        for (name, help, count) in totals {
            page.family(name, Type::Counter, help);
            page.sample(&[], count.load(Ordering::Relaxed));
        }
        let help = "Bytes that the backup or drill which runs in this process has moved so far; 0 where none runs.";
        page.family("repo_to_cat_backup_progress_bytes", Type::Gauge, help);
        for kind in [JobKind::Backup, JobKind::Drill].map(JobKind::name) {
            page.sample(&[("kind", kind)], self.moved[place(kind)].load(Ordering::Relaxed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ending_has_its_place() {
        for (index, ending) in Ending::ALL.into_iter().enumerate() {
            assert_eq!(ending as usize, index, "{}", ending.name());
        }
    }

    #[test]
    fn what_is_counted_is_told() {
        let counts = Counts::new();
        counts.endings[place("generation")][Ending::Retried as usize].fetch_add(3, Ordering::Relaxed);
        counts.endings[place("of the future")][Ending::Completed as usize].fetch_add(1, Ordering::Relaxed);
        counts.waits[place("generation")].record(nanoseconds(Duration::from_micros(2500)));
        counts.claims.record(1000);
        counts.rescued.fetch_add(7, Ordering::Relaxed);
        counts.moved[place("drill")].store(12, Ordering::Relaxed);
        let mut page = Page::default();
        counts.write_to(&mut page);
        let text = page.finish();
        for line in [
            "repo_to_cat_attempts_total{kind=\"generation\",ending=\"retried\"} 3",
            "repo_to_cat_attempts_total{kind=\"unknown\",ending=\"completed\"} 1",
            "repo_to_cat_job_wait_seconds_bucket{kind=\"generation\",le=\"0.001\"} 0",
            "repo_to_cat_job_wait_seconds_bucket{kind=\"generation\",le=\"0.0025\"} 1",
            "repo_to_cat_job_wait_seconds_sum{kind=\"generation\"} 0.0025",
            "repo_to_cat_claim_jobs_bucket{le=\"500\"} 0",
            "repo_to_cat_claim_jobs_bucket{le=\"1000\"} 1",
            "repo_to_cat_rescued_jobs_total 7",
            "repo_to_cat_backup_progress_bytes{kind=\"drill\"} 12",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}: {text}");
        }
    }
}
