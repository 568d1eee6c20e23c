//! Making connections: to which host, for how long, and what is said where that fails.

use std::str::FromStr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use sqlx::postgres::{PgConnectOptions, PgPool};
use sqlx::{ConnectOptions, Connection, PgConnection, PgExecutor, Row};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};

use crate::config::Pooler;
use crate::db::{OLDEST_VERSION, error, obstacle};
use crate::model::failure::{Failure, Kind, Result};

/// How long the host that was good is asked alone before the others are asked, too.
pub(super) const HEAD_START: Duration = Duration::from_secs(1);

/// Waits between tries where the server is waited for.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

/// Makes connections to our database. Of several hosts it finds the one that takes writes, and remembers it.
#[derive(Debug)]
pub(super) struct Connector {
    /// The setting that names the hosts.
    setting: &'static str,
    hosts: Vec<PgConnectOptions>,
    /// Which of them was the good one last.
    current: Arc<AtomicUsize>,
    pooler: Pooler,
    wait: Duration,
    /// Connections that were lost so far, or given up.
    losses: AtomicU64,
    /// The pool that is told where to connect.
    pool: OnceLock<PgPool>,
    searching: Mutex<()>,
}

/// Why there is no connection.
struct Unreached {
    failure: Failure,
    /// Whether it may be there in a moment, without anybody changing a setting.
    may_pass: bool,
}

impl Connector {
    /// A connector to these hosts. It has not connected yet.
    pub fn new(setting: &'static str, urls: &[String], pooler: Pooler, wait: Duration) -> Result<Self> {
        let refused = || {
            Failure::new(Kind::Invalid, format!("{setting} is no PostgreSQL URL"))
                .hint("it has the form postgres://user:password@host:port/database")
        };
        let hosts: Vec<_> =
            urls.iter().map(|url| options(url).map_err(|error| refused().source(error))).collect::<Result<_>>()?;
        if hosts.is_empty() {
            return Err(refused());
        }
        Ok(Self {
            setting,
            hosts,
            current: Arc::default(),
            pooler,
            wait,
            losses: AtomicU64::new(0),
            pool: OnceLock::new(),
            searching: Mutex::default(),
        })
    }

    /// The same under another name in `pg_stat_activity`, and with what another connector knows of which host is good.
    pub fn named(mut self, application: &str, current: &Arc<AtomicUsize>) -> Self {
        self.hosts = self.hosts.into_iter().map(|host| host.application_name(application)).collect();
        self.current = Arc::clone(current);
        self
    }

    /// Asks the server for a sign of life and looks at its version.
    ///
    /// The pool would try until its time-out and then say only that it timed out: this says why. With `patient` it waits
    /// for a server that is not there yet, and says so once.
    pub async fn probe(&self, patient: bool) -> Result<()> {
        let mut wait = WAITS.0;
        let mut waited = false;
        let connection = loop {
            match Box::pin(self.find()).await {
                Ok(connection) => break connection,
                Err(Unreached { failure, may_pass }) if patient && may_pass => {
                    if !waited {
                        let hint = failure.hint_text();
                        tracing::warn!(%failure, hint, "the database is not there; waiting for it");
                        waited = true;
                    }
                    sleep(wait).await;
                    wait = (wait * 2).min(WAITS.1);
                }
                Err(Unreached { failure, .. }) => return Err(failure),
            }
        };
        let place = describe(&self.options());
        let version = connection.server_version_num();
        drop(timeout(self.wait, connection.close()).await);
        if waited {
            tracing::info!(place, "the database is there");
        }
        tracing::debug!(place, version, "connected");
        require_version(version, &place)
    }

    /// How connections are made now.
    pub fn options(&self) -> PgConnectOptions {
        self.hosts[self.current.load(Ordering::Relaxed)].clone()
    }

    /// How long to wait for a connection.
    pub fn wait(&self) -> Duration {
        self.wait
    }

    /// How many connections were lost so far, or given up after a failure.
    pub fn losses(&self) -> u64 {
        self.losses.load(Ordering::Relaxed)
    }

    /// Counts a connection that was lost, or given up after a failure.
    pub fn note_a_loss(&self) {
        self.losses.fetch_add(1, Ordering::Relaxed);
    }

    /// What stands between us and the server.
    pub fn pooler(&self) -> Pooler {
        self.pooler
    }

    /// Whether there are several hosts.
    pub fn has_choice(&self) -> bool {
        self.hosts.len() > 1
    }

    /// From now on this pool connects to the host that takes writes.
    pub fn steer(&self, pool: PgPool) {
        // A second pool would be a fault of ours, and would stay where it is.
        drop(self.pool.set(pool));
    }

    /// A new connection, that belongs to no pool.
    pub async fn connect(&self) -> Result<PgConnection> {
        // Boxed: it is large, and part of much that waits.
        Box::pin(self.find()).await.map_err(|unreached| unreached.failure)
    }

