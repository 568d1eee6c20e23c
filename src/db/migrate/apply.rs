//! One migration, one try: statement by statement, in a transaction unless its file says otherwise.

use std::time::{Duration, Instant};

use sqlx::postgres::{PgDatabaseError, PgErrorPosition};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Way;
use super::index;
use super::record::{self, Mark};
use super::revisions::Revision;
use super::script::{self, Statement};
use crate::db::error;
use crate::model::failure::{Failure, Kind};

/// A statement that runs without a transaction, as `CREATE INDEX CONCURRENTLY`, waits for older transactions to end. Nobody
/// waits for it meanwhile, so that it has so many times longer.
const PATIENCE_ALONE: u32 = 60;

/// Why a try came to nothing.
#[derive(Debug)]
pub(super) struct Broken {
    error: sqlx::Error,
    /// The line and the beginning of the statement that failed; none where it was our own bookkeeping.
    place: Option<(usize, String)>,
}

impl Broken {
    fn at(statement: &Statement<'_>, error: sqlx::Error) -> Self {
        let answer = error.as_database_error().and_then(|answer| answer.try_downcast_ref::<PgDatabaseError>());
        let position = match answer.and_then(PgDatabaseError::position) {
            Some(PgErrorPosition::Original(position)) => position,
            _ => 1,
        };
        Self { place: Some((statement.line_at(position), statement.beginning())), error }
    }

    /// Whether it gave up waiting for a lock.
    pub(super) fn is_busy(&self) -> bool {
        error::is_busy(&self.error)
    }

    /// What happened to `revision`; without a hint where the server's answer gives none.
    pub(super) fn explain(self, revision: &Revision, way: Way) -> Failure {
        let place = self.place.map(|(line, beginning)| format!(" at line {line} ({beginning})")).unwrap_or_default();
        let doing = match way {
            Way::Up => format!("migration {revision} failed{place}"),
            Way::Down => format!("taking back migration {revision} failed{place}"),
        };
        let mut failure = Failure::from(self.error);
        // The database is there and well: what it holds, or who we are, is in the migration's way.
        if matches!(failure.kind(), Kind::Internal | Kind::Schema) {
            failure = causes_of(&failure).into_iter().fold(Failure::new(Kind::Schema, failure.what()), Failure::source);
        }
        failure.context(doing)
    }
}

fn causes_of(failure: &Failure) -> Option<String> {
    failure.causes().into_iter().next()
}

impl From<sqlx::Error> for Broken {
    fn from(error: sqlx::Error) -> Self {
        Self { error, place: None }
    }
}

/// Applies a migration or takes it back.
pub(super) async fn apply(
    connection: &mut PgConnection,
    revision: &Revision,
    way: Way,
    lock_timeout: Duration,
) -> Result<(), Broken> {
    let migration = match way {
        Way::Up => &revision.up,
        Way::Down => revision.down.as_ref().unwrap_or(&revision.up),
    };
    let statements = script::statements(migration.sql.as_str());
    if migration.no_tx {
        return alone(connection, revision, way, &statements, lock_timeout * PATIENCE_ALONE).await;
    }
    let begun = Instant::now();
    let mut transaction = connection.begin().await?;
    let done = async {
        set_lock_timeout(&mut transaction, lock_timeout, true).await?;
        for statement in &statements {
            run(&mut transaction, statement).await?;
        }
        conclude(&mut transaction, revision, way, begun.elapsed()).await
    }
    .await;
    match done {
        Ok(()) => Ok(transaction.commit().await?),
        // At once: what it has locked must not wait for our next try.
        Err(broken) => {
            transaction.rollback().await?;
            Err(broken)
        }
    }
}

/// Without a transaction: what is done before a failure stays. So that it is known it is noted before, and each index that
/// an earlier try left unfinished is made anew.
async fn alone(
    connection: &mut PgConnection,
    revision: &Revision,
    way: Way,
    statements: &[Statement<'_>],
    lock_timeout: Duration,
) -> Result<(), Broken> {
    let begun = Instant::now();
    record::note(connection, revision, Mark::Begun).await?;
    set_lock_timeout(connection, lock_timeout, false).await?;
    for statement in statements {
        if !index::is_done(connection, statement).await? {
            run(connection, statement).await?;
        }
    }
    conclude(connection, revision, way, begun.elapsed()).await
}

async fn conclude(connection: &mut PgConnection, revision: &Revision, way: Way, took: Duration) -> Result<(), Broken> {
    match way {
        Way::Up => record::note(connection, revision, Mark::Done(took)).await?,
        Way::Down => record::forget(connection, revision.version).await?,
    }
    Ok(())
}

async fn run(connection: &mut PgConnection, statement: &Statement<'_>) -> Result<(), Broken> {
    // Our own files, compiled into the program.
    let done = sqlx::raw_sql(AssertSqlSafe(statement.text)).execute(connection).await;
    done.map(drop).map_err(|error| Broken::at(statement, error))
}

async fn set_lock_timeout(connection: &mut PgConnection, timeout: Duration, is_local: bool) -> Result<(), sqlx::Error> {
    sqlx::query("SELECT set_config('lock_timeout', $1, $2)")
        .bind(format!("{}ms", timeout.as_millis().clamp(1, i32::MAX.unsigned_abs().into())))
        .bind(is_local)
        .execute(connection)
        .await?;
    Ok(())
}
