//! How a database's schema relates to this program.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::revisions::{Revisions, label};
use crate::db::Session;
use crate::model::failure::{Failure, Kind, Result};

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
    /// What is recorded in the database, by version.
    pub recorded: BTreeMap<i64, Recorded>,
}

/// What the database says of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its name.
    pub name: String,
    /// When it was applied.
    pub at: DateTime<Utc>,
    /// How long that took; none where it was stamped.
    pub took: Option<Duration>,
    /// False while it is applied without a transaction, and where that was broken off.
    pub is_whole: bool,
    checksum: Vec<u8>,
}

impl SchemaState {
    /// Fails unless this program works on the schema: it is this program's, or a newer one that goes on serving it.
    pub fn require_current(&self) -> Result<()> {
        self.require_known()?;
        let Some((first, name)) = self.pending.first() else { return Ok(()) };
        let what = match self.current {
            _ if self.broken().any(|version| version == *first) => {
                format!("migration {} is being applied, or that was broken off", label(*first, name))
            }
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

    /// Migrations that are applied without a transaction just now, or whose applying was broken off.
    pub fn broken(&self) -> impl Iterator<Item = i64> {
        self.recorded.iter().filter(|(_, recorded)| !recorded.is_whole).map(|(version, _)| *version)
    }

    /// A revision that is recorded or ours, as people write it.
    #[must_use]
    pub fn label(&self, version: i64) -> String {
        let ours = Revisions::ours().get(version).map(|revision| revision.name.as_str());
        match self.recorded.get(&version).map(|recorded| recorded.name.as_str()).or(ours) {
            _ if version == 0 => "base".to_owned(),
            Some(name) => label(version, name),
            None => format!("{version:04}"),
        }
    }

    /// Fails where migrations were applied that are not this program's, unless the schema says that it still serves it.
    pub(super) fn require_known(&self) -> Result<()> {
        let schema = |what: String, hint: &str| Err(Failure::new(Kind::Schema, what).hint(hint));
        if let Some(version) = self.edited.first() {
            return schema(
                format!("migration {version} is not the one that was applied to the database: it was edited since"),
                "never edit an applied migration: restore its file and write a new one",
            );
        }
        let Some(newest) = self.unknown.last() else { return self.require_no_gap() };
        // One of ours that is missing below theirs means that theirs were not made after ours.
        if let Some((missing, name)) = self.pending.first() {
            let (theirs, missing) = (self.label(*newest), label(*missing, name));
            if self.recorded.len() == self.unknown.len() {
                return schema(
                    format!("the database has migrations of another program, such as {theirs}, and none of ours"),
                    "name a database of its own in database.url (DATABASE_URL)",
                );
            }
            return schema(
                format!(
                    "the schema has two heads: the database has {theirs}, which this program does not know, and lacks \
                     {missing}"
                ),
                "two programs migrated it apart: use one that has both, or take one's back with the program that made it",
            );
        }
        let hint = "a newer program migrated it: use that one";
        match self.oldest_program {
            Some(oldest) if oldest <= self.head => Ok(()),
            Some(oldest) => schema(
                format!(
                    "the database is at migration {newest}, which programs before migration {oldest} cannot work on; \
                     this one is at {}",
                    self.head
                ),
                hint,
            ),
            None => schema(
                format!("the database has migration {newest}, which this program, at {}, does not know", self.head),
                hint,
            ),
        }
    }

    /// Migrations build on each other: one that is missing below another cannot be applied later.
    fn require_no_gap(&self) -> Result<()> {
        let Some((missing, name)) = self.pending.first().filter(|(version, _)| *version < self.current) else {
            return Ok(());
        };
        let (missing, current) = (label(*missing, name), self.label(self.current));
        Err(Failure::new(Kind::Schema, format!("migration {missing} is missing below {current}, which is applied"))
            .hint(format!(
                "take back what stands above it (repo-to-cat migrate down REV), then migrate up; or, if the schema has \
                 it after all: repo-to-cat migrate stamp {}",
                self.current
            )))
    }
}

/// How the schema of this session's database relates to a program that has these revisions.
pub async fn state_of(session: &mut Session<'_>, revisions: &Revisions) -> Result<SchemaState> {
    let recorded = recorded(session).await?;
    let applied = || recorded.iter().filter(|(_, recorded)| recorded.is_whole).map(|(version, _)| *version);
    // What was broken off may well be edited: it begins anew.
    let is_edited = |(version, recorded): &(&i64, &Recorded)| {
        let ours = revisions.get(**version).filter(|_| recorded.is_whole);
        ours.is_some_and(|revision| *revision.up.checksum != *recorded.checksum)
    };
    Ok(SchemaState {
        current: applied().next_back().unwrap_or(0),
        head: revisions.head(),
        unknown: applied().filter(|version| revisions.get(*version).is_none()).collect(),
        oldest_program: oldest_program(session).await?,
        edited: recorded.iter().filter(is_edited).map(|(version, _)| *version).collect(),
        pending: revisions
            .iter()
            .filter(|revision| !recorded.get(&revision.version).is_some_and(|recorded| recorded.is_whole))
            .map(|revision| (revision.version, revision.name.clone()))
            .collect(),
        recorded,
    })
}

/// What was applied. The table is the migrator's and absent at first, hence unchecked SQL.
async fn recorded(session: &mut Session<'_>) -> Result<BTreeMap<i64, Recorded>> {
    let there: bool =
        sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL").fetch_one(&mut *session).await?;
    if !there {
        return Ok(BTreeMap::new());
    }
    let rows = sqlx::query(
        "SELECT version, description, installed_on, success, checksum, execution_time FROM _sqlx_migrations",
    )
    .fetch_all(session)
    .await?;
    let mut all = BTreeMap::new();
    for row in rows {
        let took: i64 = row.try_get("execution_time")?;
        let recorded = Recorded {
            name: row.try_get("description")?,
            at: row.try_get("installed_on")?,
            took: u64::try_from(took).ok().map(Duration::from_nanos),
            is_whole: row.try_get("success")?,
            checksum: row.try_get("checksum")?,
        };
        all.insert(row.try_get("version")?, recorded);
    }
    Ok(all)
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
