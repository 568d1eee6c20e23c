//! The store of backups, which may be slow, or far away, or gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout};

use crate::backup::shelf;
use crate::backup::submit::database;
use crate::backup::yard::vault;
use crate::http::Site;
use crate::model::backup::BackupName;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::Vault;

/// How long the store may take: who waits longer for an answer is not helped by it.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a page waits for a list of the store.
const PAGE_PATIENCE: Duration = Duration::from_secs(2);
/// For so long a list is shown again: a bucket's costs money, and pages ask for it again and again.
const SHELF_LIFE: Duration = Duration::from_mins(1);
/// The same where there was none: somebody may be mending it.
const FAULT_LIFE: Duration = Duration::from_secs(10);

/// What was last found in the store, and until when it holds.
#[derive(Debug)]
pub struct Found {
    names: Result<Arc<[BackupName]>, Arc<Failure>>,
    until: Instant,
}

/// The last list of the store; whoever asks while it is made waits for it.
pub type Last = Arc<Mutex<Option<Found>>>;

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

    /// The backups in the store, the oldest first, as they were within the last minute. It fails soon where the store takes
    /// its time: the list is made all the same, for who asks next.
    pub async fn stored(&self) -> Result<Arc<[BackupName]>> {
        let site = self.clone();
        let listing = tokio::spawn(async move { site.listed().await });
        match timeout(PAGE_PATIENCE, listing).await {
            Ok(Ok(names)) => names.map_err(|why| {
                let failure = Failure::new(why.kind(), why.what());
                let hint = why.hint_text().map(ToOwned::to_owned);
                hint.into_iter().fold(failure, Failure::hint).source(why)
            }),
            Ok(Err(error)) => Err(Failure::new(Kind::Internal, "listing the store of backups broke").source(error)),
            Err(_) => {
                let what = format!("the store of backups has not answered within {} s", PAGE_PATIENCE.as_secs());
                Err(Failure::new(Kind::Unavailable, what).hint("it is still being asked: look again soon"))
            }
        }
    }

    async fn listed(&self) -> Result<Arc<[BackupName]>, Arc<Failure>> {
        let mut last = self.stored.lock().await;
        if let Some(found) = last.as_ref().filter(|found| found.until > Instant::now()) {
            return found.names.clone();
        }
        let names = self.in_store(async |vault| vault.list().await).await.map(Arc::from).map_err(Arc::new);
        let holds = if names.is_ok() { SHELF_LIFE } else { FAULT_LIFE };
        *last = Some(Found { names: names.clone(), until: Instant::now() + holds });
        names
    }
}

/// The backup that `called` means.
pub(super) async fn find(site: &Site, vault: &Vault, called: &str) -> Result<BackupName> {
    shelf::find(vault, called, &database(None, &site.config)?, None).await
}
