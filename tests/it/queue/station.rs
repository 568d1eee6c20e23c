//! A worker without handlers: all its loops, and what they would give to the handlers.

use std::time::Duration;

use repo_to_cat::config;
use repo_to_cat::db::Db;
use repo_to_cat::model::job::JobKind;
use repo_to_cat::queue::fetcher::{Desk, Fetcher};
use repo_to_cat::queue::lease::Lease;
use repo_to_cat::queue::watch::{Clock, Watch};
use repo_to_cat::queue::{Assignment, listener};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bed::Bed;
use crate::support::gate::eventually;

/// Longer than anything takes, for what would else wait for ever.
pub const PATIENCE: Duration = Duration::from_mins(1);
/// Longer than any test takes.
pub const NEVER: Duration = Duration::from_hours(1);

/// Settings of a worker which looks by itself so seldom that a wake-up which was missed fails its test.
pub fn worker_settings(lease_seconds: u64) -> config::Worker {
    config::Worker {
        slots: 4,
        light_slots: 4,
        lease_seconds,
        heartbeat_seconds: 1,
        poll_seconds: NEVER.as_secs(),
        attempt_seconds: 60,
        grace_seconds: 0,
        max_attempts: 3,
        backoff_seconds: 1,
        backoff_max_seconds: 1,
        max_deaths: 5,
    }
}

/// A lease that does not lapse by itself.
pub async fn lease(db: &Db) -> Lease {
    Lease::take(db, "test".into(), &worker_settings(NEVER.as_secs())).await.unwrap()
}

/// A worker's loops; they end with it.
pub struct Station {
    pub lease: Lease,
    pub clock: Clock,
    pub stop: CancellationToken,
    pub assigned: mpsc::Receiver<Assignment>,
}

impl Station {
    /// With so many slots, which take jobs of every kind.
    pub async fn start(bed: &Bed, slots: usize) -> Self {
        Self::set(&bed.db, slots, &worker_settings(NEVER.as_secs())).await
    }

    /// With its own settings.
    pub async fn set(db: &Db, slots: usize, settings: &config::Worker) -> Self {
        let lease = Lease::take(db, "test".into(), settings).await.unwrap();
        let (clock, stop) = (Clock::default(), CancellationToken::new());
        tokio::spawn(lease.clone().keep(stop.clone()));
        let poll = Duration::from_secs(settings.poll_seconds);
        let watch = Watch::new(db.clone(), clock.clone(), poll, lease.length(), i32::from(settings.max_deaths));
        let (waking, holding) = (lease.clone(), lease.clone());
        tokio::spawn(watch.run(move || waking.wake(), move || holding.holds_jobs(), stop.clone()));
        tokio::spawn(listener::run(db.clone(), lease.clone(), clock.clone(), stop.clone()));
        let (assign, assigned) = mpsc::channel(slots);
        let desks = JobKind::ALL.map(|kind| Desk::new(kind, slots, assign.clone()));
        tokio::spawn(Fetcher::new(db, lease.clone(), desks).run(stop.clone()));
        Self { lease, clock, stop, assigned }
    }

    /// The next job that a handler would get.
    pub async fn next(&mut self) -> Assignment {
        next(&mut self.assigned).await
    }

    /// Waits until it has lain down: what nobody announces from now on it does not see.
    pub async fn asleep(&self, bed: &Bed) {
        eventually("the worker to lie down", async || {
            let query = "SELECT EXISTS (SELECT FROM queue.sleepers WHERE worker_id = $1)";
            sqlx::query_scalar(query).bind(self.lease.worker_id()).fetch_one(&bed.gate.pool).await.unwrap()
        })
        .await;
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The next assignment.
pub async fn next(assigned: &mut mpsc::Receiver<Assignment>) -> Assignment {
    timeout(PATIENCE, assigned.recv()).await.expect("a job is fetched").unwrap()
}
