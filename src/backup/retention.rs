//! Removing what no rule keeps.

use chrono::Utc;

use super::shelf::Shelved;
use crate::config;
use crate::model::backup::policy::Sorted;
use crate::model::backup::{BackupName, Policy, Verdict};
use crate::model::failure::{Failure, Result};
use crate::providers::vault::Vault;

/// The rules of the settings.
#[must_use]
pub fn policy(settings: &config::Backup) -> Policy {
    Policy {
        last: settings.keep_last,
        hourly: settings.keep_hourly,
        daily: settings.keep_daily,
        weekly: settings.keep_weekly,
        monthly: settings.keep_monthly,
        yearly: settings.keep_yearly,
        within_days: settings.keep_within_days,
    }
}

/// What stays and what goes. What cannot be read stays: nobody knows what it is.
#[must_use]
pub fn plan(shelf: &[Shelved], policy: &Policy) -> Sorted {
    let readable = shelf.iter().filter(|shelved| shelved.problem.is_none());
    let backups: Vec<(BackupName, Verdict)> =
        readable.map(|shelved| (shelved.name.clone(), shelved.verdict())).collect();
    policy.sort(&backups, Utc::now())
}

/// Removes what goes; returns what was removed and, where some could not be, why. One that cannot be removed keeps no other
/// from it.
pub async fn remove(vault: &Vault, sorted: &Sorted) -> (Vec<BackupName>, Result<()>) {
    let (mut removed, mut failed) = (Vec::new(), None::<Failure>);
    for sentence in &sorted.remove {
        match vault.remove(&sentence.name).await {
            Ok(()) => removed.push(sentence.name.clone()),
            Err(failure) => failed = Some(failure),
        }
    }
    (removed, failed.map_or(Ok(()), Err))
}
