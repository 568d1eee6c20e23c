//! Going the steps, on a table that others write to all the time.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tokio::time::sleep;

use super::shape::VERSION;
use super::steps::{Act, Step};
use crate::db::migrate::blocking::{self, Blocker};
use crate::db::migrate::stamp;
use crate::db::source::rows::quote;
use crate::db::{Db, error};
use crate::model::failure::{Failure, Kind, Result};

/// How often a step is tried that does not get its lock.
const TRIES: u32 = 5;
/// Between the tries, those whom we kept waiting go on.
const PAUSE: Duration = Duration::from_secs(1);
/// An index waits for older transactions to end, and holds up nobody.
const INDEX_PATIENCE: Duration = Duration::from_mins(10);

/// Makes the connection fit for it: no time limit of the role's ends a step, and one whose client is gone ends soon.
pub(super) async fn prepare(connection: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;
         SELECT set_config(name, '1s', false) FROM pg_settings WHERE name = 'client_connection_check_interval'",
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Goes a step; returns what is to be told about it.
///
/// Tried again where it waited longer than `patience` for a lock: whoever came after it would wait as long.
pub(super) async fn go(
    db: &Db,
    connection: &mut PgConnection,
    step: &Step,
    patience: Duration,
) -> Result<Option<String>> {
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection).await?;
    let mut blockers = Vec::new();
    for tried in 1..=TRIES {
        let (gone, seen) = blocking::watched(db, pid, once(connection, &step.act, patience)).await;
        if !seen.is_empty() {
            blockers = seen;
        }
        match (gone, &step.act) {
            (Ok(()), _) => return Ok(None),
            (Err(error), Act::Validate(_)) if is_violation(&error) => {
                let what = "some generations name users that are not there; the reference holds for new rows only";
                return Ok(Some(what.to_owned()));
            }
            (Err(error), act) if error::is_busy(&error) => {
                // An index has waited long enough by then.
                if tried == TRIES || matches!(act, Act::Index { .. }) {
                    break;
                }
                sleep(PAUSE).await;
            }
            (Err(error), _) => return Err(Failure::from(error).context(&step.what)),
        }
    }
    Err(blocked(step, &blockers))
}

async fn once(connection: &mut PgConnection, act: &Act, patience: Duration) -> Result<(), sqlx::Error> {
    match act {
        Act::Alter(sql) | Act::Validate(sql) => {
            let mut transaction = connection.begin().await?;
            let timeout = format!("SET LOCAL lock_timeout = {}", patience.as_millis());
            transaction.execute(AssertSqlSafe(timeout)).await?;
            transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql.clone()))).await?;
            transaction.commit().await
        }
        Act::Index { name, on } => {
            let timeout = format!("SET lock_timeout = {}", INDEX_PATIENCE.as_millis());
            connection.execute(AssertSqlSafe(timeout)).await?;
            // What was broken off leaves an index that nobody uses and every writer keeps up to date.
            let clean = format!("DROP INDEX CONCURRENTLY IF EXISTS public.{}", quote(name));
            connection.execute(AssertSqlSafe(clean)).await?;
            let create = format!("CREATE INDEX CONCURRENTLY {} {on}", quote(name));
            connection.execute(AssertSqlSafe(create)).await.map(drop)
        }
        Act::Stamp => {
            let mut transaction = connection.begin().await?;
            stamp(&mut transaction, VERSION).await.map_err(|failure| sqlx::Error::Protocol(failure.to_string()))?;
            transaction.commit().await
        }
    }
}

fn is_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
}

fn blocked(step: &Step, blockers: &[Blocker]) -> Failure {
    let held = blocking::list(blockers);
    Failure::new(Kind::Conflict, format!("{}: a lock was not to be had{held}", step.what))
        .hint("let it end, or wait longer with --lock-timeout, then type the same again: it goes on where it was")
}
