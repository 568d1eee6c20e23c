//! A database of one test, with shorthands for what jobs go through.

use std::collections::HashMap;
use std::time::Duration;

use repo_to_cat::db::outcomes::{End, PutBack};
use repo_to_cat::db::workers::Heartbeat;
use repo_to_cat::db::{Db, Session, attempts, claims, inspect, outcomes, pulse, workers};
use repo_to_cat::generation::steps::attributes::describe;
use repo_to_cat::model::analysis::{Analysis, Distributions, Metrics};
use repo_to_cat::model::failure::{Failure, Kind};
use repo_to_cat::model::generation::GenerationResult;
use repo_to_cat::model::job::{ClaimedJob, JobKind, NewJob};
use repo_to_cat::model::seed::Seed;
use repo_to_cat::queue::enqueue::enqueue_all;
use repo_to_cat::queue::ring::Ring;
use serde_json::json;
use uuid::Uuid;

use crate::support::gate::{Gate, database_with_gate, settings};

/// What [`Bed::late_writes`] gives where nothing was written.
pub const REFUSED: [bool; 8] = [false; 8];

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
    let payload = json!({"github_url": "https://github.com/cat/cat"});
    NewJob { max_attempts: 3, ..NewJob::new(JobKind::Generation, payload) }
}

/// A job that has no result.
pub fn probe() -> NewJob {
    NewJob { max_attempts: 3, ..NewJob::new(JobKind::Probe, json!({})) }
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

    /// A connection for one statement.
    pub async fn connection(&self) -> Session<'static> {
        self.db.pool().acquire().await.unwrap()
    }

    /// Runs a statement of the test's own.
    pub async fn execute(&self, statement: &'static str) {
        sqlx::query(statement).execute(&self.gate.pool).await.unwrap();
    }

    /// Enqueues a job.
    pub async fn enqueue(&self, job: NewJob) -> Uuid {
        enqueue_all(&self.db, &[job]).await.unwrap()[0].id
    }

    /// Registers a worker.
    pub async fn worker(&self) -> Uuid {
        let id = Uuid::now_v7();
        self.register(id).await;
        id
    }

    /// Registers this worker.
    pub async fn register(&self, id: Uuid) {
        workers::register(&mut self.connection().await, id, "test", 4, LONG).await.unwrap();
    }

    /// Lets a worker's lease lapse now.
    pub async fn lapse(&self, worker: Uuid) {
        sqlx::query("UPDATE queue.workers SET lease_until = queue.now() WHERE id = $1")
            .bind(worker)
            .execute(&self.gate.pool)
            .await
            .unwrap();
    }

    /// Renews a worker's lease and asks after these jobs.
    pub async fn beat(&self, worker: Uuid, held: &[&ClaimedJob]) -> Heartbeat {
        let held: Vec<_> = held.iter().map(|job| (job.id, job.claim)).collect();
        workers::heartbeat(&mut self.connection().await, worker, LONG, &held).await.unwrap()
    }

    /// Gives back what a worker claimed more than `age` ago and does not hold; how many.
    pub async fn give_back_strays(&self, worker: Uuid, age: Duration, held: &[&ClaimedJob]) -> u64 {
        let held: Vec<_> = held.iter().map(|job| (job.id, job.claim)).collect();
        workers::give_back_strays(&mut self.connection().await, worker, age, &held).await.unwrap()
    }

    /// Claims up to `limit` jobs of each kind, lane by lane as the fetcher does.
    pub async fn claim_up_to(&self, worker: Uuid, limit: usize) -> Vec<ClaimedJob> {
        let kinds = JobKind::ALL.map(|kind| kind.name().to_owned());
        let mut free = HashMap::from(kinds.clone().map(|kind| (kind, limit)));
        let mut ring = Ring::default();
        ring.refill(claims::lanes(&mut self.connection().await, &kinds, i64::MIN, 1000).await.unwrap());
        let mut claimed = Vec::new();
        loop {
            let shares = ring.shares(&free);
            if shares.is_empty() {
                return claimed;
            }
            let taken = claims::claim(&mut self.connection().await, worker, &shares, None, false).await.unwrap();
            ring.claimed(&shares, taken.iter().map(|taken| (taken.lane, taken.rank)));
            for taken in taken {
                *free.get_mut(&taken.job.kind).unwrap() -= 1;
                claimed.push(taken.job);
            }
        }
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

    /// Completes a job, with a result where its kind has one; whether it still was the worker's.
    pub async fn complete(&self, job: &ClaimedJob) -> bool {
        let connection = &mut self.connection().await;
        let done = if job.kind == JobKind::Generation.name() {
            outcomes::complete_generations(connection, job.worker_id, &[(job, &result())]).await
        } else {
            outcomes::complete(connection, job.worker_id, &[job]).await
        };
        done.unwrap() == [job.id]
    }

    /// Whether a worker has completed a job, by what its completer asks.
    pub async fn is_completed_by(&self, worker: Uuid, job: &ClaimedJob) -> bool {
        outcomes::completed_by(&mut self.connection().await, worker, &[job]).await.unwrap() == [job.id]
    }

    /// Puts a job back; whether it still was the worker's.
    pub async fn put_back(&self, job: &ClaimedJob, how: PutBack<'_>) -> bool {
        let back = outcomes::put_back(&mut self.connection().await, job.worker_id, &[(job, how)]).await;
        back.unwrap() == [job.id]
    }

    /// Gives a job back untouched; whether it still was the worker's.
    pub async fn hand_back(&self, job: &ClaimedJob) -> bool {
        self.put_back(job, PutBack::HandBack).await
    }

    /// Puts a job off whose attempt failed; whether it still was the worker's.
    pub async fn retry_later(&self, job: &ClaimedJob, wait: Duration) -> bool {
        self.put_back(job, PutBack::Retry(&passing(), wait)).await
    }

    /// Ends a job; whether it still was the worker's.
    pub async fn end(&self, job: &ClaimedJob, how: End<'_>) -> bool {
        outcomes::end(&mut self.connection().await, job.worker_id, &[(job, how)]).await.unwrap() == [job.id]
    }

    /// Discards a job that has failed for good; whether it still was the worker's.
    pub async fn discard(&self, job: &ClaimedJob) -> bool {
        self.end(job, End::Discard(&lasting())).await
    }

    /// Every late write of a worker that has lost the job, and whether any was let through.
    pub async fn late_writes(&self, job: &ClaimedJob) -> [bool; 8] {
        let plain = outcomes::complete(&mut self.connection().await, job.worker_id, &[job]).await.unwrap();
        [
            self.complete(job).await,
            !plain.is_empty(),
            self.retry_later(job, Duration::ZERO).await,
            self.put_back(job, PutBack::Snooze(Duration::ZERO, "not now")).await,
            self.put_back(job, PutBack::Park("late")).await,
            self.hand_back(job).await,
            self.discard(job).await,
            self.end(job, End::Cancel("late")).await,
        ]
    }

    /// What time has brought: jobs made available, and jobs discarded since their deadline has passed.
    pub async fn pulse(&self) -> (u64, Vec<Uuid>) {
        let expired = pulse::discard_expired(&self.db).await.unwrap();
        (pulse::promote_due(&self.db).await.unwrap(), expired)
    }

    /// Rescues; how many jobs were freed and how many quarantined.
    pub async fn rescue(&self, max_deaths: i32) -> (u64, u64) {
        let rescued = workers::rescue(&self.db, max_deaths).await.unwrap();
        (rescued.freed, rescued.quarantined)
    }

    /// Where a job stands.
    pub async fn state(&self, id: Uuid) -> String {
        inspect::job(&self.db, id).await.unwrap().state
    }

    /// How the attempts of a job ended that did not complete it.
    pub async fn endings(&self, id: Uuid) -> Vec<String> {
        attempts::of_job(&self.db, id).await.unwrap().into_iter().map(|attempt| attempt.outcome).collect()
    }

    /// Rows of a table.
    pub async fn rows(&self, table: &str) -> usize {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        let rows: i64 = sqlx::query_scalar(query).fetch_one(&self.gate.pool).await.unwrap();
        usize::try_from(rows).unwrap()
    }
}
