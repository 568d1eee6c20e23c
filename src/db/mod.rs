//! The database: all SQL of this program, by table; [`outcomes`] and [`inspect`] go over several.
//!
//! Statements on our schema are checked when they are compiled (`.sqlx` holds what the check needs). Each statement of
//! the hot path is a transaction of its own or can be one, so that a pooler in transaction mode works.

pub mod admins;
pub mod adopt;
mod around;
pub mod attempts;
pub mod audit;
pub mod backups;
pub mod claims;
mod connect;
pub mod copy;
pub mod depth;
pub mod enqueue;
pub mod error;
pub mod generations;
pub mod history;
pub mod hold;
pub mod identity;
pub mod inspect;
pub mod life;
pub mod limits;
pub mod line;
pub mod listener;
pub mod loading;
pub mod logins;
pub mod logs;
pub mod looking;
pub mod migrate;
mod obstacle;
pub mod outcomes;
pub mod places;
mod pool;
pub mod pulse;
pub mod quota;
mod randomness;
pub mod restored;
pub mod retention;
pub mod schedules;
pub mod server;
mod session;
pub mod sleepers;
pub mod source;
pub mod stats;
pub mod steer;
pub mod steps;
pub mod tokens;
pub mod users;
pub mod workers;

use std::sync::Arc;
use std::time::Duration;

use crate::config::{self, Pooler};
use crate::model::failure::Result;
use connect::Connector;
pub use line::{HeldLine, Line};
pub use pool::Pool;
pub use session::{Session, Transaction};

/// The oldest major version of `PostgreSQL` that the schema and the statements work on.
pub const OLDEST_VERSION: u32 = 13;

/// Our database: a pool of connections, and those that belong to no pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: Pool,
    /// To the server itself, without a pooler in between.
    direct: Arc<Connector>,
    connector: Arc<Connector>,
}

impl Db {
    /// Connects to `settings.url` and asks the server for a sign of life.
    pub async fn connect(settings: &config::Database) -> Result<Self> {
        Self::open(settings, false).await
    }

    /// The same for services: waits for a server that is not there yet, and says so once. Fails only where waiting does
    /// not help, as with a wrong password.
    pub async fn connect_patiently(settings: &config::Database) -> Result<Self> {
        Self::open(settings, true).await
    }

    async fn open(settings: &config::Database, patient: bool) -> Result<Self> {
        let wait = Duration::from_secs(settings.connect_seconds);
        let connector = Arc::new(Connector::new("database.url", &settings.hosts(), settings.pooler, wait)?);
        let direct = if settings.direct_url.is_empty() {
            Arc::clone(&connector)
        } else {
            Arc::new(Connector::new("database.direct_url", &settings.direct_hosts(), Pooler::None, wait)?)
        };
        connector.probe(patient).await?;
        let pool = Pool::new(Arc::clone(&connector), settings);
        Ok(Self { pool, direct, connector })
    }

    /// The pool, for statements of this module and for callers that enqueue in a transaction of their own.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// A connection of the caller's own, for a loop that must wait for no place in the pool. It is made when it is first
    /// taken, and anew whenever it was lost.
    #[must_use]
    pub fn line(&self) -> Line {
        Line::new(Arc::clone(&self.connector))
    }

    /// A new connection to the server itself, without a pooler in between: for what must stay with one server connection,
    /// such as advisory locks.
    pub async fn connect_directly(&self) -> Result<Session<'static>> {
        Ok(Session::own(self.direct.connect().await?, Pooler::None))
    }

    /// Closes all connections; waits for those that are in use.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
