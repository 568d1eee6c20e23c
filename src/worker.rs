//! The worker process: apalis workers fed by the fetcher, their handlers, and a graceful stop.

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use apalis::prelude::{Data, WorkerBuilder};
use futures_util::FutureExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::backup;
use crate::backup::yard::Premises;
use crate::config;
use crate::db::{Db, claims};
use crate::generation::run::{self, Studio};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, JobKind, NewJob, Outcome};
use crate::probe::Probe;
use crate::queue::backend::QueueBackend;
use crate::queue::completer::Completer;
use crate::queue::fetcher::{Desk, Fetcher};
use crate::queue::journal::panic_text;
use crate::queue::lease::Lease;
use crate::queue::watch::Watch;
use crate::queue::{Assignment, Outcomes, Settled, Trouble, listener};
use crate::telemetry::joblog::Capture;
use crate::telemetry::metrics;
use crate::webhooks::Herald;

/// Outcomes that wait for the completer; more make handlers wait.
const OUTCOMES: usize = 4096;
/// What is told at the end, also where it comes before the beginning.
const STOPPING: &str = "stopping: no more jobs are claimed";

/// What runs the jobs of each kind.
#[derive(Debug, Clone)]
pub struct Handlers {
    /// Generations.
    pub studio: Studio,
    /// Backups and drills.
    pub premises: Premises,
    /// Webhooks.
    pub herald: Herald,
    /// Probes.
    pub probe: Probe,
}

/// What every handler works with.
#[derive(Debug)]
struct Bench {
    db: Db,
    handlers: Handlers,
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
    handlers: Handlers,
    name: String,
    duty: Duty,
    stop: CancellationToken,
) -> Result<()> {
    // A part that breaks stops the others, too.
    let stop = stop.child_token();
    let Some(lease) = stop.run_until_cancelled(take_lease(&db, &name, settings)).await else {
        tracing::info!("{STOPPING}");
        return Ok(());
    };
    let lease = lease?;
    let keeping = CancellationToken::new();
    let mut heartbeat = tokio::spawn(lease.clone().keep(keeping.clone()));

    let clock = lease.clock().clone();
    let poll = Duration::from_secs(settings.poll_seconds);
    let watch = Watch::new(db.clone(), clock.clone(), poll, lease.length(), i32::from(settings.max_deaths));
    let (waking, holding) = (lease.clone(), lease.clone());
    tokio::spawn(watch.run(move || waking.wake(), move || holding.is_busy(), keeping.clone()));

    let (outcomes, settled) = mpsc::channel(OUTCOMES);
    let completer = Completer::new(db.clone(), lease.clone(), clock.clone(), settings);
    let mut completer = tokio::spawn(completer.run(settled));

    let attempt = Duration::from_secs(settings.attempt_seconds);
    let premises = handlers.premises.clone();
    let letters = handlers.herald.slots();
    let bench = Arc::new(Bench { db: db.clone(), handlers, attempt, outcomes });
    let mut workers = JoinSet::new();
    let mut desks = Vec::new();
    for kind in JobKind::ALL {
        let slots = slots(kind, settings, letters);
        let (assign, assigned) = mpsc::channel(slots.max(1));
        desks.push(Desk::new(kind, slots, assign));
        let worker = WorkerBuilder::new(format!("{name}/{}", kind.name()))
            .backend(QueueBackend::new(assigned))
            .data(Arc::clone(&bench))
            .build(handle);
        workers.spawn(worker.run());
    }
    drop(bench);
    let fetcher = Fetcher::new(&db, lease.clone(), desks);
    let listening = tokio::spawn(listener::run(db.clone(), lease.clone(), clock, stop.clone()));
    let fetching = if let Duty::One { job, enqueued } = duty {
        let job = claims::enqueue_claimed(&db, lease.worker_id(), &job).await?;
        _ = enqueued.send(job.id);
        tokio::spawn(fetcher.run_only(job, stop.clone()))
    } else {
        tokio::spawn(fetcher.run(stop.clone()))
    };

    let broken = tokio::select! {
        // First: stopped, the others end by themselves, and perhaps before this is asked.
        biased;
        () = stop.cancelled() => None,
        Some(ended) = workers.join_next() => Some(format!("an apalis worker ended: {ended:?}")),
        ended = &mut completer => Some(format!("the completer ended: {ended:?}")),
        ended = &mut heartbeat => Some(format!("the heartbeat ended: {ended:?}")),
    };
    tracing::info!("{STOPPING}");
    stop.cancel();
    drop(fetching.await);
    drop(listening.await);
    drain(&mut workers, &lease, Duration::from_secs(settings.grace_seconds)).await;
    // What the database did not take in by now is rescued by others when the lease runs out.
    let patience = Duration::from_secs(settings.lease_seconds);
    if !completer.is_finished() && timeout(patience, completer).await.is_err() {
        tracing::error!("outcomes could not be committed before the end; their jobs will be run again");
    }
    premises.farewell().await;
    keeping.cancel();
    if !heartbeat.is_finished() {
        drop(timeout(patience, heartbeat).await);
    }
    broken.map_or(Ok(()), |what| Err(Failure::new(Kind::Internal, what).hint("the log has more; start it again")))
}

