//! Bringing the schema up to date, and telling whether it is.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::{Acquire, PgConnection};

use crate::db::{Db, history};
use crate::model::failure::{Failure, Kind, Result};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Taken while migrating, so that two hosts never do it at once. Any number that nobody else uses.
const LOCK: i64 = 0x7265_706f_3263_6174;
const LOCK_PATIENCE: Duration = Duration::from_secs(60);

/// How the database's schema relates to this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaState {
    /// The latest applied migration, 0 where there is none.
    pub current: i64,
    /// The latest migration that this program has.
    pub head: i64,
    /// Migrations to apply, in order: version and name.
    pub pending: Vec<(i64, String)>,
    /// Applied migrations that this program does not have.
    pub unknown: Vec<i64>,
}

impl SchemaState {
    /// Fails unless the schema is exactly this program's.
    pub fn require_current(&self) -> Result<()> {
        if !self.unknown.is_empty() {
            return Err(Failure::new(
                Kind::Schema,
                format!("the database is at migration {}, newer than this program's {}", self.current, self.head),
            )
            .hint("use the program that migrated it, or a newer one"));
        }
        if !self.pending.is_empty() {
            return Err(Failure::new(
                Kind::Schema,
                format!("the database is at migration {}, older than this program's {}", self.current, self.head),
            )
            .hint("bring it up to date with: repo-to-cat migrate up"));
        }
        Ok(())
    }
}

/// How the database's schema relates to this program.
pub async fn state(db: &Db) -> Result<SchemaState> {
    let mut connection = db.pool().acquire().await?;
    state_of(&mut connection).await
}

async fn state_of(connection: &mut PgConnection) -> Result<SchemaState> {
    let applied = applied(connection).await?;
    let known: BTreeMap<i64, String> = MIGRATIONS
        .iter()
        .filter(|migration| !migration.migration_type.is_down_migration())
        .map(|migration| (migration.version, migration.description.to_string()))
        .collect();
    Ok(SchemaState {
        current: applied.last().copied().unwrap_or(0),
        head: known.keys().next_back().copied().unwrap_or(0),
        unknown: applied.iter().copied().filter(|version| !known.contains_key(version)).collect(),
        pending: known.into_iter().filter(|(version, _)| !applied.contains(version)).collect(),
    })
}

/// Versions that were applied, in order. The table is the migrator's and absent at first, hence unchecked SQL.
async fn applied(connection: &mut PgConnection) -> Result<Vec<i64>> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *connection).await?;
    if !there {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version")
        .fetch_all(connection)
        .await?)
}

/// Applies what is pending; returns it. Waits while another host does the same.
pub async fn up(db: &Db) -> Result<Vec<(i64, String)>> {
    let mut connection = db.pool().acquire().await?;
    let connection = connection.acquire().await?;
    lock(connection).await?;
    let done = up_locked(connection).await;
    // The lock would go with the connection, which the pool keeps.
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(LOCK).execute(&mut *connection).await?;
    done
}

async fn up_locked(connection: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    let state = state_of(connection).await?;
    if !state.unknown.is_empty() {
        state.require_current()?;
    }
    let migrator = Migrator { locking: false, ..Migrator::with_migrations(MIGRATIONS.iter().cloned().collect()) };
    migrator.run(&mut *connection).await.map_err(explain)?;
    history::ensure_partitions(connection).await?;
    Ok(state.pending)
}

/// Polled: a session that blocks on an advisory lock holds a snapshot that CREATE INDEX CONCURRENTLY waits for.
async fn lock(connection: &mut PgConnection) -> Result<()> {
    let deadline = tokio::time::Instant::now() + LOCK_PATIENCE;
    loop {
        let got: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_lock($1)").bind(LOCK).fetch_one(&mut *connection).await?;
        if got {
            return Ok(());
        }
        if tokio::time::Instant::now() >= deadline {
            return Err(Failure::new(Kind::Database, "another process has been migrating this database for a minute")
                .hint("see who holds the advisory lock in pg_locks, then try again"));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn explain(error: MigrateError) -> Failure {
    match error {
        MigrateError::Execute(source) => Failure::from(source).context("migrating"),
        MigrateError::ExecuteMigration(source, version) => {
            Failure::from(source).context(format!("applying migration {version}"))
        }
        MigrateError::VersionMismatch(version) => {
            Failure::new(Kind::Schema, format!("migration {version} was edited after it had been applied"))
                .hint("never edit an applied migration: restore its file and write a new one")
        }
        other => Failure::new(Kind::Schema, "the migrations cannot be applied").source(other),
    }
}
