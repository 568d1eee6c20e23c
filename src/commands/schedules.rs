//! `schedules`: what is enqueued by the clock.

use std::iter::successors;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use crate::cli::{ScheduleOptions, Schedules};
use crate::commands::Output;
use crate::commands::report::Failures;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::hold::banner;
use crate::commands::view::schedules as view;
use crate::config::Loaded;
use crate::db::schedules::{self, ScheduleRow};
use crate::db::{Db, hold};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::JobKind;
use crate::model::schedule::due::Turn;
use crate::model::schedule::timing::Timing;
use crate::model::schedule::{Spec, State};
use crate::schedule::edit;

/// Slots to come that `show` tells.
const NEXT_SLOTS: usize = 5;
/// Slots that were, of those that are kept.
const LAST_SLOTS: i64 = 10;

/// Runs `schedules ...`.
pub fn run(command: &Schedules, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        let (db, config) = (&session.db, &session.config);
        match command {
            Schedules::List => list(db, output).await,
            Schedules::Show { name } => show(db, name, output).await,
            Schedules::Add { name, cron, options, paused } => {
                let mut spec = Spec::from_value(&json!({"cron": cron}))?;
                change(options)?(&mut spec);
                let state = if *paused { State::Paused } else { State::Active };
                edit::add(db, name, &spec, state, config).await?;
                tell(db, name, "added", output).await
            }
            Schedules::Edit { name, cron, options } => {
                if cron.is_none() && **options == ScheduleOptions::default() {
                    return Err(Failure::new(Kind::Invalid, "nothing was given to change")
                        .hint("for example: repo-to-cat schedules edit NAME --cron '0 3 * * *'"));
                }
                let change = change(options)?;
                let change = |spec: &mut Spec| {
                    spec.cron = cron.clone().unwrap_or_else(|| spec.cron.clone());
                    change(spec);
                };
                edit::edit(db, name, change, config).await?;
                tell(db, name, "changed", output).await
            }
            Schedules::Pause(selected) => {
                each(&selected.names, "paused", output, async |name| edit::pause(db, name).await).await
            }
            Schedules::Resume(selected) => {
                each(&selected.names, "resumed", output, async |name| edit::resume(db, name).await).await
            }
            Schedules::RunNow { name } => {
                let job = edit::run_now(db, name, config).await?;
                output.data(&json!({"id": job.id, "is_new": job.is_new, "schedule": name}), |_| format!("{}\n", job.id))
            }
            Schedules::Delete(selected) => {
                each(&selected.names, "deleted", output, async |name| schedules::delete(db, name).await).await
            }
        }
    })
}

/// What the options change of a schedule.
fn change(options: &ScheduleOptions) -> Result<impl FnOnce(&mut Spec)> {
    let payload = options.payload.as_deref().map(payload).transpose()?;
    let options = options.clone();
    Ok(move |spec: &mut Spec| {
        spec.zone = options.zone.unwrap_or_else(|| std::mem::take(&mut spec.zone));
        spec.kind = options.kind.unwrap_or_else(|| std::mem::take(&mut spec.kind));
        spec.payload = payload.unwrap_or_else(|| std::mem::take(&mut spec.payload));
        if let Some(url) = options.repository {
            spec.kind = JobKind::Generation.name().into();
            spec.payload = [("github_url".to_owned(), url.into())].into_iter().collect();
            spec.payload.extend(options.reference.map(|reference| ("ref".to_owned(), reference.into())));
        }
        if let Some(prefix) = options.key_prefix {
            spec.key_prefix = Some(prefix).filter(|prefix| !prefix.is_empty());
        }
        spec.priority = options.priority.unwrap_or(spec.priority);
        spec.max_attempts = options.max_attempts.or(spec.max_attempts);
        spec.missed = options.missed.unwrap_or(spec.missed);
        spec.missed_limit = options.missed_limit.unwrap_or(spec.missed_limit);
        spec.overlap = options.overlap.unwrap_or(spec.overlap);
        spec.jitter_seconds = options.jitter.unwrap_or(spec.jitter_seconds);
    })
}

fn payload(text: &str) -> Result<Map<String, Value>> {
    serde_json::from_str(text).map_err(|cause| {
        Failure::new(Kind::Invalid, format!("the payload is no JSON object: {cause}"))
            .hint("for example: --payload '{\"github_url\":\"https://github.com/owner/name\"}'")
    })
}

async fn list(db: &Db, output: &Output) -> Result<()> {
    let rows = schedules::list(db).await?;
    let held = hold::current(db).await?;
    output.data(&rows, |look| banner(held.as_ref(), look) + &view::list(&rows, Utc::now(), look))
}

async fn show(db: &Db, name: &str, output: &Output) -> Result<()> {
    let row = schedules::get(db, name).await?;
    let slots = schedules::slots(db, name, LAST_SLOTS).await?;
    // What cannot be read has no slots; `problem` says why.
    let timing = row.spec.check().ok();
    let next = match &timing {
        Some(timing) => next_slots(&row, timing, schedules::now(db).await?),
        None => Vec::new(),
    };
    let local: Vec<_> = timing.iter().flat_map(|timing| next.iter().map(|slot| timing.rfc3339(*slot))).collect();
    output.data(&json!({"schedule": row, "next": local, "slots": slots}), |look| {
        view::show(&row, timing.as_ref(), &next, &slots, Utc::now(), look)
    })
}

/// The next slots, as they would come if it were active.
fn next_slots(row: &ScheduleRow, timing: &Timing, now: DateTime<Utc>) -> Vec<DateTime<Utc>> {
    let waiting = row.next_at.filter(|_| row.state == State::Active);
    let first = waiting.or_else(|| Turn::after(now, &row.name, &row.spec, timing).map(|turn| turn.due_at));
    successors(first, |slot| timing.next(*slot)).take(NEXT_SLOTS).collect()
}

async fn tell(db: &Db, name: &str, done: &str, output: &Output) -> Result<()> {
    let row = schedules::get(db, name).await?;
    output.data(&row, |_| format!("{name}  {done}{}\n", view::when_next(&row)))
}

/// Does the same to each schedule; one that fails does not keep the others from it.
async fn each(names: &[String], done: &str, output: &Output, work: impl AsyncFn(&str) -> Result<()>) -> Result<()> {
    let (mut changed, mut failed) = (Vec::new(), Failures::default());
    for name in names {
        match work(name).await {
            Ok(()) => changed.push(name),
            Err(failure) => failed.add(failure, output),
        }
    }
    output.data(&changed, |_| changed.iter().map(|name| format!("{name}  {done}\n")).collect())?;
    failed.last()
}
