//! What a drill found.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::model::backup::{BackupName, Fingerprint};

/// Whether a backup is proven to restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No drill has come to an end yet. Never green.
    Unverified,
    /// It was restored, and came back as it was. The only green one.
    Verified,
    /// It cannot be restored, or came back as something else.
    Failed,
    /// It could not be tried, and why is told. Never green.
    Unverifiable,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: [Self; 4] = [Self::Unverified, Self::Verified, Self::Failed, Self::Unverifiable];

    /// The name in JSON and in the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unverified => "unverified",
            Self::Verified => "verified",
            Self::Failed => "failed",
            Self::Unverifiable => "unverifiable",
        }
    }

    /// The verdict with that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}

/// What a drill did and found; kept beside the backup as `drill.json` and in `backup.drills`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DrillReport {
    /// Which backup.
    pub backup: BackupName,
    /// The job that tried it; none where it was tried without a queue.
    pub job: Option<Uuid>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// What it found.
    pub verdict: Verdict,
    /// Why, where it is not verified.
    pub reason: Option<String>,
    /// Tables and other things that came back otherwise; at most 100 are told.
    pub differences: Vec<Difference>,
    /// Tables that were compared.
    pub tables: u64,
    /// Rows that were compared.
    pub rows: u64,
    /// Pictures that were looked for in the store.
    pub images: u64,
    /// Bytes that were read from the store.
    pub fetched_bytes: u64,
    /// Disk space that the restored cluster took, in bytes.
    pub scratch_bytes: u64,
    /// How long the restoring alone took, in seconds: what to expect on a bad day.
    pub restore_seconds: Option<f64>,
    /// Seconds by stage: fetch, restore, check, compare, ...
    pub stages: Vec<(String, f64)>,
    /// The server that it was restored on, as `server_version_num`.
    pub server_version: Option<u32>,
}

/// Something that came back otherwise than it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "what")]
pub enum Difference {
    /// A table's rows.
    Rows {
        /// `schema.table`, for people.
        table: String,
        /// As it was.
        expected: Fingerprint,
        /// As it came back; none: it did not.
        found: Option<Fingerprint>,
    },
    /// Where a sequence stands.
    Sequence {
        /// `schema.sequence`, for people.
        sequence: String,
        /// Value and whether it was given, as it was.
        expected: String,
        /// As it came back.
        found: Option<String>,
    },
    /// The large objects.
    LargeObjects {
        /// As they were.
        expected: Fingerprint,
        /// As they came back.
        found: Fingerprint,
    },
    /// An object of the dump's table of contents that is not in the restored database.
    Missing {
        /// `INDEX public generations_pkey`.
        object: String,
    },
    /// A picture that a row names and the store has not.
    Picture {
        /// Its key.
        key: String,
    },
    /// What `pg_amcheck` found, in its own words.
    Damage {
        /// One line.
        words: String,
    },
}

/// In words.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows { table, found: None, .. } => write!(f, "table {table} did not come back"),
            Self::Rows { table, expected, found: Some(found) } if expected == found => {
                write!(f, "table {table} was not there")
            }
            Self::Rows { table, expected, found: Some(found) } if expected.rows == found.rows => {
                write!(f, "table {table}: as many rows ({}), but not the same", expected.rows)
            }
            Self::Rows { table, expected, found: Some(found) } => {
                write!(f, "table {table}: {} rows, and there were {}", found.rows, expected.rows)
            }
            Self::Sequence { sequence, expected, found } => {
                let found = found.as_deref().unwrap_or("nowhere");
                write!(f, "sequence {sequence} stands at {found}, and stood at {expected}")
            }
            Self::LargeObjects { expected, found } => write!(
                f,
                "large objects: {} of {} bytes, and there were {} of {}",
                found.rows, found.bytes, expected.rows, expected.bytes
            ),
            Self::Missing { object } => write!(f, "missing: {object}"),
            Self::Picture { key } => write!(f, "no picture {key}"),
            Self::Damage { words } => write!(f, "damage: {words}"),
        }
    }
}
