//! Making connections: how, for how long, and what is said where that fails.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::time::timeout;

use crate::config;
use crate::db::{OLDEST_VERSION, error};
use crate::model::failure::{Failure, Kind, Result};

/// Makes connections to our database.
#[derive(Debug)]
pub(super) struct Connector {
    options: PgConnectOptions,
    wait: Duration,
}

impl Connector {
    /// A connector to `settings.url`, which it has asked for a sign of life.
    pub async fn probed(settings: &config::Database) -> Result<Self> {
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
        Ok(Self { options, wait })
    }

    /// How connections are made now.
    pub fn options(&self) -> &PgConnectOptions {
        &self.options
    }

    /// How long to wait for a connection.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// A new connection, that belongs to no pool.
    pub async fn connect(&self) -> Result<PgConnection> {
        let connected = timeout(self.wait, self.options.connect()).await.map_err(|_| sqlx::Error::PoolTimedOut)?;
        connected.map_err(|error| error::connecting(error, &describe(&self.options)))
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
