//! Firing: at each slot of a schedule its job is enqueued, once over all hosts.
//!
//! Any number of processes may do so. The row of a schedule is held while one of its slots is fired; the slot's row, its
//! job and the step to the next slot are one transaction. Whoever is killed before the commit has done nothing, and the
//! next one fires the same slot; so it is with one that is frozen, whom the server lets hold a row for seconds only.

use std::future::pending;
use std::mem;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::db::Db;
use crate::db::schedules::{Held, ScheduleListener, hold_due, seconds_to_next};
use crate::model::failure::{Kind, Result};
use crate::model::schedule::due::Plan;
use crate::model::schedule::timing::Timing;
use crate::model::schedule::{Overlap, SlotOutcome};
use crate::queue::enqueue::enqueue;
use crate::schedule::job::job;

/// How often to look when nothing is due and nobody said that a schedule changed.
const POLL: Duration = Duration::from_secs(30);

/// How long to wait when the database does not answer, or when another process holds what is due.
const PATIENCE: Duration = Duration::from_secs(1);

/// Fires the schedules.
#[derive(Debug, Clone)]
pub struct Firing {
    /// The database.
    pub db: Db,
    /// What jobs are made by.
    pub config: Config,
}

/// What a process that fires knows beside the database.
#[derive(Debug, Default)]
struct Watch {
    /// Hears of changes; absent where it was lost.
    listener: Option<ScheduleListener>,
    /// Schedules that this program cannot read: a newer one, which wrote them, fires them.
    foreign: Vec<String>,
}

impl Firing {
    /// Fires until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let firing = async {
            let mut watch = Watch::default();
            let mut is_well = true;
            loop {
                match self.watch(&mut watch).await {
                    Ok(()) => is_well = true,
                    Err(failure) => {
                        watch = Watch::default();
                        // Said once, however long it lasts.
                        if mem::take(&mut is_well) {
                            tracing::warn!(%failure, "schedules cannot be fired; trying again");
                        }
                        sleep(PATIENCE).await;
                    }
                }
            }
        };
        stop.run_until_cancelled(Box::pin(firing)).await;
    }

    /// Fires what is due, or waits for the next slot or for word of a change.
    async fn watch(&self, watch: &mut Watch) -> Result<()> {
        if watch.listener.is_none() {
            // Before looking: what changes after the look is heard. Without word there is still the poll.
            let started = ScheduleListener::start(&self.db).await;
            watch.listener =
                started.inspect_err(|failure| tracing::debug!(%failure, "no word of changes is heard")).ok();
        }
        let next = seconds_to_next(&self.db, &watch.foreign).await?;
        if next.is_some_and(|seconds| seconds <= 0.0) {
            if self.fire_all(&mut watch.foreign).await? == 0 {
                // Somebody else is at it.
                sleep(PATIENCE).await;
            }
            return Ok(());
        }
        let wait = next.map_or(POLL, |seconds| Duration::from_secs_f64(seconds).min(POLL));
        let heard = async {
            match &mut watch.listener {
                Some(listener) => listener.heard().await,
                None => pending().await,
            }
        };
        tokio::select! {
            heard = heard => {
                // What could not be read may have been changed.
                watch.foreign.clear();
                heard
            }
            () = sleep(wait) => Ok(()),
        }
    }

    /// Fires every slot that is due; returns how many jobs were enqueued.
    pub async fn fire_due(&self) -> Result<usize> {
        self.fire_all(&mut Vec::new()).await
    }

    async fn fire_all(&self, foreign: &mut Vec<String>) -> Result<usize> {
        let mut fired = 0;
        while let Some(held) = hold_due(&self.db, foreign).await? {
            match held.row.spec.check() {
                Ok(timing) => fired += usize::from(self.fire(held, &timing).await?),
                Err(failure) => {
                    tracing::error!(schedule = held.row.name, %failure, "left to others; edit it if there are none");
                    foreign.push(held.row.name);
                }
            }
        }
        Ok(fired)
    }

    /// Does what is to be done with one schedule; whether a job was enqueued.
    async fn fire(&self, mut held: Held, timing: &Timing) -> Result<bool> {
        let Some(next_at) = held.row.next_at else { return Ok(false) };
        let plan = Plan::make(&held.row.name, &held.row.spec, timing, next_at, held.now);
        if !plan.missed.is_empty() {
            tracing::warn!(schedule = held.row.name, slots = plan.missed.len(), "missed: no scheduler ran");
            held.note_missed(&plan.missed).await?;
        }
        let fired = match plan.fire {
            Some(slot) => self.fire_slot(&mut held, slot, timing).await?,
            None => false,
        };
        held.advance(plan.next).await?;
        Ok(fired)
    }

    async fn fire_slot(&self, held: &mut Held, slot: DateTime<Utc>, timing: &Timing) -> Result<bool> {
        let (is_done, is_busy) = held.look_at(slot).await?;
        let (name, spec) = (held.row.name.clone(), &held.row.spec);
        let shown = timing.rfc3339(slot);
        if is_done {
            return Ok(false);
        }
        if is_busy && spec.overlap == Overlap::Skip {
            tracing::warn!(schedule = name, slot = shown, "skipped: the job of an earlier slot is not finished");
            held.note(slot, SlotOutcome::Skipped, None, Some("the job of an earlier slot was not finished")).await?;
            return Ok(false);
        }
        let job = job(spec, Some(slot), &self.config);
        let connection = held.to_enqueue().await?;
        let enqueued = match job {
            Ok(job) => enqueue(connection, &job).await,
            Err(failure) => Err(failure),
        };
        match enqueued {
            Ok(job) => {
                let note = (!job.is_new).then_some("a job with its unique key was there before");
                held.note(slot, SlotOutcome::Enqueued, Some(job.id), note).await?;
                tracing::info!(schedule = name, slot = shown, job = %job.id, "fired");
                Ok(true)
            }
            // It passes: the slot is fired when it has.
            Err(failure) if failure.kind() == Kind::Database => Err(failure),
            Err(failure) => {
                tracing::error!(schedule = name, slot = shown, %failure, "no job could be enqueued for this slot");
                held.undo_enqueue().await?;
                held.note(slot, SlotOutcome::Failed, None, Some(failure.what())).await?;
                Ok(false)
            }
        }
    }
}
