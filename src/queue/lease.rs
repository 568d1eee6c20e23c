//! The lease: a worker's time-limited hold of its jobs, kept by a heartbeat.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config;
use crate::db::workers::Heartbeat;
use crate::db::{Db, workers};
use crate::model::failure::Result;
use crate::model::job::ClaimedJob;
use crate::queue::Trouble;

/// One process's lease and the jobs that it holds under it.
#[derive(Debug, Clone)]
pub struct Lease {
    db: Db,
    name: String,
    length: Duration,
    interval: Duration,
    held: Arc<Mutex<Held>>,
}

#[derive(Debug)]
struct Held {
    worker_id: Uuid,
    jobs: HashMap<Uuid, (i32, CancellationToken)>,
    /// Whether what is claimed from now on must be handed back at once.
    closed: bool,
}

impl Lease {
    /// Registers the worker: from here on its lease must be kept.
    pub async fn take(db: Db, name: String, settings: &config::Worker) -> Result<Self> {
        let worker_id = Uuid::now_v7();
        let length = Duration::from_secs(settings.lease_seconds);
        workers::register(&db, worker_id, &name, length).await?;
        tracing::info!(%worker_id, name, "worker registered");
        let held = Arc::new(Mutex::new(Held { worker_id, jobs: HashMap::new(), closed: false }));
        Ok(Self { db, name, length, interval: Duration::from_secs(settings.heartbeat_seconds), held })
    }

    /// The id under which jobs are claimed now.
    #[must_use]
    pub fn worker_id(&self) -> Uuid {
        self.held().worker_id
    }

    /// How long the lease lasts without a heartbeat. Who has waited for the answer to a claim that long gives it up.
    #[must_use]
    pub fn length(&self) -> Duration {
        self.length
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

    /// Lets a job go whose outcome is settled.
    pub fn release(&self, job: &ClaimedJob) {
        let mut held = self.held();
        if held.jobs.get(&job.id).is_some_and(|(claim, _)| *claim == job.claim) {
            held.jobs.remove(&job.id);
        }
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
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep(self.interval) => {}
            }
            // Measured from before the call: the server counts from when it answers, which is later.
            let asked = Instant::now();
            match timeout(self.length, self.beat()).await {
                Ok(Ok(())) => {
                    last_good = asked;
                    trouble.over("the heartbeat");
                }
                Ok(Err(failure)) => drop(trouble.met("the heartbeat", failure)),
                Err(_) => drop(trouble.met("the heartbeat", "no answer within the lease")),
            }
            if last_good.elapsed() >= self.length {
                // Others may have our jobs by now. What the handlers hand back is refused or accepted by the fence.
                self.stop_all();
            }
        }
        let id = self.worker_id();
        if let Err(failure) = workers::unregister(&self.db, id).await {
            tracing::warn!(%failure, "the lease could not be ended; it runs out by itself");
        }
    }

    async fn beat(&self) -> Result<()> {
        let (worker_id, jobs) = {
            let held = self.held();
            (held.worker_id, held.jobs.iter().map(|(id, (claim, _))| (*id, *claim)).collect::<Vec<_>>())
        };
        match workers::heartbeat(&self.db, worker_id, self.length, &jobs).await? {
            Heartbeat::Renewed { lost, strays } => {
                let held = self.held();
                for (id, claim) in jobs.iter().filter(|(id, _)| lost.contains(id)) {
                    if let Some((_, cancel)) = held.jobs.get(id).filter(|(held, _)| held == claim) {
                        tracing::debug!(job = %id, "the job is no longer ours");
                        cancel.cancel();
                    }
                }
                if strays > 0 {
                    tracing::warn!(strays, "gave back jobs of a claim whose answer was lost");
                }
            }
            Heartbeat::Lapsed => {
                tracing::warn!(%worker_id, "the lease was lost; stopping its jobs and registering anew");
                self.stop_all();
                let anew = Uuid::now_v7();
                workers::register(&self.db, anew, &self.name, self.length).await?;
                self.held().worker_id = anew;
            }
        }
        Ok(())
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
