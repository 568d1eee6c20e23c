//! The store of backups, which may be slow, or far away, or gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::backup::shelf;
use crate::backup::submit::database;
use crate::backup::yard::vault;
use crate::http::Site;
use crate::model::backup::BackupName;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::Vault;

/// How long the store may take: who waits longer for an answer is not helped by it.
const PATIENCE: Duration = Duration::from_secs(15);

impl Site {
    /// Opens the store of backups and works with it, for a while.
    pub async fn in_store<T>(&self, work: impl AsyncFnOnce(Vault) -> Result<T>) -> Result<T> {
        let config = Arc::clone(&self.config);
        let done = timeout(PATIENCE, async {
            let opened = spawn_blocking(move || vault(&config)).await;
            work(opened.map_err(|error| Failure::new(Kind::Internal, "opening the store broke").source(error))??).await
        });
        done.await.unwrap_or_else(|_| {
            let what = format!("the store of backups did not answer in {} s", PATIENCE.as_secs());
            Err(Failure::new(Kind::Unavailable, what).hint("look at backup.store"))
        })
    }
}

/// The backup that `called` means.
pub(super) async fn find(site: &Site, vault: &Vault, called: &str) -> Result<BackupName> {
    shelf::find(vault, called, &database(None, &site.config)?, None).await
}
