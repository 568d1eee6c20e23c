//! How long finished jobs are kept: per state, by whole weeks. And the audit log, by days.

use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

use crate::config::Retention;
use crate::db::{Db, audit, retention};
use crate::model::failure::Result;

/// What pruning did to the jobs of one state, or would do.
#[derive(Debug, Clone, Serialize)]
pub struct Pruned {
    /// The state.
    pub state: &'static str,
    /// Jobs that finished before this were old enough.
    pub before: DateTime<Utc>,
    /// Weeks that were dropped.
    pub dropped: Vec<String>,
    /// Weeks that others used at that moment: they are left for the next time.
    pub busy: Vec<String>,
    /// Jobs that were deleted one by one, since they lay in no week.
    pub rows: i64,
    /// Attempts, checkpoints, log lines and unique keys of those jobs.
    pub belongings: i64,
    /// Whether another process did the same at that moment, and this one left it to that.
    pub elsewhere: bool,
}

impl Pruned {
    fn nothing(state: &'static str, before: DateTime<Utc>) -> Self {
        Self { state, before, dropped: Vec::new(), busy: Vec::new(), rows: 0, belongings: 0, elsewhere: false }
    }

    /// Whether anything was removed.
    #[must_use]
    pub fn did_something(&self) -> bool {
        !self.dropped.is_empty() || self.rows + self.belongings > 0
    }
}

/// The states that are not kept for ever, with their days.
fn limits(settings: &Retention) -> impl Iterator<Item = (&'static str, u16)> {
    let Retention { completed_days, discarded_days, cancelled_days, audit_days: _ } = *settings;
    [("completed", completed_days), ("discarded", discarded_days), ("cancelled", cancelled_days)]
        .into_iter()
        .filter(|(_, days)| *days > 0)
}

/// Removes what is old enough; tells what was done, and what went wrong first. Any number of processes may do so at
/// once: each piece is done by one of them.
pub async fn prune(db: &Db, settings: &Retention) -> (Vec<Pruned>, Result<()>) {
    let (mut all, mut result) = (Vec::new(), Ok(()));
    for (state, days) in limits(settings) {
        match prune_state(db, state, days).await {
            Ok(pruned) => all.push(pruned),
            Err(failure) => result = result.and(Err(failure)),
        }
    }
    let result = result.and(delete_expired_keys(db).await);
    (all, result.and(shorten_the_audit_log(db, settings.audit_days).await))
}

async fn prune_state(db: &Db, state: &'static str, days: u16) -> Result<Pruned> {
    let before = retention::kept_since(db, days).await?;
    let mut pruned = Pruned::nothing(state, before);
    // What belongs to the jobs first: without their rows nothing would lead to it.
    let mut after = Uuid::nil();
    loop {
        let Some(batch) = retention::forget(db, state, before, after).await? else {
            return Ok(Pruned { elsewhere: true, ..pruned });
        };
        pruned.belongings += batch.deleted;
        let Some(last) = batch.last else { break };
        after = last;
    }
    for partition in retention::partitions_before(db, state, before).await? {
        match retention::drop_partition(db, &partition.name).await? {
            None => return Ok(Pruned { elsewhere: true, ..pruned }),
            Some(true) => pruned.dropped.push(partition.name),
            // Who holds one of them holds its parent, which every drop needs.
            Some(false) => {
                pruned.busy.push(partition.name);
                return Ok(pruned);
            }
        }
    }
    // What is left lies in the default partition.
    let mut after = Uuid::nil();
    loop {
        let Some(batch) = retention::delete_rows(db, state, before, after).await? else {
            return Ok(Pruned { elsewhere: true, ..pruned });
        };
        pruned.rows += batch.deleted;
        let Some(last) = batch.last else { return Ok(pruned) };
        after = last;
    }
}

async fn delete_expired_keys(db: &Db) -> Result<()> {
    while retention::delete_expired_keys(db).await?.is_some_and(|keys| keys > 0) {}
    Ok(())
}

async fn shorten_the_audit_log(db: &Db, days: u16) -> Result<()> {
    while days > 0 && audit::forget(db, days).await? > 0 {}
    Ok(())
}

/// What [`prune`] would do to the jobs of one state.
#[derive(Debug, Clone, Serialize)]
pub struct Prunable {
    /// The state.
    pub state: &'static str,
    /// Jobs that finished before this are old enough.
    pub before: DateTime<Utc>,
    /// Weeks that would be dropped.
    pub weeks: Vec<String>,
    /// About how many jobs those have.
    pub estimated_jobs: i64,
    /// What they take on disk.
    pub bytes: i64,
    /// Jobs that would be deleted one by one.
    pub rows: i64,
}

/// Tells what [`prune`] would do.
pub async fn prunable(db: &Db, settings: &Retention) -> Result<Vec<Prunable>> {
    let mut all = Vec::new();
    for (state, days) in limits(settings) {
        let before = retention::kept_since(db, days).await?;
        let weeks = retention::partitions_before(db, state, before).await?;
        all.push(Prunable {
            state,
            before,
            estimated_jobs: weeks.iter().map(|week| week.rows).sum(),
            bytes: weeks.iter().map(|week| week.bytes).sum(),
            rows: retention::loose_before(db, state, before).await?,
            weeks: weeks.into_iter().map(|week| week.name).collect(),
        });
    }
    Ok(all)
}
