//! A worker with jobs to do, and the account of them.

use std::fs;
use std::path::PathBuf;

use repo_to_cat::config;
use repo_to_cat::db::{Db, migrate};
use repo_to_cat::model::job::{GenerationRequest, JobKind, NewJob};
use repo_to_cat::queue::enqueue::enqueue_all;
use sqlx::PgConnection;
use tempfile::TempDir;
use uuid::Uuid;

use crate::support::gate::{eventually, settings};
use crate::support::postgres::temporary_folder;
use crate::support::repository::{self, BRANCHES};
use crate::support::worker::{Setup, Worker};

/// How many jobs a worker runs at once, unless its settings say otherwise.
const SLOTS: usize = 2;

/// A worker's surroundings: a database, repositories, a folder, settings.
pub struct Crew {
    database: config::Database,
    folder: TempDir,
    repositories: PathBuf,
    /// Settings for the worker: variables without the prefix.
    pub settings: Vec<(&'static str, String)>,
    accepted: Vec<Uuid>,
}

impl Crew {
    /// For the database of this URL, which is brought up to date.
    pub async fn on(url: &str) -> Self {
        Self::of(settings(url)).await
    }

    /// The same behind whatever these settings say.
    pub async fn of(database: config::Database) -> Self {
        let folder = temporary_folder();
        let repositories = folder.path().join("repositories");
        repository::make(&repositories.join("cats"));
        let db = Db::connect(&database).await.unwrap();
        migrate::up(&db).await.unwrap();
        db.close().await;
        Self { database, folder, repositories, settings: vec![], accepted: vec![] }
    }

    /// Starts a worker.
    pub fn start(&self) -> Worker {
        let settings: Vec<_> = self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Worker::start(&Setup {
            url: &self.database.url,
            folder: self.folder.path(),
            repositories: &self.repositories,
            settings: &settings,
        })
    }

    /// Enqueues jobs, each of another cat.
    pub async fn enqueue(&mut self, count: usize) {
        let job = |branch: &str| {
            let request = GenerationRequest {
                github_url: format!("file://{}", self.repositories.join("cats").display()),
                reference: Some(branch.to_owned()),
                webhook_url: None,
            };
            let payload = serde_json::to_value(request).unwrap();
            NewJob { max_attempts: 3, ..NewJob::new(JobKind::Generation, payload) }
        };
        let jobs: Vec<_> = BRANCHES.iter().cycle().take(count).map(|branch| job(branch)).collect();
        let db = Db::connect(&self.database).await.unwrap();
        self.accepted.extend(enqueue_all(&db, &jobs).await.unwrap().iter().map(|enqueued| enqueued.id));
        db.close().await;
    }

    /// Returns when at least so many are completed, as this connection sees it.
    pub async fn completed(&self, connection: &mut PgConnection, least: usize) {
        eventually("jobs to be completed", async || {
            let done: i64 = sqlx::query_scalar("SELECT count(*) FROM queue.history WHERE state = 'completed'")
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            usize::try_from(done).unwrap() >= least
        })
        .await;
    }

    /// Waits for all that were accepted, and counts: none lost, none doubled, and no attempt spent on the trouble.
    pub async fn settle(&self, connection: &mut PgConnection) {
        self.completed(connection, self.accepted.len()).await;
        let rows: Vec<(Uuid, i64)> = sqlx::query_as(
            "SELECT id, (SELECT count(*) FROM public.generations WHERE generations.id = history.id)
             FROM queue.history WHERE state = 'completed' ORDER BY id",
        )
        .fetch_all(&mut *connection)
        .await
        .unwrap();
        let mut accepted: Vec<_> = self.accepted.iter().map(|id| (*id, 1)).collect();
        accepted.sort_unstable();
        assert_eq!(rows, accepted, "each job ends once and has one generation");
        for (query, what) in [
            ("SELECT count(*) FROM queue.jobs", "live rows"),
            ("SELECT count(*) FROM queue.attempts WHERE outcome = 'retried'", "attempts spent"),
            ("SELECT count(*) - count(DISTINCT id) FROM public.generations", "doubled generations"),
        ] {
            let count: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await.unwrap();
            assert_eq!(count, 0, "{what}: {}", self.log());
        }
    }

    /// Everything that the workers logged.
    pub fn log(&self) -> String {
        let files = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|end| end == "log"))
            .map(|path| fs::read_to_string(path).unwrap())
            .collect()
    }

    /// Checks that each trouble was told, and each but once an outage.
    pub fn said_once(&self, outages: usize) {
        let log = self.log();
        let told: Vec<&str> =
            log.lines().filter_map(|line| line.split_once(" fails; trying again")).map(|(what, _)| what).collect();
        let of_what: Vec<&str> = told.iter().map(|what| what.rsplit(": ").next().unwrap_or_default()).collect();
        assert!(!told.is_empty(), "nothing was said: {log}");
        for what in &of_what {
            let times = of_what.iter().filter(|other| other == &what).count();
            // Each running job has progress of its own to write.
            let most = if *what == "writing progress" { outages * SLOTS } else { outages };
            assert!(times <= most, "{what} was told {times} times: {log}");
        }
    }
}
