//! `queue.jobs`: live jobs, from enqueue to claim.

use sqlx::PgExecutor;
use uuid::Uuid;

use crate::db::{Db, Session};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, Enqueued, NewJob};

/// Where enqueues are announced.
pub(super) const CHANNEL: &str = "queue_jobs";

/// Enqueues a job in the caller's transaction: it exists when, and only when, that commits.
pub async fn enqueue(session: &mut Session<'_>, job: &NewJob) -> Result<Enqueued> {
    let id = Uuid::now_v7();
    // A key that is taken gives back its holder's id, even one that committed after this statement began.
    let holder = match &job.unique_key {
        None => id,
        Some(key) => {
            sqlx::query_scalar!(
                r#"INSERT INTO queue.unique_keys (kind, key, job_id) VALUES ($1, $2, $3)
                   ON CONFLICT (kind, key) DO UPDATE SET kind = excluded.kind
                   RETURNING job_id"#,
                job.kind.name(),
                key,
                id
            )
            .fetch_one(&mut *session)
            .await?
        }
    };
    if holder != id {
        return Ok(Enqueued { id: holder, is_new: false });
    }
    sqlx::query!(
        r#"WITH job AS (
             INSERT INTO queue.jobs (id, kind, state, priority, run_at, payload, max_attempts, unique_key, user_id)
             VALUES ($1, $2, CASE WHEN $3::timestamptz > queue.now() THEN 'scheduled' ELSE 'available' END, $4,
                     coalesce($3, queue.now()), $5, $6, $7, $8))
           SELECT pg_notify($9, '')"#,
        id,
        job.kind.name(),
        job.run_at,
        job.priority,
        job.payload,
        i16::try_from(job.max_attempts).unwrap_or(i16::MAX),
        job.unique_key,
        job.user_id,
        CHANNEL
    )
    .execute(session)
    .await?;
    Ok(Enqueued { id, is_new: true })
}

/// Makes jobs available whose time has come; returns how many, and in how many seconds the next one is due.
pub async fn promote_due(db: &Db) -> Result<(u64, Option<f64>)> {
    let promoted = sqlx::query!(
        "UPDATE queue.jobs SET state = 'available' WHERE id IN (
           SELECT id FROM queue.jobs WHERE state = 'scheduled' AND run_at <= queue.now()
           ORDER BY run_at LIMIT 1000 FOR UPDATE SKIP LOCKED)"
    )
    .execute(db.pool())
    .await?
    .rows_affected();
    let next = sqlx::query_scalar!(
        "SELECT extract(epoch FROM min(run_at) - queue.now())::float8 FROM queue.jobs WHERE state = 'scheduled'"
    )
    .fetch_one(db.pool())
    .await?;
    Ok((promoted, next))
}

/// Claims up to `limit` jobs of the given kinds for a worker whose lease is good, the most urgent first.
///
/// The worker's row is locked against removal meanwhile, so that a rescuer either sees these jobs or comes later. With
/// `only` it claims that job or none.
pub async fn claim(
    db: &Db,
    worker_id: Uuid,
    kinds: &[String],
    limit: i64,
    only: Option<Uuid>,
) -> Result<Vec<ClaimedJob>> {
    claim_on(db.pool(), worker_id, kinds, limit, only).await
}

/// Enqueues a job and claims it in one transaction: no other worker ever sees it available.
pub async fn enqueue_claimed(db: &Db, worker_id: Uuid, job: &NewJob) -> Result<ClaimedJob> {
    let mut transaction = db.pool().begin().await?;
    let id = enqueue(&mut transaction, job).await?.id;
    let kinds = [job.kind.name().to_owned()];
    let claimed = claim_on(&mut *transaction, worker_id, &kinds, 1, Some(id)).await?.pop();
    let claimed = claimed.ok_or_else(|| {
        Failure::new(Kind::Conflict, format!("job {id} cannot be claimed: it was there before, or the lease was lost"))
    })?;
    transaction.commit().await?;
    Ok(claimed)
}

