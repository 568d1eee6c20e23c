//! Upkeep: history's partitions made ahead and taken away when they are old, pictures without a row and objects that a
//! killed fetch left swept.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::db::identity::identity;
use crate::db::{Db, generations, history, hold};
use crate::model::failure::Result;
use crate::providers::pictures::Pictures;
use crate::providers::work_folder::{Use, sweep_leftovers};
use crate::schedule::retention;

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
    /// How long finished jobs are kept.
    pub retention: config::Retention,
}

impl Upkeep {
    /// Sweeps and prepares until `stop`. Any number of processes may do so at once.
    pub async fn run(self, stop: CancellationToken) {
        let keeping = async {
            loop {
                Box::pin(self.once()).await;
                sleep(Duration::from_secs(self.settings.sweep_seconds)).await;
            }
        };
        stop.run_until_cancelled(keeping).await;
    }

    /// One thing after the other; one that fails keeps none of the others from being done.
    async fn once(&self) {
        let mut done = vec![
            ("preparing history", history::prepare(&self.db).await),
            ("sweeping fetched objects", self.sweep_fetches()),
        ];
        match hold::is_held(&self.db).await {
            Ok(false) => {
                done.push(("pruning history", self.prune().await));
                done.push(("sweeping pictures", self.sweep_pictures().await));
            }
            Ok(true) => tracing::info!("nothing is pruned or swept: this database was restored and nobody said go"),
            Err(failure) => done.push(("looking whether the database was restored", Err(failure))),
        }
        for (what, done) in done {
            if let Err(failure) = done {
                tracing::warn!(%failure, "{what} failed; trying again later");
            }
        }
    }

    async fn prune(&self) -> Result<()> {
        let (pruned, result) = retention::prune(&self.db, &self.retention).await;
        for state in pruned.iter().filter(|state| state.did_something()) {
            let (partitions, rows) = (state.dropped.join(", "), state.rows + state.belongings);
            tracing::info!(state = state.state, partitions, rows, "removed what was finished long ago");
        }
        for state in pruned.iter().filter(|state| !state.busy.is_empty()) {
            let partitions = state.busy.join(", ");
            tracing::warn!(partitions, "old weeks of history are in use by a long transaction; trying again later");
        }
        result
    }

    async fn sweep_pictures(&self) -> Result<()> {
        if !self.pictures.is_only_for(&identity(&self.db).await?).await? {
            tracing::warn!("no pictures are swept: other databases use this store, too; name another in images.store");
            return Ok(());
        }
        let pictures = sweep(&self.db, &self.pictures, Duration::from_secs(self.settings.sweep_grace_seconds)).await?;
        if pictures > 0 {
            tracing::info!(pictures, "removed pictures that nothing names any more");
        }
        Ok(())
    }

    fn sweep_fetches(&self) -> Result<()> {
        let fetches =
            sweep_leftovers(&self.work_folder, Use::Fetch, Duration::from_secs(self.settings.sweep_grace_seconds))?;
        if fetches > 0 {
            tracing::info!(fetches, "removed objects of fetches that were killed");
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
