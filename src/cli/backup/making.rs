//! Making backups and proving them: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use clap::Args;

use crate::model::backup::{BackupRequest, Compression, Format, Selection};

/// `backup now`.
#[derive(Debug, Clone, Args)]
pub struct BackupNow {
    /// A database of the configured server; may be repeated. Ours if left out
    #[arg(long, short = 'd', value_name = "DATABASE")]
    pub database: Vec<String>,
    /// plain (SQL, for psql), custom (for pg_restore) or directory (large tables in pieces, read in parallel)
    #[arg(long, short = 'F', value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// zstd, gzip, lz4 or none
    #[arg(long, short = 'Z', value_enum, value_name = "COMPRESSION")]
    pub compression: Option<Compression>,
    /// How hard to compress: 1 to 19 for zstd, 1 to 9 for gzip
    #[arg(long, value_name = "N")]
    pub level: Option<u8>,
    /// Connections that read at once; directory format only
    #[arg(long, short = 'j', value_name = "N")]
    pub jobs: Option<u8>,
    /// Only these tables: pg_dump's pattern; may be repeated
    #[arg(long, short = 't', value_name = "PATTERN")]
    pub table: Vec<String>,
    /// All but these tables
    #[arg(long, short = 'T', value_name = "PATTERN")]
    pub exclude_table: Vec<String>,
    /// Only these schemas
    #[arg(long, short = 'n', value_name = "PATTERN")]
    pub schema: Vec<String>,
    /// All but these schemas
    #[arg(long, short = 'N', value_name = "PATTERN")]
    pub exclude_schema: Vec<String>,
    /// Add roles and tablespaces of the whole server
    #[arg(long)]
    pub globals: bool,
    /// Copy the pictures that its rows name beside it
    #[arg(long)]
    pub with_images: bool,
    /// Do not prove that it restores
    #[arg(long)]
    pub no_drill: bool,
    /// Only enqueue it for a worker, and print the job's id
    #[arg(long, conflicts_with = "standalone")]
    pub queue: bool,
    /// Without the queue and its history, such as before a migration
    #[arg(long)]
    pub standalone: bool,
}

impl BackupNow {
    /// One request for each database.
    #[must_use]
    pub fn requests(&self) -> Vec<BackupRequest> {
        let request = BackupRequest {
            database: None,
            format: self.format,
            compression: self.compression,
            level: self.level,
            jobs: self.jobs,
            selection: Selection {
                tables: self.table.clone(),
                exclude_tables: self.exclude_table.clone(),
                schemas: self.schema.clone(),
                exclude_schemas: self.exclude_schema.clone(),
            },
            globals: self.globals.then_some(true),
            with_images: self.with_images.then_some(true),
            drill: self.no_drill.then_some(false),
        };
        if self.database.is_empty() {
            return vec![request];
        }
        let of = |database: &String| BackupRequest { database: Some(database.clone()), ..request.clone() };
        self.database.iter().map(of).collect()
    }
}

/// `backup verify`.
#[derive(Debug, Clone, Args)]
pub struct BackupVerify {
    /// Name of the backup or what it begins with, latest, or latest:DATABASE
    #[arg(value_name = "BACKUP")]
    pub backup: String,
    /// Of which database latest is meant; ours if left out
    #[arg(long, short = 'd', value_name = "DATABASE")]
    pub database: Option<String>,
    /// Without the queue and its history: only the store is needed
    #[arg(long)]
    pub standalone: bool,
}

/// `backup check`.
#[derive(Debug, Clone, Args)]
pub struct BackupCheck {
    /// A database of the configured server; ours if left out
    #[arg(long, short = 'd', value_name = "DATABASE")]
    pub database: Option<String>,
    /// Only whether there is a verified backup that is not older than backup.fresh_hours
    #[arg(long)]
    pub freshness: bool,
}
