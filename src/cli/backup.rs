//! `backup ...`: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use clap::{Args, Subcommand};

/// `backup ...`.
#[derive(Debug, Clone, Subcommand)]
pub enum Backup {
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
