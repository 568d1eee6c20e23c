//! How attempts end: the statements that only the worker which holds a job can make.
//!
//! Each takes a group and is fenced: it changes nothing of a job unless that runs under the same worker and the same
//! claim. Each is one statement, so the result row, the history row and the removal of the live row are there together
//! or not at all.

use std::time::Duration;

use sqlx::types::Json;
use uuid::Uuid;

use crate::db::Session;
use crate::model::failure::{Failure, Result};
use crate::model::generation::GenerationResult;
use crate::model::job::ClaimedJob;

/// Completes jobs of one worker that have no result to persist; returns the ids of those that were still its own.
pub async fn complete(connection: &mut Session<'_>, worker_id: Uuid, done: &[&ClaimedJob]) -> Result<Vec<Uuid>> {
    let (ids, claims) = fence(done.iter().copied());
    Ok(sqlx::query_scalar!(
        r#"WITH finished AS (
             DELETE FROM queue.jobs AS job USING unnest($2::uuid[], $3::int[]) AS input (id, claim)
             WHERE job.id = input.id AND job.state = 'running' AND job.worker_id = $1 AND job.claims = input.claim
             RETURNING job.*
           ), keys AS (
             DELETE FROM queue.unique_keys
             WHERE job_id = ANY (ARRAY (SELECT id FROM finished WHERE unique_key IS NOT NULL)) AND until_done
           ), ended AS (SELECT queue.now() AS at)
           INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, deadline, timeout_seconds, claims,
                                      priority, max_attempts, attempts, deaths, user_id, worker_id, rerun_of, kind,
                                      state, limit_key, unique_key, tags, traceparent, payload)
           SELECT id, created_at, run_at, started_at, (SELECT at FROM ended), deadline, timeout_seconds, claims,
                  priority, max_attempts, attempts, deaths, user_id, worker_id, rerun_of, kind,
                  'completed', limit_key, unique_key, tags, traceparent, payload FROM finished
           RETURNING id"#,
        worker_id,
        &ids,
        &claims
    )
    .fetch_all(connection)
    .await?)
}

/// Completes jobs of one worker and persists their generations; returns the ids of those that were still its own.
pub async fn complete_generations(
    connection: &mut Session<'_>,
    worker_id: Uuid,
    done: &[(&ClaimedJob, &GenerationResult)],
) -> Result<Vec<Uuid>> {
    let (ids, claims) = fence(done.iter().map(|(job, _)| *job));
    let results: Vec<Json<&GenerationResult>> = done.iter().map(|(_, result)| Json(*result)).collect();
    Ok(sqlx::query_scalar!(
        r#"WITH input AS (
             SELECT * FROM unnest($2::uuid[], $3::int[], $4::jsonb[]) AS input (id, claim, result)
           ), finished AS (
             DELETE FROM queue.jobs AS job USING input
             WHERE job.id = input.id AND job.state = 'running' AND job.worker_id = $1 AND job.claims = input.claim
             RETURNING job.id, job AS row, input.result
           ), keys AS (
             DELETE FROM queue.unique_keys WHERE job_id IN (SELECT id FROM finished) AND until_done
           ), steps AS (
             DELETE FROM queue.steps WHERE job_id IN (SELECT id FROM finished)
           ), generations AS (
             INSERT INTO public.generations (
               id, user_id, github_url, repo_owner, repo_name, commit_oid, primary_language, repo_size_kb,
               code_quality_score, cat_attributes, analysis_data, score_model, image_path, original_image_path,
               image_bytes, image_type, image_width, image_height, image_prompt, story, meme_text_top,
               meme_text_bottom, degraded, step_seconds, created_at)
             SELECT finished.id, (SELECT id FROM public.users WHERE id = (finished.row).user_id), r.github_url,
               r.repo_owner, r.repo_name, r.commit_oid, r.primary_language, r.repo_size_kb, r.code_quality_score,
               r.cat_attributes, r.analysis_data, r.score_model, r.image_path, r.original_image_path, r.image_bytes,
               r.image_type, r.image_width, r.image_height, r.image_prompt, r.story, r.meme_text_top,
               r.meme_text_bottom, r.degraded, r.step_seconds, queue.now() AT TIME ZONE 'utc'
             FROM finished, LATERAL jsonb_to_record(finished.result) AS r (
                 github_url text, repo_owner text, repo_name text, commit_oid text, primary_language text,
                 repo_size_kb int, code_quality_score numeric(3,1), cat_attributes jsonb, analysis_data jsonb,
                 score_model text, image_path text, original_image_path text, image_bytes bigint, image_type text,
                 image_width int, image_height int, image_prompt text, story text, meme_text_top text,
                 meme_text_bottom text, degraded boolean, step_seconds jsonb)
           )
           SELECT queue.archive(row, 'completed') AS "id!" FROM finished"#,
        worker_id,
        &ids,
        &claims,
        &results as &[Json<&GenerationResult>]
    )
    .fetch_all(connection)
    .await?)
}

