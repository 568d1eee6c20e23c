//! The journal of one job: which step runs, how far it is, and what earlier attempts need not do again.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::db::{Db, steps};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::ClaimedJob;
use crate::model::progress::{Progress, Report, Step};
use crate::queue::{Trouble, answer_within};
use crate::telemetry::joblog::{carried, carried_future};

/// How often progress is written while a step runs.
const PUBLISH_EVERY: Duration = Duration::from_millis(500);

/// How long the database may take to note a step.
const ANSWER_PATIENCE: Duration = Duration::from_mins(1);

/// Runs steps one after the other and keeps `queue.steps` true.
#[derive(Debug)]
pub struct Journal {
    db: Db,
    job: Arc<ClaimedJob>,
    cancel: CancellationToken,
    checkpoints: Checkpoints,
    seconds: BTreeMap<String, f64>,
    /// Written together with the start of the next step: one commit a boundary.
    unwritten: Option<(Step, Duration, Option<Value>)>,
}

impl Journal {
    /// Reads what earlier attempts left.
    pub async fn open(db: Db, job: Arc<ClaimedJob>, cancel: CancellationToken) -> Result<Self> {
        let rows = patiently(&cancel, || steps::of_job(&db, job.id)).await?;
        let (mut checkpoints, mut seconds) = (Checkpoints::default(), BTreeMap::new());
        for row in rows {
            if let (Some(step), Some(output), Some(finished)) =
                (Step::from_name(&row.step), row.output, row.finished_at)
            {
                let took = (finished - row.started_at).to_std().unwrap_or_default();
                seconds.insert(row.step, took.as_secs_f64());
                checkpoints.0.insert(step, output);
            }
        }
        Ok(Self { db, job, cancel, checkpoints, seconds, unwritten: None })
    }

    /// What an earlier attempt's step made; none where it was not done, or by a program with another idea of it.
    #[must_use]
    pub fn checkpoint<T: DeserializeOwned>(&self, step: Step) -> Option<T> {
        self.checkpoints.of(step)
    }

    /// Gives a step's checkpoint, or runs the step and makes its result one.
    pub async fn keep<T, F>(&mut self, step: Step, work: F) -> Result<T>
    where
        T: Clone + Serialize + DeserializeOwned + Send + 'static,
        F: FnOnce(&dyn Report) -> Result<T> + Send + 'static,
    {
        match self.checkpoint(step) {
            Some(made) => Ok(made),
            None => self.keep_part(step, work, T::clone).await,
        }
    }

    /// Runs a step, whatever an earlier attempt made; `part` of its result is the checkpoint.
    pub async fn keep_part<T, P, F>(&mut self, step: Step, work: F, part: impl Fn(&T) -> P) -> Result<T>
    where
        T: Send + 'static,
        P: Serialize,
        F: FnOnce(&dyn Report) -> Result<T> + Send + 'static,
    {
        let (made, took) = self.work(step, work).await?;
        self.done(step, took, Some(output_of(&part(&made))?));
        Ok(made)
    }

    /// Runs a step whose result is cheaper to make again than to keep.
    pub async fn run<T, F>(&mut self, step: Step, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Report) -> Result<T> + Send + 'static,
    {
        let (made, took) = self.work(step, work).await?;
        self.done(step, took, None);
        Ok(made)
    }

    /// Runs a step that waits for others rather than computes.
    pub async fn wait_for<T>(&mut self, step: Step, work: impl Future<Output = Result<T>>) -> Result<T> {
        self.begin(step).await?;
        let started = Instant::now();
        let made = tokio::select! {
            made = work => made?,
            () = self.cancel.cancelled() => return Err(stopped()),
        };
        self.done(step, started.elapsed(), None);
        Ok(made)
    }

    /// The same, whatever an earlier attempt made; the result is a checkpoint.
    pub async fn wait_for_and_keep<T: Serialize>(
        &mut self,
        step: Step,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let made = self.wait_for(step, work).await?;
        self.keep_output(&made)?;
        Ok(made)
    }

