//! Jobs that come one by one, from many callers at once: those that come while a transaction commits go together in the
//! next. A caller waits for no other's sake: whoever comes alone goes at once.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinSet;

use super::enqueue::{check, enqueue_one, enqueue_plain};
use crate::db::{Db, Line};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{Enqueued, NewJob};

/// Jobs of one transaction, at most.
const MOST: usize = 500;
/// Transactions under way: while one commits, the next one is put together and sent.
const UNDER_WAY: usize = 2;
/// Jobs that wait for their turn; more make callers wait.
const WAITING: usize = 4096;

/// Takes jobs from many callers. Cheap to clone; it ends with its last clone.
#[derive(Debug, Clone)]
pub struct Gathering {
    db: Db,
    sender: mpsc::Sender<Waiting>,
}

/// A job, and who waits for its id.
#[derive(Debug)]
struct Waiting {
    job: NewJob,
    answer: oneshot::Sender<Result<Enqueued>>,
}

impl Gathering {
    /// Begins to take jobs. To be called in a runtime.
    #[must_use]
    pub fn begin(db: Db) -> Self {
        let (sender, waiting) = mpsc::channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..UNDER_WAY {
            tokio::spawn(gather(db.clone(), Arc::clone(&waiting)));
        }
        Self { db, sender }
    }

    /// Enqueues a job; it is there when this returns.
    pub async fn enqueue(&self, job: NewJob) -> Result<Enqueued> {
        check(&job)?;
        // A key is held until its transaction ends: nobody is to wait for those of others.
        if job.unique.is_some() {
            return enqueue_one(&self.db, &job).await;
        }
        let (answer, answered) = oneshot::channel();
        let gone = || Failure::new(Kind::Unavailable, "the service is stopping").hint("send it again");
        self.sender.send(Waiting { job, answer }).await.map_err(|_| gone())?;
        answered.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// Sends group after group on a connection of its own: what comes while it is busy goes together.
async fn gather(db: Db, waiting: Arc<Mutex<mpsc::Receiver<Waiting>>>) {
    let line = db.line();
    let mut group = Vec::new();
    while waiting.lock().await.recv_many(&mut group, MOST).await > 0 {
        send(&db, &line, std::mem::take(&mut group)).await;
    }
    line.close().await;
}

/// Enqueues a group and tells each caller.
async fn send(db: &Db, line: &Line, group: Vec<Waiting>) {
    let (jobs, answers): (Vec<NewJob>, Vec<_>) = group.into_iter().map(|one| (one.job, one.answer)).unzip();
    match send_jobs(line, &jobs).await {
        Ok(enqueued) => {
            answers.into_iter().zip(enqueued).for_each(|(answer, enqueued)| drop(answer.send(Ok(enqueued))));
        }
        // Whether they are there nobody knows: who sends a job again has to decide that.
        Err(failure) if failure.kind() == Kind::Database => {
            let failure = Arc::new(failure);
            for answer in answers {
                let told = Failure::new(failure.kind(), failure.what()).source(Arc::clone(&failure));
                drop(answer.send(Err(told)));
            }
        }
        // One was refused, and all with it: each is tried alone.
        Err(_) => {
            let mut alone = JoinSet::new();
            for (job, answer) in jobs.into_iter().zip(answers) {
                let db = db.clone();
                alone.spawn(async move { drop(answer.send(enqueue_one(&db, &job).await)) });
            }
            alone.join_all().await;
        }
    }
}

/// All or none, in one statement.
async fn send_jobs(line: &Line, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
    let mut held = line.take().await?;
    let sent = enqueue_plain(held.connection(), jobs).await;
    // Who was refused has a connection that is well.
    if sent.as_ref().err().is_none_or(|failure| failure.kind() != Kind::Database) {
        held.give_back();
    }
    sent
}
