//! A backup of the store in a line.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Shelved;
use crate::model::backup::{Compression, Format, Manifest, Verdict};

/// A backup in a line. What its manifest does not tell is absent.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = StoredBackup)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// The database that it is of.
    pub database: String,
    /// When it was begun.
    pub made_at: DateTime<Utc>,
    /// Its size in the store.
    pub bytes: Option<u64>,
    /// Its size before compression and encryption.
    pub raw_bytes: Option<u64>,
    /// Tables whose rows are in it.
    pub tables: Option<usize>,
    /// Rows of all tables.
    pub rows: Option<u64>,
    /// How long it took.
    pub seconds: Option<f64>,
    /// How it is laid out.
    pub format: Option<Format>,
    /// How it is compressed.
    pub compression: Option<Compression>,
    /// Whether it is encrypted.
    pub is_encrypted: Option<bool>,
    /// What its last drill found.
    pub verdict: Verdict,
    /// How long restoring it took.
    pub restore_seconds: Option<f64>,
    /// Why it is not verified, or cannot be read.
    pub reason: Option<String>,
}

impl Entry {
    /// What is told of a backup in a list.
    #[must_use]
    pub fn of(shelved: &Shelved) -> Self {
        let manifest = shelved.manifest.as_ref();
        let drill = shelved.drill.as_ref();
        Self {
            name: shelved.name.to_string(),
            database: shelved.name.database().to_owned(),
            made_at: shelved.name.moment(),
            bytes: manifest.map(Manifest::bytes),
            raw_bytes: manifest.map(Manifest::raw_bytes),
            tables: manifest.map(|manifest| manifest.tables.len()),
            rows: manifest.map(Manifest::rows),
            seconds: manifest.map(Manifest::seconds),
            format: manifest.map(|manifest| manifest.format),
            compression: manifest.map(|manifest| manifest.compression),
            is_encrypted: manifest.map(|manifest| !manifest.recipients.is_empty()),
            verdict: shelved.verdict(),
            restore_seconds: drill.and_then(|drill| drill.restore_seconds),
            reason: shelved.problem.clone().or_else(|| drill.and_then(|drill| drill.reason.clone())),
        }
    }
}
