//! A database of one test, with shorthands for what jobs go through.

use std::time::Duration;

use repo_to_cat::db::{Db, attempts, inspect, jobs, outcomes, workers};
use repo_to_cat::generation::steps::attributes::describe;
use repo_to_cat::model::analysis::{Analysis, Distributions, Metrics};
use repo_to_cat::model::failure::{Failure, Kind, Result};
use repo_to_cat::model::generation::GenerationResult;
use repo_to_cat::model::job::{ClaimedJob, JobKind, NewJob};
use repo_to_cat::model::seed::Seed;
use repo_to_cat::queue::enqueue::enqueue_all;
use serde_json::json;
use uuid::Uuid;

use crate::support::gate::{Gate, database_with_gate, settings};

/// A lease that does not lapse by itself.
pub const LONG: Duration = Duration::from_hours(1);

/// The database of one test.
pub struct Bed {
    pub url: String,
    pub db: Db,
    pub gate: Gate,
}

/// A job as most tests want it.
pub fn plain_job() -> NewJob {
    NewJob {
        kind: JobKind::Generation,
        payload: json!({"github_url": "https://github.com/cat/cat"}),
        priority: 0,
        run_at: None,
        unique_key: None,
        max_attempts: 3,
        user_id: None,
        traceparent: None,
    }
}

/// A result that can be persisted.
pub fn result() -> GenerationResult {
    let analysis = Analysis {
        code_quality_score: Some(7.4),
        score_reason: None,
        score_model: "test".into(),
        confidence: 1.0,
        score_terms: Vec::new(),
        primary_language: Some("Rust".into()),
        languages: Vec::new(),
        repo_size_kb: 1,
        entries: 1,
        sloc: 1,
        files_analyzed: Vec::new(),
        files_parsed: 0,
        metrics: Metrics::default(),
        has_ci: false,
        has_documentation: false,
        has_license: false,
        left_out: Vec::new(),
        notes: Vec::new(),
        distributions: Distributions::default(),
        hotspots: Vec::new(),
        strengths: Vec::new(),
        weaknesses: Vec::new(),
        recommendations: Vec::new(),
        summary: String::new(),
    };
    GenerationResult {
        github_url: "https://github.com/cat/cat".into(),
        repo_owner: "cat".into(),
        repo_name: "cat".into(),
        commit_oid: "0".repeat(40),
        primary_language: Some("Rust".into()),
        repo_size_kb: 1,
        code_quality_score: Some(7.4),
        cat_attributes: describe(&analysis, &Seed::of("cat", "0")),
        analysis_data: analysis,
        score_model: "test".into(),
        image_path: "images/v1/a.png".into(),
        original_image_path: "images/v1/b.png".into(),
        image_bytes: 1,
        image_type: "image/png".into(),
        image_width: 1,
        image_height: 1,
        image_prompt: "a cat".into(),
        story: "A cat.".into(),
        meme_text_top: "A".into(),
        meme_text_bottom: "CAT".into(),
        degraded: false,
        step_seconds: [("fetch".to_owned(), 0.5)].into(),
    }
}

/// A failure that passes.
pub fn passing() -> Failure {
    Failure::new(Kind::Unavailable, "the host is down")
}

/// A failure that stays.
pub fn lasting() -> Failure {
    Failure::new(Kind::NotFound, "there is no such repository")
}

impl Bed {
    /// A fresh database.
    pub async fn make() -> Self {
        Self::at(database_with_gate("queue")).await
    }

    /// A database that is ready.
    pub async fn at(url: String) -> Self {
        let db = Db::connect(&settings(&url)).await.unwrap();
        let gate = Gate::of(&url);
        Self { url, db, gate }
    }

    /// Enqueues a job.
    pub async fn enqueue(&self, job: NewJob) -> Uuid {
        enqueue_all(&self.db, &[job]).await.unwrap()[0].id
    }

    /// Registers a worker.
    pub async fn worker(&self) -> Uuid {
        let id = Uuid::now_v7();
        workers::register(&self.db, id, "test", LONG).await.unwrap();
        id
    }

    /// Lets a worker's lease lapse now.
    pub async fn lapse(&self, worker: Uuid) {
        sqlx::query("UPDATE queue.workers SET lease_until = queue.now() WHERE id = $1")
            .bind(worker)
            .execute(&self.gate.pool)
            .await
            .unwrap();
    }

    /// Claims up to `limit` jobs.
    pub async fn claim_up_to(&self, worker: Uuid, limit: i64) -> Vec<ClaimedJob> {
        jobs::claim(&self.db, worker, &["generation".to_owned()], limit, None).await.unwrap()
    }

    /// Claims the one job that there is.
    pub async fn claim(&self, worker: Uuid) -> ClaimedJob {
        let mut claimed = self.claim_up_to(worker, 10).await;
        assert_eq!(claimed.len(), 1);
        claimed.remove(0)
    }

    /// A claimed job and its worker.
    pub async fn running(&self) -> (ClaimedJob, Uuid) {
        self.enqueue(plain_job()).await;
        let worker = self.worker().await;
        (self.claim(worker).await, worker)
    }

    /// Completes a job; whether it still was the worker's.
    pub async fn complete(&self, job: &ClaimedJob) -> bool {
        let done = outcomes::complete(&self.db, job.worker_id, &[(job, &result())]).await.unwrap();
        done == [job.id]
    }

    /// Where a job stands.
    pub async fn state(&self, id: Uuid) -> String {
        inspect::job(&self.db, id).await.unwrap().state
    }

    /// How the attempts of a job ended that did not complete it.
    pub async fn endings(&self, id: Uuid) -> Vec<String> {
        attempts::of_job(&self.db, id).await.unwrap().into_iter().map(|attempt| attempt.outcome).collect()
    }

    /// Rescues; how many jobs were freed and how many quarantined.
    pub async fn rescue(&self, max_deaths: i32) -> (u64, u64) {
        let rescued = workers::rescue(&self.db, max_deaths).await.unwrap();
        (rescued.freed, rescued.quarantined)
    }

    /// Rows of a table.
    pub async fn rows(&self, table: &str) -> usize {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(query).fetch_one(&self.gate.pool).await.unwrap();
        usize::try_from(rows).unwrap()
    }

    /// Every late write of a worker that has lost the job.
    pub async fn late_writes(&self, job: &ClaimedJob) -> Result<Vec<bool>> {
        Ok(vec![
            !outcomes::complete(&self.db, job.worker_id, &[(job, &result())]).await?.is_empty(),
            outcomes::retry_later(&self.db, job, &passing(), Duration::ZERO).await?,
            outcomes::discard(&self.db, job, &lasting()).await?,
            outcomes::hand_back(&self.db, job).await?,
        ])
    }
}
