//! Removing what no rule keeps.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::shelf::Shelved;
use crate::config;
use crate::model::backup::policy::{Candidate, Sorted};
use crate::model::backup::{BackupName, Policy};
use crate::model::failure::{Failure, Kind, Result};
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
pub fn plan(shelf: &[Shelved], policy: &Policy, now: DateTime<Utc>) -> Sorted {
    let readable = shelf.iter().filter(|shelved| shelved.problem.is_none());
    let candidate = |shelved: &Shelved| {
        let selection = shelved.manifest.as_ref()?.selection.clone();
        Some(Candidate { name: shelved.name.clone(), selection, verdict: shelved.verdict() })
    };
    policy.sort(&readable.filter_map(candidate).collect::<Vec<_>>(), now)
}

/// Removes what goes; returns what is gone and, where some could not be removed, why. One that cannot be removed keeps no
/// other from it; one that somebody else has just removed is gone, too.
pub async fn remove(vault: &Vault, sorted: &Sorted) -> (Vec<BackupName>, Result<()>) {
    let (mut removed, mut failed) = (Vec::new(), None::<Failure>);
    for sentence in &sorted.remove {
        match vault.remove(&sentence.name).await {
            Err(failure) if failure.kind() != Kind::NotFound => failed = Some(failure),
            Ok(()) | Err(_) => removed.push(sentence.name.clone()),
        }
    }
    (removed, failed.map_or(Ok(()), Err))
}

/// What stays and goes of a store, and what is gone.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Pruned {
    /// Whether nothing was to be removed.
    pub dry_run: bool,
    /// What stays and goes, and why.
    #[serde(flatten)]
    pub sorted: Sorted,
    /// Backups that are gone.
    pub removed: Vec<BackupName>,
    /// What killed runs left, which is gone, too; only where the backups of all databases were looked at.
    pub leftovers: Vec<String>,
    /// What was looked at.
    #[serde(skip)]
    #[schema(ignore)]
    pub shelf: Vec<Shelved>,
}

/// Removes what no rule keeps of the backups of all databases, or of one; or only tells. The second value says why some
/// could not be removed.
pub async fn prune(
    vault: &Vault,
    database: Option<&str>,
    policy: &Policy,
    grace: Duration,
    dry_run: bool,
) -> Result<(Pruned, Result<()>)> {
    let shelf = super::shelf::all(vault, database).await?;
    let sorted = plan(&shelf, policy, Utc::now());
    let (removed, done) = if dry_run { (Vec::new(), Ok(())) } else { remove(vault, &sorted).await };
    // A leftover may be of any database.
    let leftovers = if database.is_none() { vault.sweep(grace, dry_run).await? } else { Vec::new() };
    Ok((Pruned { dry_run, sorted, removed, leftovers, shelf }, done))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::backup::policy::Sentence;
    use crate::providers::vault::S3;

    #[tokio::test]
    async fn what_somebody_else_has_removed_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::open(folder.path().to_str().unwrap(), &S3::default()).unwrap();
        let names = ["cats_20261121_030000Z", "cats_20261122_030000Z"].map(|name| BackupName::parse(name).unwrap());
        vault.begin(&names[1]).await.unwrap().publish(b"{}".to_vec()).await.unwrap();
        let goes = |name: &BackupName| Sentence { name: name.clone(), reasons: vec![] };
        let sorted = Sorted { keep: vec![], remove: names.iter().map(goes).collect() };
        let (removed, done) = remove(&vault, &sorted).await;
        done.unwrap();
        assert_eq!(removed, names);
        assert_eq!(vault.list().await.unwrap(), []);
    }
}
