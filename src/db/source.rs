//! A database that is dumped: one session holds its snapshot, and a lock that lets one backup of it be made at a time.
//!
//! These statements run on whatever database people name. They are not checked when they are compiled, take nothing for
//! granted but the catalogs of the oldest version, and quote every name that they find.

pub mod blocked;
pub mod catalog;
pub mod ending;
pub mod pooler;
pub mod privileges;
pub mod rows;
mod selection;

use std::time::Duration;

use sqlx::Row;
use tokio::time::sleep;

use crate::db::server::Server;
use crate::db::{Session, error};
use crate::model::failure::{Failure, Kind, Result};

/// What the sessions of backups are called, before the job and the claim.
const RUNS: &str = "repo-to-cat/backup/";
/// What a session is called that is not (yet) part of a run.
const APPLICANT: &str = "repo-to-cat/backup-begins";
/// The advisory lock of whoever makes a backup of the database it is taken in.
const LOCK: (i32, i32) = (0x7265_7063, 0x6261_6b75);
/// How often, and how long in between, the lock is tried whose holder was told to go.
const TRIES: u32 = 30;
/// How often it is tried otherwise: a run that has just been stopped leaves a session that ends a moment later.
const TRIES_UNTOLD: u32 = 20;
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// The session that a backup stands on: it has the lock and an exported snapshot. Dropped, it lets go of both.
#[derive(Debug)]
pub struct Holder {
    session: Session<'static>,
    database: String,
    snapshot: String,
}

/// A session of a run.
#[derive(Debug)]
struct Other {
    pid: i32,
    application: String,
    since: String,
    host: String,
    has_lock: bool,
}

impl Holder {
    /// Takes the lock and the snapshot. `application` is `repo-to-cat/backup/JOB/CLAIM`, what all sessions of the run are
    /// called: what an earlier claim of the same job left is terminated, and once the lock is ours, what any dead run left.
    ///
    /// A failure of kind `Throttled` where another run is at it.
    pub async fn open(server: &Server, database: &str, application: &str) -> Result<Self> {
        let mut session = server.connect(database, APPLICANT).await?;
        rows::read_as_dumps_do(&mut session).await?;
        // A run whose host has vanished without a word is to be found dead in a minute, not in two hours.
        let lively = [("tcp_keepalives_idle", "30"), ("tcp_keepalives_interval", "10"), ("tcp_keepalives_count", "3")];
        rows::set(&mut session, &lively).await?;
        let mut tries = 0;
        while !take_lock(&mut session).await? {
            let others = others(&mut session, application).await?;
            let orphans: Vec<&Other> =
                others.iter().filter(|other| is_older(&other.application, application)).collect();
            let enough = if orphans.is_empty() { TRIES_UNTOLD } else { TRIES };
            if tries >= enough {
                let holder = others.into_iter().find(|other| other.has_lock);
                return Err(busy(database, holder.as_ref()));
            }
            terminate(&mut session, &orphans).await?;
            tries += 1;
            sleep(TRY_AGAIN).await;
        }
        rows::set(&mut session, &[("application_name", application)]).await?;
        let left = others(&mut session, application).await?;
        terminate(&mut session, &left.iter().collect::<Vec<_>>()).await?;
        sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").execute(session.connection()).await?;
        let snapshot = sqlx::query_scalar("SELECT pg_export_snapshot()").fetch_one(&mut session).await?;
        Ok(Self { session, database: database.to_owned(), snapshot })
    }

    /// The name of the snapshot, for `pg_dump --snapshot` and [`rows::import`].
    #[must_use]
    pub fn snapshot(&self) -> &str {
        &self.snapshot
    }

    /// Whether the snapshot and the lock still stand; to be asked now and then, for they end with the session.
    pub async fn check(&mut self) -> Result<()> {
        let looked = sqlx::query("SELECT 1").execute(&mut self.session).await;
        looked.map(drop).map_err(|error| {
            let lost = format!("the session that held the snapshot of {} was lost", self.database);
            Failure::from(error).context(lost)
        })
    }

    /// Locks tables against being rewritten or dropped, as `pg_dump` does: for those whose rows are read in ranges.
    pub async fn lock(&mut self, tables: &[&catalog::Table], patience: Duration) -> Result<()> {
        self.wait_at_most(patience).await?;
        for table in tables {
            let statement = format!("LOCK TABLE ONLY {} IN ACCESS SHARE MODE", table.quoted());
            let locked = sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(self.session.connection()).await;
            locked.map_err(|error| is_locked(error).context(format!("table {}.{}", table.schema, table.name)))?;
        }
        Ok(())
    }

