//! `backup ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use clap::{Args, Subcommand};

mod making;
mod restoring;

pub use making::{BackupCheck, BackupNow, BackupVerify, Which};
pub use restoring::Restore;

/// `backup ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Backup {
    /// Make a backup now, watch it, and prove that it restores
    #[command(
        after_help = "Examples:\n  repo-to-cat backup now\n  repo-to-cat backup now --database cats --database dogs --format plain\n  repo-to-cat backup now -n public -T 'public.scratch_*' --no-drill\n  repo-to-cat backup now --queue\n  repo-to-cat backup now --standalone\n\nExits with 0 only if every backup was made and, unless --no-drill, verified: 3 where one does not restore, 7 where that could not be tried."
    )]
    Now(Box<BackupNow>),
    /// Prove that a backup restores: fetch it back, restore it into a scratch cluster and compare
    #[command(
        after_help = "Examples:\n  repo-to-cat backup verify latest\n  repo-to-cat backup verify repo_to_cat_20261122_030000Z\n  repo-to-cat backup verify latest --standalone\n\nExits with 0 only if it is verified: 3 where it does not restore to what it was made of, 7 where that could not be tried."
    )]
    Verify(BackupVerify),
    /// Check everything that a backup needs, without making one
    #[command(
        after_help = "Examples:\n  repo-to-cat backup check\n  repo-to-cat backup check --freshness\n\nExits with 7 if something is missing, or if a backup is too old."
    )]
    Check(BackupCheck),
    /// Restore a backup, or a dump of any pg_dump, into a new database, or in the place of one
    #[command(
        after_help = "Examples:\n  repo-to-cat backup restore latest\n  repo-to-cat backup restore latest --into cats_of_yesterday --at '1 day ago'\n  repo-to-cat backup restore backup.sql.gz --into scratch\n  repo-to-cat backup restore repo_to_cat_20261122_030000Z --tables generations,users\n  repo-to-cat backup restore latest --into repo_to_cat --drop-existing --terminate-sessions\n\nEverything is looked at before anything is touched. The dump goes into a new database, is compared with the manifest, and gets its name last: what fails leaves every database as it was."
    )]
    Restore(Box<Restore>),
    /// Say go after a restore: let the jobs run that were parked, and the schedules fire
    #[command(
        after_help = "Examples:\n  repo-to-cat backup release\n  repo-to-cat backup release --yes\n  repo-to-cat backup release --cancel-jobs --yes\n\nWhere nobody can be asked and --yes is not given, it only tells what would be done."
    )]
    Release(Release),
}

/// `backup release`.
#[derive(Debug, Clone, Copy, Args)]
pub struct Release {
    /// Cancel the parked jobs instead; the schedules fire again all the same
    #[arg(long)]
    pub cancel_jobs: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}
