//! Loading a dump into an empty database.

use std::path::Path;

use crate::backup::{Reporter, Yard};
use crate::db::server::Server;
use crate::model::backup::{BackupName, Manifest};
use crate::model::failure::Result;

/// What is loaded.
#[derive(Debug, Clone)]
pub enum Dump<'a> {
    /// A backup of the store.
    Stored(&'a BackupName, &'a Manifest),
    /// A file, whatever made it: `pg_dump`'s plain or custom format, compressed or encrypted or not.
    File(&'a Path),
}

/// How it is loaded.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Connections that write at once; 0: two.
    pub jobs: u8,
    /// Only these tables, as `schema.table` or `table`; empty: all.
    pub tables: Vec<String>,
    /// Whether objects get their owners and grants; where their roles are missing, that fails.
    pub owners: bool,
    /// Whether the content of files is compared with the manifest's fingerprints while they are read.
    pub verify: bool,
}

/// What was loaded.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Loaded {
    /// Bytes read from the store.
    pub fetched_bytes: u64,
    /// Rows written.
    pub rows: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
}

/// Loads a dump into `database` of `target`, which exists and is empty. Stops at the first error.
pub async fn load(
    _yard: &Yard,
    _dump: Dump<'_>,
    _target: &Server,
    _database: &str,
    _options: &Options,
    _report: Reporter,
) -> Result<Loaded> {
    unimplemented!()
}
