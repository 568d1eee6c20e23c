//! The migrations that this program has, by the names that people give them.

use std::fmt;
use std::sync::LazyLock;

use sqlx::migrate::{Migration, Migrator};

use crate::model::failure::{Failure, Kind, Result};

static COMPILED: Migrator = sqlx::migrate!();
static OURS: LazyLock<Revisions> = LazyLock::new(|| Revisions::of(COMPILED.iter().cloned()));

/// A migration, both ways.
#[derive(Debug, Clone)]
pub struct Revision {
    /// Its number.
    pub version: i64,
    /// Its name, with blanks, as it is recorded in the database.
    pub name: String,
    pub(super) up: Migration,
    /// None where it cannot be taken back.
    pub(super) down: Option<Migration>,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&label(self.version, &self.name))
    }
}

impl Revision {
    /// The script that applies it.
    #[must_use]
    pub fn up_script(&self) -> &str {
        self.up.sql.as_str()
    }

    /// The script that takes it back.
    #[must_use]
    pub fn down_script(&self) -> Option<&str> {
        self.down.as_ref().map(|down| down.sql.as_str())
    }

    /// Whether it is applied in one transaction.
    #[must_use]
    pub fn is_transactional(&self) -> bool {
        !self.up.no_tx
    }

    /// What it is for: the comment at the head of its script, on one line.
    #[must_use]
    pub fn summary(&self) -> String {
        let comment = self.up_script().lines().map_while(|line| line.strip_prefix("--"));
        let lines = comment.map(str::trim).filter(|line| !line.starts_with("no-transaction") && !line.is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }
}

/// A revision as people write it: `0009_backups`.
#[must_use]
pub fn label(version: i64, name: &str) -> String {
    format!("{version:04}_{}", name.replace(' ', "_"))
}

/// All migrations of a program, by number.
#[derive(Debug)]
pub struct Revisions(Vec<Revision>);

impl Revisions {
    /// Those that are compiled into this program.
    #[must_use]
    pub fn ours() -> &'static Self {
        &OURS
    }

    /// Any others.
    pub fn of(migrations: impl IntoIterator<Item = Migration>) -> Self {
        let (downs, ups): (Vec<_>, Vec<_>) =
            migrations.into_iter().partition(|migration| migration.migration_type.is_down_migration());
        let mut revisions: Vec<_> = ups
            .into_iter()
            .map(|up| Revision {
                version: up.version,
                name: up.description.to_string(),
                down: downs.iter().find(|down| down.version == up.version).cloned(),
                up,
            })
            .collect();
        revisions.sort_by_key(|revision| revision.version);
        Self(revisions)
    }

    /// One after the other, the oldest first.
    #[must_use]
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Revision> {
        self.0.iter()
    }

    /// The one with that number.
    #[must_use]
    pub fn get(&self, version: i64) -> Option<&Revision> {
        self.0.iter().find(|revision| revision.version == version)
    }

    /// The newest one's number, 0 where there is none.
    #[must_use]
    pub fn head(&self) -> i64 {
        self.0.last().map_or(0, |revision| revision.version)
    }

    /// A revision as a person names it: `9`, `0009`, `0009_backups`, or a beginning of that or of the name which no other has.
    pub fn find(&self, text: &str) -> Result<&Revision> {
        let unknown = || {
            Failure::new(Kind::NotFound, format!("there is no revision {text:?}"))
                .hint("see which there are with: repo-to-cat migrate history")
        };
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = text.parse().ok().and_then(|version| self.get(version));
            return number.ok_or_else(unknown);
        }
        let names = |revision: &Revision| {
            let label = revision.to_string();
            let name = label.split_once('_').map_or("", |(_, name)| name);
            (label == text || name == text, label.starts_with(text) || name.starts_with(text))
        };
        if let Some(exact) = self.0.iter().find(|revision| names(revision).0) {
            return Ok(exact);
        }
        let begun: Vec<_> = self.0.iter().filter(|revision| !text.is_empty() && names(revision).1).collect();
        match begun.as_slice() {
            [] => Err(unknown()),
            [one] => Ok(one),
            several => {
                let several: Vec<_> = several.iter().map(ToString::to_string).collect();
                Err(Failure::new(Kind::Invalid, format!("{text:?} may be any of several revisions"))
                    .hint(format!("name one of: {}", several.join(", "))))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_has_several_names() {
        for text in ["9", "0009", "0009_backups", "0009_b", "backups", "back"] {
            assert_eq!(Revisions::ours().find(text).unwrap().version, 9, "{text}");
        }
        for (text, kind) in
            [("", Kind::NotFound), ("99", Kind::NotFound), ("cats", Kind::NotFound), ("000", Kind::NotFound)]
        {
            assert_eq!(Revisions::ours().find(text).unwrap_err().kind(), kind, "{text}");
        }
        let several = Revisions::of([1, 2].map(|version| {
            let sql = sqlx::SqlSafeStr::into_sql_str("SELECT 1");
            Migration::new(
                version,
                format!("cat {version}").into(),
                sqlx::migrate::MigrationType::ReversibleUp,
                sql,
                false,
            )
        }));
        let several = several.find("cat").unwrap_err();
        assert_eq!((several.kind(), several.hint_text()), (Kind::Invalid, Some("name one of: 0001_cat_1, 0002_cat_2")));
    }

    #[test]
    fn every_migration_can_be_taken_back_and_says_what_it_is_for() {
        for revision in Revisions::ours().iter() {
            assert!(revision.down_script().is_some(), "{revision}");
            assert!(revision.is_transactional() || revision.up_script().starts_with("-- no-transaction"), "{revision}");
        }
        assert!(Revisions::ours().iter().all(|revision| !revision.summary().is_empty()));
    }
}
