//! Bringing the schema up to date, and telling whether it is.

use std::collections::BTreeMap;
use std::time::Duration;

use sqlx::PgConnection;
use sqlx::migrate::{MigrateError, Migration, Migrator};

use crate::config::Pooler;
use crate::db::{Db, Session, history};
use crate::model::failure::{Failure, Kind, Result};

pub(super) static MIGRATIONS: Migrator = sqlx::migrate!();

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
    /// Applied migrations that were something else when they were applied.
    pub edited: Vec<i64>,
    /// The oldest program that works on the schema, by its latest migration; none where the schema does not say.
    pub oldest_program: Option<i64>,
}

impl SchemaState {
    /// Fails unless this program works on the schema: it is this program's, or a newer one that goes on serving it.
    pub fn require_current(&self) -> Result<()> {
        self.require_known()?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let what = match self.current {
            0 => "the database has no schema yet".to_owned(),
            current => format!("the database is at migration {current}, older than this program's {}", self.head),
        };
        Err(Failure::new(Kind::Schema, what).hint("bring it up to date with: repo-to-cat migrate up"))
    }

    /// Whether a newer program migrated the database, in a way that this one goes on working.
    #[must_use]
    pub fn is_newer(&self) -> bool {
        !self.unknown.is_empty() && self.require_known().is_ok()
    }

    /// Fails where migrations were applied that are not this program's, unless the schema says that it still serves it.
    fn require_known(&self) -> Result<()> {
        if let Some(version) = self.edited.first() {
            return Err(Failure::new(
                Kind::Schema,
                format!("migration {version} is not the one that was applied to the database: it was edited since"),
            )
            .hint("never edit an applied migration: restore its file and write a new one"));
        }
        let Some(newest) = self.unknown.last() else { return Ok(()) };
        // One of ours that is missing below theirs means that theirs were not made after ours.
        let oldest = self.oldest_program.filter(|_| self.pending.is_empty());
        match oldest {
            Some(oldest) if oldest <= self.head => Ok(()),
            Some(oldest) => Err(Failure::new(
                Kind::Schema,
                format!(
                    "the database is at migration {newest}, which programs before migration {oldest} cannot work on; \
                     this one is at {}",
                    self.head
                ),
            )
            .hint("a newer program migrated it: use that one")),
            None => Err(Failure::new(
                Kind::Schema,
                format!("the database has migration {newest}, which this program, at {}, does not know", self.head),
            )
            .hint("a newer program migrated it: use that one")),
        }
    }
}

/// How the database's schema relates to this program.
pub async fn state(db: &Db) -> Result<SchemaState> {
    state_of(&mut db.pool().acquire().await?).await
}

async fn state_of(session: &mut Session<'_>) -> Result<SchemaState> {
    let applied = applied(session).await?;
    let known: BTreeMap<i64, &Migration> = MIGRATIONS
        .iter()
        .filter(|migration| !migration.migration_type.is_down_migration())
        .map(|migration| (migration.version, migration))
        .collect();
    let is_edited =
        |version: &i64, checksum: &[u8]| known.get(version).is_some_and(|known| *known.checksum != *checksum);
    Ok(SchemaState {
        current: applied.keys().next_back().copied().unwrap_or(0),
        head: known.keys().next_back().copied().unwrap_or(0),
        unknown: applied.keys().copied().filter(|version| !known.contains_key(version)).collect(),
        oldest_program: oldest_program(session).await?,
        edited: applied.iter().filter(|(version, sum)| is_edited(version, sum)).map(|(version, _)| *version).collect(),
        pending: known
            .iter()
            .filter(|(version, _)| !applied.contains_key(version))
            .map(|(version, migration)| (*version, migration.description.to_string()))
            .collect(),
    })
}

/// What was applied: versions and checksums. The table is the migrator's and absent at first, hence unchecked SQL.
async fn applied(session: &mut Session<'_>) -> Result<BTreeMap<i64, Vec<u8>>> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *session).await?;
    if !there {
        return Ok(BTreeMap::new());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT version, checksum FROM _sqlx_migrations WHERE success").fetch_all(session).await?;
    Ok(rows.into_iter().collect())
}

/// What the schema says of older programs. The function came with migration 3, hence unchecked SQL.
async fn oldest_program(session: &mut Session<'_>) -> Result<Option<i64>> {
    let there: bool = sqlx::query_scalar("SELECT to_regprocedure('queue.oldest_program()') IS NOT NULL")
        .fetch_one(&mut *session)
        .await?;
    if !there {
        return Ok(None);
    }
    Ok(Some(sqlx::query_scalar("SELECT queue.oldest_program()::bigint").fetch_one(session).await?))
}

/// Applies what is pending; returns it: nothing where a newer program has been here. Waits while another host does the same.
pub async fn up(db: &Db) -> Result<Vec<(i64, String)>> {
    let mut session = db.connect_directly().await?;
    lock(session.connection()).await?;
    let done = up_locked(session.connection()).await;
    // The lock goes with the connection.
    drop(session.close().await);
    done
}

async fn up_locked(connection: &mut PgConnection) -> Result<Vec<(i64, String)>> {
    let state = state_of(&mut Session::lent(connection, Pooler::None)).await?;
    state.require_known()?;
    if state.is_newer() {
        return Ok(Vec::new());
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
            let failure = Failure::from(source).context(format!("applying migration {version}"));
            if failure.kind() != Kind::Internal {
                return failure;
            }
            // The database is there and well: what it holds is in the migration's way.
            Failure::new(Kind::Schema, failure.what())
                .hint("nothing of this migration was applied: take away what is in its way, then try again")
        }
        other => Failure::new(Kind::Schema, "the migrations cannot be applied").source(other),
    }
}