    /// Runs a step that waits for others and tells how far it is. Where it is to stop, it sees so by its report and is
    /// waited for: nothing of it goes on.
    pub async fn watch<T, F>(&mut self, step: Step, work: impl FnOnce(Arc<dyn Report>) -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.begin(step).await?;
        let started = Instant::now();
        let report = self.report();
        let publishing = publish(self.db.clone(), Arc::clone(&self.job), step, Arc::clone(&report));
        let made = tokio::select! {
            made = work(report) => made?,
            never = publishing => match never {},
        };
        self.done(step, started.elapsed(), None);
        Ok(made)
    }

    /// The same, and its result is a checkpoint, which is given where an earlier attempt left it.
    pub async fn watch_and_keep<T, F>(&mut self, step: Step, work: impl FnOnce(Arc<dyn Report>) -> F) -> Result<T>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = Result<T>>,
    {
        if let Some(made) = self.checkpoint(step) {
            return Ok(made);
        }
        let made = self.watch(step, work).await?;
        self.keep_output(&made)?;
        Ok(made)
    }

    fn keep_output(&mut self, made: &impl Serialize) -> Result<()> {
        if let Some((_, _, output)) = &mut self.unwritten {
            *output = Some(output_of(made)?);
        }
        Ok(())
    }

    /// Runs a step that the database does, again while it is away, but no longer than the job is ours.
    pub async fn write<T, F: Future<Output = Result<T>>>(&mut self, step: Step, ask: impl FnMut() -> F) -> Result<T> {
        self.begin(step).await?;
        let started = Instant::now();
        let written = patiently(&self.cancel, ask).await?;
        self.done(step, started.elapsed(), None);
        Ok(written)
    }

    /// Notes that the last step is done, for jobs whose steps stay when they are.
    pub async fn close(mut self) -> Result<()> {
        let Some(done) = self.unwritten.take() else { return Ok(()) };
        self.advance(Some(done), None).await
    }

    /// Asks the database between two steps, again while it is away, but no longer than the job is ours.
    pub async fn ask<T, F: Future<Output = Result<T>>>(&self, ask: impl FnMut() -> F) -> Result<T> {
        patiently(&self.cancel, ask).await
    }

    /// Seconds each step took, by name, earlier attempts' checkpoints included.
    #[must_use]
    pub fn seconds(&self) -> BTreeMap<String, f64> {
        self.seconds.clone()
    }

    async fn work<T, F>(&mut self, step: Step, work: F) -> Result<(T, Duration)>
    where
        T: Send + 'static,
        F: FnOnce(&dyn Report) -> Result<T> + Send + 'static,
    {
        self.begin(step).await?;
        let started = Instant::now();
        let report = self.report();
        let publishing = publish(self.db.clone(), Arc::clone(&self.job), step, Arc::clone(&report));
        let publisher = tokio::spawn(carried_future(publishing));
        let worked = tokio::task::spawn_blocking(carried(move || work(&*report))).await;
        publisher.abort();
        let made = worked.unwrap_or_else(|error| {
            let text = panic_text(error);
            Err(Failure::new(Kind::Internal, format!("the step {} panicked: {text}", step.name())))
        })?;
        Ok((made, started.elapsed()))
    }

    async fn begin(&mut self, step: Step) -> Result<()> {
        self.checkpoints.forget_from(step);
        let done = self.unwritten.take();
        self.advance(done, Some(step)).await
    }

    async fn advance(&self, done: Option<(Step, Duration, Option<Value>)>, next: Option<Step>) -> Result<()> {
        let mine = patiently(&self.cancel, || {
            let done = done.as_ref().map(|(step, took, output)| steps::Done {
                step: *step,
                took: *took,
                output: output.as_ref(),
            });
            let (db, job) = (&self.db, &self.job);
            async move { steps::advance(db, job, done.as_ref(), next).await }
        })
        .await?;
        if mine { Ok(()) } else { Err(stopped()) }
    }

