//! How attempts end: the statements that only the worker which holds a job can make.
//!
//! Each is fenced: it changes nothing unless the job is running under the same worker and the same claim. Each is one
//! statement, so the result row, the history row and the removal of the live row are there together or not at all.

use std::time::Duration;

use sqlx::types::Json;
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::{Failure, Result};
use crate::model::generation::GenerationResult;
use crate::model::job::ClaimedJob;

/// Completes jobs of one worker and persists their results; returns the ids of those that were still its own.
pub async fn complete(db: &Db, worker_id: Uuid, done: &[(&ClaimedJob, &GenerationResult)]) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = done.iter().map(|(job, _)| job.id).collect();
    let claims: Vec<i32> = done.iter().map(|(job, _)| job.claim).collect();
    let results: Vec<Json<&GenerationResult>> = done.iter().map(|(_, result)| Json(*result)).collect();
    Ok(sqlx::query_scalar!(
        r#"WITH input AS (
             SELECT * FROM unnest($2::uuid[], $3::int[], $4::jsonb[]) AS input (id, claim, result)
           ), mine AS (
             SELECT job.id FROM queue.jobs AS job JOIN input ON job.id = input.id
             WHERE job.state = 'running' AND job.worker_id = $1 AND job.claims = input.claim
             ORDER BY job.id FOR UPDATE OF job
           ), finished AS (
             DELETE FROM queue.jobs AS job USING mine WHERE job.id = mine.id RETURNING job.*
           ), steps AS (
             DELETE FROM queue.steps AS step USING finished WHERE step.job_id = finished.id
           ), generations AS (
             INSERT INTO public.generations (
               id, user_id, github_url, repo_owner, repo_name, commit_oid, primary_language, repo_size_kb,
               code_quality_score, cat_attributes, analysis_data, score_model, image_path, original_image_path,
               image_bytes, image_type, image_width, image_height, image_prompt, story, meme_text_top,
               meme_text_bottom, degraded, step_seconds, created_at)
             SELECT finished.id, (SELECT id FROM public.users WHERE id = finished.user_id), r.github_url, r.repo_owner, r.repo_name, r.commit_oid,
               r.primary_language, r.repo_size_kb, r.code_quality_score, r.cat_attributes, r.analysis_data,
               r.score_model, r.image_path, r.original_image_path, r.image_bytes, r.image_type, r.image_width,
               r.image_height, r.image_prompt, r.story, r.meme_text_top, r.meme_text_bottom, r.degraded,
               r.step_seconds, queue.now() AT TIME ZONE 'utc'
             FROM finished JOIN input ON input.id = finished.id,
               LATERAL jsonb_to_record(input.result) AS r (
                 github_url text, repo_owner text, repo_name text, commit_oid text, primary_language text,
                 repo_size_kb int, code_quality_score numeric(3,1), cat_attributes jsonb, analysis_data jsonb,
                 score_model text, image_path text, original_image_path text, image_bytes bigint, image_type text,
                 image_width int, image_height int, image_prompt text, story text, meme_text_top text,
                 meme_text_bottom text, degraded boolean, step_seconds jsonb)
           )
           INSERT INTO queue.history (id, kind, state, priority, run_at, payload, created_at, claims, attempts,
                                      max_attempts, deaths, worker_id, started_at, finished_at, unique_key, user_id)
           SELECT id, kind, 'completed', priority, run_at, payload, created_at, claims, attempts,
                  max_attempts, deaths, worker_id, started_at, queue.now(), unique_key, user_id FROM finished
           RETURNING id"#,
        worker_id,
        &ids,
        &claims,
        &results as &[Json<&GenerationResult>]
    )
    .fetch_all(db.pool())
    .await?)
}

/// Of these jobs, the ones that this worker has completed under this claim: the answer to a lost answer.
pub async fn completed_by(db: &Db, worker_id: Uuid, jobs: &[&ClaimedJob]) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = jobs.iter().map(|job| job.id).collect();
    let claims: Vec<i32> = jobs.iter().map(|job| job.claim).collect();
    Ok(sqlx::query_scalar!(
        "SELECT history.id FROM queue.history AS history
         JOIN unnest($2::uuid[], $3::int[]) AS input (id, claim)
           ON history.id = input.id AND history.claims = input.claim
         WHERE history.worker_id = $1 AND history.state = 'completed'",
        worker_id,
        &ids,
        &claims
    )
    .fetch_all(db.pool())
    .await?)
}

/// Puts a job off after a failed attempt; false where it is no longer the worker's.
pub async fn retry_later(db: &Db, job: &ClaimedJob, failure: &Failure, wait: Duration) -> Result<bool> {
    let done = sqlx::query!(
        "WITH job AS (
           UPDATE queue.jobs SET state = 'scheduled', worker_id = NULL, attempts = attempts + 1,
                                 run_at = queue.now() + make_interval(secs => $4)
           WHERE id = $1 AND state = 'running' AND worker_id = $2 AND claims = $3
           RETURNING id, claims, started_at)
         INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error, hint, causes)
         SELECT id, claims, $2, started_at, 'retried', $5, $6, $7, $8 FROM job",
        job.id,
        job.worker_id,
        job.claim,
        wait.as_secs_f64(),
        failure.kind().name(),
        failure.what(),
        failure.hint_text(),
        &failure.causes()
    )
    .execute(db.pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a job up after its last attempt; false where it is no longer the worker's.
pub async fn discard(db: &Db, job: &ClaimedJob, failure: &Failure) -> Result<bool> {
    let done = sqlx::query!(
        "WITH job AS (
           DELETE FROM queue.jobs WHERE id = $1 AND state = 'running' AND worker_id = $2 AND claims = $3 RETURNING *
         ), key AS (DELETE FROM queue.unique_keys WHERE job_id IN (SELECT id FROM job)),
         attempt AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error, hint, causes)
           SELECT id, claims, worker_id, started_at, 'discarded', $4, $5, $6, $7 FROM job)
         INSERT INTO queue.history (id, kind, state, priority, run_at, payload, created_at, claims, attempts,
                                    max_attempts, deaths, worker_id, started_at, finished_at, unique_key, user_id)
         SELECT id, kind, 'discarded', priority, run_at, payload, created_at, claims, attempts + 1,
                max_attempts, deaths, worker_id, started_at, queue.now(), unique_key, user_id FROM job",
        job.id,
        job.worker_id,
        job.claim,
        failure.kind().name(),
        failure.what(),
        failure.hint_text(),
        &failure.causes()
    )
    .execute(db.pool())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a job back as it was, no attempt spent; false where it is no longer the worker's.
pub async fn hand_back(db: &Db, job: &ClaimedJob) -> Result<bool> {
    let done = sqlx::query!(
        "WITH job AS (
           UPDATE queue.jobs SET state = 'available', worker_id = NULL
           WHERE id = $1 AND state = 'running' AND worker_id = $2 AND claims = $3
           RETURNING id, claims, started_at
         ), attempt AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome)
           SELECT id, claims, $2, started_at, 'handed_back' FROM job)
         SELECT pg_notify($4, '') FROM job",
        job.id,
        job.worker_id,
        job.claim,
        super::jobs::CHANNEL
    )
    .execute(db.pool())
    .await?;
    Ok(done.rows_affected() == 1)
}
