//! Sessions that wait for a table which a backup has locked.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::db::Session;
use crate::model::failure::Result;

/// A session that waits, and for what.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    /// Its process on the server.
    pub pid: i32,
    /// Whose it is.
    pub user: String,
    /// What it calls itself.
    pub application: String,
    /// From where; none for a socket, or where we may not know.
    pub host: Option<String>,
    /// Which table, `schema.name`.
    pub table: String,
    /// What it wants to do, where we may know.
    pub statement: String,
    /// How long it has waited, where the server tells.
    pub waited: Option<Duration>,
}

/// Sessions of others that wait for a table which a session called `application` has locked in this database.
pub async fn waiting_for(session: &mut Session<'_>, application: &str) -> Result<Vec<Waiting>> {
    let found = sqlx::query(
        // From 14 on the server knows since when somebody waits; before, since when the statement runs.
        "SELECT a.pid, coalesce(a.usename, '') AS usename, coalesce(a.application_name, '') AS application,
                host(a.client_addr) AS host, coalesce(n.nspname || '.' || c.relname, 'a table') AS relation,
                coalesce(a.query, '') AS statement,
                extract(epoch FROM clock_timestamp()
                  - coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start))::float8 AS waited
         FROM pg_locks AS l
         JOIN pg_stat_activity AS a ON a.pid = l.pid
         LEFT JOIN pg_class AS c ON c.oid = l.relation
         LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE NOT l.granted AND l.locktype = 'relation' AND a.datname = current_database()
           AND a.application_name IS DISTINCT FROM $1 AND EXISTS (
             SELECT FROM unnest(pg_blocking_pids(l.pid)) AS blocking (pid)
             JOIN pg_stat_activity AS ours ON ours.pid = blocking.pid AND ours.application_name = $1)",
    )
    .bind(application)
    .fetch_all(session)
    .await?;
    Ok(found.iter().map(waiting).collect::<Result<_, sqlx::Error>>()?)
}

fn waiting(row: &PgRow) -> Result<Waiting, sqlx::Error> {
    let waited: Option<f64> = row.try_get("waited")?;
    Ok(Waiting {
        pid: row.try_get("pid")?,
        user: row.try_get("usename")?,
        application: row.try_get("application")?,
        host: row.try_get("host")?,
        table: row.try_get("relation")?,
        statement: row.try_get("statement")?,
        waited: waited.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    })
}

/// A table that a session has locked, or waits to lock, against reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockedAway {
    /// Which table, `schema.name`.
    pub table: String,
    /// The session's process on the server.
    pub pid: i32,
    /// What it calls itself.
    pub application: String,
}

/// Tables that a dump would have to wait for now.
pub async fn locked_away(session: &mut Session<'_>) -> Result<Vec<LockedAway>> {
    let found = sqlx::query(
        "SELECT n.nspname || '.' || c.relname AS relation, l.pid, coalesce(a.application_name, '') AS application
         FROM pg_locks AS l
         JOIN pg_class AS c ON c.oid = l.relation
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
         WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS NOT NULL
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
           AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
         ORDER BY 1, 2",
    )
    .fetch_all(session)
    .await?;
    let read = |row: &PgRow| {
        let (table, pid, application) = (row.try_get("relation")?, row.try_get("pid")?, row.try_get("application")?);
        Ok(LockedAway { table, pid, application })
    };
    Ok(found.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}
