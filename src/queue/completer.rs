//! The completer: commits what became of jobs, in groups, until it is committed or refused.

use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use crate::config;
use crate::db::outcomes::{End, PutBack};
use crate::db::{Db, Line};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::GenerationResult;
use crate::model::job::{Backoff, ClaimedJob, Outcome};
use crate::queue::batch::Batch;
use crate::queue::lease::Lease;
use crate::queue::logs::Shelf;
use crate::queue::watch::Clock;
use crate::queue::{Settled, Trouble, answer_within};
use crate::telemetry::metrics::{self, Ending};

/// Most outcomes of one transaction.
const GROUP: usize = 1000;
/// Transactions at once: while one waits for its commit, the next gathers its group and is worked on.
const IN_FLIGHT: usize = 2;

/// What is in trouble where that fails.
const WHAT: &str = "committing outcomes";

/// Commits outcomes.
#[derive(Debug, Clone)]
pub struct Completer {
    db: Db,
    lease: Lease,
    clock: Clock,
    backoff: Backoff,
}

impl Completer {
    /// A completer for the jobs that are held under `lease`. The clock is told when a job that was put off is due.
    #[must_use]
    pub fn new(db: Db, lease: Lease, clock: Clock, settings: &config::Worker) -> Self {
        let backoff = Backoff {
            base: Duration::from_secs(settings.backoff_seconds),
            max: Duration::from_secs(settings.backoff_max_seconds),
        };
        Self { db, lease, clock, backoff }
    }

    /// Commits until every sender is gone and nothing is left.
    pub async fn run(self, settled: mpsc::Receiver<Settled>) {
        let settled = Arc::new(Mutex::new(settled));
        let (logs, storing) = Shelf::new(self.db.clone());
        let storing = tokio::spawn(storing);
        // One for all desks: they meet the same outages.
        let trouble = Arc::new(Lock::new(Trouble::default()));
        let mut desks = JoinSet::new();
        for _ in 0..IN_FLIGHT {
            let desk = Desk {
                completer: self.clone(),
                line: self.db.line(),
                logs: logs.clone(),
                trouble: Arc::clone(&trouble),
            };
            let settled = Arc::clone(&settled);
            desks.spawn(async move {
                let mut group = Vec::with_capacity(GROUP);
                while settled.lock().await.recv_many(&mut group, GROUP).await > 0 {
                    desk.commit(&mut group).await;
                }
                desk.line.close().await;
            });
        }
        while let Some(ended) = desks.join_next().await {
            if let Err(panic) = ended {
                // The other one would go on, at half the pace: better that the process notices.
                std::panic::resume_unwind(panic.into_panic());
            }
        }
        drop(logs);
        drop(timeout(self.lease.length(), storing).await);
    }
}

/// One of the connections that outcomes are committed on.
struct Desk {
    completer: Completer,
    line: Line,
    logs: Shelf,
    trouble: Arc<Lock<Trouble>>,
}

