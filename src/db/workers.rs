//! `queue.workers`: leases, and the rescue of what a lapsed one held.

use std::time::Duration;

use uuid::Uuid;

use crate::db::{Db, Session};
use crate::model::failure::Result;

/// Starts a lease.
pub async fn register(connection: &mut Session<'_>, id: Uuid, name: &str, slots: usize, lease: Duration) -> Result<()> {
    sqlx::query!(
        "INSERT INTO queue.workers (id, name, slots, lease_until)
         VALUES ($1, $2, $3, queue.now() + make_interval(secs => $4))
         ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
        id,
        name,
        i32::try_from(slots).unwrap_or(i32::MAX),
        lease.as_secs_f64()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a heartbeat found.
#[derive(Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// The lease holds, but these of the named jobs are no longer the worker's: cancelled, or rescued.
    Renewed {
        /// Ids of the jobs that are lost.
        lost: Vec<Uuid>,
    },
    /// The lease is lost, and all jobs with it.
    Lapsed,
}

/// Renews a lease and names those of the held jobs (ids and claims) that are the worker's no more.
///
/// A lease that ran out, but was not taken away yet, is renewed: its jobs are still untouched.
pub async fn heartbeat(
    connection: &mut Session<'_>,
    id: Uuid,
    lease: Duration,
    held: &[(Uuid, i32)],
) -> Result<Heartbeat> {
    let (ids, claims): (Vec<Uuid>, Vec<i32>) = held.iter().copied().unzip();
    let row = sqlx::query!(
        r#"WITH renewed AS (
             UPDATE queue.workers SET heartbeat_at = queue.now(), lease_until = queue.now() + make_interval(secs => $2)
             WHERE id = $1 RETURNING id
           )
           SELECT EXISTS (SELECT FROM renewed) AS "renewed!",
                  ARRAY (SELECT held.id FROM unnest($3::uuid[], $4::int[]) AS held (id, claim)
                         WHERE NOT EXISTS (SELECT FROM queue.jobs AS job WHERE job.id = held.id
                                             AND job.worker_id = $1 AND job.claims = held.claim)) AS "lost!""#,
        id,
        lease.as_secs_f64(),
        &ids,
        &claims
    )
    .fetch_one(connection)
    .await?;
    Ok(if row.renewed { Heartbeat::Renewed { lost: row.lost } } else { Heartbeat::Lapsed })
}

/// Gives back jobs of a worker that were claimed `age` ago or earlier and are not among the held; returns how many.
///
/// A claim may be committed and its answer lost. No rescuer would ever free such jobs, since the lease is good. No index
/// leads to them, so this reads the whole table: only who lost an answer asks.
pub async fn give_back_strays(
    connection: &mut Session<'_>,
    id: Uuid,
    age: Duration,
    held: &[(Uuid, i32)],
) -> Result<u64> {
    give_back(connection, id, Some(age), held, "the answer to its claim was lost").await
}

/// Gives back jobs of a worker that are not among the held, no attempt spent; with an age, those of that age only.
async fn give_back(
    connection: &mut Session<'_>,
    id: Uuid,
    age: Option<Duration>,
    held: &[(Uuid, i32)],
    because: &str,
) -> Result<u64> {
    let (ids, claims): (Vec<Uuid>, Vec<i32>) = held.iter().copied().unzip();
    let given_back = sqlx::query_scalar!(
        r#"WITH job AS (
             UPDATE queue.jobs AS job SET state = 'available', worker_id = NULL, limited = false
             WHERE state = 'running' AND worker_id = $1
               AND ($2::float8 IS NULL OR started_at < queue.now() - make_interval(secs => $2))
               AND NOT EXISTS (SELECT FROM unnest($3::uuid[], $4::int[]) AS held (id, claim)
                               WHERE held.id = job.id AND held.claim = job.claims)
             RETURNING id, kind, claims, started_at
           ), attempt AS (
             INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error)
             SELECT id, claims, $1, started_at, 'handed_back', $5 FROM job
           ), kinds AS (SELECT kind, count(*) AS jobs FROM job GROUP BY kind)
           SELECT coalesce(sum(jobs), 0)::bigint AS "jobs!" FROM kinds, LATERAL (SELECT queue.wake(kind)) AS woken"#,
        id,
        age.map(|age| age.as_secs_f64()),
        &ids,
        &claims,
        because
    )
    .fetch_one(connection)
    .await?;
    Ok(given_back.unsigned_abs())
}

