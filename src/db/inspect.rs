//! Looking at jobs, wherever they are: live in `queue.jobs`, finished in `queue.history`.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use crate::db::{Db, jobs};
use crate::model::failure::Result;
use crate::model::job::JobState;

/// A job, live or finished.
#[derive(Debug, Clone, Serialize)]
pub struct JobRow {
    /// Identity.
    pub id: Uuid,
    /// What sort of work.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// The higher goes first.
    pub priority: i16,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    /// What to do.
    pub payload: Value,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// How often it was claimed.
    pub claims: i32,
    /// Attempts that ran and failed.
    pub attempts: i16,
    /// Attempts before it is discarded.
    pub max_attempts: i16,
    /// How often its worker was lost.
    pub deaths: i16,
    /// Who holds or held it.
    pub worker_id: Option<Uuid>,
    /// When it was last claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// Its unique key.
    pub unique_key: Option<String>,
}

impl JobRow {
    /// Where it stands.
    pub fn state(&self) -> Result<JobState> {
        JobState::from_name(&self.state)
    }
}

/// Which jobs to list.
#[derive(Debug, Clone, Default)]
pub struct JobFilter {
    /// Only in these states; all where it is empty.
    pub states: Vec<String>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only those enqueued before this one (the last of the page before).
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// One job, live or finished.
pub async fn job(db: &Db, id: Uuid) -> Result<JobRow> {
    sqlx::query_as!(
        JobRow,
        r#"SELECT id AS "id!", kind AS "kind!", state AS "state!", priority AS "priority!", run_at AS "run_at!",
                  payload AS "payload!", created_at AS "created_at!", claims AS "claims!", attempts AS "attempts!",
                  max_attempts AS "max_attempts!", deaths AS "deaths!", worker_id, started_at, finished_at, unique_key
           FROM (
             SELECT id, kind, state, priority, run_at, payload, created_at, claims, attempts, max_attempts, deaths,
                    worker_id, started_at, NULL::timestamptz AS finished_at, unique_key
             FROM queue.jobs WHERE id = $1
             UNION ALL
             SELECT id, kind, state, priority, run_at, payload, created_at, claims, attempts, max_attempts, deaths,
                    worker_id, started_at, finished_at, unique_key
             FROM queue.history WHERE id = $1) AS job"#,
        id
    )
    .fetch_optional(db.pool())
    .await?
    .ok_or_else(|| jobs::unknown(id))
}

/// Jobs, live and finished, the last enqueued first: ids are made in the order of time.
pub async fn list(db: &Db, filter: &JobFilter) -> Result<Vec<JobRow>> {
    Ok(sqlx::query_as!(
        JobRow,
        r#"SELECT id AS "id!", kind AS "kind!", state AS "state!", priority AS "priority!", run_at AS "run_at!",
                  payload AS "payload!", created_at AS "created_at!", claims AS "claims!", attempts AS "attempts!",
                  max_attempts AS "max_attempts!", deaths AS "deaths!", worker_id, started_at, finished_at, unique_key
           FROM (
             (SELECT id, kind, state, priority, run_at, payload, created_at, claims, attempts, max_attempts, deaths,
                    worker_id, started_at, NULL::timestamptz AS finished_at, unique_key
             FROM queue.jobs WHERE ($1::text[] = '{}' OR state = ANY ($1)) AND ($4::text IS NULL OR kind = $4)
               AND ($2::uuid IS NULL OR id < $2)
             ORDER BY id DESC LIMIT $3)
             UNION ALL
             (SELECT id, kind, state, priority, run_at, payload, created_at, claims, attempts, max_attempts, deaths,
                    worker_id, started_at, finished_at, unique_key
             FROM queue.history WHERE ($1::text[] = '{}' OR state = ANY ($1)) AND ($4::text IS NULL OR kind = $4)
               AND ($2::uuid IS NULL OR id < $2)
             ORDER BY id DESC LIMIT $3)) AS job
           ORDER BY id DESC LIMIT $3"#,
        &filter.states,
        filter.before,
        filter.limit,
        filter.kind
    )
    .fetch_all(db.pool())
    .await?)
}
