//! The fetcher: claims as many jobs as there are free slots, and sleeps when there are none.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::db::{Db, jobs};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, JobKind};
use crate::queue::lease::Lease;
use crate::queue::{Assignment, Trouble, answer_within};

/// Most jobs of one claim.
const BATCH: usize = 1000;

/// Claims jobs for all kinds of one process.
#[derive(Debug)]
pub struct Fetcher {
    db: Db,
    lease: Lease,
    slots: Arc<Semaphore>,
    poll: Duration,
    backends: HashMap<String, mpsc::Sender<Assignment>>,
    /// The one job that it is here for, as it was first claimed; none where it is here for all.
    only: Option<ClaimedJob>,
}

impl Fetcher {
    /// A fetcher for these kinds, which together may run `slots` jobs at once.
    #[must_use]
    pub fn new(
        db: Db,
        lease: Lease,
        slots: usize,
        poll: Duration,
        backends: impl IntoIterator<Item = (JobKind, mpsc::Sender<Assignment>)>,
    ) -> Self {
        let backends = backends.into_iter().map(|(kind, sender)| (kind.name().to_owned(), sender)).collect();
        Self { db, lease, slots: Arc::new(Semaphore::new(slots)), poll, backends, only: None }
    }

    /// Hands out this job, which is claimed already, and claims no other.
    #[must_use]
    pub fn only(self, job: ClaimedJob) -> Self {
        Self { only: Some(job), ..self }
    }

    /// Fetches until `stop`. The backends end with it.
    pub async fn run(self, stop: CancellationToken) {
        let wake = Arc::new(Notify::new());
        let listener = tokio::spawn(listen(self.db.clone(), Arc::clone(&wake), stop.clone()));
        stop.run_until_cancelled(self.fetch(&wake)).await;
        // Dropped in the middle of a claim, the batch would be lost to this process: `fetch` guards against that.
        drop(listener.await);
    }

    async fn fetch(&self, wake: &Notify) {
        let kinds: Vec<String> = self.backends.keys().cloned().collect();
        let mut trouble = Trouble::default();
        let mut promoted = Instant::now();
        if let (Some(job), Some(slot)) = (self.only.clone(), self.free_slots().await.pop()) {
            hand_out(&self.lease, &self.backends, job, slot).await;
        }
        loop {
            let slots = self.free_slots().await;
            let wanted = slots.len();
            match self.claim(&kinds, slots).await {
                Ok(claimed) => {
                    trouble.over("claiming jobs");
                    // However long the queue is, what has become due stands in it.
                    if claimed == wanted && promoted.elapsed() < self.poll {
                        continue;
                    }
                    let wait = self.until_next_due().await;
                    promoted = Instant::now();
                    if claimed == wanted {
                        continue;
                    }
                    tokio::select! {
                        () = wake.notified() => {}
                        () = sleep(wait) => {}
                    }
                }
                Err(failure) => sleep(trouble.met("claiming jobs", failure)).await,
            }
        }
    }

    /// Waits for a free slot, then takes all that are free.
    async fn free_slots(&self) -> Vec<OwnedSemaphorePermit> {
        let mut slots = Vec::new();
        if let Ok(first) = Arc::clone(&self.slots).acquire_owned().await {
            slots.push(first);
        }
        while slots.len() < BATCH
            && let Ok(another) = Arc::clone(&self.slots).try_acquire_owned()
        {
            slots.push(another);
        }
        slots
    }

    /// Claims up to one job a slot and hands them out, in a task of its own so that a stop cannot part the two.
    async fn claim(&self, kinds: &[String], slots: Vec<OwnedSemaphorePermit>) -> Result<usize> {
        let (db, lease, kinds, backends) = (self.db.clone(), self.lease.clone(), kinds.to_vec(), self.backends.clone());
        let only = self.only.as_ref().map(|job| job.id);
        let claim = tokio::spawn(async move {
            let limit = i64::try_from(slots.len()).unwrap_or(i64::MAX);
            // What an unanswered claim may have brought is given back by the heartbeat, which relies on this limit.
            let jobs = answer_within(lease.length(), jobs::claim(&db, lease.worker_id(), &kinds, limit, only)).await?;
            let count = jobs.len();
            for (job, slot) in jobs.into_iter().zip(slots) {
                hand_out(&lease, &backends, job, slot).await;
            }
            Ok(count)
        });
        claim.await.unwrap_or_else(|panic| Err(Failure::new(Kind::Internal, format!("the claim broke: {panic}"))))
    }

    /// Makes due jobs available; how long to sleep when nothing wakes us.
    async fn until_next_due(&self) -> Duration {
        match answer_within(self.lease.length(), jobs::promote_due(&self.db)).await {
            Ok((0, next)) => next.map_or(self.poll, |next| Duration::from_secs_f64(next.max(0.001)).min(self.poll)),
            Ok(_) => Duration::ZERO,
            Err(_) => self.poll,
        }
    }
}

/// Holds a claimed job and gives it to the backend of its kind. One that is gone takes no jobs any more: the heartbeat
/// gives back what is claimed but not held.
async fn hand_out(
    lease: &Lease,
    backends: &HashMap<String, mpsc::Sender<Assignment>>,
    job: ClaimedJob,
    slot: OwnedSemaphorePermit,
) {
    let cancel = lease.hold(&job);
    let job = Arc::new(job);
    let taken = match backends.get(&job.kind) {
        Some(backend) => backend.send(Assignment { job: Arc::clone(&job), cancel, slot }).await.is_ok(),
        None => false,
    };
    if !taken {
        lease.release(&job);
    }
}

/// Passes on the word that jobs were enqueued. Whenever the connection was away, word may have been missed: then, too.
async fn listen(db: Db, wake: Arc<Notify>, stop: CancellationToken) {
    let mut trouble = Trouble::default();
    let listening = async {
        loop {
            let wait = match db.listen_for_jobs().await {
                Ok(mut listener) => {
                    trouble.over("listening for jobs");
                    wake.notify_one();
                    loop {
                        match listener.heard().await {
                            Ok(()) => wake.notify_one(),
                            Err(failure) => break trouble.met("listening for jobs", failure),
                        }
                    }
                }
                Err(failure) => trouble.met("listening for jobs", failure),
            };
            sleep(wait).await;
        }
    };
    stop.run_until_cancelled(listening).await;
}
