//! The manifest: what a backup holds, how it was made, and what it must come back as.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::backup::{BackupName, Compression, Fingerprint, Format, Selection};

/// Seconds to the millisecond: what is written as JSON is read back as the same number.
#[must_use]
pub fn seconds(took: Duration) -> f64 {
    took.as_millis() as f64 / 1000.0
}

/// The version of the manifest's own form; a reader refuses a newer one.
pub const VERSION: u32 = 1;

/// What stands beside a backup, in `manifest.json`. A backup exists when, and only when, its manifest does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this form.
    pub version: u32,
    /// Which backup.
    pub name: BackupName,
    /// The job that made it; none where it was made without a queue.
    pub job: Option<Uuid>,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// When its last byte was stored.
    pub finished_at: DateTime<Utc>,
    /// How it is laid out.
    pub format: Format,
    /// How its files are compressed.
    pub compression: Compression,
    /// How hard.
    pub level: u8,
    /// The age recipients that it is encrypted to; empty: it is not.
    pub recipients: Vec<String>,
    /// Which part of the database.
    pub selection: Selection,
    /// The database that it is of.
    pub source: Source,
    /// What made it.
    pub tools: Tools,
    /// Its files, the archive first.
    pub files: Vec<StoredFile>,
    /// Tables whose rows are in it.
    pub tables: Vec<Table>,
    /// Where its sequences stood.
    pub sequences: Vec<Sequence>,
    /// Its large objects, each counted as a row of what `SELECT oid, encode(lo_get(oid), 'hex') FROM
    /// pg_largeobject_metadata` says: `OID TAB digits`; none where there are none.
    pub large_objects: Option<Fingerprint>,
    /// The pictures that its rows name.
    pub images: Option<Images>,
    /// Seconds by stage: preflight, dump, store, ...
    pub stages: Vec<(String, f64)>,
}

/// The database that a backup is of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name.
    pub database: String,
    /// The server's version, as `server_version_num`: 150018.
    pub server_version: u32,
    /// Which cluster; none where we may not know.
    pub system_identifier: Option<String>,
    /// The name of the exported snapshot that it shows.
    pub snapshot: String,
    /// Its size on the server's disk in bytes.
    pub bytes: u64,
    /// Its encoding: `UTF8`.
    pub encoding: String,
    /// Its order of texts.
    pub collate: String,
    /// Its classes of characters.
    pub ctype: String,
    /// ICU locale, where it uses ICU.
    pub icu_locale: Option<String>,
    /// How it writes money.
    pub lc_monetary: String,
    /// Extensions and their versions.
    pub extensions: Vec<Extension>,
    /// Roles that its objects may belong to or be granted to: all but the built-in ones.
    pub roles: Vec<String>,
}

impl Source {
    /// The encoding of a dump's text, and so of what fingerprints are of: Unicode, but where there is no encoding that could
    /// be converted.
    #[must_use]
    pub fn text_encoding(&self) -> &'static str {
        if self.encoding == "SQL_ASCII" { "SQL_ASCII" } else { "UTF8" }
    }
}

/// An extension of the source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What made a backup.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tools {
    /// This program's version.
    pub repo_to_cat: String,
    /// `pg_dump`'s.
    pub pg_dump: String,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredFile {
    /// Its name in the backup's folder.
    pub name: String,
    /// What is in it.
    pub role: FileRole,
    /// Its size in the store.
    pub bytes: u64,
    /// Its size before compression and encryption.
    pub raw_bytes: u64,
    /// SHA-256 of it as it is stored, in hexadecimal digits.
    pub sha256: String,
}

/// What is in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileRole {
    /// What `pg_dump` wrote.
    Archive,
    /// Rows of one table in COPY's text format, without an end mark.
    Piece {
        /// Which: place in [`Manifest::tables`].
        table: usize,
    },
    /// Roles and tablespaces, as `pg_dumpall --globals-only` writes them.
    Globals,
    /// Keys of the pictures, one a line.
    ImageList,
    /// The pictures themselves, as a tar archive.
    Pictures,
}

/// A table whose rows are in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The columns that were copied, as the COPY statement lists them: `(id, "Weird name")`; empty: a table without any.
    pub columns: String,
    /// What its rows amount to.
    #[serde(flatten)]
    pub fingerprint: Fingerprint,
}

/// Where a sequence stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// The value that it gave last, or will give first.
    pub last_value: i64,
    /// Whether it gave that already.
    pub is_called: bool,
}

/// The pictures that a backup's rows name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Images {
    /// How many.
    pub count: u64,
    /// Whether they are in the backup, too.
    pub copied: bool,
}

impl Manifest {
    /// Rows of all tables.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|table| table.fingerprint.rows).sum()
    }

    /// Size in the store, in bytes, without the manifest.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Size before compression and encryption, in bytes.
    #[must_use]
    pub fn raw_bytes(&self) -> u64 {
        self.files.iter().map(|file| file.raw_bytes).sum()
    }

    /// How long it took, in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        (self.finished_at - self.started_at).as_seconds_f64().max(0.0)
    }

    /// The archive, which every backup has.
    #[must_use]
    pub fn archive(&self) -> Option<&StoredFile> {
        self.files.iter().find(|file| file.role == FileRole::Archive)
    }
}
