//! Claiming: which lanes have waiting jobs, and taking jobs from them.
//!
//! A claim is one update that changes no indexed column, so it rewrites a row within its page. It starts each lane where
//! the last claim left off: what lies before is finished or running, and would have to be waded through where vacuum
//! cannot clean up, as under a transaction that somebody holds open.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::PgExecutor;
use uuid::Uuid;

use crate::db::{Db, enqueue};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, NewJob};

/// A lane with waiting jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lane {
    /// Its number.
    pub lane: i64,
    /// Kind of its jobs.
    pub kind: String,
    /// What limits go by.
    pub limit_key: Option<String>,
    /// Whose jobs they are.
    pub user_id: Option<Uuid>,
    /// The rank from which on there are waiting jobs.
    pub since: DateTime<Utc>,
    /// Whether its kind has limits.
    pub is_limited: bool,
}

/// How many jobs to take of a lane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Its number.
    pub lane: i64,
    /// Kind of its jobs.
    pub kind: String,
    /// The rank to begin at.
    pub since: DateTime<Utc>,
    /// At most so many.
    pub quota: i32,
}

/// A claimed job with its place in the queue.
#[derive(Debug)]
pub struct Taken {
    /// The job.
    pub job: ClaimedJob,
    /// Its lane.
    pub lane: i64,
    /// Its rank there.
    pub rank: DateTime<Utc>,
}

/// Up to `limit` lanes that come after `after` and have waiting jobs of the given kinds. Paused kinds have none.
pub async fn lanes(executor: impl PgExecutor<'_>, kinds: &[String], after: i64, limit: i64) -> Result<Vec<Lane>> {
    Ok(sqlx::query_as!(
        Lane,
        r#"WITH RECURSIVE ring AS (
             (SELECT lane, kind, limit_key, user_id, rank FROM queue.jobs
              WHERE rank IS NOT NULL AND state = 'available' AND lane > $2 ORDER BY lane, rank LIMIT 1)
             UNION ALL
             SELECT next.lane, next.kind, next.limit_key, next.user_id, next.rank FROM ring, LATERAL (
               SELECT lane, kind, limit_key, user_id, rank FROM queue.jobs AS job
               WHERE rank IS NOT NULL AND state = 'available' AND job.lane > ring.lane ORDER BY lane, rank LIMIT 1) AS next
           )
           SELECT lane AS "lane!", kind AS "kind!", limit_key, user_id, rank AS "since!",
                  EXISTS (SELECT FROM queue.limits WHERE limits.kind = ring.kind) AS "is_limited!"
           FROM ring
           WHERE kind = ANY ($1)
             AND NOT EXISTS (SELECT FROM queue.kinds WHERE kinds.kind = ring.kind AND kinds.paused_at IS NOT NULL)
           LIMIT $3"#,
        kinds,
        after,
        limit
    )
    .fetch_all(executor)
    .await?)
}

/// Those of these lanes that have waiting jobs from where they were left off. What lies before is not looked at: neither
/// what is more urgent and came since, nor what nobody could clean up.
pub async fn peek(executor: impl PgExecutor<'_>, known: &[Lane]) -> Result<Vec<Lane>> {
    let lanes: Vec<i64> = known.iter().map(|lane| lane.lane).collect();
    let kinds: Vec<String> = known.iter().map(|lane| lane.kind.clone()).collect();
    let since: Vec<DateTime<Utc>> = known.iter().map(|lane| lane.since).collect();
    let waiting = sqlx::query_scalar!(
        r#"SELECT want.lane AS "lane!" FROM unnest($1::bigint[], $2::text[], $3::timestamptz[]) AS want (lane, kind, since)
           WHERE (SELECT true FROM queue.jobs
                  WHERE lane = want.lane AND rank IS NOT NULL AND rank >= want.since AND state = 'available'
                  ORDER BY rank LIMIT 1)
             AND NOT EXISTS (SELECT FROM queue.kinds WHERE kinds.kind = want.kind AND kinds.paused_at IS NOT NULL)"#,
        &lanes,
        &kinds,
        &since
    )
    .fetch_all(executor)
    .await?;
    Ok(known.iter().filter(|lane| waiting.contains(&lane.lane)).cloned().collect())
}

