//! `__bench`: the queue under measurement. Started by `benches/peers` only, which speaks the same protocol with every
//! system: see its README.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::cli::Bench;
use crate::commands::session::{Schema, Session, block_on, stop_signal};
use crate::config::Loaded;
use crate::db::enqueue::by_function;
use crate::db::migrate;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, JobKind, NewJob};
use crate::probe::Probe;
use crate::queue::enqueue::{enqueue, enqueue_all, enqueue_copy};
use crate::worker::{self, Duty, Handlers};

/// Runs `__bench ...`.
pub fn run(command: &Bench, loaded: &Loaded) -> Result<()> {
    block_on(async {
        let sleep_ms = variable(loaded, "JOB_MS").and_then(|text| text.parse().ok()).unwrap_or(0);
        match *command {
            Bench::Setup => {
                let session = Session::open(loaded, Schema::Any).await?;
                migrate::up(&session.db).await.map(drop)
            }
            Bench::Enqueue { jobs, callers } => enqueue_singly(&open(loaded).await?, jobs, callers).await,
            Bench::Bulk { jobs, chunk } => enqueue_by_function(&open(loaded).await?, jobs, chunk, sleep_ms).await,
            Bench::Copy { jobs } => copy(&open(loaded).await?, jobs, sleep_ms).await,
            Bench::Pace { rate, jobs, batch } => pace(&open(loaded).await?, rate, jobs, batch).await,
            Bench::Worker { jobs } => work(loaded, jobs).await,
        }
    })
}

async fn open(loaded: &Loaded) -> Result<Session> {
    Session::open(loaded, Schema::Current).await
}

fn variable<'a>(loaded: &'a Loaded, name: &str) -> Option<&'a str> {
    loaded.environment.get(name)
}

/// Nanoseconds on the clock that all processes of this machine share.
fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap_or(0)
}

/// A job of about 100 bytes, stamped with the time of its making.
fn job(number: u64, sleep_ms: u64) -> NewJob {
    let mut payload = json!({"i": number, "t": now_ns(), "pad": "x".repeat(60)});
    if sleep_ms > 0 {
        payload["sleep_ms"] = sleep_ms.into();
    }
    NewJob::new(JobKind::Probe, payload)
}

fn print(event: &Value) {
    println!("{event}");
    _ = std::io::stdout().flush();
}

fn print_rate(jobs: u64, began: u64) {
    print(&json!({"ev": "RATE", "n": jobs, "per_s": jobs as f64 / ((now_ns() - began) as f64 / 1e9)}));
}

async fn enqueue_singly(session: &Session, jobs: u64, callers: u64) -> Result<()> {
    let mut lines = Vec::new();
    for _ in 0..callers {
        let line = session.db.line();
        line.take().await?.give_back();
        lines.push(line);
    }
    let began = now_ns();
    let mut calling = JoinSet::new();
    for (line, caller) in lines.into_iter().zip(0..) {
        calling.spawn(async move {
            let mut held = line.take().await?;
            for number in 0..jobs / callers {
                enqueue(held.connection(), &job(caller * (jobs / callers) + number, 0)).await?;
            }
            held.give_back();
            Ok::<_, Failure>(())
        });
    }
    while let Some(ended) = calling.join_next().await {
        ended.map_err(|error| Failure::new(Kind::Internal, "a caller broke").source(error))??;
    }
    print_rate(jobs, began);
    Ok(())
}

async fn enqueue_by_function(session: &Session, jobs: u64, chunk: u64, sleep_ms: u64) -> Result<()> {
    let line = session.db.line();
    let mut held = line.take().await?;
    let began = now_ns();
    let mut number = 0;
    while number < jobs {
        let end = jobs.min(number + chunk);
        let payloads: Vec<Value> = (number..end).map(|number| job(number, sleep_ms).payload).collect();
        by_function(held.connection(), JobKind::Probe.name(), &payloads).await?;
        number = end;
    }
    print_rate(jobs, began);
    Ok(())
}

