//! The database: all SQL of this program, one file per table.
//!
//! Statements on our schema are checked when they are compiled (`.sqlx` holds what the check needs). Each statement of
//! the hot path is a transaction of its own or can be one, so that a pooler in transaction mode works.

pub mod attempts;
pub mod error;
pub mod generations;
pub mod history;
pub mod jobs;
pub mod migrate;
pub mod outcomes;
pub mod steps;
pub mod workers;

use std::str::FromStr;
use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};

use crate::config;
use crate::model::failure::{Failure, Kind, Result};

/// A pool of connections to our database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
}

impl Db {
    /// Connects to `settings.url` and asks the server for a sign of life.
    pub async fn connect(settings: &config::Database) -> Result<Self> {
        let options = PgConnectOptions::from_str(&settings.url)
            .map_err(|source| {
                Failure::new(Kind::Invalid, "database.url is no PostgreSQL URL")
                    .hint("it has the form postgres://user:password@host:port/database")
                    .source(source)
            })?
            .application_name("repo-to-cat")
            .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(5));
        let place = describe(&options);
        let wait = Duration::from_secs(settings.connect_seconds);
        // The pool would try again until its time-out and then say only that it timed out: ask once, for the reason.
        let probe = tokio::time::timeout(wait, sqlx::Connection::close(connect_once(&options).await?)).await;
        drop(probe);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(wait)
            .idle_timeout(Duration::from_secs(300))
            .test_before_acquire(true)
            .connect_lazy_with(options);
        tracing::debug!(%place, "connected");
        Ok(Self { pool })
    }

    /// The pool, for statements of this module and for callers that enqueue in a transaction of their own.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Closes all connections; waits for those that are in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// A connection of its own that is told when jobs were enqueued.
    pub async fn listen_for_jobs(&self) -> Result<JobListener> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(jobs::CHANNEL).await?;
        Ok(JobListener(listener))
    }
}

/// Hears of enqueued jobs.
#[derive(Debug)]
pub struct JobListener(PgListener);

impl JobListener {
    /// Waits until somebody enqueued a job. An error means that word may have been missed.
    pub async fn heard(&mut self) -> Result<()> {
        self.0
            .try_recv()
            .await?
            .map(drop)
            .ok_or_else(|| Failure::new(Kind::Database, "the listening connection was cut"))
    }
}

async fn connect_once(options: &PgConnectOptions) -> Result<sqlx::PgConnection> {
    options.connect().await.map_err(|source| error::connecting(source, &describe(options)))
}

/// Host, port and database, without credentials.
fn describe(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
    format!("{host}:{}/{}", options.get_port(), options.get_database().unwrap_or_default())
}