/// How many jobs of a kind run at once.
const fn slots(kind: JobKind, settings: &config::Worker, letters: usize) -> usize {
    match kind {
        JobKind::Generation => settings.slots,
        // They keep all cores and the disk busy, for hours perhaps: one of each, beside the cats.
        JobKind::Backup | JobKind::Drill => 1,
        JobKind::Webhook => letters,
        // They wait more than they work.
        JobKind::Probe => settings.light_slots,
    }
}

/// Registers the worker, once the database is there.
async fn take_lease(db: &Db, name: &str, settings: &config::Worker) -> Result<Lease> {
    let mut trouble = Trouble::default();
    loop {
        match Lease::take(db, name.to_owned(), settings).await {
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
async fn handle(assignment: Assignment, bench: Data<Arc<Bench>>) {
    let Assignment { job, cancel, slot } = assignment;
    metrics::started(&job.kind, (job.started_at - job.run_at).to_std().unwrap_or_default());
    let capture = Capture::begin(job.id, job.claim, &job.kind, job.traceparent.as_deref());
    let began = Instant::now();
    let own = job.timeout_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let patience = own.map_or(bench.attempt, Duration::from_secs);
    let outcome = match JobKind::from_name(&job.kind) {
        Some(JobKind::Generation) => {
            let work = capture.run(generate(Arc::clone(&bench), Arc::clone(&job), cancel.clone()));
            Box::pin(alone(work, cancel, patience)).await
        }
        Some(kind @ (JobKind::Backup | JobKind::Drill)) => {
            let (premises, db) = (bench.handlers.premises.clone(), bench.db.clone());
            let work = backup::run::run(kind, premises, db, Arc::clone(&job), cancel.clone());
            Box::pin(alone(capture.run(work), cancel, patience)).await
        }
        Some(JobKind::Webhook) => {
            among_others(capture.run(bench.handlers.herald.run(&bench.db, &job, cancel)), patience).await
        }
        Some(JobKind::Probe) => among_others(capture.run(bench.handlers.probe.run(&job, cancel)), patience).await,
        None => {
            let what = format!("this program does not know jobs of kind {}", job.kind);
            Outcome::Failed(Failure::new(Kind::Internal, what))
        }
    };
    metrics::ran(&job.kind, began.elapsed());
    drop(bench.outcomes.send(Settled { job, outcome, log: capture.finish() }).await);
    drop(slot);
}

/// Runs work that takes its time in a task of its own. When its time is over it is told to stop and waited for: nothing
/// of it may still run when its next attempt begins.
async fn alone(
    work: impl Future<Output = Outcome> + Send + 'static,
    cancel: CancellationToken,
    patience: Duration,
) -> Outcome {
    let mut running = tokio::spawn(work);
    let ended = tokio::select! {
        ended = &mut running => ended,
        () = sleep(patience) => {
            cancel.cancel();
            return match running.await {
                // It was just done.
                Ok(done @ Outcome::Completed(_)) => done,
                _ => too_long(patience),
            };
        }
    };
    ended.unwrap_or_else(|error| panicked(&panic_text(error)))
}

/// Runs work that mostly waits, in the task of all jobs of its kind: a task of its own would cost more than the job.
async fn among_others(work: impl Future<Output = Outcome>, patience: Duration) -> Outcome {
    match timeout(patience, AssertUnwindSafe(work).catch_unwind()).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => panicked(panic.downcast_ref::<&str>().copied().unwrap_or("see the log")),
        Err(_) => too_long(patience),
    }
}

fn too_long(patience: Duration) -> Outcome {
    let what = format!("the attempt took longer than {} s", patience.as_secs());
    let hint = "give the job a longer time-out, or raise worker.attempt_seconds, if it is worth it";
    Outcome::Failed(Failure::new(Kind::Unavailable, what).hint(hint))
}

fn panicked(what: &str) -> Outcome {
    Outcome::Failed(Failure::new(Kind::Internal, format!("the job panicked: {what}")))
}

async fn generate(bench: Arc<Bench>, job: Arc<ClaimedJob>, cancel: CancellationToken) -> Outcome {
    let id = job.id;
    match run::run(bench.handlers.studio.clone(), bench.db.clone(), job, cancel).await {
        Ok(result) => {
            tracing::info!(job = %id, repository = %result.github_url, "done");
            Outcome::Completed(Some(Box::new(result)))
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
