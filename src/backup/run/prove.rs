//! The drill job.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::Work;
use crate::backup::drill::drill;
use crate::backup::submit::database;
use crate::backup::telling::Event;
use crate::backup::{Yard, retention, shelf};
use crate::db::{Db, backups, hold};
use crate::model::backup::{DrillReport, DrillRequest, Manifest, Verdict};
use crate::model::failure::Result;
use crate::model::job::ClaimedJob;
use crate::model::progress::Step;
use crate::queue::journal::Journal;

/// Tries a backup, writes down what came of it, and lets older ones go where it is proven. A drill that finds a bad backup
/// has done its work: the job is completed, and the alarm is raised.
pub(super) async fn prove(work: &Work, cancel: CancellationToken) -> Result<()> {
    let Work { premises, db, job } = work;
    let request: DrillRequest = work.request()?;
    let yard = premises.open()?;
    let name = if let Some(name) = request.backup {
        name
    } else {
        let database = database(request.database, &premises.config)?;
        // As the database's clock has it, which names backups, too.
        shelf::find(&yard.vault, "latest", &database, Some(job.started_at)).await?
    };
    let mut journal = Journal::open(db.clone(), Arc::clone(job), cancel).await?;
    let trying = |report| drill(&yard, &name, Some(job.id), work.metered(report));
    let report = journal.watch_and_keep(Step::Restore, trying).await?;
    say(&report);
    let manifest = shelf::one(&yard.vault, &name).await?.manifest;
    let alarms = match &manifest {
        Some(manifest) => journal.ask(|| work.alarms(manifest, Some(&report))).await?,
        None => Vec::new(),
    };
    let recording = || record(db, job, &report, manifest.as_ref(), &alarms, &yard);
    Box::pin(journal.write(Step::Record, recording)).await?;
    premises.tell(&Event { alarms, ..Event::drilled(&report, manifest.as_ref(), Some(job.id)) });
    if report.verdict == Verdict::Verified {
        journal.wait_for(Step::Prune, tidy(db, &yard, name.database(), job.started_at)).await?;
    }
    journal.close().await
}

/// Writes down what a drill found, and its backup, where it was made without us.
async fn record(
    db: &Db,
    job: &ClaimedJob,
    report: &DrillReport,
    manifest: Option<&Manifest>,
    alarms: &[String],
    yard: &Yard,
) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    if let Some(manifest) = manifest {
        backups::record(&mut transaction, manifest, &yard.vault.place(), alarms).await?;
    }
    backups::record_drill(&mut transaction, job.id, report, alarms).await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes what no rule keeps of a database's backups, and what killed runs left; nothing in a copy of a database, whose
/// source may still need it.
async fn tidy(db: &Db, yard: &Yard, database: &str, now: DateTime<Utc>) -> Result<()> {
    if hold::is_held(db).await? {
        return Ok(());
    }
    let policy = retention::policy(&yard.settings);
    let shelf = shelf::all(&yard.vault, Some(database)).await?;
    let plan = retention::plan(&shelf, &policy, now);
    let (removed, outcome) = retention::remove(&yard.vault, &plan).await;
    // Those that somebody else removed, too: `backup prune` asks no database.
    let left: Vec<_> = shelf.iter().map(|shelved| &shelved.name).filter(|name| !removed.contains(name)).collect();
    backups::note_gone(db, &yard.vault.place(), database, &removed, &left).await?;
    for name in &removed {
        tracing::info!(backup = %name, "removed: no rule keeps it");
    }
    outcome?;
    let grace = Duration::from_secs(yard.settings.sweep_grace_seconds);
    for name in yard.vault.sweep(grace, false).await? {
        tracing::info!(name, "swept: a killed run left it");
    }
    Ok(())
}

fn say(report: &DrillReport) {
    let DrillReport { backup, reason, .. } = report;
    let reason = reason.as_deref().unwrap_or_default();
    match report.verdict {
        Verdict::Verified => tracing::info!(%backup, rows = report.rows, "verified"),
        Verdict::Failed => tracing::error!(%backup, reason, "this backup does not restore to what it was made of"),
        Verdict::Unverified | Verdict::Unverifiable => {
            tracing::warn!(%backup, reason, "this backup could not be verified");
        }
    }
}
