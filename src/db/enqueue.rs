//! Enqueueing: `queue.jobs` and, where a job has a key, `queue.unique_keys`.
//!
//! A job without a key is one insert, which wakes who sleeps in its RETURNING: after the row is there, as
//! [`sleepers`](crate::db::sleepers) needs it. A job with a key goes through `queue.enqueue_job`, so that Rust and SQL mean
//! the same by keys.

use std::time::Duration;

use sqlx::postgres::types::PgInterval;
use uuid::Uuid;

use crate::db::Session;
use crate::model::failure::Result;
use crate::model::job::{Enqueued, NewJob, Start};
use crate::model::unique::Unique;

/// Stands between tags where they travel as one text; no tag holds a control character.
const BETWEEN_TAGS: &str = "\u{1f}";

/// Enqueues a job in the caller's transaction: it exists when, and only when, that commits.
pub async fn enqueue(session: &mut Session<'_>, job: &NewJob) -> Result<Enqueued> {
    match &job.unique {
        None => insert(session, job).await,
        Some(unique) => enqueue_unique(session, job, unique).await,
    }
}

async fn insert(session: &mut Session<'_>, job: &NewJob) -> Result<Enqueued> {
    let id = Uuid::now_v7();
    let (at, wait) = start(job.start);
    // Each job of a transaction, in which the time stands still, has a place in line of its own.
    sqlx::query!(
        r#"INSERT INTO queue.jobs (id, kind, state, created_at, run_at, rank, due_at, deadline, lane, timeout_seconds,
                                   priority, max_attempts, user_id, rerun_of, limit_key, tags, traceparent, payload)
           SELECT $1, $2::text, CASE WHEN run_at > now THEN 'scheduled' ELSE 'available' END, now, run_at,
                  CASE WHEN run_at > now THEN NULL
                       ELSE queue.rank(run_at, $5) + (clock_timestamp() - pg_catalog.now()) END,
                  CASE WHEN run_at > now THEN run_at END, $6, queue.lane($2::text, $10, $8), $7, $5, $11, $8, $9, $10, $12, $13, $14
           FROM (SELECT now, coalesce($3, now + make_interval(secs => $4), now) AS run_at
                 FROM (SELECT queue.now() AS now OFFSET 0) AS clock OFFSET 0) AS due
           RETURNING CASE state WHEN 'scheduled' THEN queue.wake_clock() ELSE queue.wake(kind) END"#,
        id,
        job.kind.name(),
        at,
        wait,
        i32::from(job.priority),
        job.deadline,
        job.timeout_seconds,
        job.user_id,
        job.rerun_of,
        job.limit_key,
        attempts(job),
        tags(job),
        job.traceparent,
        job.payload
    )
    .execute(session)
    .await?;
    Ok(Enqueued { id, is_new: true })
}

async fn enqueue_unique(session: &mut Session<'_>, job: &NewJob, unique: &Unique) -> Result<Enqueued> {
    let (at, wait) = start(job.start);
    let timeout = job.timeout_seconds.map(|seconds| interval(Duration::from_secs(seconds.unsigned_abs().into())));
    Ok(sqlx::query_as!(
        Enqueued,
        r#"SELECT id AS "id!", is_new AS "is_new!"
           FROM queue.enqueue_job($1, $2, $3, $4, make_interval(secs => $5), $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,
                                  $16, $17, $18)"#,
        job.kind.name(),
        job.payload,
        i32::from(job.priority),
        at,
        wait,
        unique.key,
        unique.scope.name(),
        unique.window.map(interval),
        unique.on_conflict.name(),
        i32::from(attempts(job)),
        timeout,
        job.deadline,
        tags(job),
        job.user_id,
        job.limit_key,
        job.traceparent,
        job.rerun_of,
        unique.fingerprint
    )
    .fetch_one(session)
    .await?)
}

