//! `schedules`: what is enqueued by the clock.

use chrono::Utc;
use serde_json::{Map, Value, json};

use crate::cli::{ScheduleOptions, Schedules};
use crate::commands::Output;
use crate::commands::report::Failures;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::hold::banner;
use crate::commands::view::schedules as view;
use crate::config::Loaded;
use crate::db::schedules;
use crate::db::{Db, hold};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::JobKind;
use crate::model::schedule::{Patch, Spec, State};
use crate::schedule::edit;
use crate::schedule::outlook::{self, Outlook};

/// Slots to come that `show` tells.
const NEXT_SLOTS: usize = 5;

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
                patch(None, options)?.apply(&mut spec);
                let state = if *paused { State::Paused } else { State::Active };
                edit::add(db, name, &spec, state, config).await?;
                tell(db, name, "added", output).await
            }
            Schedules::Edit { name, cron, options } => {
                edit::edit(db, name, patch(cron.clone(), options)?, config).await?;
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
fn patch(cron: Option<String>, options: &ScheduleOptions) -> Result<Patch> {
    let options = options.clone();
    let mut patch = Patch {
        cron,
        zone: options.zone,
        kind: options.kind,
        payload: options.payload.as_deref().map(payload).transpose()?,
        priority: options.priority,
        max_attempts: options.max_attempts,
        key_prefix: options.key_prefix,
        missed: options.missed,
        missed_limit: options.missed_limit,
        overlap: options.overlap,
        jitter_seconds: options.jitter,
    };
    if let Some(url) = options.repository {
        let reference = options.reference.map(|reference| ("ref".to_owned(), reference.into()));
        patch.kind = Some(JobKind::Generation.name().into());
        patch.payload = Some([("github_url".to_owned(), url.into())].into_iter().chain(reference).collect());
    }
    Ok(patch)
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
    let outlook = outlook::show(db, name, NEXT_SLOTS).await?;
    output.data(&outlook, |look| {
        let Outlook { schedule, slots, moments, timing, .. } = &outlook;
        view::show(schedule, timing.as_ref(), moments, slots, Utc::now(), look)
    })
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
