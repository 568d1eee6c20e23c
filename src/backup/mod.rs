//! Backups: made from a snapshot, streamed into a store, proven by a drill, restored.
//!
//! [`submit`] makes the jobs. [`run`] is the backup job: [`preflight`], then [`dump`], which holds a snapshot, runs
//! `pg_dump` under it, and sends what it writes through [`archive`] (which tells rows from the rest, to fingerprint them)
//! and [`pipe`] (compress, encrypt, checksum) into a [vault](crate::providers::vault). [`drill`] fetches a backup back, restores it with [`restore`] into a
//! scratch cluster and compares.

pub mod archive;
pub mod comparing;
pub mod drill;
pub mod dump;
pub mod guard;
pub mod mount;
pub mod pipe;
pub mod preflight;
pub mod restore;
pub mod retention;
pub mod run;
pub mod shelf;
mod stopping;
pub mod submit;
pub mod telling;
pub mod yard;

use std::path::PathBuf;
use std::sync::Arc;

use crate::config;
use crate::db::server::Server;
use crate::model::progress::Report;
use crate::providers::pictures::Pictures;
use crate::providers::vault::Vault;

/// All that backups, drills and restores work with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Yard {
    /// The settings.
    pub settings: config::Backup,
    /// The server that the databases are on.
    pub server: Server,
    /// Folder with `PostgreSQL`'s programs; empty: those of the server's version, or newer.
    pub bin_folder: PathBuf,
    /// Where backups are kept.
    pub vault: Vault,
    /// Where the pictures are that our database's rows name.
    pub pictures: Pictures,
    /// Folder for scratch clusters and temporary files; servers may pass through it, nobody may look.
    pub scratch_folder: PathBuf,
    /// This program, which guards scratch clusters in a child of itself.
    pub program: PathBuf,
}

/// Receives how far a stage is, and tells whether to stop.
pub type Reporter = Arc<dyn Report>;
