//! One dump: a snapshot, `pg_dump` under it, and its way into the store.
//!
//! [`plan`] completes the request. A [`Holder`] keeps the snapshot that all of it shows, and the lock that keeps other
//! runs away. [`stream`] takes what `pg_dump` writes, [`pieces`] the rows of large tables, [`images`] the pictures; each
//! becomes one of the [`files`]. Meanwhile [`watch`] looks whether to go on, [`meter`] tells how far it is, and the [`Guard`]
//! sees to it that nobody waits for us too long.

mod files;
mod images;
mod making;
mod meter;
mod pieces;
mod plan;
mod rows;
mod stream;
mod tar;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use crate::backup::guard::Guard;
use crate::backup::{Reporter, Yard};
use crate::db::source::Holder;
use crate::db::source::ending::end_sessions;
use crate::model::backup::{BackupName, BackupRequest, Manifest};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::{Draft, MANIFEST, Vault};
use files::Files;
use making::Making;
use meter::Meter;
use plan::Plan;
use watch::{Halt, clear_away, unless_stopped};

/// Which run of which job a dump belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// The job; none without a queue.
    pub job: Option<Uuid>,
    /// How often it was claimed, this time included.
    pub claim: i32,
}

impl Run {
    /// What its sessions are called in `pg_stat_activity`: the next claim ends what a dead one left.
    fn application(&self) -> String {
        format!("repo-to-cat/backup/{}/{}", self.job.unwrap_or_else(Uuid::now_v7), self.claim)
    }
}

/// Makes a backup under `name` and publishes it. Whatever fails, nothing is left under the final name, no process and no
/// session; a failure of kind `Throttled` means that it gave way to a waiting session, or that another run is at it.
pub async fn dump(
    yard: &Yard,
    name: &BackupName,
    request: &BackupRequest,
    run: Run,
    report: Reporter,
) -> Result<Manifest> {
    let making = Making {
        yard,
        name,
        plan: Plan::of(&yard.settings, request)?,
        run,
        application: run.application(),
        started_at: Utc::now(),
        meter: Arc::new(Meter::default()),
    };
    let made = carry_out(&making, &report).await;
    if made.is_err() {
        let (server, database, application) =
            (yard.server.clone(), name.database().to_owned(), making.application.clone());
        clear_away("sessions", async move { end_sessions(&server, &database, &application).await }).await;
    }
    made
}

async fn carry_out(making: &Making<'_>, report: &Reporter) -> Result<Manifest> {
    let (vault, name) = (&making.yard.vault, making.name);
    // The lock first: who has it may remove what an earlier attempt left under this name.
    let holding = Holder::open(&making.yard.server, name.database(), &making.application);
    let holder = unless_stopped(report, &making.meter, holding).await?;
    let draft = unless_stopped(report, &making.meter, vault.begin(name)).await?;
    match make(making, &draft, holder, report).await {
        Ok((manifest, holder)) => {
            publish(making, draft, &manifest, report).await?;
            holder.close().await;
            Ok(manifest)
        }
        Err(failure) => {
            clear_away("files", draft.discard()).await;
            Err(failure)
        }
    }
}

/// Makes the files, unless somebody has to wait for us too long. Afterwards no thread of it runs any more.
async fn make(making: &Making<'_>, draft: &Draft, holder: Holder, report: &Reporter) -> Result<(Manifest, Holder)> {
    let threads = TaskTracker::new();
    let made = {
        let halt = Halt::default();
        let files = Files { draft, name: making.name, plan: &making.plan, halt: &halt, threads: &threads };
        let patience = Duration::from_secs(making.yard.settings.yield_seconds);
        let guard = Guard::watch(&making.yard.server, making.name.database(), &making.application, patience);
        let making_way = async {
            tokio::select! {
                complaint = guard.wait() => Err(complaint),
                made = making.make(&files, holder) => made,
            }
        };
        unless_stopped(report, &making.meter, making_way).await
    };
    threads.close();
    let ended = async move {
        threads.wait().await;
        Ok(())
    };
    clear_away("threads", ended).await;
    made
}

/// Lets the backup exist, and then `DATABASE_latest` point to it.
async fn publish(making: &Making<'_>, draft: Draft, manifest: &Manifest, report: &Reporter) -> Result<()> {
    let (vault, name) = (&making.yard.vault, making.name);
    let text = serde_json::to_vec_pretty(manifest)
        .map_err(|error| Failure::new(Kind::Internal, "a manifest cannot be written").source(error))?;
    let published = unless_stopped(report, &making.meter, draft.publish(text.clone())).await;
    if published.is_err() {
        clear_away("the manifest", unpublish(vault.clone(), name.clone(), text)).await;
        return published;
    }
    let pointing = async {
        point_to(vault, manifest).await;
        Ok(())
    };
    // Stopped now, the backup is made all the same.
    _ = unless_stopped(report, &making.meter, pointing).await;
    Ok(())
}

/// Moves `DATABASE_latest` to a backup that was published, if it is one of the whole database. That is for people: we go by
/// the names.
pub async fn point_to(vault: &Vault, manifest: &Manifest) {
    if manifest.selection.is_everything()
        && let Err(failure) = vault.set_latest(&manifest.name).await
    {
        let backup = &manifest.name;
        tracing::warn!(error = %failure, %backup, "the backup was made, but the latest one is said to be an older one");
    }
}

/// Removes what an earlier claim of a job left of the backup `name`. It takes the lock for it: whoever had it is told to go,
/// or is somebody else, which is a failure of kind `Throttled`.
pub async fn discard(yard: &Yard, name: &BackupName, run: Run) -> Result<()> {
    let holder = Holder::open(&yard.server, name.database(), &run.application()).await?;
    let discarded = async { yard.vault.begin(name).await?.discard().await }.await;
    holder.close().await;
    discarded
}

/// Removes a backup of ours that came to be although we were told that it did not.
async fn unpublish(vault: Vault, name: BackupName, manifest: Vec<u8>) -> Result<()> {
    if vault.get(&name, MANIFEST).await? == Some(manifest) {
        vault.remove(&name).await?;
    }
    Ok(())
}
