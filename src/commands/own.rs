//! A job of the verb's own: enqueued, claimed before anybody else can, and worked on while somebody watches.

use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::commands::session::Session;
use crate::db::steer::{self, Change};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::NewJob;
use crate::worker::{self, Duty};

/// A job that this process works on.
#[derive(Debug)]
pub struct OwnJob {
    /// Its id.
    pub id: Uuid,
    done: CancellationToken,
    worker: JoinSet<Result<()>>,
}

impl OwnJob {
    /// Enqueues it and begins.
    pub async fn start(session: &Session, job: NewJob) -> Result<Self> {
        let handlers = session.handlers()?;
        let done = CancellationToken::new();
        let mut worker = JoinSet::new();
        // Whoever presses Ctrl-C does not want to wait.
        let settings = crate::config::Worker { grace_seconds: 0, ..session.config.worker.clone() };
        let (db, working) = (session.db.clone(), done.clone());
        let (enqueued, accepted) = oneshot::channel();
        let duty = Duty::One { job: Box::new(job), enqueued };
        worker.spawn(async move { worker::run(db, &settings, handlers, worker::name(), duty, working).await });
        match accepted.await {
            Ok(id) => Ok(Self { id, done, worker }),
            Err(_) => Err(why_it_ended(worker.join_next().await)),
        }
    }

    /// Waits for its end as `following` tells it; fails where the worker breaks before.
    pub async fn until<T>(&mut self, following: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            ended = following => ended,
            broken = self.worker.join_next() => Err(why_it_ended(broken)),
        }
    }

    /// Cancels a job that somebody interrupted, and says so: nobody waits for it any more, and the next worker should not
    /// be surprised by it. `again` is what to do to begin again.
    pub async fn cancel(&self, session: &Session, again: &str) -> Failure {
        let id = self.id;
        let interrupted = |what: &str| Failure::new(Kind::Cancelled, format!("interrupted; job {id} {what}"));
        match steer::one(&session.db, Change::Cancel, id).await {
            Ok(()) => interrupted("was cancelled").hint(format!("begin again with: {again}")),
            Err(failure) if failure.kind() == Kind::Conflict => {
                interrupted("had ended already").hint(format!("see: repo-to-cat jobs show {id}"))
            }
            Err(failure) => interrupted("could not be cancelled: the next worker will run it")
                .hint(format!("cancel it with: repo-to-cat jobs cancel {id}"))
                .source(failure),
        }
    }

    /// Ends the worker, and waits for it.
    pub async fn end(mut self) {
        self.done.cancel();
        while self.worker.join_next().await.is_some() {}
    }
}

/// Why a worker ended that was to work until it is told to stop.
fn why_it_ended(ended: Option<std::result::Result<Result<()>, JoinError>>) -> Failure {
    match ended {
        Some(Ok(Err(failure))) => failure,
        Some(Err(error)) => Failure::new(Kind::Internal, "the worker broke").source(error),
        _ => Failure::new(Kind::Internal, "the worker ended too early"),
    }
}
