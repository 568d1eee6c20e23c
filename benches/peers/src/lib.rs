//! What every driver does alike: the verbs of the command line, the job, the clock, and the record of what a worker ran.
//!
//! A driver is a program for one queue; README.md lists its verbs. It implements [`Queue`] and calls [`drive`].

pub mod record;

use std::error::Error;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::interval;

pub type Result<T = ()> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// What a job carries: about 100 bytes of JSON.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Payload {
    /// Its number.
    pub i: u64,
    /// When it was enqueued, by [`now`].
    pub t: u64,
    pub pad: String,
}

impl Payload {
    /// Job number `i`, enqueued now.
    #[must_use]
    pub fn new(i: u64) -> Self {
        Self { i, t: now(), pad: "x".repeat(60) }
    }
}

/// Nanoseconds of a clock that all processes of a machine share.
#[must_use]
pub fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Calls of an open loop that may be under way at once without waiting for a connection.
const PACE_CALLERS: u64 = 16;

/// A queue, through its own public interface.
pub trait Queue: Sized + Send + Sync + 'static {
    /// Connects as `callers` enqueuers or one worker would.
    fn connect(url: &str, callers: usize) -> impl Future<Output = Result<Self>>;

    /// Makes the schema in an empty database.
    fn setup(&self) -> impl Future<Output = Result>;

    /// Enqueues a job in a commit of its own, as caller number `caller`.
    fn enqueue(&self, caller: usize, job: Payload) -> impl Future<Output = Result> + Send;

    /// Enqueues jobs in one call.
    fn bulk(&self, jobs: Vec<Payload>) -> impl Future<Output = Result> + Send;

    /// Enqueues `n` jobs by COPY.
    fn copy(&self, _n: u64) -> impl Future<Output = Result> {
        async { Err("this driver has no COPY of its own".into()) }
    }

    /// Runs jobs through [`record::run`] until SIGTERM.
    fn work(&self) -> impl Future<Output = Result>;
}

/// Does what the command line says.
pub async fn drive<Q: Queue>() -> Result {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let verb = words.first().map(String::as_str).unwrap_or_default();
    let number = |at: usize| -> Result<u64> {
        let word = words.get(at).ok_or_else(|| format!("{verb} wants {at} or more numbers"))?;
        Ok(word.parse().map_err(|_| format!("{word} is no number"))?)
    };
    let callers = match verb {
        "enqueue" => number(2)?,
        "pace" => PACE_CALLERS,
        _ => 1,
    };
    let queue = Arc::new(Q::connect(&std::env::var("DATABASE_URL")?, callers as usize).await?);
    let start = now();
    match verb {
        "setup" => return queue.setup().await,
        "worker" => {
            record::start(number(1)?)?;
            queue.work().await?;
            record::report("END");
            return Ok(());
        }
        "enqueue" => singly(&queue, number(1)?, callers).await?,
        "bulk" => {
            let (n, chunk) = (number(1)?, number(2)?);
            for first in (0..n).step_by(chunk as usize) {
                queue.bulk((first..n.min(first + chunk)).map(Payload::new).collect()).await?;
            }
        }
        "copy" => queue.copy(number(1)?).await?,
        "pace" => return pace(&queue, number(1)?, number(2)?, number(3).unwrap_or(1)).await,
        _ => return Err("the verbs are setup, enqueue, bulk, copy, pace and worker".into()),
    }
    println!("{}", rate(number(1)?, start));
    Ok(())
}

fn rate(n: u64, start: u64) -> serde_json::Value {
    json!({"ev": "RATE", "n": n, "per_s": n as f64 / ((now() - start) as f64 / 1e9)})
}

/// Enqueues `n` jobs one at a time by callers at once.
async fn singly<Q: Queue>(queue: &Arc<Q>, n: u64, callers: u64) -> Result {
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let queue = Arc::clone(queue);
        tasks.spawn(async move {
            for i in (caller..n).step_by(callers as usize) {
                queue.enqueue(caller as usize, Payload::new(i)).await?;
            }
            Result::Ok(())
        });
    }
    tasks.join_all().await.into_iter().collect()
}

/// Enqueues `n` jobs at `rate` jobs a second, `batch` in a call. An open loop: a late call does not hold back the next.
async fn pace<Q: Queue>(queue: &Arc<Q>, rate: u64, n: u64, batch: u64) -> Result {
    let start = now();
    let mut ticks = interval(Duration::from_nanos(1_000_000_000 * batch / rate));
    let mut calls = JoinSet::new();
    for first in (0..n).step_by(batch as usize) {
        ticks.tick().await;
        let queue = Arc::clone(queue);
        calls.spawn(async move {
            let called = now();
            if batch == 1 {
                queue.enqueue((first % PACE_CALLERS) as usize, Payload::new(first)).await?;
            } else {
                queue.bulk((first..n.min(first + batch)).map(Payload::new).collect()).await?;
            }
            Result::Ok(now() - called)
        });
    }
    let mut took = calls.join_all().await.into_iter().collect::<Result<Vec<u64>>>()?;
    let mut event = self::rate(n, start);
    for (name, value) in record::quantiles(&mut took) {
        event[name] = value.into();
    }
    println!("{event}");
    Ok(())
}

/// Returns when the process is told to stop.
pub async fn terminated() -> Result {
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

/// Whether a setting of a driver is on: `NAME=1`.
#[must_use]
pub fn is_set(name: &str) -> bool {
    std::env::var(name).is_ok_and(|value| value == "1")
}