async fn copy(session: &Session, jobs: u64, sleep_ms: u64) -> Result<()> {
    let began = now_ns();
    let mut transaction = session.db.pool().begin().await?;
    enqueue_copy(&mut transaction, (0..jobs).map(|number| job(number, sleep_ms))).await?;
    transaction.commit().await?;
    print_rate(jobs, began);
    Ok(())
}

/// An open loop: a late call does not hold back the next.
async fn pace(session: &Session, rate: f64, jobs: u64, batch: u64) -> Result<()> {
    let (began, start) = (now_ns(), Instant::now());
    let line = session.db.line();
    let mut held = line.take().await?;
    let mut number = 0;
    while number < jobs {
        sleep_until(start + Duration::from_secs_f64(number as f64 / rate)).await;
        if batch == 1 {
            enqueue(held.connection(), &job(number, 0)).await?;
        } else {
            let some: Vec<NewJob> = (number..jobs.min(number + batch)).map(|number| job(number, 0)).collect();
            enqueue_all(&session.db, &some).await?;
        }
        number += batch;
    }
    held.give_back();
    print_rate(jobs, began);
    Ok(())
}

/// What the probes of a worker record.
struct Record {
    target: u64,
    handled: AtomicU64,
    first: AtomicU64,
    waits: Mutex<Vec<u64>>,
    log: Option<Mutex<std::fs::File>>,
}

impl Record {
    fn observe(&self, job: &ClaimedJob, ended: bool) {
        let field = |name: &str| job.payload.get(name).and_then(Value::as_u64).unwrap_or(0);
        if let Some(log) = &self.log {
            let line = format!("{} {}\n", if ended { 'd' } else { 's' }, field("i"));
            _ = log.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes());
        }
        if ended {
            if self.handled.fetch_add(1, Ordering::SeqCst) + 1 == self.target {
                self.print("HANDLED");
            }
            return;
        }
        let now = now_ns();
        _ = self.first.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst);
        self.waits.lock().unwrap_or_else(PoisonError::into_inner).push(now.saturating_sub(field("t")));
    }

    fn print(&self, event: &str) {
        let mut waits = self.waits.lock().unwrap_or_else(PoisonError::into_inner).clone();
        waits.sort_unstable();
        let at = |share: f64| {
            let place = (waits.len().saturating_sub(1) as f64 * share).round() as usize;
            waits.get(place).map_or(0.0, |ns| *ns as f64 / 1e6)
        };
        print(&json!({
            "ev": event, "n": self.handled.load(Ordering::SeqCst), "first": self.first.load(Ordering::SeqCst),
            "last": now_ns(), "rss_kb": peak_kb(), "p50": at(0.5), "p95": at(0.95), "p99": at(0.99), "max": at(1.0),
        }));
    }
}

/// The most memory that this process ever had, in KB.
fn peak_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

async fn work(loaded: &Loaded, jobs: u64) -> Result<()> {
    let stop = stop_signal()?;
    let session = open(loaded).await?;
    let log = match variable(loaded, "LOG") {
        Some(path) => {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            Some(Mutex::new(file.map_err(|error| Failure::new(Kind::Invalid, "LOG cannot be opened").source(error))?))
        }
        None => None,
    };
    let record = Arc::new(Record {
        target: jobs,
        handled: AtomicU64::new(0),
        first: AtomicU64::new(0),
        waits: Mutex::new(Vec::with_capacity(usize::try_from(jobs.min(200_000)).unwrap_or(0))),
        log,
    });
    let observer = Arc::clone(&record);
    let probe = Probe::observed(move |job, ended| observer.observe(job, ended));
    let handlers = Handlers { probe, ..session.handlers()? };
    worker::run(session.db.clone(), &session.config.worker, handlers, worker::name(), Duty::Everything, stop).await?;
    record.print("END");
    Ok(())
}
