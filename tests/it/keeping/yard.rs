//! A database of one test whose history may reach far back.

use repo_to_cat::config::Retention;
use repo_to_cat::db::{Db, history, migrate};
use repo_to_cat::schedule::retention::{self, Pruned};
use sqlx::postgres::{PgPool, PgPoolOptions};
use uuid::Uuid;

use crate::support::gate::settings;
use crate::support::postgres::fresh_database;

/// What the program is set to.
pub const DEFAULTS: Retention =
    Retention { completed_days: 30, discarded_days: 180, cancelled_days: 30, audit_days: 365 };

/// The database of one test.
pub struct Yard {
    pub url: String,
    pub db: Db,
    /// The test's own connections.
    pub pool: PgPool,
}

impl Yard {
    /// A fresh database that is up to date.
    pub async fn make() -> Self {
        Self::at(fresh_database("keeping")).await
    }

    /// A database that is brought up to date.
    pub async fn at(url: String) -> Self {
        let db = Db::connect(&settings(&url)).await.unwrap();
        migrate::up(&db).await.unwrap();
        let pool = PgPoolOptions::new().max_connections(4).connect(&url).await.unwrap();
        Self { url, db, pool }
    }

    /// Makes five weeks of history as the program did so many days ago.
    pub async fn make_weeks_as_of(&self, days_ago: i32) {
        let mut connection = self.pool.acquire().await.unwrap();
        let offset = "SELECT set_config('queue.clock_offset', $1, false)";
        sqlx::query(offset).bind(format!("-{days_ago} days")).execute(&mut *connection).await.unwrap();
        history::ensure_partitions(&mut connection).await.unwrap();
        sqlx::query(offset).bind("").execute(&mut *connection).await.unwrap();
    }

    /// A job that finished so many days ago, with an attempt, a step and a unique key without a window.
    pub async fn finished(&self, state: &str, days_ago: i32) -> Uuid {
        let id = Uuid::now_v7();
        for statement in [
            "INSERT INTO queue.history (id, created_at, run_at, finished_at, claims, priority, max_attempts, attempts,
                                        deaths, kind, state, unique_key, payload)
             SELECT $1, at, at, at, 2, 0, 5, 1, 0, 'probe', $2, 'key ' || $1, '{}'
             FROM (SELECT queue.now() - make_interval(days => $3) AS at) AS finished",
            "INSERT INTO queue.attempts (job_id, claim, outcome, finished_at)
             SELECT $1, 1, 'retried', queue.now() - make_interval(days => $3) WHERE $2 <> ''",
            "INSERT INTO queue.steps (job_id, step, state, started_at)
             SELECT $1, 'fetch', 'done', queue.now() - make_interval(days => $3) WHERE $2 <> ''",
            "INSERT INTO queue.unique_keys (kind, key, job_id) SELECT 'probe', 'key ' || $1, $1 WHERE $2 <> '' AND $3 > 0",
            "INSERT INTO queue.returned_keys (kind, key, job_id, created_at, until_done) SELECT 'probe', 'key ' || $1, $1, queue.now(), false WHERE $2 <> '' AND $3 > 0",
        ] {
            sqlx::query(statement).bind(id).bind(state).bind(days_ago).execute(&self.pool).await.unwrap();
        }
        id
    }

    /// Rows of a job: in history, attempts, steps, keys and returned keys.
    pub async fn traces(&self, id: Uuid) -> [i64; 5] {
        let mut traces = [0; 5];
        for (count, query) in traces.iter_mut().zip([
            "SELECT count(*) FROM queue.history WHERE id = $1",
            "SELECT count(*) FROM queue.attempts WHERE job_id = $1",
            "SELECT count(*) FROM queue.steps WHERE job_id = $1",
            "SELECT count(*) FROM queue.unique_keys WHERE job_id = $1",
            "SELECT count(*) FROM queue.returned_keys WHERE job_id = $1",
        ]) {
            *count = sqlx::query_scalar(query).bind(id).fetch_one(&self.pool).await.unwrap();
        }
        traces
    }

    /// The table that a finished job lies in.
    pub async fn place(&self, id: Uuid) -> String {
        let place = "SELECT tableoid::regclass::text FROM queue.history WHERE id = $1";
        sqlx::query_scalar(place).bind(id).fetch_one(&self.pool).await.unwrap()
    }

    /// Runs a statement.
    pub async fn run(&self, statement: impl Into<String>) -> u64 {
        let statement = sqlx::AssertSqlSafe(statement.into());
        sqlx::raw_sql(statement).execute(&self.pool).await.unwrap().rows_affected()
    }

    /// Prunes; everything must go well.
    pub async fn prune(&self, settings: &Retention) -> Vec<Pruned> {
        let (pruned, result) = retention::prune(&self.db, settings).await;
        result.unwrap();
        pruned
    }
}
