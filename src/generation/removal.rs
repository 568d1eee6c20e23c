//! Taking cats away: rows, then the pictures that nothing else names and that no worker may be about to name.

use std::time::Duration;

use uuid::Uuid;

use crate::config::Worker;
use crate::db::identity::identity;
use crate::db::{Db, generations, hold, inspect};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::pictures::{KEYS, Pictures};

/// Deletes a generation, and its pictures where they may go now.
pub async fn remove(db: &Db, pictures: &Pictures, worker: &Worker, id: Uuid) -> Result<()> {
    let keys = match generations::delete(db, id).await {
        Ok(keys) => keys,
        Err(failure) if failure.kind() == Kind::NotFound => {
            return Err(unfinished(db, id).await?.unwrap_or(failure));
        }
        Err(failure) => return Err(failure),
    };
    sweep(db, pictures, worker, &keys).await
}

/// Why there is nothing to delete yet, where the job of that id has not come to its end.
async fn unfinished(db: &Db, id: Uuid) -> Result<Option<Failure>> {
    let job = match inspect::job(db, id).await {
        Err(failure) if failure.kind() == Kind::NotFound => return Ok(None),
        job => job?,
    };
    Ok((!job.state()?.is_final()).then(|| {
        Failure::new(Kind::Conflict, format!("generation {id} is {}, not finished", job.state))
            .hint("cancel its job, or wait for its end")
    }))
}

/// Removes those of the pictures that may go now; the others are the sweeper's.
pub async fn sweep(db: &Db, pictures: &Pictures, worker: &Worker, keys: &[String]) -> Result<()> {
    let young = Duration::from_secs(worker.attempt_seconds + 2 * worker.lease_seconds);
    if hold::is_held(db).await? || !pictures.is_only_for(&identity(db).await?).await? {
        return Ok(());
    }
    let in_use = generations::pictures_in_use(db, keys).await?;
    for key in keys.iter().filter(|key| key.starts_with(KEYS) && !in_use.contains(key)) {
        pictures.delete_if_older(key, young).await?;
    }
    Ok(())
}
