//! Restoring: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use chrono::{DateTime, Utc};
use clap::{Args, ValueHint};

use crate::model::when::past;

/// `backup restore`.
#[derive(Debug, Clone, Args)]
#[allow(clippy::struct_excessive_bools)]
pub struct Restore {
    /// A backup (a name or its beginning, latest or latest:DATABASE), or a file that pg_dump made: plain or custom, compressed
    /// or not
    #[arg(default_value = "latest", value_name = "BACKUP|FILE", value_hint = ValueHint::FilePath)]
    pub what: String,
    /// The last backup of the database that was begun then or before: '2026-11-22 03:00' (UTC), '3 days ago'
    #[arg(long, value_name = "TIME", value_parser = ago)]
    pub at: Option<DateTime<Utc>>,
    /// Name of the restored database [default: DATABASE_restored_TIME, a new one]
    #[arg(long, value_name = "DATABASE")]
    pub into: Option<String>,
    /// Only these tables, separated by commas: schema.table, or table
    #[arg(long, short = 't', value_delimiter = ',', value_name = "TABLES")]
    pub tables: Vec<String>,
    /// Replace the database of that name, once the new one is whole and compared
    #[arg(long, requires = "into")]
    pub drop_existing: bool,
    /// Keep the database that is replaced under another name; it is so unless --discard-old
    #[arg(long, requires = "drop_existing", conflicts_with = "discard_old")]
    pub keep_old: bool,
    /// Drop the database that is replaced, at the end
    #[arg(long, requires = "drop_existing")]
    pub discard_old: bool,
    /// End the sessions of the database that is replaced
    #[arg(long, requires = "drop_existing")]
    pub terminate_sessions: bool,
    /// Connections that write at once [default: backup.jobs]
    #[arg(long, short = 'j', value_parser = clap::value_parser!(u8).range(1..=64), value_name = "N")]
    pub jobs: Option<u8>,
    /// Let everything belong to who restores it, without grants
    #[arg(long)]
    pub no_owners: bool,
    /// Make the roles that the server lacks: as the backup has them, else without a login
    #[arg(long, conflicts_with = "no_owners")]
    pub create_roles: bool,
    /// Do not compare what was restored with the manifest
    #[arg(long)]
    pub no_verify: bool,
    /// Where it fails, keep what there is of the new database
    #[arg(long)]
    pub keep_partial: bool,
    /// Only look whether it can be done, and how
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

fn ago(text: &str) -> Result<DateTime<Utc>, String> {
    past(text, Utc::now())
}
