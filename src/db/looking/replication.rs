//! Who follows this server, and what is kept for them.

use crate::db::Db;
use crate::model::failure::Result;

/// A standby, or another receiver of changes, that is connected.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct Follower {
    /// What it calls itself.
    pub application: String,
    /// How much it has not carried out yet, in bytes; none where we may not know.
    pub bytes_behind: Option<i64>,
    /// How long ago that was written, in seconds; none where it keeps up.
    pub seconds_behind: Option<f64>,
}

/// Who is connected to follow.
pub async fn followers(db: &Db) -> Result<Vec<Follower>> {
    let found = sqlx::query_as(
        "SELECT coalesce(application_name, '') AS application,
                pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                     ELSE pg_current_wal_lsn() END, replay_lsn)::bigint AS bytes_behind,
                extract(epoch FROM replay_lag)::float8 AS seconds_behind
         FROM pg_stat_replication ORDER BY 1",
    );
    Ok(found.fetch_all(db.pool()).await?)
}

/// A promise to keep the log of changes for somebody.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Whether somebody reads from it now.
    pub is_active: bool,
    /// What is kept for it, in bytes; none where it has never been used.
    pub bytes_kept: Option<i64>,
    /// Whether what it needs is gone already.
    pub is_lost: bool,
}

/// The replication slots of the server.
pub async fn slots(db: &Db) -> Result<Vec<Slot>> {
    let found = sqlx::query_as(
        "SELECT slot_name::text AS name, active AS is_active,
                pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                     ELSE pg_current_wal_lsn() END, restart_lsn)::bigint AS bytes_kept,
                coalesce(wal_status = 'lost', false) AS is_lost
         FROM pg_replication_slots WHERE NOT temporary ORDER BY 1",
    );
    Ok(found.fetch_all(db.pool()).await?)
}