/// Of these jobs, the ones that this worker has completed under this claim: the answer to a lost answer.
pub async fn completed_by(connection: &mut Session<'_>, worker_id: Uuid, jobs: &[&ClaimedJob]) -> Result<Vec<Uuid>> {
    let (ids, claims) = fence(jobs.iter().copied());
    // They cannot have finished before they were claimed, so the weeks before that need not be looked into.
    let since = jobs.iter().map(|job| job.started_at).min();
    Ok(sqlx::query_scalar!(
        "SELECT history.id FROM queue.history AS history
         JOIN unnest($2::uuid[], $3::int[]) AS input (id, claim)
           ON history.id = input.id AND history.claims = input.claim
         WHERE history.worker_id = $1 AND history.state = 'completed' AND history.finished_at >= $4",
        worker_id,
        &ids,
        &claims,
        since
    )
    .fetch_all(connection)
    .await?)
}

/// Why and how a job goes back to the queue.
#[derive(Debug)]
pub enum PutBack<'a> {
    /// The attempt failed; the next may begin after the wait.
    Retry(&'a Failure, Duration),
    /// Not before the wait is over, and why; no attempt spent.
    Snooze(Duration, &'a str),
    /// Put aside, and why; no attempt spent.
    Park(&'a str),
    /// As it was, no attempt spent.
    HandBack,
}

impl PutBack<'_> {
    const fn state(&self) -> &'static str {
        match self {
            Self::Retry(..) | Self::Snooze(..) => "scheduled",
            Self::Park(_) => "parked",
            Self::HandBack => "available",
        }
    }

    const fn outcome(&self) -> &'static str {
        match self {
            Self::Retry(..) => "retried",
            Self::Snooze(..) => "snoozed",
            Self::Park(_) => "parked",
            Self::HandBack => "handed_back",
        }
    }

    const fn wait(&self) -> Duration {
        match self {
            Self::Retry(_, wait) | Self::Snooze(wait, _) => *wait,
            Self::Park(_) | Self::HandBack => Duration::ZERO,
        }
    }

    /// Why, where it is no failure.
    const fn reason(&self) -> Option<&str> {
        match self {
            Self::Snooze(_, why) | Self::Park(why) => Some(why),
            Self::Retry(..) | Self::HandBack => None,
        }
    }

    const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Retry(failure, _) => Some(failure),
            _ => None,
        }
    }
}

/// Puts jobs of one worker back, each with a note of its attempt; returns the ids of those that were still its own.
pub async fn put_back(
    connection: &mut Session<'_>,
    worker_id: Uuid,
    back: &[(&ClaimedJob, PutBack<'_>)],
) -> Result<Vec<Uuid>> {
    let (ids, claims) = fence(back.iter().map(|(job, _)| *job));
    let states: Vec<&str> = back.iter().map(|(_, how)| how.state()).collect();
    let outcomes: Vec<&str> = back.iter().map(|(_, how)| how.outcome()).collect();
    let waits: Vec<f64> = back.iter().map(|(_, how)| how.wait().as_secs_f64()).collect();
    let reasons: Vec<Option<&str>> = back.iter().map(|(_, how)| how.reason()).collect();
    let notes = Notes::of(back.iter().map(|(_, how)| how.failure()));
    Ok(sqlx::query_scalar!(
        r#"WITH input AS (
             SELECT * FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::float8[], $7::text[], $8::text[],
                                  $9::text[], $10::text[], $11::jsonb[])
               AS input (id, claim, state, outcome, wait, reason, class, error, hint, causes)
           ), job AS (
             UPDATE queue.jobs AS job
             SET state = input.state, worker_id = NULL, limited = false,
                 parked_because = CASE WHEN input.state = 'parked' THEN input.reason END,
                 attempts = job.attempts + CASE WHEN input.outcome = 'retried' THEN 1 ELSE 0 END,
                 rank = CASE WHEN input.state = 'available' THEN job.rank END,
                 run_at = CASE WHEN input.state = 'scheduled' THEN queue.now() + make_interval(secs => input.wait)
                               ELSE job.run_at END,
                 due_at = CASE WHEN input.state = 'scheduled' THEN queue.now() + make_interval(secs => input.wait) END
             FROM input
             WHERE job.id = input.id AND job.state = 'running' AND job.worker_id = $1 AND job.claims = input.claim
             RETURNING job.id, job.kind, job.claims, job.started_at, input.state, input.outcome, input.class,
                       coalesce(input.error, input.reason) AS error, input.hint, input.causes
           ), attempt AS (
             INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error, hint, causes)
             SELECT id, claims, $1, started_at, outcome, class, error, hint,
                    ARRAY (SELECT jsonb_array_elements_text(causes)) FROM job
           ), woken AS (
             SELECT queue.wake(kind) FROM (SELECT DISTINCT kind FROM job WHERE state = 'available') AS kinds
           )
           SELECT id AS "id!" FROM job WHERE (SELECT count(*) FROM woken) >= 0"#,
        worker_id,
        &ids,
        &claims,
        &states as &[&str],
        &outcomes as &[&str],
        &waits,
        &reasons as &[Option<&str>],
        &notes.classes as &[Option<&str>],
        &notes.errors as &[Option<&str>],
        &notes.hints as &[Option<&str>],
        &notes.causes as &[Json<Vec<String>>]
    )
    .fetch_all(connection)
    .await?)
}

