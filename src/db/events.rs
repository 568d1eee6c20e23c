//! What happens to jobs, read back from what is kept of them: nobody writes events down.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;

/// All that is known of the life of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    /// The job.
    pub id: Uuid,
    /// What sort of work.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// Why it is parked.
    pub parked_because: Option<String>,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    /// When it was last claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How often it was claimed.
    pub claims: i32,
    /// Its steps, as they began; gone once it is completed.
    pub steps: Vec<StepNow>,
    /// Its attempts that did not complete it, in order.
    pub attempts: Vec<AttemptThen>,
    /// How long each step took, once it is completed.
    pub step_seconds: Option<Value>,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct StepNow {
    /// Its name.
    pub step: String,
    /// Whether it is done.
    pub done: bool,
    /// How long it took, in seconds.
    pub seconds: Option<f64>,
    /// Share that is done.
    pub fraction: Option<f64>,
    /// How far it is, in words.
    pub detail: Option<String>,
}

/// An attempt that did not complete its job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptThen {
    /// Which claim of the job.
    pub claim: i32,
    /// When it began; none where the job ended without having been started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// How it ended.
    pub outcome: String,
    /// Class of the error.
    pub error_class: Option<String>,
    /// What was wrong.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
}

/// The lives of these jobs, each as of one moment; those that do not exist are left out.
pub async fn stories(db: &Db, ids: &[Uuid]) -> Result<Vec<Story>> {
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", kind AS "kind!", state AS "state!", parked_because, run_at AS "run_at!", started_at, finished_at,
                  claims AS "claims!",
                  coalesce((SELECT jsonb_agg(jsonb_build_object(
                      'step', step.step, 'done', step.state = 'done', 'fraction', step.fraction, 'detail', step.detail,
                      'seconds', extract(epoch FROM step.finished_at - step.started_at)) ORDER BY step.started_at)
                    FROM queue.steps AS step WHERE step.job_id = job.id), '[]') AS "steps!: Json<Vec<StepNow>>",
                  coalesce((SELECT jsonb_agg(jsonb_build_object(
                      'claim', attempt.claim, 'started_at', attempt.started_at, 'finished_at', attempt.finished_at,
                      'outcome', attempt.outcome, 'error_class', attempt.error_class, 'error', attempt.error,
                      'hint', attempt.hint) ORDER BY attempt.claim)
                    FROM queue.attempts AS attempt WHERE attempt.job_id = job.id), '[]') AS "attempts!: Json<Vec<AttemptThen>>",
                  CASE WHEN job.state = 'completed'
                       THEN (SELECT cat.step_seconds FROM public.generations AS cat WHERE cat.id = job.id) END AS step_seconds
           FROM queue.all_jobs AS job WHERE job.id = ANY ($1)"#,
        ids
    )
    .fetch_all(db.pool())
    .await?;
    let stories = rows.into_iter().map(|row| Story {
        id: row.id,
        kind: row.kind,
        state: row.state,
        parked_because: row.parked_because,
        run_at: row.run_at,
        started_at: row.started_at,
        finished_at: row.finished_at,
        claims: row.claims,
        steps: row.steps.0,
        attempts: row.attempts.0,
        step_seconds: row.step_seconds,
    });
    Ok(stories.collect())
}

/// How far somebody has read what happens to all jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The last end: when it was.
    pub ended_at: DateTime<Utc>,
    /// The last end: of which job.
    pub ended: Uuid,
    /// The last job that was enqueued.
    pub enqueued: Uuid,
}

impl Mark {
    /// Before all that happens from a time on.
    #[must_use]
    pub fn at(time: DateTime<Utc>) -> Self {
        let millis = u64::try_from(time.timestamp_millis()).unwrap_or(0);
        let enqueued = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
        Self { ended_at: time, ended: Uuid::nil(), enqueued }
    }

    /// A while earlier: what was committed late lies there.
    #[must_use]
    pub fn earlier(self, by: TimeDelta) -> Self {
        Self { enqueued: Self::at(self.enqueued_at() - by).enqueued, ..Self::at(self.ended_at - by) }
    }

    /// When the last job was enqueued, as its id tells.
    #[must_use]
    pub fn enqueued_at(self) -> DateTime<Utc> {
        let Some((seconds, nanos)) = self.enqueued.get_timestamp().map(|at| at.to_unix()) else { return self.ended_at };
        DateTime::from_timestamp(i64::try_from(seconds).unwrap_or(0), nanos).unwrap_or_default()
    }
}

/// A job that was enqueued, or that ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Moment {
    /// The job.
    pub id: Uuid,
    /// What sort of work.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// When it ended, if that is what happened.
    pub finished_at: Option<DateTime<Utc>>,
}

/// The database's time.
pub async fn now(db: &Db) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"SELECT queue.now() AS "now!""#).fetch_one(db.pool()).await?)
}

/// What happened since a mark, up to `limit` of what was enqueued and as many ends, each in its order.
pub async fn since(db: &Db, mark: Mark, limit: i64) -> Result<(Vec<Moment>, Vec<Moment>)> {
    let mut reading = db.pool().begin().await?;
    // By the indexes on ids and on time, however few jobs there are.
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = off; SET LOCAL jit = off;
         SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '5s'",
    )
    .execute(&mut *reading)
    .await?;
    let enqueued = sqlx::query_as!(
        Moment,
        r#"SELECT id, kind AS "kind!", state AS "state!", created_at, NULL::timestamptz AS finished_at
           FROM queue.jobs WHERE id > $1 ORDER BY id LIMIT $2"#,
        mark.enqueued,
        limit
    )
    .fetch_all(&mut *reading)
    .await?;
    let ended = sqlx::query_as!(
        Moment,
        r#"SELECT id, kind, state, created_at, finished_at
           FROM queue.history WHERE finished_at >= $1 AND (finished_at, id) > ($1, $2)
           ORDER BY finished_at, id LIMIT $3"#,
        mark.ended_at,
        mark.ended,
        limit
    )
    .fetch_all(&mut *reading)
    .await?;
    reading.commit().await?;
    Ok((enqueued, ended))
}
