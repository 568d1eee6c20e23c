//! The completer: commits what became of jobs, in groups, until it is committed or refused.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::config;
use crate::db::{Db, outcomes};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::GenerationResult;
use crate::model::job::{Backoff, ClaimedJob, Outcome};
use crate::queue::lease::Lease;
use crate::queue::{Settled, Trouble, answer_within};

/// Most outcomes of one transaction.
const GROUP: usize = 1000;

/// Commits outcomes.
#[derive(Debug)]
pub struct Completer {
    db: Db,
    lease: Lease,
    backoff: Backoff,
}

impl Completer {
    /// A completer for the jobs that are held under `lease`.
    #[must_use]
    pub fn new(db: Db, lease: Lease, settings: &config::Worker) -> Self {
        let backoff = Backoff {
            base: Duration::from_secs(settings.backoff_seconds),
            max: Duration::from_secs(settings.backoff_max_seconds),
        };
        Self { db, lease, backoff }
    }

    /// Commits until every sender is gone and nothing is left.
    pub async fn run(self, mut settled: mpsc::Receiver<Settled>) {
        let mut group = Vec::new();
        while settled.recv_many(&mut group, GROUP).await > 0 {
            let mut completed = Vec::new();
            for Settled { job, outcome } in group.drain(..) {
                match outcome {
                    Outcome::Completed(result) => completed.push((job, result)),
                    Outcome::Failed(failure) => self.fail(&job, &failure).await,
                    Outcome::HandedBack => self.hand_back(&job).await,
                }
            }
            let refs: Vec<_> = completed.iter().map(|(job, result)| (&**job, &**result)).collect();
            self.complete(&refs).await;
        }
    }

    /// Commits a group of completions. One that the database refuses fails alone.
    async fn complete(&self, group: &[(&ClaimedJob, &GenerationResult)]) {
        // A lease that was lost in between leaves a group of two workers' jobs.
        for of_one_worker in group.chunk_by(|(a, _), (b, _)| a.worker_id == b.worker_id) {
            let Some((first, _)) = of_one_worker.first() else { continue };
            let worker_id = first.worker_id;
            let commit = || async {
                let mut done = outcomes::complete(&self.db, worker_id, of_one_worker).await?;
                if done.len() < of_one_worker.len() {
                    // Not ours any more, or committed by a try whose answer was lost.
                    let missing: Vec<_> =
                        of_one_worker.iter().map(|(job, _)| *job).filter(|job| !done.contains(&job.id)).collect();
                    done.extend(outcomes::completed_by(&self.db, worker_id, &missing).await?);
                }
                Ok(done)
            };
            match until_answered("committing completions", self.lease.length(), commit).await {
                Ok(done) => {
                    for (job, _) in of_one_worker {
                        if !done.contains(&job.id) {
                            tracing::warn!(job = %job.id, "a late completion was refused: the job is no longer ours");
                        }
                        self.lease.release(job);
                    }
                }
                Err(failure) if of_one_worker.len() == 1 => {
                    self.fail(first, &failure.context("persisting the result")).await;
                }
                Err(_) => {
                    for one in of_one_worker {
                        Box::pin(self.complete(std::slice::from_ref(one))).await;
                    }
                }
            }
        }
    }

    async fn fail(&self, job: &ClaimedJob, failure: &Failure) {
        let failures = u32::try_from(job.attempts).unwrap_or(0) + 1;
        let last = job.attempts + 1 >= job.max_attempts || !failure.kind().is_retryable();
        let wait = self.backoff.wait(failures, failure.retry_after(), rand::random_range(0.0..1.0));
        let mine = until_answered("committing a failure", self.lease.length(), || async {
            if last {
                outcomes::discard(&self.db, job, failure).await
            } else {
                outcomes::retry_later(&self.db, job, failure, wait).await
            }
        })
        .await;
        match mine {
            Ok(true) if last => tracing::error!(job = %job.id, %failure, "discarded"),
            Ok(true) => tracing::warn!(job = %job.id, %failure, ?wait, "failed, to be tried again"),
            Ok(false) => tracing::debug!(job = %job.id, "a late failure was refused, or was committed before"),
            Err(error) => self.discard_plainly(job, &error).await,
        }
        self.lease.release(job);
    }

    /// The last resort for a failure that the database refuses to note: without it the job would be given back and fail
    /// in the same way for ever.
    async fn discard_plainly(&self, job: &ClaimedJob, refusal: &Failure) {
        tracing::error!(job = %job.id, %refusal, "the failure could not be noted as it was; discarding the job");
        let plain = Failure::new(Kind::Internal, "the attempt failed, and the database refused to note how")
            .hint("the worker's log has both");
        let discard = || outcomes::discard(&self.db, job, &plain);
        if let Err(error) = until_answered("discarding a job", self.lease.length(), discard).await {
            tracing::error!(job = %job.id, %error, "the job could not be discarded");
        }
    }

    async fn hand_back(&self, job: &ClaimedJob) {
        match until_answered("handing a job back", self.lease.length(), || outcomes::hand_back(&self.db, job)).await {
            Ok(true) => tracing::info!(job = %job.id, "handed back"),
            Ok(false) => {}
            Err(error) => tracing::error!(job = %job.id, %error, "the job could not be handed back"),
        }
        self.lease.release(job);
    }
}

/// Does it again and again while the database is away; the fence makes that harmless.
async fn until_answered<T, F: Future<Output = Result<T>>>(
    what: &str,
    patience: Duration,
    mut act: impl FnMut() -> F,
) -> Result<T> {
    let mut trouble = Trouble::default();
    loop {
        match answer_within(patience, act()).await {
            Err(failure) if failure.kind() == Kind::Database => sleep(trouble.met(what, failure)).await,
            other => {
                trouble.over(what);
                return other;
            }
        }
    }
}