impl Desk {
    async fn commit(&self, group: &mut Vec<Settled>) {
        // A lease that was lost in between leaves a group of two workers' jobs.
        group.sort_by_key(|settled| settled.job.worker_id);
        for of_one_worker in group.chunk_by(|a, b| a.job.worker_id == b.job.worker_id) {
            let worker_id = of_one_worker[0].job.worker_id;
            let (mut plain, mut generations, mut back, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
            for Settled { job, outcome, .. } in of_one_worker {
                match self.verdict(job, outcome) {
                    Verdict::Complete(None) => plain.push(&**job),
                    Verdict::Complete(Some(result)) => generations.push((&**job, result)),
                    Verdict::PutBack(how) => back.push((&**job, how)),
                    Verdict::End(how) => ends.push((&**job, how)),
                }
            }
            for batch in [Batch::Plain(plain), Batch::Generations(generations), Batch::Back(back), Batch::Ends(ends)] {
                for (job, failure) in self.write(worker_id, batch).await {
                    self.give_up(worker_id, job, failure).await;
                }
            }
        }
        for log in group.drain(..).filter_map(|settled| settled.log) {
            self.logs.leave(log);
        }
    }

    fn verdict<'a>(&self, job: &ClaimedJob, outcome: &'a Outcome) -> Verdict<'a> {
        match outcome {
            Outcome::Completed(result) => Verdict::Complete(result.as_deref()),
            Outcome::Failed(failure) => self.after_failure(job, failure),
            Outcome::Discarded(failure) => Verdict::End(End::Discard(failure)),
            Outcome::Snoozed(wait, why) => Verdict::PutBack(PutBack::Snooze(*wait, why)),
            Outcome::Parked(why) => Verdict::PutBack(PutBack::Park(why)),
            Outcome::Cancelled(why) => Verdict::End(End::Cancel(why)),
            Outcome::HandedBack => Verdict::PutBack(PutBack::HandBack),
        }
    }

    fn after_failure<'a>(&self, job: &ClaimedJob, failure: &'a Failure) -> Verdict<'a> {
        if job.ends_with(failure) {
            return Verdict::End(End::Discard(failure));
        }
        let failures = u32::try_from(job.attempts).unwrap_or(0) + 1;
        let wait = self.completer.backoff.wait(failures, failure.retry_after(), rand::random_range(0.0..1.0));
        Verdict::PutBack(PutBack::Retry(failure, wait))
    }

    /// Writes a batch, in parts where the database refuses it as a whole, so that one bad outcome fails alone; returns
    /// those that it refused, and why.
    async fn write<'a>(&self, worker_id: Uuid, batch: Batch<'a>) -> Vec<(&'a ClaimedJob, Failure)> {
        let mut refused = Vec::new();
        let mut parts = vec![batch];
        while let Some(mut part) = parts.pop().filter(|part| part.len() > 0) {
            match self.until_answered(worker_id, &part).await {
                Ok(mine) => {
                    self.say(&part, &mine);
                    self.completer.lease.release(part.jobs());
                }
                Err(failure) if part.len() == 1 => refused.push((part.jobs()[0], failure)),
                // Halved, so that one in a thousand is found with some twenty more tries.
                Err(_) => {
                    let second = part.split_off_half();
                    parts.extend([second, part]);
                }
            }
        }
        refused
    }

    /// Notes that an outcome was refused: as a failure of the job, or, where even that is refused, plainly. Without this
    /// last resort the job would be given back and end in the same way for ever.
    async fn give_up(&self, worker_id: Uuid, job: &ClaimedJob, refusal: Failure) {
        let failure = refusal.context("persisting the outcome");
        let batch = match self.after_failure(job, &failure) {
            Verdict::PutBack(how) => Batch::Back(vec![(job, how)]),
            _ => Batch::Ends(vec![(job, End::Discard(&failure))]),
        };
        if self.write(worker_id, batch).await.is_empty() {
            return;
        }
        tracing::error!(job = %job.id, %failure, "the outcome could not be noted as it was; discarding the job");
        let plain = Failure::new(Kind::Internal, "the attempt ended, and the database refused to note how")
            .hint("the worker's log has both");
        for (job, error) in self.write(worker_id, Batch::Ends(vec![(job, End::Discard(&plain))])).await {
            tracing::error!(job = %job.id, %error, "the job could not be discarded");
            self.completer.lease.release([job]);
            self.completer.lease.lost_an_answer();
        }
    }

    /// Writes again and again while the database is away; the fence makes that harmless.
    async fn until_answered(&self, worker_id: Uuid, batch: &Batch<'_>) -> Result<Vec<Uuid>> {
        let trouble = || self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match answer_within(self.completer.lease.length(), batch.write(&self.line, worker_id)).await {
                Err(failure) if failure.kind() == Kind::Database => {
                    let wait = trouble().met(WHAT, failure);
                    sleep(wait).await;
                }
                other => {
                    trouble().over(WHAT);
                    return other;
                }
            }
        }
    }

    fn say(&self, batch: &Batch<'_>, mine: &[Uuid]) {
        metrics::committed(mine.len());
        let is_mine = |job: &ClaimedJob| mine.len() == batch.len() || mine.contains(&job.id);
        for (job, ending) in batch.endings() {
            metrics::ended(&job.kind, if is_mine(job) { ending } else { Ending::Refused });
        }
        if mine.len() < batch.len() {
            for job in batch.jobs().iter().filter(|job| !mine.contains(&job.id)) {
                if batch.completes() {
                    tracing::warn!(job = %job.id, "a late completion was refused: the job is no longer ours");
                } else {
                    tracing::debug!(job = %job.id, "a late outcome was refused, or was committed before");
                }
            }
        }
        match batch {
            Batch::Plain(_) | Batch::Generations(_) => {}
            Batch::Back(jobs) => {
                for (job, how) in jobs.iter().filter(|(job, _)| mine.contains(&job.id)) {
                    self.say_put_back(job, how);
                }
            }
            Batch::Ends(jobs) => {
                for (job, end) in jobs.iter().filter(|(job, _)| mine.contains(&job.id)) {
                    match end {
                        End::Discard(failure) => tracing::error!(job = %job.id, %failure, "discarded"),
                        End::Cancel(why) => tracing::info!(job = %job.id, why, "cancelled by its handler"),
                    }
                }
            }
        }
    }

    fn say_put_back(&self, job: &ClaimedJob, how: &PutBack<'_>) {
        match how {
            PutBack::Retry(failure, wait) => {
                tracing::warn!(job = %job.id, %failure, ?wait, "failed, to be tried again");
                self.completer.clock.due_in(*wait);
            }
            PutBack::Snooze(wait, why) => {
                tracing::info!(job = %job.id, ?wait, why, "put off by its handler");
                self.completer.clock.due_in(*wait);
            }
            PutBack::Park(why) => tracing::info!(job = %job.id, why, "parked by its handler"),
            PutBack::HandBack => tracing::info!(job = %job.id, "handed back"),
        }
    }
}

enum Verdict<'a> {
    Complete(Option<&'a GenerationResult>),
    PutBack(PutBack<'a>),
    End(End<'a>),
}
