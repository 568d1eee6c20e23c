//! The jobs: [`make`] brings a database into the store and writes that down, [`prove`] tries a backup, and what that
//! proves lets older ones go.

mod make;
mod prove;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::backup::Reporter;
use crate::backup::telling::{Event, What};
use crate::backup::yard::Premises;
use crate::db::attempts::AttemptRow;
use crate::db::{Db, attempts, backups};
use crate::model::backup::trend::Measured;
use crate::model::backup::{BackupName, DrillReport, Manifest};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{ClaimedJob, JobKind, Outcome};
use crate::model::progress::Report;
use crate::telemetry::metrics;

pub use make::look_first;

/// How long a backup that gave way is put off at first; doubled for each further time.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// The longest that it is put off at once.
const LONGEST_WAIT: Duration = Duration::from_mins(15);
/// Once it has given way for so long, that is a failure.
const PATIENCE: TimeDelta = TimeDelta::hours(6);

/// Runs a backup or a drill.
pub async fn run(
    kind: JobKind,
    premises: Premises,
    db: Db,
    job: Arc<ClaimedJob>,
    cancel: CancellationToken,
) -> Outcome {
    let work = Work { premises, db, job };
    let done = match kind {
        JobKind::Drill => Box::pin(prove::prove(&work, cancel)).await,
        _ => Box::pin(make::make(&work, cancel)).await,
    };
    match done {
        Ok(()) => Outcome::Completed(None),
        Err(failure) if failure.kind() == Kind::Cancelled => Outcome::HandedBack,
        Err(failure) if failure.kind() == Kind::Throttled => work.put_off(failure).await,
        Err(failure) => work.fail(failure),
    }
}

/// A job, and what it is done with.
struct Work {
    premises: Premises,
    db: Db,
    job: Arc<ClaimedJob>,
}

impl Work {
    /// What the job is to do.
    fn request<T: DeserializeOwned>(&self) -> Result<T> {
        let Self { job, .. } = self;
        T::deserialize(&job.payload).map_err(|error| {
            let what = format!("the payload of job {} is none of a {}: {error}", job.id, job.kind);
            Failure::new(Kind::Invalid, what)
        })
    }

    /// Tells metrics, too, how far it is.
    fn metered(&self, to: Reporter) -> Reporter {
        Arc::new(Metered { job: Arc::clone(&self.job), to })
    }

    /// How a backup is unlike the last verified one before it, in sentences.
    async fn alarms(&self, manifest: &Manifest, drill: Option<&DrillReport>) -> Result<Vec<String>> {
        let percent = self.premises.config.backup.alarm_percent;
        let before = backups::verified_before(&self.db, &manifest.name, &manifest.selection).await?;
        let alarms = before.map(|before| Measured::of(manifest, drill).alarms(&before, percent)).unwrap_or_default();
        let words: Vec<String> = alarms.into_iter().map(|alarm| alarm.words).collect();
        for words in &words {
            tracing::warn!(backup = %manifest.name, "{words}");
        }
        Ok(words)
    }

    /// Others are told of what nobody tries again.
    fn fail(&self, failure: Failure) -> Outcome {
        if self.job.ends_with(&failure) {
            let text = |key: &str| self.job.payload.get(key).and_then(|value| value.as_str());
            let backup = text("backup").and_then(|name| BackupName::parse(name).ok());
            let database =
                text("database").or(backup.as_ref().map(BackupName::database)).unwrap_or_default().to_owned();
            let reason = Some(failure.to_string());
            self.premises.tell(&Event { backup, reason, ..Event::new(What::Failed, Some(self.job.id), &database) });
        }
        Outcome::Failed(failure)
    }

    /// Puts the job off, which gave way to others. Where it has done nothing else for hours, it has failed.
    async fn put_off(&self, failure: Failure) -> Outcome {
        let attempts = attempts::of_job(&self.db, self.job.id).await;
        match attempts.ok().and_then(|attempts| wait(&attempts, self.job.started_at)) {
            Some(wait) => Outcome::Snoozed(failure.retry_after().unwrap_or_default().max(wait), failure.to_string()),
            None => self.fail(failure),
        }
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

struct Metered {
    job: Arc<ClaimedJob>,
    to: Reporter,
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
