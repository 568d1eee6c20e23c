//! Who is in a migration's way: sessions that hold what it waits for.

use std::convert::Infallible;
use std::fmt;
use std::future::pending;
use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use tokio::time::sleep;

use crate::db::Db;

/// How often is looked while a statement waits.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A session that others wait for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::db) struct Blocker {
    pub pid: i32,
    user: String,
    application: String,
    state: String,
    seconds: i64,
    statement: String,
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, user, application, state, seconds, statement } = self;
        let application = if application.is_empty() { String::new() } else { format!(", {application}") };
        write!(f, "process {pid} ({user}{application}), {state}, in its transaction for {seconds} s: {statement}")
    }
}

/// What people can do about them.
pub(in crate::db) fn hint(blockers: &[Blocker]) -> String {
    let again = "then type again: repo-to-cat migrate up";
    match blockers {
        [] => format!("see who holds it with: repo-to-cat db sessions; {again}"),
        some => {
            let pids: Vec<_> = some.iter().map(|blocker| blocker.pid.to_string()).collect();
            format!("let it end, or end it with: repo-to-cat db terminate {}; {again}", pids.join(" "))
        }
    }
}

/// All of them in a sentence's end; nothing where there is none.
pub(in crate::db) fn list(blockers: &[Blocker]) -> String {
    let list: Vec<_> = blockers.iter().map(ToString::to_string).collect();
    if list.is_empty() { String::new() } else { format!("; it is held by {}", list.join(" and by ")) }
}

/// Does `work`, which the session `pid` carries out, and tells who was last seen in its way.
pub(in crate::db) async fn watched<T>(db: &Db, pid: i32, work: impl Future<Output = T>) -> (T, Vec<Blocker>) {
    let mut seen = Vec::new();
    let done = tokio::select! {
        done = work => done,
        never = watch(db, pid, &mut seen) => match never {},
    };
    (done, seen)
}

/// Looks through a connection of its own. Where there is none, nobody is named.
async fn watch(db: &Db, pid: i32, seen: &mut Vec<Blocker>) -> Infallible {
    sleep(LOOK_EVERY).await;
    let Ok(mut session) = db.connect_directly().await else { return pending().await };
    loop {
        match of_session(session.connection(), pid).await {
            Ok(found) if found.is_empty() => {}
            Ok(found) => *seen = found,
            Err(_) => return pending().await,
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Those for whom the session `pid` waits.
async fn of_session(connection: &mut PgConnection, pid: i32) -> Result<Vec<Blocker>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT DISTINCT a.pid, coalesce(a.usename, '')::text AS usename, coalesce(a.application_name, '') AS application,
                coalesce(a.state, a.backend_type, '') AS state, coalesce(left(a.query, 80), '') AS statement,
                coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::bigint AS seconds
         FROM unnest(pg_blocking_pids($1)) AS blocking (pid)
         JOIN pg_stat_activity AS a ON a.pid = blocking.pid",
    )
    .bind(pid)
    .fetch_all(connection)
    .await?;
    rows.iter().map(blocker).collect()
}

/// Those that hold an advisory lock.
pub(in crate::db) async fn of_lock(connection: &mut PgConnection, key: i64) -> Result<Vec<Blocker>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT DISTINCT a.pid, coalesce(a.usename, '')::text AS usename, coalesce(a.application_name, '') AS application,
                coalesce(a.state, a.backend_type, '') AS state, coalesce(left(a.query, 80), '') AS statement,
                coalesce(extract(epoch FROM clock_timestamp() - a.xact_start), 0)::bigint AS seconds
         FROM pg_locks AS l
         JOIN pg_stat_activity AS a ON a.pid = l.pid
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND (l.classid::bigint << 32) | l.objid::bigint = $1",
    )
    .bind(key)
    .fetch_all(connection)
    .await?;
    rows.iter().map(blocker).collect()
}

fn blocker(row: &PgRow) -> Result<Blocker, sqlx::Error> {
    let statement: String = row.try_get("statement")?;
    Ok(Blocker {
        pid: row.try_get("pid")?,
        user: row.try_get("usename")?,
        application: row.try_get("application")?,
        state: row.try_get("state")?,
        seconds: row.try_get("seconds")?,
        statement: statement.split_whitespace().collect::<Vec<_>>().join(" "),
    })
}
