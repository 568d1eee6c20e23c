//! The backup job.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Work;
use crate::backup::dump::{self, Run, dump};
use crate::backup::preflight::{preflight, require};
use crate::backup::submit::{database, drill_job};
use crate::backup::telling::{Event, What};
use crate::backup::{Yard, mount};
use crate::db::{Db, backups};
use crate::model::backup::{BackupName, BackupRequest, DrillRequest, Manifest};
use crate::model::check::State;
use crate::model::failure::Result;
use crate::model::job::{ClaimedJob, NewJob};
use crate::model::progress::Step;
use crate::providers::vault::{MANIFEST, Vault};
use crate::queue::enqueue::enqueue;
use crate::queue::journal::Journal;

/// How many of the newest backups are looked at for one that an earlier attempt made.
const LOOK_BACK: usize = 10;

/// Makes a backup, writes it down and asks for its drill.
pub(super) async fn make(work: &Work, cancel: CancellationToken) -> Result<()> {
    let Work { premises, db, job } = work;
    let request: BackupRequest = work.request()?;
    let database = database(request.database.clone(), &premises.config)?;
    if job.claim == 1 {
        premises.tell(&Event::new(What::Started, Some(job.id), &database));
    }
    let yard = premises.open()?;
    if mount::folder(&premises.config).is_some() && !yard.vault.is_begun()? {
        // A host on which it was never mounted cannot know by itself.
        let place = yard.vault.place();
        if backups::are_in(db, &place).await? {
            return Err(mount::gone(&place));
        }
    }
    let mut journal = Journal::open(db.clone(), Arc::clone(job), cancel).await?;
    let made = if job.claim > 1 { made_before(&yard.vault, &database, job).await? } else { None };
    let manifest = if let Some(manifest) = made {
        tracing::info!(backup = %manifest.name, "an earlier attempt made it");
        dump::point_to(&yard.vault, &manifest).await;
        manifest
    } else {
        let run = Run { job: Some(job.id), claim: job.claim };
        let earlier = journal.checkpoint(Step::Preflight).map(|name| (name, run));
        let preparing = Box::pin(prepare(&yard, &database, &request, job.started_at, earlier));
        let name = journal.wait_for_and_keep(Step::Preflight, preparing).await?;
        let dumping = |report| dump(&yard, &name, &request, run, work.metered(report));
        journal.watch(Step::Dump, dumping).await?
    };
    let follows = request.drill.unwrap_or(yard.settings.drill);
    let drill = DrillRequest { backup: Some(manifest.name.clone()), database: None };
    let drill = follows.then(|| drill_job(drill, &premises.config)).transpose()?;
    let alarms = journal.ask(|| work.alarms(&manifest, None)).await?;
    Box::pin(journal.write(Step::Record, || record(db, &manifest, &yard, &alarms, drill.as_ref()))).await?;
    tracing::info!(backup = %manifest.name, bytes = manifest.bytes(), seconds = manifest.seconds(), "backed up");
    premises.tell(&Event { alarms, ..Event::stored(&manifest, Some(job.id)) });
    journal.close().await
}

/// Sees to it that the backup can begin, and names it. Of what an `earlier` attempt began nothing stays, so that it does
/// not take the space of this one.
async fn prepare(
    yard: &Yard,
    database: &str,
    request: &BackupRequest,
    now: DateTime<Utc>,
    earlier: Option<(BackupName, Run)>,
) -> Result<BackupName> {
    if let Some((earlier, run)) = earlier {
        dump::discard(yard, &earlier, run).await?;
    }
    look_first(yard, database, request).await?;
    free_name(&yard.vault, database, now).await
}

/// Looks at everything that the backup needs; fails where something is missing, and says what should be seen to.
pub async fn look_first(yard: &Yard, database: &str, request: &BackupRequest) -> Result<()> {
    let checks = preflight(yard, database, request).await?;
    for check in checks.iter().filter(|check| check.state == State::Warn) {
        tracing::warn!(check = check.name, found = check.found, "before the backup");
    }
    require(&checks)
}

/// Writes a backup down and asks for its drill: both or neither, and once, however often an attempt is repeated.
async fn record(db: &Db, manifest: &Manifest, yard: &Yard, alarms: &[String], drill: Option<&NewJob>) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    let is_new = backups::record(&mut transaction, manifest, &yard.vault.place(), alarms).await?;
    if let Some(job) = drill.filter(|_| is_new) {
        enqueue(&mut transaction, job).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// The backup that an earlier attempt of this job published before it could write it down.
async fn made_before(vault: &Vault, database: &str, job: &ClaimedJob) -> Result<Option<Manifest>> {
    for name in vault.list().await?.iter().rev().filter(|name| name.database() == database).take(LOOK_BACK) {
        // One that cannot be read is none of ours: what we publish can.
        let Some(text) = vault.get(name, MANIFEST).await? else { continue };
        if let Ok(manifest) = Manifest::read(&text, name)
            && manifest.job == Some(job.id)
        {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

/// The name for a backup that begins now; where the clock was set back there may be one of that second.
async fn free_name(vault: &Vault, database: &str, mut now: DateTime<Utc>) -> Result<BackupName> {
    let taken = vault.list().await?;
    loop {
        let name = BackupName::new(database, now);
        if !taken.contains(&name) {
            return Ok(name);
        }
        now += TimeDelta::seconds(1);
    }
}
