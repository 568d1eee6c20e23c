//! The jobs: a backup is made and written down, a drill tries it, and what the drill proves lets older ones go.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::backup::drill::drill;
use crate::backup::dump::{Run, dump};
use crate::backup::preflight::{preflight, require};
use crate::backup::submit::{database, drill_job};
use crate::backup::yard::Premises;
use crate::backup::{Reporter, Yard};
use crate::db::attempts::AttemptRow;
use crate::db::{Db, attempts, backups};
use crate::model::backup::{BackupName, BackupRequest, DrillReport, DrillRequest, Manifest, Verdict};
use crate::model::check::State;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, JobKind, NewJob, Outcome};
use crate::model::progress::{Report, Step};
use crate::providers::vault::{MANIFEST, Vault};
use crate::queue::enqueue::enqueue;
use crate::queue::journal::Journal;
use crate::telemetry::metrics;

/// How long a backup that gave way is put off at first; doubled for each further time.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// The longest that it is put off at once.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// Once it has given way for so long, that is a failure.
const PATIENCE: TimeDelta = TimeDelta::hours(6);

/// How many of the newest backups are looked at for one that an earlier attempt made.
const LOOK_BACK: usize = 10;

/// Runs a backup or a drill.
pub async fn run(
    kind: JobKind,
    premises: Premises,
    db: Db,
    job: Arc<ClaimedJob>,
    cancel: CancellationToken,
) -> Outcome {
    let done = match kind {
        JobKind::Drill => try_backup(&premises, &db, &job, cancel).await,
        _ => make(&premises, &db, &job, cancel).await,
    };
    match done {
        Ok(()) => Outcome::Completed(None),
        Err(failure) if failure.kind() == Kind::Cancelled => Outcome::HandedBack,
        Err(failure) if failure.kind() == Kind::Throttled => put_off(&db, &job, failure).await,
        Err(failure) => Outcome::Failed(failure),
    }
}

async fn make(premises: &Premises, db: &Db, job: &Arc<ClaimedJob>, cancel: CancellationToken) -> Result<()> {
    let request: BackupRequest = payload(job)?;
    let database = database(request.database.clone(), &premises.config)?;
    let yard = premises.open()?;
    let mut journal = Journal::open(db.clone(), Arc::clone(job), cancel).await?;
    let made = if job.claim > 1 { made_before(&yard.vault, &database, job).await? } else { None };
    let manifest = match made {
        Some(manifest) => {
            tracing::info!(backup = %manifest.name, "an earlier attempt made it");
            manifest
        }
        None => {
            let name = free_name(&yard.vault, &database, job.started_at).await?;
            journal.wait_for(Step::Preflight, look_first(&yard, &database, &request)).await?;
            let run = Run { job: Some(job.id), claim: job.claim };
            let dumping = |report| dump(&yard, &name, &request, run, Metered::of(job, report));
            journal.watch(Step::Dump, dumping).await?
        }
    };
    let follows = request.drill.unwrap_or(yard.settings.drill);
    let drill = DrillRequest { backup: Some(manifest.name.clone()), database: None };
    let drill = follows.then(|| drill_job(drill, &premises.config)).transpose()?;
    journal.write(Step::Record, || record(db, &manifest, &yard, drill.as_ref())).await?;
    tracing::info!(backup = %manifest.name, bytes = manifest.bytes(), seconds = manifest.seconds(), "backed up");
    journal.close().await
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
async fn record(db: &Db, manifest: &Manifest, yard: &Yard, drill: Option<&NewJob>) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    let is_new = backups::record(&mut transaction, manifest, &yard.vault.place()).await?;
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
        if let Ok(manifest) = serde_json::from_slice::<Manifest>(&text)
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

/// Puts a job off that gave way to others. Where it has done nothing else for hours, it has failed.
async fn put_off(db: &Db, job: &ClaimedJob, failure: Failure) -> Outcome {
    match attempts::of_job(db, job.id).await {
        Ok(attempts) => match wait(&attempts, job.started_at) {
            Some(wait) => Outcome::Snoozed(failure.retry_after().unwrap_or_default().max(wait), failure.to_string()),
            None => Outcome::Failed(failure),
        },
        Err(_) => Outcome::Failed(failure),
    }
}

/// How long to wait after an attempt that gave way; none where it is enough.
fn wait(attempts: &[AttemptRow], now: DateTime<Utc>) -> Option<Duration> {
    let put_off: Vec<_> = attempts.iter().rev().take_while(|attempt| attempt.outcome == "snoozed").collect();
    let first = put_off.last().and_then(|attempt| attempt.started_at);
    if first.is_some_and(|first| now - first >= PATIENCE) {
        return None;
    }
    let doublings = u32::try_from(put_off.len()).unwrap_or(u32::MAX).min(10);
    Some(FIRST_WAIT.saturating_mul(1 << doublings).min(LONGEST_WAIT))
}

async fn try_backup(premises: &Premises, db: &Db, job: &Arc<ClaimedJob>, cancel: CancellationToken) -> Result<()> {
    let request: DrillRequest = payload(job)?;
    let yard = premises.open()?;
    let name = match request.backup {
        Some(name) => name,
        None => latest(&yard.vault, &database(request.database, &premises.config)?).await?,
    };
    let mut journal = Journal::open(db.clone(), Arc::clone(job), cancel).await?;
    let trying = |report| drill(&yard, &name, Some(job.id), Metered::of(job, report));
    let report = journal.watch_and_keep(Step::Restore, trying).await?;
    say(&report);
    let manifest = manifest(&yard.vault, &name).await;
    journal.write(Step::Record, || record_drill(db, job, &report, manifest.as_ref(), &yard)).await?;
    if report.verdict == Verdict::Verified {
        // seam: retention
        journal.wait_for(Step::Prune, async { Ok(()) }).await?;
    }
    journal.close().await
}

/// Writes down what a drill found, and its backup, where it was made without us.
async fn record_drill(
    db: &Db,
    job: &ClaimedJob,
    report: &DrillReport,
    manifest: Option<&Manifest>,
    yard: &Yard,
) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    if let Some(manifest) = manifest {
        backups::record(&mut transaction, manifest, &yard.vault.place()).await?;
    }
    backups::record_drill(&mut transaction, job.id, report).await?;
    transaction.commit().await?;
    Ok(())
}

