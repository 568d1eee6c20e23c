//! The database: all SQL of this program, by table; [`outcomes`] and [`inspect`] go over several.
//!
//! Statements on our schema are checked when they are compiled (`.sqlx` holds what the check needs). Each statement of
//! the hot path is a transaction of its own or can be one, so that a pooler in transaction mode works.

pub mod attempts;
mod connect;
pub mod error;
pub mod generations;
pub mod history;
pub mod identity;
pub mod inspect;
pub mod jobs;
pub mod line;
pub mod migrate;
pub mod outcomes;
pub mod steps;
pub mod workers;

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgListener, PgPool, PgPoolOptions};
use tokio::time::timeout;

use crate::config;
use crate::model::failure::{Failure, Kind, Result};
use connect::Connector;
pub use line::{HeldLine, Line};

/// The oldest major version of `PostgreSQL` that the schema and the statements work on.
pub const OLDEST_VERSION: u32 = 13;

/// How long a connection that comes back to the pool may take to show that it is well.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// A pool of connections to our database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    connector: Arc<Connector>,
    lifeline: Arc<Line>,
}

impl Db {
    /// Connects to `settings.url` and asks the server for a sign of life.
    pub async fn connect(settings: &config::Database) -> Result<Self> {
        let connector = Arc::new(Connector::probed(settings).await?);
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(connector.wait())
            .idle_timeout(Duration::from_secs(300))
            .test_before_acquire(true)
            // A connection whose server has vanished without a word never answers. Who gave up waiting on it must get
            // its place in the pool back. (The pool tests once more, without a limit: a server that falls silent just
            // between the two costs that place.)
            .after_release(|connection, _| {
                Box::pin(async {
                    let answer = timeout(RELEASE_PATIENCE, connection.ping()).await;
                    answer.map_err(|_| sqlx::Error::PoolTimedOut)?.map(|()| true)
                })
            })
            .connect_lazy_with(connector.options().clone());
        let lifeline = Arc::new(Line::new(Arc::clone(&connector)));
        Ok(Self { pool, connector, lifeline })
    }

    /// The pool, for statements of this module and for callers that enqueue in a transaction of their own.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// A connection of the caller's own, for a loop that must wait for no place in the pool. It is made when it is first
    /// taken, and anew whenever it was lost.
    #[must_use]
    pub fn line(&self) -> Line {
        Line::new(Arc::clone(&self.connector))
    }

    /// The connection for leases: work that takes all others cannot keep a heartbeat waiting.
    async fn lifeline(&self) -> Result<HeldLine<'_>> {
        self.lifeline.take().await
    }

    /// Closes all connections; waits for those that are in use.
    pub async fn close(&self) {
        self.lifeline.close().await;
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
