//! The worker process: apalis workers fed by the fetcher, their handlers, and a graceful stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{Data, WorkerBuilder};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config;
use crate::db::{Db, jobs};
use crate::generation::journal::panic_text;
use crate::generation::run::{self, Studio};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, JobKind, NewJob, Outcome};
use crate::queue::backend::QueueBackend;
use crate::queue::completer::Completer;
use crate::queue::fetcher::Fetcher;
use crate::queue::lease::Lease;
use crate::queue::{Assignment, Outcomes, Settled, Trouble, rescuer};

/// Outcomes that wait for the completer; more make handlers wait.
const OUTCOMES: usize = 4096;

/// What every handler works with.
#[derive(Debug, Clone)]
struct Bench {
    db: Db,
    studio: Studio,
    attempt: Duration,
    outcomes: Outcomes,
}

/// What a worker process is there for.
#[derive(Debug)]
pub enum Duty {
    /// Whatever is available.
    Everything,
    /// One job, which it enqueues itself so that no other worker gets it first, and all its attempts.
    One {
        /// The job.
        job: Box<NewJob>,
        /// Told the job's id once it is enqueued.
        enqueued: oneshot::Sender<Uuid>,
    },
}

/// Works until `stop`, then finishes what runs within the grace time, or hands it back.
pub async fn run(
    db: Db,
    settings: &config::Worker,
    studio: Studio,
    name: String,
    duty: Duty,
    stop: CancellationToken,
) -> Result<()> {
    // A part that breaks stops the others, too.
    let stop = stop.child_token();
    let Some(lease) = stop.run_until_cancelled(take_lease(&db, &name, settings)).await else { return Ok(()) };
    let lease = lease?;
    let keeping = CancellationToken::new();
    let mut heartbeat = tokio::spawn(lease.clone().keep(keeping.clone()));

    let rescue_every = Duration::from_secs(settings.rescue_seconds);
    let (length, max_deaths) = (lease.length(), i32::from(settings.max_deaths));
    tokio::spawn(rescuer::run(db.clone(), rescue_every, length, max_deaths, keeping.clone()));

    let (outcomes, settled) = mpsc::channel(OUTCOMES);
    let mut completer = tokio::spawn(Completer::new(db.clone(), lease.clone(), settings).run(settled));

    let bench = Bench { db: db.clone(), studio, attempt: Duration::from_secs(settings.attempt_seconds), outcomes };
    let mut workers = JoinSet::new();
    let mut backends = Vec::new();
    for kind in JobKind::ALL {
        let (assign, assigned) = mpsc::channel(settings.slots.max(1));
        backends.push((kind, assign));
        let worker = WorkerBuilder::new(format!("{name}/{}", kind.name()))
            .backend(QueueBackend::new(assigned))
            .data(bench.clone())
            .build(handle);
        workers.spawn(worker.run());
    }
    drop(bench);
    let poll = Duration::from_secs(settings.poll_seconds);
    let mut fetcher = Fetcher::new(db.clone(), lease.clone(), settings.slots, poll, backends);
    if let Duty::One { job, enqueued } = duty {
        let job = jobs::enqueue_claimed(&db, lease.worker_id(), &job).await?;
        _ = enqueued.send(job.id);
        fetcher = fetcher.only(job);
    }
    let fetching = tokio::spawn(fetcher.run(stop.clone()));

    let broken = tokio::select! {
        () = stop.cancelled() => None,
        Some(ended) = workers.join_next() => Some(format!("an apalis worker ended: {ended:?}")),
        ended = &mut completer => Some(format!("the completer ended: {ended:?}")),
        ended = &mut heartbeat => Some(format!("the heartbeat ended: {ended:?}")),
    };
    tracing::info!("stopping: no more jobs are claimed");
    stop.cancel();
    drop(fetching.await);
    drain(&mut workers, &lease, Duration::from_secs(settings.grace_seconds)).await;
    // What the database did not take in by now is rescued by others when the lease runs out.
    let patience = Duration::from_secs(settings.lease_seconds);
    if !completer.is_finished() && timeout(patience, completer).await.is_err() {
        tracing::error!("outcomes could not be committed before the end; their jobs will be run again");
    }
    keeping.cancel();
    if !heartbeat.is_finished() {
        drop(timeout(patience, heartbeat).await);
    }
    broken.map_or(Ok(()), |what| Err(Failure::new(Kind::Internal, what).hint("the log has more; start it again")))
}

/// Registers the worker, once the database is there.
async fn take_lease(db: &Db, name: &str, settings: &config::Worker) -> Result<Lease> {
    let mut trouble = Trouble::default();
    loop {
        match Lease::take(db.clone(), name.to_owned(), settings).await {
            Err(failure) if failure.kind() == Kind::Database => sleep(trouble.met("registering", failure)).await,
            taken => {
                trouble.over("registering");
                return taken;
            }
        }
    }
}

/// Waits for running jobs, at most for `grace`; then stops them, so that they are handed back.
async fn drain(workers: &mut JoinSet<Result<(), apalis::prelude::WorkerError>>, lease: &Lease, grace: Duration) {
    let mut grace = std::pin::pin!(sleep(grace));
    let mut stopped = false;
    loop {
        tokio::select! {
            done = workers.join_next() => match done {
                None => return,
                Some(Ok(Ok(()))) => {}
                Some(other) => tracing::error!(?other, "an apalis worker broke"),
            },
            () = &mut grace, if !stopped => {
                lease.close();
                stopped = true;
            }
        }
    }
}

/// The one handler: runs the job by its kind and leaves the outcome to the completer. It never fails itself.
async fn handle(assignment: Assignment, bench: Data<Bench>) {
    let Assignment { job, cancel, slot } = assignment;
    let mut running = tokio::spawn(dispatch(Bench::clone(&bench), Arc::clone(&job), cancel.clone()));
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = sleep(bench.attempt) => {
            // Told to stop and waited for: nothing of it may still run when its next attempt begins.
            cancel.cancel();
            drop(running.await);
            Ok(Outcome::Failed(
                Failure::new(Kind::Unavailable, format!("the attempt took longer than {} s", bench.attempt.as_secs()))
                    .hint("raise worker.attempt_seconds if the repository is worth it"),
            ))
        }
    };
    let outcome = ended.unwrap_or_else(|error| {
        Outcome::Failed(Failure::new(Kind::Internal, format!("the job panicked: {}", panic_text(error))))
    });
    drop(bench.outcomes.send(Settled { job, outcome }).await);
    drop(slot);
}

/// Which code runs which kind. A new kind is one line here.
async fn dispatch(bench: Bench, job: Arc<ClaimedJob>, cancel: CancellationToken) -> Outcome {
    let id = job.id;
    let result = match JobKind::from_name(&job.kind) {
        Some(JobKind::Generation) => run::run(bench.studio, bench.db, job, cancel).await,
        None => Err(Failure::new(Kind::Internal, format!("this program does not know jobs of kind {}", job.kind))),
    };
    match result {
        Ok(result) => {
            tracing::info!(job = %id, repository = %result.github_url, "done");
            Outcome::Completed(Box::new(result))
        }
        Err(failure) if failure.kind() == Kind::Cancelled => Outcome::HandedBack,
        Err(failure) => Outcome::Failed(failure),
    }
}

/// The worker's name for people: host and process.
#[must_use]
pub fn name() -> String {
    let host = std::fs::read_to_string(PathBuf::from("/proc/sys/kernel/hostname")).unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}
