//! `queue.workers`: leases, and the rescue of what a lapsed one held.

use std::time::Duration;

use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;

/// Starts a lease.
pub async fn register(db: &Db, id: Uuid, name: &str, lease: Duration) -> Result<()> {
    let mut lifeline = db.lifeline().await?;
    sqlx::query!(
        "INSERT INTO queue.workers (id, name, lease_until)
         VALUES ($1, $2, queue.now() + make_interval(secs => $3))
         ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
        id,
        name,
        lease.as_secs_f64()
    )
    .execute(&mut lifeline.connection)
    .await?;
    lifeline.give_back();
    Ok(())
}

/// What a heartbeat found.
#[derive(Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// The lease holds, but these of the named jobs are no longer the worker's: cancelled, or rescued.
    Renewed {
        /// Ids of the jobs that are lost.
        lost: Vec<Uuid>,
        /// How many jobs were given back that the worker does not know it has: the answer to their claim was lost.
        strays: i64,
    },
    /// The lease is lost, and all jobs with it.
    Lapsed,
}

/// Renews a lease and names those of the held jobs (ids and claims) that are the worker's no more.
///
/// A lease that ran out, but was not taken away yet, is renewed: its jobs are still untouched.
///
/// A claim may be committed and its answer lost. No rescuer would ever free such jobs, since the lease is good: what was
/// claimed two leases ago and is not among the held is given back, no attempt spent. A worker waits for the answer to a
/// claim one lease at most, and completes a job before it lets it go, so all others are among the held.
pub async fn heartbeat(db: &Db, id: Uuid, lease: Duration, held: &[(Uuid, i32)]) -> Result<Heartbeat> {
    let (ids, claims): (Vec<Uuid>, Vec<i32>) = held.iter().copied().unzip();
    let mut lifeline = db.lifeline().await?;
    let row = sqlx::query!(
        r#"WITH renewed AS (
             UPDATE queue.workers SET heartbeat_at = queue.now(), lease_until = queue.now() + make_interval(secs => $2)
             WHERE id = $1 RETURNING id
           ), strays AS (
             UPDATE queue.jobs AS job SET state = 'available', worker_id = NULL
             WHERE state = 'running' AND worker_id = $1 AND started_at < queue.now() - make_interval(secs => 2 * $2)
               AND NOT EXISTS (SELECT FROM unnest($3::uuid[], $4::int[]) AS held (id, claim)
                               WHERE held.id = job.id AND held.claim = job.claims)
             RETURNING id, claims, started_at
           ), attempt AS (
             INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error)
             SELECT id, claims, $1, started_at, 'handed_back', 'the answer to its claim was lost' FROM strays)
           SELECT EXISTS (SELECT FROM renewed) AS "renewed!",
                  ARRAY (SELECT held.id FROM unnest($3::uuid[], $4::int[]) AS held (id, claim)
                         WHERE NOT EXISTS (SELECT FROM queue.jobs AS job WHERE job.id = held.id
                                             AND job.worker_id = $1 AND job.claims = held.claim)) AS "lost!",
                  (SELECT count(*) FROM strays) AS "strays!""#,
        id,
        lease.as_secs_f64(),
        &ids,
        &claims
    )
    .fetch_one(&mut lifeline.connection)
    .await?;
    lifeline.give_back();
    Ok(if row.renewed { Heartbeat::Renewed { lost: row.lost, strays: row.strays } } else { Heartbeat::Lapsed })
}

/// Ends a lease; jobs that it still holds are rescued like those of a lapsed one.
pub async fn unregister(db: &Db, id: Uuid) -> Result<()> {
    let mut lifeline = db.lifeline().await?;
    sqlx::query!("DELETE FROM queue.workers WHERE id = $1", id).execute(&mut lifeline.connection).await?;
    lifeline.give_back();
    Ok(())
}

/// How many workers hold a lease that is good.
pub async fn alive(db: &Db) -> Result<i64> {
    let count =
        sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM queue.workers WHERE lease_until > queue.now()"#)
            .fetch_one(db.pool())
            .await?;
    Ok(count)
}

/// What a rescue did.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Rescued {
    /// Jobs that were made available again.
    pub freed: u64,
    /// Jobs that were discarded because too many workers died on them.
    pub quarantined: u64,
}

/// Takes away lapsed leases and frees what they held. Never touches a job whose worker's lease is good.
pub async fn rescue(db: &Db, max_deaths: i32) -> Result<Rescued> {
    sqlx::query!(
        "DELETE FROM queue.workers WHERE id IN (
           SELECT id FROM queue.workers WHERE lease_until <= queue.now() FOR UPDATE SKIP LOCKED)"
    )
    .execute(db.pool())
    .await?;
    let freed = sqlx::query!(
        "WITH lost AS (
           SELECT id, claims, worker_id, started_at FROM queue.jobs AS job
           WHERE state = 'running' AND deaths + 1 < $1
             AND NOT EXISTS (SELECT FROM queue.workers AS worker WHERE worker.id = job.worker_id)
           FOR UPDATE SKIP LOCKED
         ), attempt AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error)
           SELECT id, claims, worker_id, started_at, 'worker_lost', 'unavailable', 'its worker was lost' FROM lost
         )
         UPDATE queue.jobs AS job SET state = 'available', worker_id = NULL, deaths = deaths + 1
         FROM lost WHERE job.id = lost.id",
        max_deaths
    )
    .execute(db.pool())
    .await?
    .rows_affected();
    if freed > 0 {
        sqlx::query!("SELECT pg_notify($1, '')", super::jobs::CHANNEL).execute(db.pool()).await?;
    }
    let quarantined = sqlx::query!(
        "WITH lost AS (
           SELECT id FROM queue.jobs AS job
           WHERE state = 'running' AND deaths + 1 >= $1
             AND NOT EXISTS (SELECT FROM queue.workers AS worker WHERE worker.id = job.worker_id)
           FOR UPDATE SKIP LOCKED
         ), job AS (DELETE FROM queue.jobs WHERE id IN (SELECT id FROM lost) RETURNING *),
         key AS (DELETE FROM queue.unique_keys WHERE job_id IN (SELECT id FROM job)),
         attempt AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error, hint)
           SELECT id, claims, worker_id, started_at, 'worker_lost', 'internal',
                  'its worker was lost ' || deaths + 1 || ' times: the job is suspected of killing it',
                  'see the logs of the workers; repo-to-cat jobs retry ID runs it again' FROM job)
         INSERT INTO queue.history (id, kind, state, priority, run_at, payload, created_at, claims, attempts,
                                    max_attempts, deaths, worker_id, started_at, finished_at, unique_key, user_id)
         SELECT id, kind, 'discarded', priority, run_at, payload, created_at, claims, attempts,
                max_attempts, deaths + 1, worker_id, started_at, queue.now(), unique_key, user_id FROM job",
        max_deaths
    )
    .execute(db.pool())
    .await?
    .rows_affected();
    Ok(Rescued { freed, quarantined })
}
