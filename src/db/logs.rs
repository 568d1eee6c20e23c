//! `queue.job_logs`: what was logged while jobs ran.

use std::time::Duration;

use sqlx::types::Json;
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;
use crate::telemetry::joblog::{JobLog, LogLine};

/// Stores logs; one that is there already stays as it is. They are worth no failure of a job: to be called once the
/// jobs' ends are committed, and not again if it fails.
pub async fn append(db: &Db, logs: &[JobLog]) -> Result<()> {
    if logs.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = logs.iter().map(|log| log.job_id).collect();
    let claims: Vec<i32> = logs.iter().map(|log| log.claim).collect();
    let dropped: Vec<i32> = logs.iter().map(|log| i32::try_from(log.dropped).unwrap_or(i32::MAX)).collect();
    let lines: Vec<Json<&[LogLine]>> = logs.iter().map(|log| Json(&*log.lines)).collect();
    sqlx::query!(
        "INSERT INTO queue.job_logs (job_id, claim, dropped, lines)
         SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::jsonb[])
         ON CONFLICT (job_id, claim) DO NOTHING",
        &ids,
        &claims,
        &dropped,
        &lines as _
    )
    .execute(db.pool())
    .await?;
    Ok(())
}

/// The logs of a job's attempts, in order; those that logged nothing have none.
pub async fn of_job(db: &Db, job_id: Uuid) -> Result<Vec<JobLog>> {
    let rows = sqlx::query!(
        r#"SELECT claim, dropped, lines AS "lines: Json<Vec<LogLine>>" FROM queue.job_logs WHERE job_id = $1 ORDER BY claim"#,
        job_id
    )
    .fetch_all(db.pool())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| JobLog {
            job_id,
            claim: row.claim,
            dropped: u32::try_from(row.dropped).unwrap_or_default(),
            lines: row.lines.0,
        })
        .collect())
}

/// Deletes up to `limit` logs that were stored longer ago than `age`; how many there were.
pub async fn forget(db: &Db, age: Duration, limit: i64) -> Result<u64> {
    let forgotten = sqlx::query!(
        "DELETE FROM queue.job_logs WHERE (job_id, claim) IN (
           SELECT job_id, claim FROM queue.job_logs
           WHERE created_at < queue.now() - make_interval(secs => $1) LIMIT $2 FOR UPDATE SKIP LOCKED)",
        age.as_secs_f64(),
        limit
    )
    .execute(db.pool())
    .await?;
    Ok(forgotten.rows_affected())
}
