//! The queue: apalis in front, `PostgreSQL` behind.
//!
//! One [`fetcher`] per process claims jobs in batches, as many as there are free slots, from the lanes that the [`ring`]
//! says are next, and gives them to the [`backend`] of their kind, from which an apalis worker takes them. When nothing
//! waits it comes to [`rest`] until it is woken. What became of the jobs goes to the [`completer`], which commits outcomes
//! in groups. The [`lease`] is kept in a task and on a schedule of its own, so that neither a full queue nor a slow commit
//! can stop it. [`gather`] puts jobs that callers bring one by one into common transactions,
//! and [`lookout`] tells many at once where their jobs stand. The [`watch`] sees what time brings: jobs that are due, and lapsed workers, whose jobs it frees.

pub mod backend;
mod batch;
pub mod completer;
pub mod enqueue;
pub mod fetcher;
pub mod gather;
pub mod journal;
pub mod lease;
pub mod listener;
pub mod logs;
pub mod lookout;
pub mod rest;
pub mod ring;
pub mod watch;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, Outcome};
use crate::telemetry::joblog::JobLog;

/// A claimed job on its way to a handler, with all that is bound to it.
#[derive(Debug)]
pub struct Assignment {
    /// The job.
    pub job: Arc<ClaimedJob>,
    /// Cancelled when the job is no longer ours, or must be given back.
    pub cancel: CancellationToken,
    /// The slot that it takes; free again when this is dropped.
    pub slot: OwnedSemaphorePermit,
}

/// What became of a job.
#[derive(Debug)]
pub struct Settled {
    /// The job.
    pub job: Arc<ClaimedJob>,
    /// How its attempt ended.
    pub outcome: Outcome,
    /// What was logged meanwhile.
    pub log: Option<JobLog>,
}

/// Where handlers leave outcomes.
pub type Outcomes = mpsc::Sender<Settled>;

/// What the database answers within `patience`. A connection whose other end has vanished, as in a failover, may stay
/// silent for ever: waiting for it is no better than a failure, after which another connection is tried.
pub(crate) async fn answer_within<T>(patience: Duration, answer: impl Future<Output = Result<T>>) -> Result<T> {
    let silent = |_| Failure::new(Kind::Database, format!("no answer within {} s", patience.as_secs()));
    timeout(patience, answer).await.map_err(silent)?
}

/// How often what still fails is told again: it may be nothing that passes by itself.
const REMIND_EVERY: Duration = Duration::from_mins(10);

/// Says once that something began to fail, and once that it works again; in between a reminder now and then.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    failures: u32,
    told: Option<Instant>,
}

impl Trouble {
    /// Notes a failure of `what` and returns how long to wait before the next try.
    pub(crate) fn met(&mut self, what: &str, failure: impl fmt::Display) -> Duration {
        match self.told {
            None => tracing::warn!(%failure, "{what} fails; trying again until it works"),
            Some(told) if told.elapsed() >= REMIND_EVERY => {
                tracing::warn!(%failure, failures = self.failures, "{what} still fails");
            }
            Some(_) => tracing::debug!(%failure, failures = self.failures, "{what} still fails"),
        }
        if self.told.is_none_or(|told| told.elapsed() >= REMIND_EVERY) {
            self.told = Some(Instant::now());
        }
        self.failures = self.failures.saturating_add(1);
        let bound = 100_u64 << self.failures.min(6);
        Duration::from_millis(rand::random_range(bound / 2..=bound.min(5_000)))
    }

    /// Whether it works.
    pub(crate) const fn is_over(&self) -> bool {
        self.failures == 0
    }

    /// Notes that it works.
    pub(crate) fn over(&mut self, what: &str) {
        if self.failures > 0 {
            tracing::info!(failures = self.failures, "{what} works again");
            *self = Self::default();
        }
    }
}