async fn claim_on(
    executor: impl PgExecutor<'_>,
    worker_id: Uuid,
    kinds: &[String],
    limit: i64,
    only: Option<Uuid>,
) -> Result<Vec<ClaimedJob>> {
    let rows = sqlx::query!(
        r#"WITH me AS (
             SELECT id FROM queue.workers WHERE id = $1 AND lease_until > queue.now() FOR KEY SHARE
           ), picked AS (
             SELECT id FROM queue.jobs
             WHERE state = 'available' AND kind = ANY ($2) AND EXISTS (SELECT FROM me) AND ($4::uuid IS NULL OR id = $4)
             ORDER BY priority DESC, run_at, id LIMIT $3 FOR UPDATE SKIP LOCKED
           )
           UPDATE queue.jobs AS job
           SET state = 'running', worker_id = $1, claims = job.claims + 1, started_at = queue.now()
           FROM picked WHERE job.id = picked.id
           RETURNING job.id, job.kind, job.payload, job.user_id, job.claims, job.attempts, job.max_attempts"#,
        worker_id,
        kinds,
        limit,
        only
    )
    .fetch_all(executor)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ClaimedJob {
            id: row.id,
            kind: row.kind,
            payload: row.payload,
            user_id: row.user_id,
            worker_id,
            claim: row.claims,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
        })
        .collect())
}

/// Ends a job by a person's will. One that runs ends, too: its worker finds out by its next heartbeat, and whatever
/// it still writes is refused. Fails where the job has ended already.
pub async fn cancel(db: &Db, id: Uuid) -> Result<()> {
    let cancelled = sqlx::query!(
        "WITH job AS (DELETE FROM queue.jobs WHERE id = $1 RETURNING *),
         key AS (DELETE FROM queue.unique_keys WHERE job_id IN (SELECT id FROM job)),
         attempt AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error)
           SELECT id, claims, worker_id, started_at, 'cancelled', 'cancelled', 'cancelled by a person'
           FROM job WHERE state = 'running')
         INSERT INTO queue.history (id, kind, state, priority, run_at, payload, created_at, claims, attempts,
                                    max_attempts, deaths, worker_id, started_at, finished_at, unique_key, user_id)
         SELECT id, kind, 'cancelled', priority, run_at, payload, created_at, claims, attempts,
                max_attempts, deaths, NULL, started_at, queue.now(), unique_key, user_id FROM job",
        id
    )
    .execute(db.pool())
    .await?;
    if cancelled.rows_affected() == 1 {
        return Ok(());
    }
    Err(ended_or_unknown(db, id, "cancelled").await?)
}

/// Makes a job run again: a discarded or cancelled one is reopened under its id with all its attempts, one that waits
/// is made available at once.
pub async fn retry(db: &Db, id: Uuid) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    let woken = sqlx::query!(
        "UPDATE queue.jobs SET state = 'available', run_at = queue.now()
         WHERE id = $1 AND state IN ('scheduled', 'parked', 'available')",
        id
    )
    .execute(&mut *transaction)
    .await?;
    let reopened = sqlx::query!(
        "WITH job AS (DELETE FROM queue.history WHERE id = $1 AND state IN ('discarded', 'cancelled') RETURNING *),
         key AS (
           INSERT INTO queue.unique_keys (kind, key, job_id)
           SELECT kind, unique_key, id FROM job WHERE unique_key IS NOT NULL)
         INSERT INTO queue.jobs (id, kind, priority, payload, created_at, claims, max_attempts, unique_key, user_id)
         SELECT id, kind, priority, payload, created_at, claims, max_attempts, unique_key, user_id FROM job",
        id
    )
    .execute(&mut *transaction)
    .await
    .map_err(|error| match &error {
        sqlx::Error::Database(answer) if answer.is_unique_violation() => {
            Failure::new(Kind::Conflict, format!("job {id} cannot be reopened: its unique key is in use again"))
                .hint("cancel the job that holds the key first, or enqueue a new one")
        }
        _ => error.into(),
    })?;
    if woken.rows_affected() + reopened.rows_affected() == 0 {
        drop(transaction);
        return Err(ended_or_unknown(db, id, "retried").await?);
    }
    sqlx::query!("SELECT pg_notify($1, '')", CHANNEL).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Why nothing could be done to a job.
async fn ended_or_unknown(db: &Db, id: Uuid, verb: &str) -> Result<Failure> {
    let state = sqlx::query_scalar!(
        r#"SELECT state AS "state!" FROM queue.jobs WHERE id = $1
           UNION ALL SELECT state FROM queue.history WHERE id = $1"#,
        id
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(match state.as_deref() {
        None => unknown(id),
        Some("completed") => Failure::new(Kind::Conflict, format!("job {id} is completed and cannot be {verb}"))
            .hint("enqueue its repository again: a re-run is a new job"),
        Some(state) => Failure::new(Kind::Conflict, format!("job {id} is {state} and cannot be {verb}")),
    })
}

/// There is no job with that id.
pub(super) fn unknown(id: Uuid) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no job {id}")).hint("see them with: repo-to-cat jobs list")
}
