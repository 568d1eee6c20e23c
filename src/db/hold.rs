//! `queue.home`: whether this database is the one that the queue worked in, and the hold of one that was restored.
//!
//! A copy of a database, whatever made it, has the jobs, leases and schedules of its source, which may still be at work.
//! So the queue of a copy is held until a person says go: what was not finished is parked, no schedule is fired, nothing is
//! swept or pruned. What is enqueued later runs. The statements stand in the schema, where a restore calls them, too.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::db::steer::{self, Change};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::JobState;

/// A queue that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Hold {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub because: String,
    /// Jobs that are parked until then.
    pub jobs: i64,
    /// Schedules that would fire.
    pub schedules: i64,
}

/// Notes where the queue works; holds it where it worked elsewhere before, and tells whether it did so now. For services,
/// when they start.
pub async fn settle(db: &Db) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT queue.settle() AS "held!""#).fetch_one(db.pool()).await?)
}

/// Whether the queue is held; so is one that was copied, even if no service has noticed yet.
pub async fn is_held(db: &Db) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT queue.is_held() AS "is_held!""#).fetch_one(db.pool()).await?)
}

/// The hold, and what it keeps from running.
pub async fn current(db: &Db) -> Result<Option<Hold>> {
    if !is_held(db).await? {
        return Ok(None);
    }
    Ok(sqlx::query_as!(
        Hold,
        r#"SELECT coalesce(held_since, queue.now()) AS "since!",
                  coalesce(held_because, 'it is a copy, and no service has been started on it yet') AS "because!",
                  (SELECT count(*) FROM queue.jobs
                   WHERE parked_because IS NOT NULL AND parked_because LIKE 'restored: %') AS "jobs!",
                  (SELECT count(*) FROM queue.schedules WHERE state = 'active') AS "schedules!"
           FROM queue.home"#
    )
    .fetch_optional(db.pool())
    .await?)
}

/// What the end of a hold did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = HoldReleased)]
pub struct Released {
    /// Jobs that wait for a worker or for their time again.
    pub jobs: u64,
    /// Jobs that were cancelled instead.
    pub cancelled: u64,
}

impl Hold {
    /// What its end would do.
    #[must_use]
    pub const fn would(&self, cancel_jobs: bool) -> Released {
        let jobs = self.jobs.unsigned_abs();
        if cancel_jobs { Released { jobs: 0, cancelled: jobs } } else { Released { jobs, cancelled: 0 } }
    }
}

/// Ends the hold; what it parked runs, or is cancelled before, if that is wanted.
pub async fn release(db: &Db, cancel_jobs: bool) -> Result<Released> {
    let cancelled = if cancel_jobs { cancel(db).await? } else { 0 };
    let freed = sqlx::query_scalar!(r#"SELECT queue.release() AS "jobs!""#).fetch_one(db.pool()).await?;
    Ok(Released { jobs: freed.unsigned_abs(), cancelled })
}

/// Cancels what the hold parked; returns how many jobs those were.
async fn cancel(db: &Db) -> Result<u64> {
    let mut cancelled = 0;
    loop {
        let ids = parked(db, i64::try_from(steer::BATCH).unwrap_or(i64::MAX)).await?;
        if ids.is_empty() {
            return Ok(cancelled);
        }
        let changed = steer::by_id(db, Change::Cancel, &ids, &[JobState::Parked]).await?.changed.len();
        if changed == 0 {
            return Err(Failure::new(Kind::Conflict, "parked jobs are being written by somebody all the time")
                .hint("nothing was released; try again in a moment"));
        }
        cancelled += changed as u64;
    }
}

/// Some of the jobs that the hold parked, in the order of their ids.
async fn parked(db: &Db, limit: i64) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM queue.jobs WHERE parked_because IS NOT NULL AND parked_because LIKE 'restored: %'
         ORDER BY id LIMIT $1",
        limit
    )
    .fetch_all(db.pool())
    .await?)
}
