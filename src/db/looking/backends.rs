//! `pg_stat_activity`: the sessions on the server, and ending them.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::time::{Instant, sleep};

use crate::db::Db;
use crate::model::failure::Result;

/// How long a session may take to end that was told to.
const ENDING: Duration = Duration::from_secs(5);
/// How often it is looked for meanwhile.
const LOOK: Duration = Duration::from_millis(50);

/// A session on the server.
#[derive(Debug, Clone, PartialEq, Serialize, sqlx::FromRow)]
pub struct Backend {
    /// Its process on the server.
    pub pid: i32,
    /// What it is: `client backend`, `autovacuum worker`, ...; none where we may not know.
    pub kind: Option<String>,
    /// The database that it is in.
    pub database: Option<String>,
    /// Whose it is.
    pub user: Option<String>,
    /// What it calls itself.
    pub application: String,
    /// Whether that is one of this program's names: workers, services, backups.
    pub is_ours: bool,
    /// From where; none for a socket, or where we may not know.
    pub client: Option<String>,
    /// Since when it is connected.
    pub connected_at: Option<DateTime<Utc>>,
    /// `active`, `idle`, `idle in transaction`, ...
    pub state: Option<String>,
    /// For how long it has been so, in seconds.
    pub state_seconds: Option<f64>,
    /// How long its transaction has been open, in seconds.
    pub transaction_seconds: Option<f64>,
    /// What it waits for, where it works.
    pub waits_for: Option<String>,
    /// Sessions that hold the lock it waits for; 0 stands for a prepared transaction.
    pub blocked_by: Vec<i32>,
    /// Its current or last statement. It may hold what is nobody else's business.
    pub query: String,
}

/// Which sessions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those in our database.
    OfDatabase,
    /// Those with these processes, in whichever database.
    Of(Vec<i32>),
}

/// Sessions other than the one that asks, the oldest first.
pub async fn backends(db: &Db, which: &Which) -> Result<Vec<Backend>> {
    let pids = match which {
        Which::OfDatabase => None,
        Which::Of(pids) => Some(pids.as_slice()),
    };
    let found = sqlx::query_as(
        "SELECT a.pid, a.backend_type AS kind, a.datname::text AS database, a.usename::text AS \"user\",
                coalesce(a.application_name, '') AS application,
                coalesce(a.application_name = 'repo-to-cat' OR starts_with(a.application_name, 'repo-to-cat/'), false)
                  AS is_ours,
                host(a.client_addr) AS client, a.backend_start AS connected_at, a.state,
                extract(epoch FROM clock_timestamp() - a.state_change)::float8 AS state_seconds,
                extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS transaction_seconds,
                CASE WHEN a.wait_event_type = 'Lock' THEN coalesce(w.lock, 'lock: ' || a.wait_event)
                     WHEN a.state = 'active' THEN a.wait_event_type || ': ' || a.wait_event END AS waits_for,
                CASE WHEN a.wait_event_type = 'Lock' THEN pg_blocking_pids(a.pid) ELSE '{}' END AS blocked_by,
                coalesce(a.query, '') AS query
         FROM pg_stat_activity AS a
         LEFT JOIN LATERAL (
           SELECT 'lock: ' || l.mode || CASE
                    WHEN l.locktype = 'relation' THEN ' on ' || l.relation::regclass
                    WHEN l.locktype IN ('transactionid', 'tuple') THEN ' on a row'
                    ELSE ' (' || l.locktype || ')' END AS lock
           FROM pg_locks AS l WHERE l.pid = a.pid AND NOT l.granted LIMIT 1
         ) AS w ON true
         WHERE a.pid <> pg_backend_pid() AND a.leader_pid IS NULL
           AND CASE WHEN $1::int[] IS NULL THEN a.datname = current_database() ELSE a.pid = ANY ($1) END
         ORDER BY a.backend_start, a.pid",
    )
    .bind(pids);
    Ok(found.fetch_all(db.pool()).await?)
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It ended.
    Ended,
    /// It was gone already.
    Gone,
    /// We may not end it.
    Forbidden,
    /// It was told to end and has not yet.
    Stays,
}

/// Ends sessions as [`backends`] saw them, and waits a moment until they are gone. Never the one that asks, nor one that got
/// the number of another meanwhile.
pub async fn terminate(db: &Db, backends: &[Backend]) -> Result<Vec<Ending>> {
    let mut endings = Vec::with_capacity(backends.len());
    for backend in backends {
        endings.push(tell(db, backend).await?);
    }
    let deadline = Instant::now() + ENDING;
    let told =
        |endings: &[Ending]| -> Vec<usize> { (0..endings.len()).filter(|&at| endings[at] == Ending::Stays).collect() };
    loop {
        for at in told(&endings) {
            if !is_there(db, &backends[at]).await? {
                endings[at] = Ending::Ended;
            }
        }
        if told(&endings).is_empty() || Instant::now() >= deadline {
            return Ok(endings);
        }
        sleep(LOOK).await;
    }
}

/// Tells a session to end.
async fn tell(db: &Db, backend: &Backend) -> Result<Ending> {
    let told: Result<Option<bool>, sqlx::Error> = sqlx::query_scalar(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE pid = $1 AND backend_start IS NOT DISTINCT FROM $2 AND pid <> pg_backend_pid()",
    )
    .bind(backend.pid)
    .bind(backend.connected_at)
    .fetch_optional(db.pool())
    .await;
    match told {
        Ok(Some(true)) => Ok(Ending::Stays),
        Ok(Some(false) | None) => Ok(Ending::Gone),
        Err(sqlx::Error::Database(answer)) if answer.code().as_deref() == Some("42501") => Ok(Ending::Forbidden),
        Err(error) => Err(error.into()),
    }
}

async fn is_there(db: &Db, backend: &Backend) -> Result<bool> {
    let there = sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND backend_start IS NOT DISTINCT FROM $2)",
    );
    Ok(there.bind(backend.pid).bind(backend.connected_at).fetch_one(db.pool()).await?)
}

/// A transaction that was prepared for a commit in two phases and holds its locks until somebody ends it.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Prepared {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// How long ago it was prepared, in seconds.
    pub seconds: f64,
}

/// Transactions that were prepared in our database.
pub async fn prepared(db: &Db) -> Result<Vec<Prepared>> {
    let found = sqlx::query_as(
        "SELECT gid AS name, owner::text, extract(epoch FROM clock_timestamp() - prepared)::float8 AS seconds
         FROM pg_prepared_xacts WHERE database = current_database() ORDER BY prepared",
    );
    Ok(found.fetch_all(db.pool()).await?)
}