/// Ends a lease. What may still be held under it is given back: a stop costs no job an attempt or a death.
///
/// The lease first: a claim that is still under way locks its row, so what comes after sees what that claim brought.
pub async fn unregister(connection: &mut Session<'_>, id: Uuid, may_hold_jobs: bool) -> Result<()> {
    let mut transaction = connection.begin().await?;
    sqlx::query!(
        "WITH sleeper AS (DELETE FROM queue.sleepers WHERE worker_id = $1) DELETE FROM queue.workers WHERE id = $1",
        id
    )
    .execute(&mut *transaction)
    .await?;
    if may_hold_jobs {
        give_back(&mut transaction, id, None, &[], "its worker stopped").await?;
    }
    Ok(transaction.commit().await?)
}

/// How many workers hold a good lease.
pub async fn alive(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM queue.workers WHERE lease_until > queue.now()"#)
        .fetch_one(db.pool())
        .await?)
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
///
/// The leases first, in a statement of its own: a claim locks its worker's row until it is committed, so what comes
/// after sees every job that was ever claimed under them. No index leads to those, so that claims have none to keep; a
/// lost worker is rare enough to read the table for it.
pub async fn rescue(db: &Db, max_deaths: i32) -> Result<Rescued> {
    let mut transaction = db.pool().begin().await?;
    // A process that is frozen in between must not keep others from rescuing.
    sqlx::query!("SET LOCAL idle_in_transaction_session_timeout = '5s'").execute(&mut *transaction).await?;
    let lapsed = sqlx::query_scalar!(
        "DELETE FROM queue.workers WHERE id IN (
           SELECT id FROM queue.workers WHERE lease_until <= queue.now() FOR UPDATE SKIP LOCKED)
         RETURNING id"
    )
    .fetch_all(&mut *transaction)
    .await?;
    if lapsed.is_empty() {
        return Ok(Rescued::default());
    }
    sqlx::query!("DELETE FROM queue.sleepers WHERE worker_id = ANY ($1)", &lapsed).execute(&mut *transaction).await?;
    let freed = sqlx::query_scalar!(
        r#"WITH held AS (
             SELECT id, worker_id FROM queue.jobs AS job
             WHERE state = 'running' AND deaths + 1 < $2
               AND (worker_id = ANY ($1) OR NOT EXISTS (SELECT FROM queue.workers WHERE workers.id = job.worker_id))
             FOR UPDATE
           ), lost AS (
             UPDATE queue.jobs AS job SET state = 'available', worker_id = NULL, limited = false, deaths = deaths + 1
             FROM held WHERE job.id = held.id
             RETURNING job.id, job.kind, job.claims, held.worker_id, job.started_at
           ), attempt AS (
             INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error)
             SELECT id, claims, worker_id, started_at, 'worker_lost', 'unavailable', 'its worker was lost' FROM lost
           ), kinds AS (SELECT kind, count(*) AS jobs FROM lost GROUP BY kind)
           SELECT coalesce(sum(jobs), 0)::bigint AS "jobs!" FROM kinds, LATERAL (SELECT queue.wake(kind)) AS woken"#,
        &lapsed,
        max_deaths
    )
    .fetch_one(&mut *transaction)
    .await?
    .unsigned_abs();
    let quarantined = sqlx::query_scalar!(
        "WITH gone AS (
           DELETE FROM queue.jobs AS job
           WHERE state = 'running' AND worker_id = ANY ($1) RETURNING job
         ), keys AS (DELETE FROM queue.unique_keys WHERE job_id IN (SELECT (job).id FROM gone) RETURNING *),
         kept AS (INSERT INTO queue.returned_keys SELECT * FROM keys),
         attempt AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error, hint)
           SELECT (job).id, (job).claims, (job).worker_id, (job).started_at, 'worker_lost', 'internal',
                  'its worker was lost ' || (job).deaths + 1 || ' times: the job is suspected of killing it',
                  'see the logs of the workers; repo-to-cat jobs retry ID runs it again' FROM gone)
         SELECT queue.archive(jsonb_populate_record(job, jsonb_build_object('deaths', (job).deaths + 1)), 'discarded')
         FROM gone",
        &lapsed
    )
    .fetch_all(&mut *transaction)
    .await?
    .len() as u64;
    transaction.commit().await?;
    Ok(Rescued { freed, quarantined })
}
