//! All that is known of one job: itself, its steps, its attempts with what they logged.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::attempts::{self, AttemptRow};
use crate::db::inspect::{self, JobRow};
use crate::db::steps::{self, StepRow};
use crate::db::{Db, logs};
use crate::model::failure::Result;
use crate::model::job::JobState;
use crate::telemetry::joblog::{JobLog, LogLine};

/// A job with all that became of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = JobLife)]
pub struct Life {
    /// The job.
    pub job: JobRow,
    /// Its steps, in no order.
    pub steps: Vec<StepRow>,
    /// Its attempts, in order.
    pub attempts: Vec<Attempt>,
}

/// All that is known of a job.
pub async fn of_job(db: &Db, id: Uuid) -> Result<Life> {
    let job = inspect::job(db, id).await?;
    let (steps, ended, logs) =
        (steps::of_job(db, id).await?, attempts::of_job(db, id).await?, logs::of_job(db, id).await?);
    let attempts = Attempt::all(&job, ended, logs);
    Ok(Life { job, steps, attempts })
}

/// One attempt at a job, from its claim to its end.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attempt {
    /// Which claim of the job.
    pub claim: i32,
    /// Who claimed it.
    pub worker_id: Option<Uuid>,
    /// Its name: host and process.
    pub worker: Option<String>,
    /// When.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it took, or takes.
    pub ran_seconds: Option<f64>,
    /// How it ended; running or completed where it did not fail.
    pub outcome: String,
    /// Class of the error.
    pub error_class: Option<String>,
    /// What was wrong.
    pub error: Option<String>,
    /// What to do about it.
    pub hint: Option<String>,
    /// What caused it, outermost first.
    pub causes: Vec<String>,
    /// What was logged meanwhile, the newest lines.
    pub log: Vec<LogLine>,
    /// How many older lines were dropped.
    pub log_dropped: u32,
}

impl Attempt {
    /// All attempts at a job in order: those that did not complete it, and the one that did or that runs.
    #[must_use]
    pub fn all(job: &JobRow, ended: Vec<AttemptRow>, logs: Vec<JobLog>) -> Vec<Self> {
        let mut attempts: Vec<Self> = ended.into_iter().map(Self::from).collect();
        let goes_on = job.state == JobState::Running.name() || job.state == JobState::Completed.name();
        if goes_on {
            attempts.push(Self {
                claim: job.claims,
                worker_id: job.worker_id,
                worker: job.worker.clone(),
                started_at: job.started_at,
                finished_at: job.finished_at,
                ran_seconds: job.ran_seconds,
                outcome: job.state.clone(),
                error_class: None,
                error: None,
                hint: None,
                causes: Vec::new(),
                log: Vec::new(),
                log_dropped: 0,
            });
        }
        for log in logs {
            if let Some(attempt) = attempts.iter_mut().find(|attempt| attempt.claim == log.claim) {
                (attempt.log, attempt.log_dropped) = (log.lines, log.dropped);
            }
        }
        attempts
    }
}

impl From<AttemptRow> for Attempt {
    fn from(row: AttemptRow) -> Self {
        Self {
            claim: row.claim,
            worker_id: row.worker_id,
            worker: row.worker,
            started_at: row.started_at,
            finished_at: Some(row.finished_at),
            ran_seconds: row.started_at.map(|started| (row.finished_at - started).as_seconds_f64()),
            outcome: row.outcome,
            error_class: row.error_class,
            error: row.error,
            hint: row.hint,
            causes: row.causes,
            log: Vec::new(),
            log_dropped: 0,
        }
    }
}
