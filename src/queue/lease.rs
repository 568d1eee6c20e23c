//! The lease: a worker's time-limited hold of its jobs, kept by a heartbeat.
//!
//! It is short and renewed often while there are jobs under it. A worker that has none has nothing to lose: its lease is
//! a long one, renewed seldom, and made short again by its next claim.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config;
use crate::db::workers::Heartbeat;
use crate::db::{Db, Line, workers};
use crate::model::failure::Result;
use crate::model::job::ClaimedJob;
use crate::queue::watch::Clock;
use crate::queue::{Trouble, answer_within};
use crate::telemetry::metrics;

/// The lease of a worker that holds nothing, and how often it is renewed.
const RELAXED: Duration = Duration::from_secs(60);
const RELAXED_INTERVAL: Duration = Duration::from_secs(20);

/// Pauses before a lease that could not be ended is ended again.
const END_AGAIN: [Duration; 2] = [Duration::from_millis(100), Duration::from_millis(500)];

/// How long the search of strays may take.
const SWEEP_PATIENCE: Duration = Duration::from_mins(2);

/// One process's lease and the jobs that it holds under it.
#[derive(Debug, Clone)]
pub struct Lease(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    line: Line,
    /// For the search of strays.
    sweeper: Line,
    name: String,
    slots: usize,
    length: Duration,
    interval: Duration,
    held: Mutex<Held>,
    /// Held during a heartbeat, so that none that began with a long lease ends after a claim.
    mode: tokio::sync::Mutex<Mode>,
    /// Asks for a heartbeat now.
    now: Notify,
    /// Lets the fetcher look for jobs.
    wake: Notify,
    /// How often the database may have forgotten who wants to be woken.
    upsets: AtomicU64,
    /// Whether the fetcher wants to be woken: else nobody tells of what is due either.
    is_asleep: AtomicBool,
    clock: Clock,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Busy,
    Relaxed,
}

#[derive(Debug)]
struct Held {
    worker_id: Uuid,
    jobs: HashMap<Uuid, (i32, CancellationToken)>,
    /// Whether what is claimed from now on must be handed back at once.
    closed: bool,
    /// When the answer to a claim was last lost, which may have brought jobs that nobody here knows of.
    lost_answer: Option<Instant>,
}

impl Lease {
    /// Registers the worker: from here on its lease must be kept.
    pub async fn take(db: &Db, name: String, settings: &config::Worker) -> Result<Self> {
        let worker_id = Uuid::now_v7();
        let length = Duration::from_secs(settings.lease_seconds);
        let lease = Self(Arc::new(Inner {
            line: db.line(),
            sweeper: db.line(),
            name,
            slots: settings.slots,
            length,
            interval: Duration::from_secs(settings.heartbeat_seconds),
            held: Mutex::new(Held { worker_id, jobs: HashMap::new(), closed: false, lost_answer: None }),
            mode: tokio::sync::Mutex::new(Mode::Busy),
            now: Notify::new(),
            wake: Notify::new(),
            upsets: AtomicU64::new(0),
            is_asleep: AtomicBool::new(false),
            clock: Clock::default(),
        }));
        lease.register(worker_id).await?;
        tracing::info!(%worker_id, name = lease.0.name, "worker registered");
        Ok(lease)
    }

    async fn register(&self, worker_id: Uuid) -> Result<()> {
        let mut held = self.0.line.take().await?;
        workers::register(held.connection(), worker_id, &self.0.name, self.0.slots, self.0.length).await?;
        held.give_back();
        Ok(())
    }

    /// The id under which jobs are claimed now.
    #[must_use]
    pub fn worker_id(&self) -> Uuid {
        self.held().worker_id
    }

