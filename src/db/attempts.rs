//! `queue.attempts`: the attempts that did not complete their job.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;

/// An attempt that did not complete its job.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Attempt)]
pub struct AttemptRow {
    /// Which claim of the job.
    pub claim: i32,
    /// The worker.
    pub worker_id: Option<Uuid>,
    /// Its name: host and process.
    pub worker: Option<String>,
    /// When it began.
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
    /// What caused it.
    pub causes: Vec<String>,
}

/// The attempts of a job that did not complete it, in order.
pub async fn of_job(db: &Db, job_id: Uuid) -> Result<Vec<AttemptRow>> {
    Ok(sqlx::query_as!(
        AttemptRow,
        "SELECT claim, worker_id, (SELECT name FROM queue.worker_names AS worker WHERE worker.id = worker_id) AS worker,
                started_at, finished_at, outcome, error_class, error, hint, causes
         FROM queue.attempts WHERE job_id = $1 ORDER BY claim",
        job_id
    )
    .fetch_all(db.pool())
    .await?)
}
