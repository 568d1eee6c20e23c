//! The database: all SQL of this program, by table; [`outcomes`] and [`inspect`] go over several.
//!
//! Statements on our schema are checked when they are compiled (`.sqlx` holds what the check needs). Each statement of
//! the hot path is a transaction of its own or can be one, so that a pooler in transaction mode works.

pub mod attempts;
pub mod claims;
mod connect;
pub mod copy;
pub mod enqueue;
pub mod error;
pub mod generations;
pub mod history;
pub mod identity;
pub mod inspect;
pub mod jobs;
pub mod line;
pub mod listener;
pub mod migrate;
pub mod outcomes;
pub mod pulse;
pub mod quota;
pub mod sleepers;
pub mod steps;
pub mod workers;

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use sqlx::postgres::{PgPool, PgPoolOptions};
use tokio::time::timeout;

use crate::config;
use crate::model::failure::Result;
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
        Ok(Self { pool, connector })
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

    /// Closes all connections; waits for those that are in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