    /// How long the lease lasts without a heartbeat. Who has waited for the answer to a claim that long gives it up.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.0.length
    }

    /// Whether there are jobs under it.
    #[must_use]
    pub fn holds_jobs(&self) -> bool {
        !self.held().jobs.is_empty()
    }

    /// Whether there are jobs under it, or a claim whose answer was lost may have brought some.
    fn may_hold_jobs(&self) -> bool {
        let held = self.held();
        !held.jobs.is_empty() || held.lost_answer.is_some()
    }

    /// Holds a claimed job; the token is cancelled when it is lost.
    #[must_use]
    pub fn hold(&self, job: &ClaimedJob) -> CancellationToken {
        let cancel = CancellationToken::new();
        let mut held = self.held();
        if held.closed {
            cancel.cancel();
        }
        // An earlier claim of the job may still run here: it was lost since the last heartbeat.
        if let Some((_, earlier)) = held.jobs.insert(job.id, (job.claim, cancel.clone())) {
            earlier.cancel();
        }
        cancel
    }

    /// Lets jobs go whose outcomes are settled.
    pub fn release<'a>(&self, jobs: impl IntoIterator<Item = &'a ClaimedJob>) {
        let mut held = self.held();
        for job in jobs {
            if held.jobs.get(&job.id).is_some_and(|(claim, _)| *claim == job.claim) {
                held.jobs.remove(&job.id);
            }
        }
    }

    /// Makes the lease a long one if there can be nothing under it; whether it did. Only who claims may call this.
    pub async fn relax(&self) -> Result<bool> {
        if self.may_hold_jobs() {
            return Ok(false);
        }
        *self.0.mode.lock().await = Mode::Relaxed;
        self.beat().await?;
        Ok(true)
    }

    /// To be asked before a claim: the length that the claim must set the lease to, if it is a long one.
    pub async fn tighten(&self) -> Option<Duration> {
        let mut mode = self.0.mode.lock().await;
        if *mode == Mode::Busy {
            return None;
        }
        *mode = Mode::Busy;
        self.0.now.notify_one();
        Some(self.0.length)
    }

    /// The clock of this process's watch.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether this process must look often what time brings, since nobody tells it.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.0.is_asleep.load(Ordering::Relaxed) || self.holds_jobs()
    }

    /// Notes whether the fetcher wants to be woken. What was enqueued for later while it did not was told to nobody.
    pub fn falls_asleep(&self, asleep: bool) {
        if self.0.is_asleep.swap(asleep, Ordering::Relaxed) != asleep {
            self.0.clock.due_in(Duration::ZERO);
        }
    }

    /// Lets the fetcher look for jobs.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Waits until somebody lets the fetcher look for jobs.
    pub async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Notes that the database may have forgotten that the worker wants to be woken: the connection that listens was away,
    /// or the lease was lost.
    pub fn upset(&self) {
        self.0.upsets.fetch_add(1, Ordering::Relaxed);
        self.wake();
    }

    /// How often that was.
    #[must_use]
    pub fn upsets(&self) -> u64 {
        self.0.upsets.load(Ordering::Relaxed)
    }

    /// Asks for a heartbeat now: a job was cancelled, or the lease may be lost.
    pub fn check_now(&self) {
        self.0.now.notify_one();
    }

    /// Notes that a claim was not answered: it may have been committed nevertheless.
    pub fn lost_an_answer(&self) {
        self.held().lost_answer = Some(Instant::now());
    }

    /// Stops every job that is held, and whatever a claim that is under way still brings: the grace time is over.
    pub fn close(&self) {
        self.held().closed = true;
        self.stop_all();
    }

    /// Stops every job that is held: their handlers give them back.
    fn stop_all(&self) {
        for (id, (_, cancel)) in &self.held().jobs {
            if !cancel.is_cancelled() {
                tracing::info!(job = %id, "stopping the job, to be handed back");
                cancel.cancel();
            }
        }
    }

    /// Keeps the lease until `stop`, then ends it.
    pub async fn keep(self, stop: CancellationToken) {
        let mut trouble = Trouble::default();
        let mut last_good = Instant::now();
        let mut sweeping: Option<JoinHandle<()>> = None;
        loop {
            let mode = *self.0.mode.lock().await;
            let interval = if mode == Mode::Relaxed && trouble.is_over() { RELAXED_INTERVAL } else { self.0.interval };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.0.now.notified() => {}
                () = sleep(interval) => {}
            }
            // Measured from before the call: the server counts from when it answers, which is later.
            let asked = Instant::now();
            match timeout(self.0.length, self.beat()).await {
                Ok(Ok(())) => {
                    last_good = asked;
                    trouble.over("the heartbeat");
                    self.look_for_strays(&mut sweeping);
                }
                Ok(Err(failure)) => missed(&mut trouble, failure),
                Err(_) => missed(&mut trouble, "no answer within the lease"),
            }
            if last_good.elapsed() >= self.0.length {
                // Others may have our jobs by now. What the handlers hand back is refused or accepted by the fence.
                self.stop_all();
            }
        }
        // After its length it has run out by itself.
        if let Err(failure) = answer_within(self.0.length, self.end()).await {
            tracing::warn!(%failure, "the lease could not be ended; it runs out by itself");
        }
    }

    /// Ends the lease. A cut connection, or a server that comes back in a moment, is no reason to let the others wait for
    /// the lapse.
    async fn end(&self) -> Result<()> {
        for wait in END_AGAIN {
            match self.unregister(self.worker_id(), self.may_hold_jobs()).await {
                Ok(()) => return Ok(()),
                Err(_) => sleep(wait).await,
            }
        }
        self.unregister(self.worker_id(), self.may_hold_jobs()).await
    }

    async fn unregister(&self, worker_id: Uuid, may_hold_jobs: bool) -> Result<()> {
        let mut held = self.0.line.take().await?;
        workers::unregister(held.connection(), worker_id, may_hold_jobs).await?;
        // The line closes once nobody holds its connection.
        held.give_back();
        self.0.line.close().await;
        Ok(())
    }

    /// Two leases after the loss of an answer its claim has ended, whichever way, and what it brought can be told from what
    /// is held. That reads the whole table, which no heartbeat waits for.
    fn look_for_strays(&self, sweeping: &mut Option<JoinHandle<()>>) {
        let (worker_id, jobs, lost) = {
            let held = self.held();
            let jobs: Vec<_> = held.jobs.iter().map(|(id, (claim, _))| (*id, *claim)).collect();
            (held.worker_id, jobs, held.lost_answer)
        };
        let is_due = lost.is_some_and(|lost| lost.elapsed() >= 2 * self.0.length);
        if !is_due || sweeping.as_ref().is_some_and(|sweep| !sweep.is_finished()) {
            return;
        }
        let lease = self.clone();
        *sweeping = Some(tokio::spawn(async move {
            let given_back = async {
                let mut line = lease.0.sweeper.take().await?;
                let strays = workers::give_back_strays(line.connection(), worker_id, 2 * lease.0.length, &jobs).await?;
                line.give_back();
                Ok(strays)
            };
            match answer_within(SWEEP_PATIENCE, given_back).await {
                Ok(strays) => {
                    if strays > 0 {
                        tracing::warn!(strays, "gave back jobs of a claim whose answer was lost");
                    }
                    let mut held = lease.held();
                    if held.lost_answer == lost {
                        held.lost_answer = None;
                    }
                }
                Err(failure) => tracing::debug!(%failure, "strays are looked for again"),
            }
        }));
    }

    async fn beat(&self) -> Result<()> {
        let mode = self.0.mode.lock().await;
        let (worker_id, jobs) = {
            let held = self.held();
            let jobs: Vec<_> = held.jobs.iter().map(|(id, (claim, _))| (*id, *claim)).collect();
            (held.worker_id, jobs)
        };
        let length = if *mode == Mode::Relaxed { RELAXED } else { self.0.length };
        let mut line = self.0.line.take().await?;
        let found = workers::heartbeat(line.connection(), worker_id, length, &jobs).await?;
        match found {
            Heartbeat::Renewed { lost } => {
                let held = self.held();
                for (id, claim) in jobs.iter().filter(|(id, _)| lost.contains(id)) {
                    if let Some((_, cancel)) = held.jobs.get(id).filter(|(held, _)| held == claim) {
                        tracing::debug!(job = %id, "the job is no longer ours");
                        cancel.cancel();
                    }
                }
            }
            Heartbeat::Lapsed => {
                metrics::heartbeat_failed();
                tracing::warn!(%worker_id, "the lease was lost; stopping its jobs and registering anew");
                self.stop_all();
                let anew = Uuid::now_v7();
                workers::register(line.connection(), anew, &self.0.name, self.0.slots, length).await?;
                self.held().worker_id = anew;
                self.upset();
            }
        }
        line.give_back();
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missed(trouble: &mut Trouble, failure: impl std::fmt::Display) {
    metrics::heartbeat_failed();
    _ = trouble.met("the heartbeat", failure);
}
