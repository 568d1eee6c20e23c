//! A finished generation once more: as a whole, or from its analysis on.

use serde_json::Value;
use uuid::Uuid;

use crate::config::Config;
use crate::db::{Db, generations, steps};
use crate::generation::run::checkpoints;
use crate::generation::submit::{Wishes, generation_job, request_of};
use crate::model::failure::Result;
use crate::model::job::{Enqueued, NewJob};
use crate::model::progress::Step;
use crate::queue::enqueue::enqueue;

/// Where to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// The repository is fetched as it is now.
    Anew,
    /// The commit and its analysis stay: the cat is painted again by the rules of this program.
    FromAnalysis,
}

/// Enqueues it; returns the new job's id. Fails with a conflict while the old one is not finished.
pub async fn again(db: &Db, config: &Config, id: Uuid, user_id: Option<Uuid>, begin: Begin) -> Result<Uuid> {
    let request = request_of(db, id).await?;
    let wishes = Wishes { reference: request.reference, user_id, rerun_of: Some(id), ..Wishes::default() };
    let job = generation_job(&request.github_url, wishes, config)?;
    let kept = match begin {
        Begin::Anew => Vec::new(),
        Begin::FromAnalysis => kept_by(db, id).await?,
    };
    Ok(enqueue_behind(db, &job, &kept).await?.id)
}

/// What a finished one leaves for a job that begins behind its analysis. Fails with a conflict where that is not whole.
pub async fn kept_by(db: &Db, id: Uuid) -> Result<Vec<(Step, Value)>> {
    checkpoints(&generations::get(db, id).await?.ok_or_else(|| generations::unknown(id))?)
}

/// Enqueues a job that begins behind these steps.
pub async fn enqueue_behind(db: &Db, job: &NewJob, kept: &[(Step, Value)]) -> Result<Enqueued> {
    // The job and what it need not do: whoever claims it sees both.
    let mut transaction = db.pool().begin().await?;
    let enqueued = enqueue(&mut transaction, job).await?;
    if enqueued.is_new {
        steps::keep(&mut transaction, enqueued.id, kept).await?;
    }
    transaction.commit().await?;
    Ok(enqueued)
}