    /// Ends the transaction and the session, and waits until the server knows.
    pub async fn close(self) {
        // Where the connection is lost already, nothing is left to be ended.
        drop(self.session.close().await);
    }

    async fn wait_at_most(&mut self, patience: Duration) -> Result<()> {
        rows::set(&mut self.session, &[("lock_timeout", &patience.as_millis().max(1).to_string())]).await
    }
}

/// A failure that says that somebody else has locked what we need, if that is so.
fn is_locked(error: sqlx::Error) -> Failure {
    if error::is_busy(&error) {
        Failure::new(Kind::Throttled, "another session has locked a table for longer than backup.lock_wait_seconds")
            .hint("it is tried again later; pg_locks tells who holds it")
            .source(error)
    } else {
        error.into()
    }
}

async fn take_lock(session: &mut Session<'_>) -> Result<bool> {
    let taken = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, $2)").bind(LOCK.0).bind(LOCK.1);
    Ok(taken.fetch_one(session).await?)
}

/// Sessions of other runs in this database, and whoever has the lock.
async fn others(session: &mut Session<'_>, ours: &str) -> Result<Vec<Other>> {
    let found = sqlx::query(
        "SELECT a.pid, coalesce(a.application_name, '') AS application, l.pid IS NOT NULL AS has_lock,
                coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC', '?') AS since,
                coalesce(host(a.client_addr), 'this server') AS host
         FROM pg_stat_activity AS a
         LEFT JOIN pg_locks AS l ON l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.database = a.datid
           AND l.classid::bigint = $1 AND l.objid::bigint = $2 AND l.objsubid = 2
         WHERE a.datname = current_database() AND a.pid <> pg_backend_pid()
           AND (l.pid IS NOT NULL OR starts_with(a.application_name, $3) AND a.application_name <> $4)",
    )
    .bind(i64::from(LOCK.0))
    .bind(i64::from(LOCK.1))
    .bind(RUNS)
    .bind(ours)
    .fetch_all(session)
    .await?;
    let read = |row: &sqlx::postgres::PgRow| {
        Ok(Other {
            pid: row.try_get("pid")?,
            application: row.try_get("application")?,
            since: row.try_get("since")?,
            host: row.try_get("host")?,
            has_lock: row.try_get("has_lock")?,
        })
    };
    found.iter().map(read).collect::<Result<_, sqlx::Error>>().map_err(Failure::from)
}

/// Ends sessions, if they still are what they were, and ours to end.
async fn terminate(session: &mut Session<'_>, others: &[&Other]) -> Result<()> {
    for other in others {
        tracing::warn!(pid = other.pid, application = other.application, "ending a session that a dead run left");
        sqlx::query(
            "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity AS a
             WHERE a.pid = $1 AND a.application_name = $2 AND (a.usename = current_user
               OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user))",
        )
        .bind(other.pid)
        .bind(&other.application)
        .execute(&mut *session)
        .await?;
    }
    Ok(())
}

/// Whether a session belongs to an earlier claim of the same job.
fn is_older(theirs: &str, ours: &str) -> bool {
    let parts = |name: &str| {
        let (job, claim) = name.strip_prefix(RUNS)?.rsplit_once('/')?;
        Some((job.to_owned(), claim.parse::<i64>().ok()?))
    };
    matches!((parts(theirs), parts(ours)), (Some(theirs), Some(ours)) if theirs.0 == ours.0 && theirs.1 < ours.1)
}

fn busy(database: &str, holder: Option<&Other>) -> Failure {
    let who = holder.map_or_else(String::new, |other| {
        format!(" (session {} from {}, since {})", other.pid, other.host, other.since)
    });
    Failure::new(Kind::Throttled, format!("another backup of {database} is under way{who}"))
        .hint("it is tried again later; only one backup of a database is made at a time, on whichever host")
}

#[cfg(test)]
mod tests {
    use super::is_older;

    #[test]
    fn only_earlier_claims_of_the_same_job_are_orphans() {
        let ours = "repo-to-cat/backup/a-b/10";
        for (theirs, is) in [
            ("repo-to-cat/backup/a-b/9", true),
            ("repo-to-cat/backup/a-b/10", false),
            ("repo-to-cat/backup/a-b/11", false),
            ("repo-to-cat/backup/a-c/1", false),
            ("repo-to-cat/backup/a-b", false),
            ("psql", false),
        ] {
            assert_eq!(is_older(theirs, ours), is, "{theirs}");
        }
    }
}
