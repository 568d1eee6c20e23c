//! Where backups are kept: a local folder, or a bucket of whatever speaks S3.
//!
//! A backup is a folder (or a prefix) of its own, named as [`BackupName`] says. It exists when, and only when, its
//! `manifest.json` is there under the final name; until then it is a draft. In a local folder a draft is called
//! `.NAME.draft` and is renamed once everything in it is on the disk; in a bucket the manifest is written last.

use std::time::Duration;

use futures_util::stream::BoxStream;

use crate::model::backup::BackupName;
use crate::model::failure::Result;

/// What the manifest's file is called.
pub const MANIFEST: &str = "manifest.json";

/// What the last drill's report is called.
pub const DRILL: &str = "drill.json";

/// What the file for `sha256sum -c` is called.
pub const SUMS: &str = "SHA256SUMS";

pub use bytes::Bytes;

/// A store of backups. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {}

/// How a bucket is reached.
#[derive(Debug, Clone, Default)]
pub struct S3 {
    /// `https://minio.example:9000`; empty: Amazon's.
    pub endpoint: String,
    /// Its region.
    pub region: String,
    /// Who we are.
    pub access_key_id: String,
    /// The proof of it. Never shown.
    pub secret_access_key: String,
    /// Whether `http://` is allowed.
    pub allow_http: bool,
}

impl Vault {
    /// Opens a store: a path, `file:///path` or `s3://bucket/prefix`. A local folder is made, mode 0700, where it is missing.
    pub fn open(_place: &str, _s3: &S3) -> Result<Self> {
        unimplemented!()
    }

    /// Where it is, for people; no secrets.
    #[must_use]
    pub fn place(&self) -> String {
        unimplemented!()
    }

    /// Begins a backup. What an earlier attempt left under the same name is removed.
    pub async fn begin(&self, _name: &BackupName) -> Result<Draft> {
        unimplemented!()
    }

    /// Names of the backups that exist, oldest first.
    pub async fn list(&self) -> Result<Vec<BackupName>> {
        unimplemented!()
    }

    /// A small file of a backup; none where there is no such file.
    pub async fn get(&self, _name: &BackupName, _file: &str) -> Result<Option<Vec<u8>>> {
        unimplemented!()
    }

    /// A file of a backup from its beginning; a failure of kind `NotFound` where there is none.
    pub async fn read(&self, _name: &BackupName, _file: &str) -> Result<BoxStream<'static, Result<Bytes>>> {
        unimplemented!()
    }

    /// Adds a small file to a backup that exists, or replaces it, as a whole or not at all.
    pub async fn put(&self, _name: &BackupName, _file: &str, _bytes: Vec<u8>) -> Result<()> {
        unimplemented!()
    }

    /// Removes a backup: its manifest first, so that it is gone or whole.
    pub async fn remove(&self, _name: &BackupName) -> Result<()> {
        unimplemented!()
    }

    /// The backup that `DATABASE_latest` points to.
    pub async fn latest(&self, _database: &str) -> Result<Option<BackupName>> {
        unimplemented!()
    }

    /// Moves `DATABASE_latest`, in one step.
    pub async fn set_latest(&self, _name: &BackupName) -> Result<()> {
        unimplemented!()
    }

    /// What killed runs left: drafts, half-removed backups, uploads that were never completed; those older than `grace`.
    /// Removes them unless `dry_run`; returns what they are called.
    pub async fn sweep(&self, _grace: Duration, _dry_run: bool) -> Result<Vec<String>> {
        unimplemented!()
    }

    /// Writes, reads and removes a small file, so that a store that does not take any is found out before it matters.
    pub async fn check(&self) -> Result<()> {
        unimplemented!()
    }

    /// Bytes that are free, where that can be known.
    pub fn free_bytes(&self) -> Result<Option<u64>> {
        unimplemented!()
    }
}

/// A backup that is being made. Dropped without [`Draft::publish`], a local one is removed; [`Draft::discard`] does that
/// for any, and waits.
#[derive(Debug)]
pub struct Draft {}

impl Draft {
    /// Begins a file of it, mode 0600.
    pub async fn create(&self, _file: &str) -> Result<Upload> {
        unimplemented!()
    }

    /// Everything is there: writes the manifest, and the backup exists.
    pub async fn publish(self, _manifest: Vec<u8>) -> Result<()> {
        unimplemented!()
    }

    /// Removes whatever is there of it.
    pub async fn discard(self) -> Result<()> {
        unimplemented!()
    }
}

/// A file that is being written. Dropped without [`Upload::finish`], it is not there.
#[derive(Debug)]
pub struct Upload {}

impl Upload {
    /// Adds bytes; waits while the store is slower than we are.
    pub async fn write(&mut self, _bytes: Bytes) -> Result<()> {
        unimplemented!()
    }

    /// All bytes are there, and durable.
    pub async fn finish(self) -> Result<()> {
        unimplemented!()
    }
}
