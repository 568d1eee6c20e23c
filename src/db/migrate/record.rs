//! The table `_sqlx_migrations`, as sqlx makes and reads it, so that its own tools and older programs go on working.

use std::time::Duration;

use sqlx::{Executor, PgConnection};

use super::revisions::Revision;

/// As sqlx makes it.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(),
    success BOOLEAN NOT NULL,
    checksum BYTEA NOT NULL,
    execution_time BIGINT NOT NULL
)";

/// How far a migration has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Mark {
    /// Applied without a transaction just now, or broken off.
    Begun,
    /// Applied within that time.
    Done(Duration),
    /// Said to be applied.
    Stamped,
}

pub(super) async fn make_table(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Asked first, since making it takes a right that a program which only looks may lack.
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !there {
        connection.execute(TABLE).await?;
    }
    Ok(())
}

pub(super) async fn note(connection: &mut PgConnection, revision: &Revision, mark: Mark) -> Result<(), sqlx::Error> {
    let took = match mark {
        Mark::Done(took) => i64::try_from(took.as_nanos()).unwrap_or(i64::MAX),
        Mark::Begun | Mark::Stamped => -1,
    };
    sqlx::query(
        "INSERT INTO _sqlx_migrations AS recorded (version, description, success, checksum, execution_time)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (version) DO UPDATE SET
           description = excluded.description, success = excluded.success, checksum = excluded.checksum,
           execution_time = excluded.execution_time",
    )
    .bind(revision.version)
    .bind(&*revision.up.description)
    .bind(!matches!(mark, Mark::Begun))
    .bind(&*revision.up.checksum)
    .bind(took)
    .execute(connection)
    .await?;
    Ok(())
}

pub(super) async fn forget(connection: &mut PgConnection, version: i64) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = $1").bind(version).execute(connection).await?;
    Ok(())
}

/// Says in SQL what [`note`] does.
pub(super) fn note_in_sql(revision: &Revision, is_whole: bool) -> String {
    let checksum: String = revision.up.checksum.iter().map(|byte| format!("{byte:02x}")).collect();
    format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)\n\
         VALUES ({}, '{}', {is_whole}, '\\x{checksum}', -1)\n\
         ON CONFLICT (version) DO UPDATE SET success = excluded.success;\n",
        revision.version,
        revision.name.replace('\'', "''"),
    )
}

/// Says in SQL what [`forget`] does.
pub(super) fn forget_in_sql(version: i64) -> String {
    format!("DELETE FROM _sqlx_migrations WHERE version = {version};\n")
}