/// Claims jobs for a worker whose lease is good, of each lane the first in rank.
///
/// The worker's row is locked against removal meanwhile, so that a rescuer either sees these jobs or comes later. With
/// `renew` the lease is set to that length, too: it was a long one while the worker had nothing to lose. `limited` says
/// whether the jobs count against limits.
pub async fn claim(
    executor: impl PgExecutor<'_>,
    worker_id: Uuid,
    shares: &[Share],
    renew: Option<Duration>,
    limited: bool,
) -> Result<Vec<Taken>> {
    let lanes: Vec<i64> = shares.iter().map(|share| share.lane).collect();
    let kinds: Vec<String> = shares.iter().map(|share| share.kind.clone()).collect();
    let since: Vec<DateTime<Utc>> = shares.iter().map(|share| share.since).collect();
    let quotas: Vec<i32> = shares.iter().map(|share| share.quota).collect();
    let rows = sqlx::query!(
        r#"WITH renewed AS (
             UPDATE queue.workers SET lease_until = greatest(heartbeat_at, queue.now()) + make_interval(secs => $6)
             WHERE id = $1 AND lease_until > queue.now() AND $6::float8 IS NOT NULL RETURNING id
           ), held AS (
             SELECT id FROM queue.workers
             WHERE id = $1 AND lease_until > queue.now() AND $6::float8 IS NULL FOR KEY SHARE
           ), picked AS (
             SELECT job.ctid
             FROM unnest($2::bigint[], $3::text[], $4::timestamptz[], $5::int[]) AS want (lane, kind, since, quota),
               LATERAL (
                 SELECT ctid FROM queue.jobs
                 WHERE lane = want.lane AND rank IS NOT NULL AND rank >= want.since
                   AND state = 'available' AND kind = want.kind AND (deadline IS NULL OR deadline > queue.now())
                 ORDER BY rank LIMIT want.quota FOR UPDATE SKIP LOCKED
               ) AS job
             WHERE EXISTS (SELECT FROM renewed UNION ALL SELECT FROM held)
               AND NOT EXISTS (SELECT FROM queue.kinds WHERE kinds.kind = want.kind AND kinds.paused_at IS NOT NULL)
               AND ($7 OR NOT EXISTS (SELECT FROM queue.limits WHERE limits.kind = want.kind))
           )
           UPDATE queue.jobs AS job
           SET state = 'running', worker_id = $1, claims = job.claims + 1, started_at = (SELECT queue.now()),
               limited = $7
           WHERE job.ctid = ANY (ARRAY (SELECT ctid FROM picked))
           RETURNING job.id, job.kind, job.payload, job.user_id, job.claims, job.attempts, job.max_attempts,
                     job.timeout_seconds, job.traceparent, job.run_at, job.started_at AS "started_at!",
                     job.lane, job.rank AS "rank!""#,
        worker_id,
        &lanes,
        &kinds,
        &since,
        &quotas,
        renew.map(|length| length.as_secs_f64()),
        limited
    )
    .fetch_all(executor)
    .await?;
    let mut taken: Vec<Taken> = rows
        .into_iter()
        .map(|row| Taken {
            job: ClaimedJob {
                id: row.id,
                kind: row.kind,
                payload: row.payload,
                user_id: row.user_id,
                worker_id,
                claim: row.claims,
                attempts: row.attempts,
                max_attempts: row.max_attempts,
                timeout_seconds: row.timeout_seconds,
                traceparent: row.traceparent,
                run_at: row.run_at,
                started_at: row.started_at,
            },
            lane: row.lane,
            rank: row.rank,
        })
        .collect();
    // The rows come as they lie on their pages.
    taken.sort_unstable_by_key(|taken| taken.rank);
    Ok(taken)
}

/// Claims this one job if it is available.
pub async fn claim_one(executor: impl PgExecutor<'_>, worker_id: Uuid, id: Uuid) -> Result<Option<ClaimedJob>> {
    let row = sqlx::query!(
        r#"WITH held AS (
             SELECT id FROM queue.workers WHERE id = $1 AND lease_until > queue.now() FOR KEY SHARE
           ), picked AS (
             SELECT id FROM queue.jobs WHERE id = $2 AND state = 'available' AND EXISTS (SELECT FROM held)
             FOR UPDATE SKIP LOCKED
           )
           UPDATE queue.jobs AS job
           SET state = 'running', worker_id = $1, claims = job.claims + 1, started_at = queue.now()
           FROM picked WHERE job.id = picked.id
           RETURNING job.kind, job.payload, job.user_id, job.claims, job.attempts, job.max_attempts,
                     job.timeout_seconds, job.traceparent, job.run_at, job.started_at AS "started_at!""#,
        worker_id,
        id
    )
    .fetch_optional(executor)
    .await?;
    Ok(row.map(|row| ClaimedJob {
        id,
        kind: row.kind,
        payload: row.payload,
        user_id: row.user_id,
        worker_id,
        claim: row.claims,
        attempts: row.attempts,
        max_attempts: row.max_attempts,
        timeout_seconds: row.timeout_seconds,
        traceparent: row.traceparent,
        run_at: row.run_at,
        started_at: row.started_at,
    }))
}

/// Enqueues a job and claims it in one transaction: no other worker ever sees it available.
pub async fn enqueue_claimed(db: &Db, worker_id: Uuid, job: &NewJob) -> Result<ClaimedJob> {
    let mut transaction = db.pool().begin().await?;
    let id = enqueue::enqueue(&mut transaction, job).await?.id;
    let claimed = claim_one(&mut *transaction, worker_id, id).await?.ok_or_else(|| {
        Failure::new(Kind::Conflict, format!("job {id} cannot be claimed: it was there before, or the lease was lost"))
    })?;
    transaction.commit().await?;
    Ok(claimed)
}
