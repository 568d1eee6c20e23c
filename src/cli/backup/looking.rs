//! Looking at backups and removing them: types only.
// The doc comments are help texts, where backticks would be in the way.
#![allow(clippy::doc_markdown)]

use clap::Args;

use crate::model::backup::Policy;

/// `backup list`.
#[derive(Debug, Clone, Args)]
pub struct BackupList {
    /// Only those of this database
    #[arg(long, short = 'd', value_name = "DATABASE")]
    pub database: Option<String>,
}

/// `backup show`.
#[derive(Debug, Clone, Args)]
pub struct BackupShow {
    /// A name or its beginning, latest (of our database) or latest:DATABASE
    #[arg(value_name = "BACKUP")]
    pub backup: String,
    /// Every table, not the largest only
    #[arg(long)]
    pub all: bool,
}

/// `backup diff`.
#[derive(Debug, Clone, Args)]
pub struct BackupDiff {
    /// The one: a name or its beginning, latest or latest:DATABASE
    #[arg(value_name = "FROM")]
    pub from: String,
    /// The other
    #[arg(value_name = "TO")]
    pub to: String,
}

/// `backup prune`.
#[derive(Debug, Clone, Args)]
pub struct BackupPrune {
    /// Only those of this database; leftovers stay
    #[arg(long, short = 'd', value_name = "DATABASE")]
    pub database: Option<String>,
    /// What is kept, in place of the settings.
    #[command(flatten)]
    pub keep: Keep,
    /// Remove it, instead of telling what would be removed
    #[arg(long, visible_alias = "yes")]
    pub no_dry_run: bool,
}

/// Rules that hold in place of the settings.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Verified backups to keep [default: the rule of the settings]")]
pub struct Keep {
    /// The newest N
    #[arg(long, value_name = "N")]
    pub keep_last: Option<u64>,
    /// The newest of each of N hours
    #[arg(long, value_name = "N")]
    pub keep_hourly: Option<u64>,
    /// The newest of each of N days
    #[arg(long, value_name = "N")]
    pub keep_daily: Option<u64>,
    /// The newest of each of N weeks
    #[arg(long, value_name = "N")]
    pub keep_weekly: Option<u64>,
    /// The newest of each of N months
    #[arg(long, value_name = "N")]
    pub keep_monthly: Option<u64>,
    /// The newest of each of N years
    #[arg(long, value_name = "N")]
    pub keep_yearly: Option<u64>,
    /// All of the last so many days
    #[arg(long, value_name = "DAYS")]
    pub keep_within_days: Option<u64>,
}

impl Keep {
    /// These rules over others.
    #[must_use]
    pub fn over(&self, policy: &Policy) -> Policy {
        Policy {
            last: self.keep_last.unwrap_or(policy.last),
            hourly: self.keep_hourly.unwrap_or(policy.hourly),
            daily: self.keep_daily.unwrap_or(policy.daily),
            weekly: self.keep_weekly.unwrap_or(policy.weekly),
            monthly: self.keep_monthly.unwrap_or(policy.monthly),
            yearly: self.keep_yearly.unwrap_or(policy.yearly),
            within_days: self.keep_within_days.unwrap_or(policy.within_days),
        }
    }
}
