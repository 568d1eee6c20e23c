//! Upkeep: sweeping pictures without a row and objects that a killed fetch left, and making history's partitions ahead.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::db::identity::identity;
use crate::db::{Db, generations, history};
use crate::model::failure::Result;
use crate::providers::pictures::Pictures;
use crate::providers::repository::sweep_leftovers;

/// What is kept, and how often.
#[derive(Debug, Clone)]
pub struct Upkeep {
    /// The database.
    pub db: Db,
    /// The picture store.
    pub pictures: Pictures,
    /// Where fetched objects lie while they are needed.
    pub work_folder: PathBuf,
    /// How often, and how old something must be.
    pub settings: config::Scheduler,
}

impl Upkeep {
    /// Sweeps and prepares until `stop`. Any number of processes may do so at once.
    pub async fn run(self, stop: CancellationToken) {
        let keeping = async {
            loop {
                if let Err(failure) = self.once().await {
                    tracing::warn!(%failure, "upkeep failed; trying again later");
                }
                sleep(Duration::from_secs(self.settings.sweep_seconds)).await;
            }
        };
        stop.run_until_cancelled(keeping).await;
    }

    async fn once(&self) -> Result<()> {
        history::prepare(&self.db).await?;
        let grace = Duration::from_secs(self.settings.sweep_grace_seconds);
        let pictures = if self.pictures.is_only_for(&identity(&self.db).await?).await? {
            sweep(&self.db, &self.pictures, grace).await?
        } else {
            tracing::warn!("no pictures are swept: other databases use this store, too; name another in images.store");
            0
        };
        let fetches = sweep_leftovers(&self.work_folder, grace)?;
        if pictures + fetches > 0 {
            tracing::info!(pictures, fetches, "removed what nothing names any more");
        }
        Ok(())
    }
}

/// Removes pictures older than `grace`, whole or half-written, that no generation names; returns how many.
///
/// A worker stores a picture moments before the row that names it: `grace` must be longer than an attempt and a lease
/// may take together, so that whoever stored an older one has committed or can no longer do so.
pub async fn sweep(db: &Db, pictures: &Pictures, grace: Duration) -> Result<usize> {
    let mut swept = 0;
    for keys in pictures.older_than(grace).await?.chunks(1000) {
        let in_use = generations::pictures_in_use(db, keys).await?;
        for key in keys.iter().filter(|key| !in_use.contains(key)) {
            swept += usize::from(pictures.delete_if_older(key, grace).await?);
        }
    }
    Ok(swept + pictures.sweep_unfinished(grace).await?)
}