    fn report(&self) -> Arc<StepReport> {
        Arc::new(StepReport { cancel: self.cancel.clone(), latest: Mutex::default() })
    }

    fn done(&mut self, step: Step, took: Duration, output: Option<Value>) {
        self.seconds.insert(step.name().to_owned(), took.as_secs_f64());
        self.unwritten = Some((step, took, output));
    }
}

/// What the steps of earlier attempts made.
#[derive(Debug, Default)]
struct Checkpoints(BTreeMap<Step, Value>);

impl Checkpoints {
    fn of<T: DeserializeOwned>(&self, step: Step) -> Option<T> {
        T::deserialize(self.0.get(&step)?).ok()
    }

    /// A step that is done anew may come out otherwise, as when a branch has moved: what followed from it is void.
    fn forget_from(&mut self, step: Step) {
        self.0.split_off(&step);
    }
}

fn output_of(made: &impl Serialize) -> Result<Value> {
    serde_json::to_value(made)
        .map_err(|error| Failure::new(Kind::Internal, "a checkpoint cannot be written").source(error))
}

/// The text of a panic that a task ended with.
pub(crate) fn panic_text(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(panic) => panic
            .downcast_ref::<&str>()
            .map(ToString::to_string)
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "no message".into()),
        Err(error) => error.to_string(),
    }
}

/// Asks again while the database is away, but no longer than the job is ours.
async fn patiently<T, F: Future<Output = Result<T>>>(
    cancel: &CancellationToken,
    mut ask: impl FnMut() -> F,
) -> Result<T> {
    let mut trouble = Trouble::default();
    let asking = async {
        loop {
            match answer_within(ANSWER_PATIENCE, ask()).await {
                Err(failure) if failure.kind() == Kind::Database => {
                    sleep(trouble.met("writing progress", failure)).await;
                }
                other => {
                    trouble.over("writing progress");
                    return other;
                }
            }
        }
    };
    cancel.run_until_cancelled(asking).await.unwrap_or_else(|| Err(stopped()))
}

/// The job is not ours any more, or must be given back.
fn stopped() -> Failure {
    Failure::new(Kind::Cancelled, "the job was stopped")
}

#[derive(Debug)]
struct StepReport {
    cancel: CancellationToken,
    latest: Mutex<Option<(u64, u64, String)>>,
}

impl Report for StepReport {
    fn report(&self, done: u64, total: u64, detail: &str) {
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((done, total, detail.to_owned()));
    }

    fn should_stop(&self) -> bool {
        self.cancel.is_cancelled()
    }
}

/// Writes progress now and then. A write that fails is not missed: the next one says more.
async fn publish(db: Db, job: Arc<ClaimedJob>, step: Step, report: Arc<StepReport>) -> Infallible {
    let mut ticks = interval(PUBLISH_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let latest = report.latest.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((done, total, detail)) = latest {
            let fraction = (total > 0).then(|| (done as f64 / total as f64).clamp(0.0, 1.0));
            let progress = Progress { step, fraction, detail: Some(detail) };
            drop(steps::progress(&db, &job, &progress).await);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_followed_from_a_step_that_is_done_anew_is_void() {
        let mut checkpoints = Checkpoints(Step::ALL.into_iter().map(|step| (step, json!(step.name()))).collect());
        assert_eq!(checkpoints.of::<String>(Step::Texts).as_deref(), Some("texts"));
        assert_eq!(checkpoints.of::<u64>(Step::Texts), None, "another idea of it");
        checkpoints.forget_from(Step::Analyse);
        let kept = Step::ALL.into_iter().filter(|step| checkpoints.of::<String>(*step).is_some());
        assert_eq!(kept.collect::<Vec<_>>(), [Step::Fetch]);
    }
}