/// How a job ends that was not completed.
#[derive(Debug)]
pub enum End<'a> {
    /// Its last attempt failed, or it failed for good.
    Discard(&'a Failure),
    /// Its handler found that nobody wants it any more, and why.
    Cancel(&'a str),
}

/// Ends jobs of one worker without completing them; returns the ids of those that were still its own.
pub async fn end(connection: &mut Session<'_>, worker_id: Uuid, ends: &[(&ClaimedJob, End<'_>)]) -> Result<Vec<Uuid>> {
    let (ids, claims) = fence(ends.iter().map(|(job, _)| *job));
    let states: Vec<&str> =
        ends.iter().map(|(_, end)| if let End::Discard(_) = end { "discarded" } else { "cancelled" }).collect();
    let reasons: Vec<Option<&str>> =
        ends.iter().map(|(_, end)| if let End::Cancel(why) = end { Some(*why) } else { None }).collect();
    let notes =
        Notes::of(ends.iter().map(|(_, end)| if let End::Discard(failure) = end { Some(*failure) } else { None }));
    Ok(sqlx::query_scalar!(
        r#"WITH input AS (
             SELECT * FROM unnest($2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::jsonb[])
               AS input (id, claim, state, reason, class, error, hint, causes)
           ), gone AS (
             DELETE FROM queue.jobs AS job USING input
             WHERE job.id = input.id AND job.state = 'running' AND job.worker_id = $1 AND job.claims = input.claim
             RETURNING job, input.state, input.class, coalesce(input.error, input.reason) AS error, input.hint, input.causes
           ), keys AS (DELETE FROM queue.unique_keys WHERE job_id IN (SELECT (job).id FROM gone) RETURNING *),
           kept AS (INSERT INTO queue.returned_keys SELECT * FROM keys),
           attempt AS (
             INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error, hint, causes)
             SELECT (job).id, (job).claims, $1, (job).started_at, state, coalesce(class, 'cancelled'), error, hint,
                    ARRAY (SELECT jsonb_array_elements_text(causes)) FROM gone
           )
           SELECT queue.archive(
             CASE state WHEN 'discarded'
               THEN jsonb_populate_record(job, jsonb_build_object('attempts', (job).attempts + 1)) ELSE job END,
             state) AS "id!" FROM gone"#,
        worker_id,
        &ids,
        &claims,
        &states as &[&str],
        &reasons as &[Option<&str>],
        &notes.classes as &[Option<&str>],
        &notes.errors as &[Option<&str>],
        &notes.hints as &[Option<&str>],
        &notes.causes as &[Json<Vec<String>>]
    )
    .fetch_all(connection)
    .await?)
}

/// What every statement here is fenced by: ids and claims.
fn fence<'a>(jobs: impl Iterator<Item = &'a ClaimedJob>) -> (Vec<Uuid>, Vec<i32>) {
    jobs.map(|job| (job.id, job.claim)).unzip()
}

/// What went wrong, column by column.
struct Notes<'a> {
    classes: Vec<Option<&'a str>>,
    errors: Vec<Option<&'a str>>,
    hints: Vec<Option<&'a str>>,
    causes: Vec<Json<Vec<String>>>,
}

impl<'a> Notes<'a> {
    fn of(failures: impl Iterator<Item = Option<&'a Failure>>) -> Self {
        let mut notes = Self { classes: Vec::new(), errors: Vec::new(), hints: Vec::new(), causes: Vec::new() };
        for failure in failures {
            notes.classes.push(failure.map(|failure| failure.kind().name()));
            notes.errors.push(failure.map(Failure::what));
            notes.hints.push(failure.and_then(Failure::hint_text));
            notes.causes.push(Json(failure.map(Failure::causes).unwrap_or_default()));
        }
        notes
    }
}
