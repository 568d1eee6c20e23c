//! `queue.steps`: progress and checkpoints. Writes are fenced like outcomes: a worker that lost its job changes nothing.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{Db, Session};
use crate::model::failure::Result;
use crate::model::job::ClaimedJob;
use crate::model::progress::{Progress, Step};

/// A step of a job, as stored.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = JobStep)]
pub struct StepRow {
    /// Name.
    pub step: String,
    /// Whether it is done.
    pub done: bool,
    /// When it was last started.
    pub started_at: DateTime<Utc>,
    /// When it was done.
    pub finished_at: Option<DateTime<Utc>>,
    /// Share that is done.
    pub fraction: Option<f32>,
    /// How far it is, in words.
    pub detail: Option<String>,
    /// What it made; for those who go on from there.
    #[serde(skip)]
    pub output: Option<Value>,
}

/// The steps of a job, in no order.
pub async fn of_job(db: &Db, job_id: Uuid) -> Result<Vec<StepRow>> {
    Ok(sqlx::query_as!(
        StepRow,
        r#"SELECT step, state = 'done' AS "done!", started_at, finished_at, fraction, detail, output
           FROM queue.steps WHERE job_id = $1"#,
        job_id
    )
    .fetch_all(db.pool())
    .await?)
}

/// Notes how far a step is. Nobody's correctness depends on it.
pub async fn progress(db: &Db, job: &ClaimedJob, progress: &Progress) -> Result<()> {
    sqlx::query!(
        "UPDATE queue.steps SET fraction = $5, detail = $6
         WHERE job_id = $1 AND step = $4 AND state = 'running'
           AND EXISTS (SELECT FROM queue.jobs WHERE id = $1 AND worker_id = $2 AND claims = $3)",
        job.id,
        job.worker_id,
        job.claim,
        progress.step.name(),
        progress.fraction.map(|fraction| fraction as f32),
        progress.detail
    )
    .execute(db.pool())
    .await?;
    Ok(())
}

/// Leaves steps as done for a job that is being enqueued, each with what it made.
pub async fn keep(session: &mut Session<'_>, job_id: Uuid, kept: &[(Step, Value)]) -> Result<()> {
    let (names, outputs): (Vec<String>, Vec<Value>) =
        kept.iter().map(|(step, output)| (step.name().to_owned(), output.clone())).unzip();
    sqlx::query!(
        "INSERT INTO queue.steps (job_id, step, state, started_at, finished_at, fraction, output)
         SELECT $1, step, 'done', now, now, 1, output
         FROM unnest($2::text[], $3::jsonb[]) AS kept (step, output), queue.now() AS now",
        job_id,
        &names,
        &outputs
    )
    .execute(session)
    .await?;
    Ok(())
}

/// A step that is done.
#[derive(Debug)]
pub struct Done<'a> {
    /// Which.
    pub step: Step,
    /// How long it took.
    pub took: Duration,
    /// What it made, from which a later attempt goes on.
    pub output: Option<&'a Value>,
}

/// Notes at once that a step is done and that the next one begins; false where the job is no longer the worker's.
pub async fn advance(db: &Db, job: &ClaimedJob, done: Option<&Done<'_>>, next: Option<Step>) -> Result<bool> {
    let mine = sqlx::query_scalar!(
        r#"WITH job AS (
             SELECT id FROM queue.jobs
             WHERE id = $1 AND state = 'running' AND worker_id = $2 AND claims = $3 FOR SHARE
           ), done AS (
             UPDATE queue.steps SET state = 'done', fraction = 1, output = $6,
                                    finished_at = started_at + make_interval(secs => $5)
             FROM job WHERE job_id = job.id AND step = $4
           ), next AS (
             INSERT INTO queue.steps (job_id, step, state, started_at)
             SELECT id, $7, 'running', queue.now() FROM job WHERE $7::text IS NOT NULL
             ON CONFLICT (job_id, step) DO UPDATE
             SET state = 'running', started_at = excluded.started_at, finished_at = NULL, fraction = NULL,
                 detail = NULL, output = NULL
           )
           SELECT EXISTS (SELECT FROM job) AS "mine!""#,
        job.id,
        job.worker_id,
        job.claim,
        done.map(|done| done.step.name()),
        done.map_or(0.0, |done| done.took.as_secs_f64()),
        done.and_then(|done| done.output),
        next.map(Step::name)
    )
    .fetch_one(db.pool())
    .await?;
    Ok(mine)
}
