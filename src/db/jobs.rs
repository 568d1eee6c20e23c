//! `queue.jobs`: what people do to jobs.

use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::{Failure, Kind, Result};

/// Where [`sleepers`](crate::db::sleepers) are woken.
pub(super) const CHANNEL: &str = "queue_jobs";
/// Where workers are told what somebody did to the queue: the id of a worker one of whose jobs was cancelled, or nothing
/// where a kind was paused, resumed or limited.
pub(super) const CONTROL: &str = "queue_control";

/// Ends a job by a person's will. One that runs ends, too: its worker finds out by its next heartbeat, and whatever
/// it still writes is refused. Fails where the job has ended already.
pub async fn cancel(db: &Db, id: Uuid) -> Result<()> {
    let cancelled = sqlx::query!(
        "WITH gone AS (DELETE FROM queue.jobs AS job WHERE id = $1 RETURNING job),
         key AS (DELETE FROM queue.unique_keys WHERE job_id IN (SELECT (job).id FROM gone)),
         attempt AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error)
           SELECT (job).id, (job).claims, (job).worker_id, (job).started_at, 'cancelled', 'cancelled', 'cancelled by a person'
           FROM gone WHERE (job).state = 'running'),
         word AS (SELECT pg_notify($2, (job).worker_id::text) FROM gone WHERE (job).state = 'running')
         SELECT queue.archive(jsonb_populate_record(job, '{\"worker_id\": null}'), 'cancelled'),
                (SELECT count(*) FROM word) AS told FROM gone",
        id,
        CONTROL
    )
    .fetch_all(db.pool())
    .await?;
    if cancelled.len() == 1 {
        return Ok(());
    }
    Err(ended_or_unknown(db, id, "cancelled").await?)
}

/// Makes a job run again: a discarded or cancelled one is reopened under its id with all its attempts, one that waits
/// is made available at once.
pub async fn retry(db: &Db, id: Uuid) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    let woken = sqlx::query!(
        "WITH job AS (
           UPDATE queue.jobs SET state = 'available', run_at = queue.now(), due_at = NULL, parked_because = NULL,
                                 rank = queue.rank(queue.now(), priority)
           WHERE id = $1 AND state IN ('scheduled', 'parked', 'available') RETURNING kind)
         SELECT queue.wake(kind) FROM job",
        id
    )
    .execute(&mut *transaction)
    .await?;
    let reopened = sqlx::query!(
        "WITH job AS (DELETE FROM queue.history WHERE id = $1 AND state IN ('discarded', 'cancelled') RETURNING *),
         key AS (
           INSERT INTO queue.unique_keys (kind, key, job_id)
           SELECT kind, unique_key, id FROM job WHERE unique_key IS NOT NULL),
         reopened AS (
           INSERT INTO queue.jobs (id, kind, priority, payload, created_at, run_at, rank, lane, claims, max_attempts,
                                   timeout_seconds, limit_key, unique_key, user_id, tags, traceparent, rerun_of)
           SELECT id, kind, priority, payload, created_at, queue.now(), queue.rank(queue.now(), priority),
                  queue.lane(kind, limit_key, user_id), claims, max_attempts, timeout_seconds, limit_key, unique_key,
                  user_id, tags, traceparent, rerun_of
           FROM job RETURNING kind)
         SELECT queue.wake(kind) FROM reopened",
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
