//! Changing schedules while they run.

use crate::config::Config;
use crate::db::schedules::{self, Held, ScheduleRow};
use crate::db::{Db, schedules::hold};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::Enqueued;
use crate::model::schedule::due::Turn;
use crate::model::schedule::{Patch, Spec, State, check_name};
use crate::queue::enqueue::enqueue_one;
use crate::schedule::job::job;

/// Adds a schedule whose first slot is the next one. Fails where the name is taken, and where it could make no job.
pub async fn add(db: &Db, name: &str, spec: &Spec, state: State, config: &Config) -> Result<()> {
    check_name(name)?;
    let timing = spec.check()?;
    job(spec, None, config)?;
    let next = Turn::after(schedules::now(db).await?, name, spec, &timing);
    if schedules::insert(db, name, spec, state, next, None).await? {
        return Ok(());
    }
    Err(Failure::new(Kind::Conflict, format!("there is a schedule `{name}`"))
        .hint(format!("change it with: repo-to-cat schedules edit {name}")))
}

/// Changes what a schedule does, by a patch that says something. A slot that is waiting stays, unless its time changed: then the next one after now comes.
pub async fn edit(db: &Db, name: &str, patch: Patch, config: &Config) -> Result<()> {
    if patch == Patch::default() {
        return Err(Failure::new(Kind::Invalid, "nothing was given to change")
            .hint("for example: repo-to-cat schedules edit NAME --cron '0 3 * * *'"));
    }
    change(db, name, |spec| patch.apply(spec), config).await
}

/// Puts another in its place, under the same name, as [`edit`] changes it.
pub async fn put(db: &Db, name: &str, spec: &Spec, config: &Config) -> Result<()> {
    change(db, name, |old| old.clone_from(spec), config).await
}

async fn change(db: &Db, name: &str, change: impl FnOnce(&mut Spec), config: &Config) -> Result<()> {
    let held = hold(db, name).await?;
    let mut spec = held.row.spec.clone();
    change(&mut spec);
    spec.check()?;
    job(&spec, None, config)?;
    let (state, declared) = (held.row.state, held.row.declared.clone());
    replace(held, &spec, state, declared.as_ref()).await
}

/// Pauses a schedule. What comes meanwhile counts neither as missed nor as skipped.
pub async fn pause(db: &Db, name: &str) -> Result<()> {
    set_state(db, name, State::Paused).await
}

/// Lets a schedule fire again, from its next slot on.
pub async fn resume(db: &Db, name: &str) -> Result<()> {
    set_state(db, name, State::Active).await
}

async fn set_state(db: &Db, name: &str, state: State) -> Result<()> {
    let held = hold(db, name).await?;
    let ScheduleRow { spec, declared, .. } = held.row.clone();
    replace(held, &spec, state, declared.as_ref()).await
}

/// Enqueues the job of a schedule at once, beside its slots.
pub async fn run_now(db: &Db, name: &str, config: &Config) -> Result<Enqueued> {
    let job = job(&schedules::get(db, name).await?.spec, None, config)?;
    enqueue_one(db, &job).await
}

/// Saves a schedule with the slot that comes next: the one that waits, if it was active and its time stays the same.
pub(super) async fn replace(held: Held, spec: &Spec, state: State, declared: Option<&serde_json::Value>) -> Result<()> {
    let timing = spec.check()?;
    let before = &held.row;
    let is_same_time = (&spec.cron, &spec.zone, spec.jitter_seconds)
        == (&before.spec.cron, &before.spec.zone, before.spec.jitter_seconds);
    let next = match (before.next_at, before.fires_at) {
        (Some(due_at), Some(fires_at)) if is_same_time && before.state == State::Active => {
            Some(Turn { due_at, fires_at })
        }
        _ => Turn::after(held.now, &before.name, spec, &timing),
    };
    held.save(spec, state, next, declared).await
}
