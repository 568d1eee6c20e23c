//! The database: all SQL of this program, by table; [`outcomes`] and [`inspect`] go over several.
//!
//! Statements on our schema are checked when they are compiled (`.sqlx` holds what the check needs). Each statement of
//! the hot path is a transaction of its own or can be one, so that a pooler in transaction mode works.

pub mod attempts;
pub mod error;
pub mod generations;
pub mod history;
pub mod identity;
pub mod inspect;
pub mod jobs;
pub mod migrate;
pub mod outcomes;
pub mod schedules;
pub mod steps;
pub mod workers;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout;

use crate::config;
use crate::model::failure::{Failure, Kind, Result};

/// The oldest major version of `PostgreSQL` that the schema and the statements work on.
pub const OLDEST_VERSION: u32 = 13;

/// How long a connection that comes back to the pool may take to show that it is well.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// A pool of connections to our database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Db {
    pool: PgPool,
    lifeline: Arc<Lifeline>,
}

/// One connection that nothing but leases uses: work that takes all others cannot keep a heartbeat waiting. It is no
/// pool: a pool tests what it is given back for as long as that takes, and would lose its only place to a server that
/// fell silent in that moment.
#[derive(Debug)]
struct Lifeline {
    options: PgConnectOptions,
    wait: Duration,
    connection: Mutex<Option<PgConnection>>,
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
        let wait = Duration::from_secs(settings.connect_seconds);
        // The pool would try until its time-out and then say only that it timed out: ask once, for the reason.
        probe(&options, wait).await?;
        let pool = PgPoolOptions::new()
            .max_connections(settings.max_connections)
            .acquire_timeout(wait)
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
            .connect_lazy_with(options.clone());
        Ok(Self { pool, lifeline: Arc::new(Lifeline { options, wait, connection: Mutex::default() }) })
    }

    /// The pool, for statements of this module and for callers that enqueue in a transaction of their own.
    #[must_use]
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The connection for leases, made anew where it was lost.
    async fn lifeline(&self) -> Result<Taken<'_>> {
        let Lifeline { options, wait, connection } = &*self.lifeline;
        let mut place = connection.lock().await;
        if let Some(mut connection) = place.take()
            && let Ok(Ok(())) = timeout(*wait, connection.ping()).await
        {
            return Ok(Taken { place, connection });
        }
        let connected = timeout(*wait, options.connect()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        let connection = connected.map_err(|error| error::connecting(error, &describe(options)))?;
        Ok(Taken { place, connection })
    }

    /// Closes all connections; waits for those that are in use.
    pub async fn close(&self) {
        if let Some(connection) = self.lifeline.connection.lock().await.take() {
            drop(connection.close().await);
        }
        self.pool.close().await;
    }

    /// A connection of its own that is told when jobs were enqueued.
    pub async fn listen_for_jobs(&self) -> Result<JobListener> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(jobs::CHANNEL).await?;
        Ok(JobListener(listener))
    }
}

/// The connection for leases while it is in use. Unless it is given back it is closed: what is abandoned half way takes
/// it with it.
struct Taken<'a> {
    place: MutexGuard<'a, Option<PgConnection>>,
    connection: PgConnection,
}

impl Taken<'_> {
    fn give_back(mut self) {
        *self.place = Some(self.connection);
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

/// Connects once, so that what is wrong can be said, and looks at the server's version.
async fn probe(options: &PgConnectOptions, wait: Duration) -> Result<()> {
    let place = describe(options);
    let connect = async {
        let connection = options.connect().await?;
        let version = connection.server_version_num();
        connection.close().await?;
        Ok(version)
    };
    match timeout(wait, connect).await {
        Ok(Ok(version)) => {
            tracing::debug!(place, version, "connected");
            require_version(version, &place)
        }
        Ok(Err(error)) => Err(error::connecting(error, &place)),
        Err(_) => Err(Failure::new(
            Kind::Database,
            format!("PostgreSQL at {place} did not answer within {} s", wait.as_secs()),
        )
        .hint(
            "is the address in database.url (DATABASE_URL) right? A slow server needs more database.connect_seconds",
        )),
    }
}

/// `version` is the server's `server_version_num`; poolers and relatives of `PostgreSQL` may not tell any.
fn require_version(version: Option<u32>, place: &str) -> Result<()> {
    match version {
        Some(version) if version < OLDEST_VERSION * 10_000 => {
            // Up to 9.6 the major version had two parts.
            let shown = if version < 100_000 {
                format!("{}.{}", version / 10_000, version / 100 % 100)
            } else {
                format!("{}.{}", version / 10_000, version % 10_000)
            };
            Err(Failure::new(
                Kind::Environment,
                format!("the server at {place} is PostgreSQL {shown}, older than {OLDEST_VERSION}"),
            )
            .hint(
                "upgrade it, or name another in database.url (DATABASE_URL); without one a private server is started",
            ))
        }
        _ => Ok(()),
    }
}

/// Host, port and database, without credentials.
fn describe(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or_else(|| options.get_host().to_owned(), |path| path.display().to_string());
    format!("{host}:{}/{}", options.get_port(), options.get_database().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_before_13_are_refused() {
        for (version, shown) in [(90_624, "PostgreSQL 9.6,"), (120_022, "PostgreSQL 12.22,")] {
            let failure = require_version(Some(version), "db:5432/cats").unwrap_err();
            assert_eq!(failure.kind(), Kind::Environment);
            assert!(failure.what().contains(shown) && failure.what().contains("db:5432/cats"), "{failure}");
        }
        for version in [None, Some(130_000), Some(150_010), Some(180_001)] {
            require_version(version, "db").unwrap();
        }
    }

    #[test]
    fn a_place_is_told_without_credentials() {
        let place = |url| describe(&PgConnectOptions::from_str(url).unwrap());
        assert_eq!(place("postgres://cat:s3cret@db.example:5433/cats"), "db.example:5433/cats");
        assert_eq!(place("postgres:///cats?host=/run/pg&port=5432&user=cat"), "/run/pg:5432/cats");
    }
}