fn say(report: &DrillReport) {
    let DrillReport { backup, reason, .. } = report;
    let reason = reason.as_deref().unwrap_or_default();
    match report.verdict {
        Verdict::Verified => tracing::info!(%backup, rows = report.rows, "verified"),
        Verdict::Failed => tracing::error!(%backup, reason, "this backup does not restore to what it was made of"),
        Verdict::Unverified | Verdict::Unverifiable => tracing::warn!(%backup, reason, "this backup could not be verified"),
    }
}

/// The newest backup of a database.
pub async fn latest(vault: &Vault, database: &str) -> Result<BackupName> {
    vault.list().await?.into_iter().rfind(|name| name.database() == database).ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("there is no backup of {database} in {}", vault.place()))
            .hint("make one with: repo-to-cat backup now")
    })
}

/// A backup's manifest, where there is one that can be read.
async fn manifest(vault: &Vault, name: &BackupName) -> Option<Manifest> {
    serde_json::from_slice(&vault.get(name, MANIFEST).await.ok()??).ok()
}

/// Tells metrics, too, how far a job is.
struct Metered {
    job: Arc<ClaimedJob>,
    to: Reporter,
}

impl Metered {
    fn of(job: &Arc<ClaimedJob>, to: Reporter) -> Reporter {
        Arc::new(Self { job: Arc::clone(job), to })
    }
}

impl Report for Metered {
    fn report(&self, done: u64, total: u64, detail: &str) {
        metrics::moved(&self.job.kind, done);
        self.to.report(done, total, detail);
    }

    fn should_stop(&self) -> bool {
        self.to.should_stop()
    }
}

impl Drop for Metered {
    fn drop(&mut self) {
        metrics::moved(&self.job.kind, 0);
    }
}

fn payload<T: DeserializeOwned>(job: &ClaimedJob) -> Result<T> {
    T::deserialize(&job.payload).map_err(|error| {
        let what = format!("the payload of job {} is none of a {}: {error}", job.id, job.kind);
        Failure::new(Kind::Invalid, what)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(outcome: &str, minute: i64) -> AttemptRow {
        AttemptRow {
            claim: 1,
            worker_id: None,
            worker: None,
            started_at: DateTime::from_timestamp(minute * 60, 0),
            finished_at: DateTime::default(),
            outcome: outcome.into(),
            error_class: None,
            error: None,
            hint: None,
            causes: Vec::new(),
        }
    }

    #[test]
    fn who_gives_way_waits_longer_each_time_and_not_for_ever() {
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).unwrap();
        let minutes = |attempts: &[AttemptRow], minute| wait(attempts, at(minute)).map(|wait| wait.as_secs() / 60);
        assert_eq!(minutes(&[], 0), Some(1));
        let mut gone = vec![attempt("snoozed", 0), attempt("retried", 1)];
        assert_eq!(minutes(&gone, 2), Some(1), "what failed since begins anew");
        gone.extend([attempt("snoozed", 2), attempt("snoozed", 4)]);
        assert_eq!(minutes(&gone, 8), Some(4));
        gone.extend((0..20).map(|count| attempt("snoozed", 10 + count)));
        assert_eq!(minutes(&gone, 2 + 359), Some(15));
        assert_eq!(minutes(&gone, 2 + 360), None);
    }
}
