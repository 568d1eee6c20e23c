//! Watching a job until it ends.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::commands::view::amount::relative;
use crate::commands::view::progress::ProgressView;
use crate::commands::view::steps::{StepState, StepView};
use crate::db::attempts::AttemptRow;
use crate::db::inspect::JobRow;
use crate::db::steps::StepRow;
use crate::db::{Db, attempts, generations, inspect, steps};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::Generation;
use crate::model::job::{JobKind, JobState};
use crate::model::progress::Step;
use crate::model::secret::redact;

const LOOK_EVERY: Duration = Duration::from_millis(80);

/// Shows the job's progress until it has ended or `stop`; returns its generation, or why there is none.
pub async fn until_done(db: &Db, id: Uuid, view: &mut ProgressView, stop: &CancellationToken) -> Result<Generation> {
    let following = async {
        follow(db, id, JobKind::Generation, view).await?;
        let cat = loop {
            match patient(generations::get(db, id).await)? {
                Some(cat) => break cat.ok_or_else(|| generations::unknown(id))?,
                None => sleep(LOOK_EVERY).await,
            }
        };
        view.update(&completed(&cat));
        Ok(cat)
    };
    unless_stopped(id, Box::pin(following), stop).await
}

/// Shows the progress of a job of any kind until it has ended or `stop`; fails where it was not completed.
pub async fn until_ended(
    db: &Db,
    id: Uuid,
    kind: JobKind,
    view: &mut ProgressView,
    stop: &CancellationToken,
) -> Result<()> {
    unless_stopped(id, Box::pin(follow(db, id, kind, view)), stop).await
}

async fn unless_stopped<T>(
    id: Uuid,
    following: impl Future<Output = Result<T>>,
    stop: &CancellationToken,
) -> Result<T> {
    stop.run_until_cancelled(following).await.unwrap_or_else(|| {
        Err(Failure::new(Kind::Cancelled, format!("stopped waiting for job {id}, which goes on"))
            .hint(format!("look at it with: repo-to-cat jobs show {id}; stop it with: repo-to-cat jobs cancel {id}")))
    })
}

async fn follow(db: &Db, id: Uuid, kind: JobKind, view: &mut ProgressView) -> Result<()> {
    let (mut failed, mut put_off, mut has_begun) = (0, 0, false);
    loop {
        let job = patient(inspect::job(db, id).await)?;
        let is_put_off = |job: &&JobRow| job.state == JobState::Scheduled.name() && job.claims > put_off;
        let is_told = |job: &&JobRow| job.attempts > failed || is_put_off(job);
        if let Some(job) = job.as_ref().filter(|job| job.finished_at.is_none()).filter(is_told) {
            (failed, put_off) = (job.attempts, job.claims);
            if let Some(rows) = patient(attempts::of_job(db, id).await)? {
                view.say(&why_again(job, rows.last()));
            }
        }
        match job.as_ref().map(JobRow::state).transpose()? {
            Some(JobState::Completed) => {
                // Those of a generation are gone.
                if let Some(rows) = patient(steps::of_job(db, id).await)?.filter(|rows| !rows.is_empty()) {
                    view.update(&going_on(kind, &rows));
                }
                return Ok(());
            }
            Some(JobState::Cancelled) => {
                return Err(Failure::new(Kind::Cancelled, format!("job {id} was cancelled"))
                    .hint(format!("run it again with: repo-to-cat jobs retry {id}")));
            }
            Some(JobState::Discarded) => return Err(why_discarded(db, id, kind, view).await?),
            _ => {
                // Steps that were there and are gone went with a completion since the job was read: the next look has it.
                if let Some(rows) = patient(steps::of_job(db, id).await)?
                    && (!rows.is_empty() || !has_begun)
                {
                    has_begun |= !rows.is_empty();
                    view.update(&going_on(kind, &rows));
                }
            }
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Why a job that was under way has to begin again, and when it will.
fn why_again(job: &JobRow, last: Option<&AttemptRow>) -> String {
    let reason = last.and_then(|attempt| attempt.error.as_deref()).unwrap_or("no reason is known");
    let now = Utc::now();
    let next =
        if job.run_at > now + TimeDelta::seconds(5) { relative(job.run_at, now) } else { "in a moment".to_owned() };
    if last.is_some_and(|attempt| attempt.outcome == "snoozed") {
        return redact(&format!("Put off: {reason}; it is tried again {next}"));
    }
    redact(&format!("Attempt {} of {} failed: {reason}; the next one begins {next}", job.attempts, job.max_attempts))
}

/// Who only watches can wait for the database to come back.
fn patient<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(failure) if failure.kind() == Kind::Database => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The last attempt's failure, with its own class, so that the exit code says what was wrong.
async fn why_discarded(db: &Db, id: Uuid, kind: JobKind, view: &mut ProgressView) -> Result<Failure> {
    let mut rows = going_on(kind, &steps::of_job(db, id).await?);
    for row in &mut rows {
        if matches!(row.state, StepState::Running { .. }) {
            row.state = StepState::Failed;
        }
    }
    view.update(&rows);
    let last = attempts::of_job(db, id).await?.pop();
    let class = last.as_ref().and_then(|attempt| attempt.error_class.as_deref());
    let kind = class.and_then(Kind::from_name).unwrap_or(Kind::Internal);
    let what = last.as_ref().and_then(|attempt| attempt.error.clone()).unwrap_or_else(|| "no reason is known".into());
    let hint = last.and_then(|attempt| attempt.hint);
    let failure = Failure::new(kind, what)
        .hint(hint.map_or(String::new(), |hint| format!("{hint}; ")) + &format!("see: repo-to-cat jobs show {id}"));
    Ok(failure)
}

fn going_on(kind: JobKind, rows: &[StepRow]) -> Vec<StepView> {
    let view = |step: Step| {
        let Some(row) = rows.iter().find(|row| row.step == step.name()) else {
            return StepView { step, state: StepState::Waiting, elapsed: None };
        };
        let until = row.finished_at.unwrap_or_else(Utc::now);
        let elapsed = Some((until - row.started_at).to_std().unwrap_or_default());
        let state = if row.done {
            StepState::Done
        } else {
            StepState::Running { fraction: row.fraction.map(f64::from), detail: row.detail.clone() }
        };
        StepView { step, state, elapsed }
    };
    Step::of(kind).iter().copied().map(view).collect()
}

/// The steps of a completed job are gone; its row keeps their times.
fn completed(cat: &Generation) -> Vec<StepView> {
    let seconds = |step: Step| cat.step_seconds.as_ref()?.get(step.name())?.as_f64();
    let view = |step| StepView {
        step,
        state: StepState::Done,
        elapsed: seconds(step).and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
    };
    Step::of(JobKind::Generation).iter().copied().map(view).collect()
}
