//! What a worker ran: how many jobs, how long each had waited, and, when `LOG` names a file, each start and end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use serde_json::json;

use crate::{Result, now};

struct Record {
    /// How many jobs are reported as handled.
    target: u64,
    /// What a job does: sleep.
    job: Duration,
    log: Option<File>,
    first: AtomicU64,
    done: AtomicU64,
    /// Nanoseconds from enqueue to start.
    waits: Mutex<Vec<u64>>,
}

/// One a process, as handlers are plain functions.
static RECORD: OnceLock<Record> = OnceLock::new();

/// Begins: `HANDLED` is reported when `target` jobs ran. `JOB_MS` is how long a job sleeps.
pub fn start(target: u64) -> Result {
    let log = match std::env::var_os("LOG") {
        Some(path) => Some(OpenOptions::new().append(true).create(true).open(path)?),
        None => None,
    };
    let job = std::env::var("JOB_MS").map_or(Ok(0), |ms| ms.parse())?;
    let waits = Mutex::new(Vec::with_capacity(target.min(1 << 20) as usize));
    let record = Record { target, job: Duration::from_millis(job), log, first: 0.into(), done: 0.into(), waits };
    RECORD.set(record).map_err(|_| "the record was started twice".into())
}

/// Runs job `i`, enqueued at `t`.
pub async fn run(i: u64, t: u64) {
    let record = RECORD.get().expect("a worker starts the record first");
    let start = now();
    record.first.compare_exchange(0, start, Relaxed, Relaxed).ok();
    record.note('s', i);
    record.waits.lock().expect("no holder panics").push(start.saturating_sub(t));
    if !record.job.is_zero() {
        tokio::time::sleep(record.job).await;
    }
    record.note('d', i);
    if record.done.fetch_add(1, Relaxed) + 1 == record.target {
        report("HANDLED");
    }
}

/// Prints the record as an event.
pub fn report(event: &str) {
    let record = RECORD.get().expect("a worker starts the record first");
    let last = now();
    let mut waits = record.waits.lock().expect("no holder panics").clone();
    let mut line = json!({
        "ev": event, "n": record.done.load(Relaxed), "first": record.first.load(Relaxed), "last": last, "rss_kb": peak_kb(),
    });
    for (name, value) in quantiles(&mut waits) {
        line[name] = value.into();
    }
    println!("{line}");
}

impl Record {
    fn note(&self, what: char, i: u64) {
        if let Some(mut log) = self.log.as_ref() {
            // One write a line: what several processes append stays whole.
            log.write_all(format!("{what} {i}\n").as_bytes()).expect("the log can be written");
        }
    }
}

/// Quantiles of times in nanoseconds, in milliseconds.
pub fn quantiles(times: &mut [u64]) -> [(&'static str, f64); 4] {
    times.sort_unstable();
    let at = |share: f64| {
        let rank = (times.len().saturating_sub(1) as f64 * share).round() as usize;
        times.get(rank).map_or(0.0, |&time| time as f64 / 1e6)
    };
    [("p50", at(0.5)), ("p95", at(0.95)), ("p99", at(0.99)), ("max", at(1.0))]
}

/// The most memory that this process held, in KiB.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