    /// Finds out which host takes writes now, unless somebody is at it already.
    pub async fn look_again(self: Arc<Self>) {
        if self.searching.try_lock().is_ok()
            && let Ok(connection) = Box::pin(self.find()).await
        {
            drop(timeout(self.wait, connection.close()).await);
        }
    }

    async fn find(&self) -> Result<PgConnection, Unreached> {
        let current = self.current.load(Ordering::Relaxed);
        if !self.has_choice() {
            return self.reach(current).await;
        }
        if let Ok(Ok(connection)) = timeout(HEAD_START, self.reach(current)).await {
            return Ok(connection);
        }
        let _alone = self.searching.lock().await;
        let found = self.current.load(Ordering::Relaxed);
        if found != current
            && let Ok(connection) = self.reach(found).await
        {
            // Somebody else has found it meanwhile.
            return Ok(connection);
        }
        let mut asked: FuturesUnordered<_> =
            (0..self.hosts.len()).map(|host| async move { (host, self.reach(host).await) }).collect();
        let mut reasons = Vec::new();
        while let Some((host, reached)) = asked.next().await {
            match reached {
                Ok(connection) => {
                    self.settle_on(host);
                    return Ok(connection);
                }
                Err(unreached) => reasons.push((host, unreached)),
            }
        }
        reasons.sort_by_key(|(host, _)| *host);
        let may_pass = reasons.iter().any(|(_, unreached)| unreached.may_pass);
        let each: Vec<_> = reasons.iter().map(|(_, unreached)| unreached.failure.what()).collect();
        let what = format!("none of the {} hosts of {} takes writes: {}", each.len(), self.setting, each.join("; "));
        let failure = Failure::new(Kind::Database, what).hint("is one of them running, and no standby?");
        Err(Unreached { failure, may_pass })
    }

    /// Remembers the good host and tells the pool.
    fn settle_on(&self, host: usize) {
        let before = self.current.swap(host, Ordering::Relaxed);
        if before == host {
            return;
        }
        let place = describe(&self.hosts[host]);
        tracing::warn!(
            place,
            before = describe(&self.hosts[before]),
            "another host takes the writes now; going over to it"
        );
        if let Some(pool) = self.pool.get() {
            pool.set_connect_options(self.hosts[host].clone());
            // Those that are in use are looked at when they come back.
            while let Some(mut idle) = pool.try_acquire() {
                idle.close_on_drop();
            }
        }
    }

    /// A connection to this host, which takes writes if there is a choice.
    async fn reach(&self, host: usize) -> Result<PgConnection, Unreached> {
        let options = &self.hosts[host];
        let place = describe(options);
        let connect = async {
            let mut connection = options.connect().await?;
            let is_good = !self.has_choice() || takes_writes(&mut connection).await?;
            Ok((connection, is_good))
        };
        match timeout(self.wait, connect).await {
            Ok(Ok((connection, true))) => Ok(connection),
            Ok(Ok((_, false))) => {
                let what = format!("PostgreSQL at {place} takes no writes: a standby, or set to be read-only");
                Err(Unreached { failure: Failure::new(Kind::Database, what), may_pass: true })
            }
            Ok(Err(error)) => {
                let may_pass = error::may_pass(&error);
                let failure = if self.has_choice() {
                    // Another host may answer meanwhile.
                    obstacle::failure_as_told(error, options)
                } else {
                    Box::pin(obstacle::failure(error, options)).await
                };
                Err(Unreached { failure, may_pass })
            }
            Err(_) => {
                Err(Unreached { failure: Box::pin(obstacle::too_slow(self.wait, options)).await, may_pass: true })
            }
        }
    }
}

pub(super) fn options(url: &str) -> Result<PgConnectOptions, sqlx::Error> {
    Ok(PgConnectOptions::from_str(url)?
        .application_name("repo-to-cat")
        // Poolers refuse it, and servers since 12 need it no more.
        .extra_float_digits(None)
        .log_slow_statements(tracing::log::LevelFilter::Warn, Duration::from_secs(5)))
}

/// Whether the server behind a connection takes writes: no standby does, nor one that is set to be read-only. Doubles as
/// the question for a sign of life.
pub(super) async fn takes_writes(connection: impl PgExecutor<'_>) -> Result<bool, sqlx::Error> {
    let answer = connection.fetch_one("SHOW transaction_read_only").await?;
    Ok(answer.try_get::<&str, _>(0)? == "off")
}

/// `version` is the server's `server_version_num`; poolers and relatives of `PostgreSQL` may not tell any.
pub(super) fn require_version(version: Option<u32>, place: &str) -> Result<()> {
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
pub(super) fn describe(options: &PgConnectOptions) -> String {
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
