//! Upkeep: sweeping pictures without a row, and making history's partitions ahead.

use std::time::Duration;

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config;
use crate::db::{Db, generations, history};
use crate::model::failure::Result;
use crate::providers::pictures::Pictures;

/// Sweeps and prepares until `stop`. Any number of processes may do so at once.
pub async fn run(db: Db, pictures: Pictures, settings: config::Scheduler, stop: CancellationToken) {
    let keeping = async {
        loop {
            match keep_house(&db, &pictures, &settings).await {
                Ok(0) => {}
                Ok(swept) => tracing::info!(swept, "removed pictures that no generation names"),
                Err(failure) => tracing::warn!(%failure, "upkeep failed; trying again later"),
            }
            sleep(Duration::from_secs(settings.sweep_seconds)).await;
        }
    };
    stop.run_until_cancelled(keeping).await;
}

async fn keep_house(db: &Db, pictures: &Pictures, settings: &config::Scheduler) -> Result<usize> {
    history::prepare(db).await?;
    sweep(db, pictures, Duration::from_secs(settings.sweep_grace_seconds)).await
}

/// Removes pictures older than `grace` that no generation names; returns how many.
///
/// A worker stores a picture moments before the row that names it: `grace` must be longer than an attempt and a lease
/// may take together, so that whoever stored an older one has committed or can no longer do so.
pub async fn sweep(db: &Db, pictures: &Pictures, grace: Duration) -> Result<usize> {
    let mut swept = 0;
    for keys in pictures.older_than(grace).await?.chunks(1000) {
        let in_use = generations::pictures_in_use(db, keys).await?;
        for key in keys.iter().filter(|key| !in_use.contains(key)) {
            pictures.delete(key).await?;
            swept += 1;
        }
    }
    Ok(swept)
}
