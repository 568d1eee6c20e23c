//! What time brings: jobs that become due, deadlines that pass, leases that lapse.

use sqlx::PgExecutor;
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;

/// What a look at the queue showed. Times are in seconds from now; past ones are negative.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Look {
    /// Whether a job waits for a worker.
    pub waiting: bool,
    /// When the next scheduled job is due.
    pub due_in: Option<f64>,
    /// When the next deadline passes.
    pub expires_in: Option<f64>,
    /// When the first lease lapses.
    pub lapses_in: Option<f64>,
}

/// Looks, without changing anything.
pub async fn look(executor: impl PgExecutor<'_>) -> Result<Look> {
    // Times may be infinite, which PostgreSQL takes no difference of.
    // Each is read from the end of an index: min() might rather scan the table, and EXISTS drops the order.
    Ok(sqlx::query_as!(
        Look,
        r#"SELECT (SELECT true FROM queue.jobs WHERE rank IS NOT NULL AND state = 'available'
                  ORDER BY lane, rank LIMIT 1) IS NOT NULL AS "waiting!",
             (SELECT extract(epoch FROM greatest(due_at, 'epoch') - queue.now())::float8 FROM queue.jobs
              WHERE due_at < 'infinity' ORDER BY due_at LIMIT 1) AS due_in,
             (SELECT extract(epoch FROM greatest(deadline, 'epoch') - queue.now())::float8 FROM queue.jobs
              WHERE deadline < 'infinity' AND state <> 'running' ORDER BY deadline LIMIT 1) AS expires_in,
             (SELECT extract(epoch FROM greatest(min(lease_until), 'epoch') - queue.now())::float8 FROM queue.workers
              WHERE lease_until < 'infinity') AS lapses_in"#
    )
    .fetch_one(executor)
    .await?)
}

/// Makes up to 1,000 scheduled jobs available whose time has come, and wakes who sleeps; returns how many.
pub async fn promote_due(db: &Db) -> Result<u64> {
    Ok(sqlx::query_scalar!(
        r#"WITH due AS (
             UPDATE queue.jobs AS job SET state = 'available', due_at = NULL, rank = queue.rank(job.run_at, job.priority)
             WHERE id = ANY (ARRAY (
               SELECT id FROM queue.jobs WHERE due_at <= queue.now() AND state = 'scheduled'
               ORDER BY due_at LIMIT 1000 FOR UPDATE SKIP LOCKED))
             RETURNING kind
           ), kinds AS (SELECT kind, count(*) AS jobs FROM due GROUP BY kind)
           SELECT coalesce(sum(jobs), 0)::bigint AS "jobs!" FROM kinds, LATERAL (SELECT queue.wake(kind)) AS woken"#
    )
    .fetch_one(db.pool())
    .await?
    .unsigned_abs())
}

/// Discards up to 1,000 jobs that were not started before their deadline; returns their ids. The note of it counts as a
/// claim, so that the next one, of a job that is reopened, has another number.
pub async fn discard_expired(db: &Db) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"WITH job AS (
             DELETE FROM queue.jobs AS job WHERE id = ANY (ARRAY (
               SELECT id FROM queue.jobs WHERE deadline <= queue.now() AND state <> 'running'
               ORDER BY deadline LIMIT 1000 FOR UPDATE SKIP LOCKED))
             RETURNING job
           ), keys AS (DELETE FROM queue.unique_keys WHERE job_id IN (SELECT (job).id FROM job) RETURNING *),
           kept AS (INSERT INTO queue.returned_keys SELECT * FROM keys),
           attempt AS (
             INSERT INTO queue.attempts (job_id, claim, outcome, error_class, error, hint)
             SELECT (job).id, (job).claims + 1, 'discarded', 'expired', 'its deadline passed before it was started',
                    'repo-to-cat jobs retry ID runs it nevertheless' FROM job)
           SELECT queue.archive(jsonb_populate_record(job, jsonb_build_object('claims', (job).claims + 1)), 'discarded') AS "id!"
           FROM job"#
    )
    .fetch_all(db.pool())
    .await?)
}