/// Enqueues jobs without keys, in their order, in one statement.
pub async fn insert_all(session: &mut Session<'_>, jobs: &[&NewJob]) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = jobs.iter().map(|_| Uuid::now_v7()).collect();
    let kinds: Vec<&str> = jobs.iter().map(|job| job.kind.name()).collect();
    let (ats, waits): (Vec<_>, Vec<_>) = jobs.iter().map(|job| start(job.start)).unzip();
    let priorities: Vec<i32> = jobs.iter().map(|job| job.priority.into()).collect();
    let deadlines: Vec<_> = jobs.iter().map(|job| job.deadline).collect();
    let timeouts: Vec<_> = jobs.iter().map(|job| job.timeout_seconds).collect();
    let users: Vec<_> = jobs.iter().map(|job| job.user_id).collect();
    let reruns: Vec<_> = jobs.iter().map(|job| job.rerun_of).collect();
    let limit_keys: Vec<_> = jobs.iter().map(|job| job.limit_key.as_deref()).collect();
    let attempts: Vec<i16> = jobs.iter().map(|job| attempts(job)).collect();
    let tags: Vec<_> = jobs.iter().map(|job| tags(job).map(|tags| tags.join(BETWEEN_TAGS))).collect();
    let traces: Vec<_> = jobs.iter().map(|job| job.traceparent.as_deref()).collect();
    let payloads: Vec<&serde_json::Value> = jobs.iter().map(|job| &job.payload).collect();
    sqlx::query!(
        r#"WITH job AS (
             INSERT INTO queue.jobs (id, kind, state, created_at, run_at, rank, due_at, deadline, lane, timeout_seconds,
                                     priority, max_attempts, user_id, rerun_of, limit_key, tags, traceparent, payload)
             SELECT id, kind, CASE WHEN run_at > now THEN 'scheduled' ELSE 'available' END, now, run_at,
                    CASE WHEN run_at > now THEN NULL
                         ELSE queue.rank(run_at, priority) + (clock_timestamp() - pg_catalog.now()) END,
                    CASE WHEN run_at > now THEN run_at END, deadline, queue.lane(kind, limit_key, user_id), timeout,
                    priority, attempts, user_id, rerun_of, limit_key, string_to_array(tags, $15), trace, payload
             FROM (SELECT given.*, now, coalesce(at, now + make_interval(secs => wait), now) AS run_at
                   FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::float8[], $5::int[], $6::timestamptz[],
                               $7::int[], $8::uuid[], $9::uuid[], $10::text[], $11::smallint[], $12::text[], $13::text[],
                               $14::jsonb[])
                     AS given (id, kind, at, wait, priority, deadline, timeout, user_id, rerun_of, limit_key, attempts,
                               tags, trace, payload),
                   (SELECT queue.now() AS now OFFSET 0) AS clock OFFSET 0) AS given
             RETURNING kind, state
           )
           SELECT CASE state WHEN 'scheduled' THEN queue.wake_clock() ELSE queue.wake(kind) END
           FROM (SELECT DISTINCT kind, state FROM job) AS woken"#,
        &ids,
        &kinds as &[&str],
        &ats as &[Option<chrono::DateTime<chrono::Utc>>],
        &waits as &[Option<f64>],
        &priorities,
        &deadlines as &[Option<chrono::DateTime<chrono::Utc>>],
        &timeouts as &[Option<i32>],
        &users as &[Option<Uuid>],
        &reruns as &[Option<Uuid>],
        &limit_keys as &[Option<&str>],
        &attempts,
        &tags as &[Option<String>],
        &traces as &[Option<&str>],
        &payloads as &[&serde_json::Value],
        BETWEEN_TAGS
    )
    .execute(session)
    .await?;
    Ok(ids)
}

/// The time to start at, or the seconds to wait.
fn start(start: Start) -> (Option<chrono::DateTime<chrono::Utc>>, Option<f64>) {
    match start {
        Start::Now => (None, None),
        Start::At(at) => (Some(at), None),
        Start::After(wait) => (None, Some(wait.as_secs_f64())),
    }
}

pub(super) fn attempts(job: &NewJob) -> i16 {
    i16::try_from(job.max_attempts).unwrap_or(i16::MAX)
}

pub(super) fn tags(job: &NewJob) -> Option<&[String]> {
    (!job.tags.is_empty()).then_some(job.tags.as_slice())
}

fn interval(length: Duration) -> PgInterval {
    PgInterval { months: 0, days: 0, microseconds: i64::try_from(length.as_micros()).unwrap_or(i64::MAX) }
}

/// Enqueues as services in other languages do, by the SQL function; what it returns is counted only.
pub async fn by_function(session: &mut Session<'_>, kind: &str, payloads: &[serde_json::Value]) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM queue.enqueue_jobs($1::text, $2::jsonb[])"#,
        kind,
        payloads
    )
    .fetch_one(session)
    .await?;
    Ok(count.unsigned_abs())
}
