//! Enqueueing from Rust.

use crate::db::{Db, Session, jobs};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{Enqueued, NewJob};

/// Enqueues a job in the caller's transaction: it exists when, and only when, that commits.
///
/// It takes `&mut` of a transaction of [`Db::pool`], or of the caller's own; behind a pooler see [`Session::lent`].
pub async fn enqueue(transaction: impl Into<Session<'_>>, job: &NewJob) -> Result<Enqueued> {
    check(job)?;
    jobs::enqueue(&mut transaction.into(), job).await
}

/// Enqueues jobs in a transaction of their own: all or none.
pub async fn enqueue_all(db: &Db, jobs: &[NewJob]) -> Result<Vec<Enqueued>> {
    let mut transaction = db.pool().begin().await?;
    let mut enqueued = Vec::with_capacity(jobs.len());
    for job in jobs {
        enqueued.push(enqueue(&mut transaction, job).await?);
    }
    transaction.commit().await?;
    Ok(enqueued)
}

fn check(job: &NewJob) -> Result<()> {
    if !(-100..=100).contains(&job.priority) {
        return Err(Failure::new(Kind::Invalid, format!("priority {} is out of range", job.priority))
            .hint("priorities go from -100 to 100; the higher goes first"));
    }
    if !(1..=100).contains(&job.max_attempts) {
        return Err(Failure::new(Kind::Invalid, format!("max_attempts {} is out of range", job.max_attempts))
            .hint("it goes from 1 to 100"));
    }
    if let Some(key) = &job.unique_key
        && (key.is_empty() || key.chars().count() > 255 || key.contains('\0'))
    {
        return Err(Failure::new(Kind::Invalid, "the unique key must have 1 to 255 characters and no NUL"));
    }
    Ok(())
}
