//! `jobs`: look at jobs and steer them.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::{JobFilter, JobListing, Jobs};
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::steering;
use crate::commands::users::id_of;
use crate::commands::view::hold::banner;
use crate::commands::view::job::{self, Attempt};
use crate::commands::view::lists::{self, JobLine};
use crate::config::Loaded;
use crate::db::inspect::{Filter, JobRow};
use crate::db::steer::Change;
use crate::db::{Db, attempts, hold, inspect, logs, steps};
use crate::model::failure::Result;
use crate::model::when::When;

/// Runs `jobs ...`.
pub fn run(command: &Jobs, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let db = &Session::open(loaded, Schema::Current).await?;
        match command {
            Jobs::List(listing) => list(&db.db, listing, output).await,
            Jobs::Show { id } => show(&db.db, *id, output).await,
            Jobs::Retry(selection) => steering::run(&db.db, Change::Retry, selection, output).await,
            Jobs::Cancel(selection) => steering::run(&db.db, Change::Cancel, selection, output).await,
            Jobs::Discard(selection) => steering::run(&db.db, Change::Discard, selection, output).await,
            Jobs::Reprioritize { priority, selection } => {
                steering::run(&db.db, Change::Reprioritize(*priority), selection, output).await
            }
        }
    })
}

async fn list(db: &Db, listing: &JobListing, output: &Output) -> Result<()> {
    let (wanted, page) = (filter(db, &listing.filter, Utc::now()).await?, &listing.page);
    let page = inspect::list(db, &wanted, page.after, i64::from(page.limit)).await?;
    let lines = page.jobs.iter().map(line).collect::<Result<Vec<_>>>()?;
    let held = hold::current(db).await?;
    output.data(&page, |look| {
        let list = banner(held.as_ref(), look) + &lists::jobs(&lines, Utc::now(), look);
        list + &lists::looked_back(page.looked_back_to, page.next, inspect::REACH, look)
    })
}

/// What the command line means, seen from `now`: times without a date lie before it.
pub async fn filter(db: &Db, wanted: &JobFilter, now: DateTime<Utc>) -> Result<Filter> {
    let before = |when: When| match when {
        When::At(time) => time,
        When::In(age) => now - age,
    };
    let user = match &wanted.user {
        Some(who) => Some(id_of(db, who).await?),
        None => None,
    };
    Ok(Filter {
        states: wanted.states.clone(),
        kind: wanted.kind.map(|kind| kind.name().to_owned()),
        user,
        tag: wanted.tag.clone(),
        text: wanted.text.clone(),
        since: wanted.since.map(before),
        until: wanted.until.map(before),
        longer_than: wanted.longer_than,
        shorter_than: wanted.shorter_than,
    })
}

fn line(row: &JobRow) -> Result<JobLine> {
    let count = |number: i16| u16::try_from(number).unwrap_or(0);
    Ok(JobLine {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        subject: subject(&row.payload),
        state: row.state()?,
        attempts: (count(row.attempts), count(row.max_attempts)),
        created_at: row.created_at,
    })
}

fn subject(payload: &Value) -> String {
    let text = |key: &str| payload.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
    if let Some(subject) = text("backup").or_else(|| text("database")) {
        return subject;
    }
    let url = payload.get("github_url").and_then(Value::as_str).unwrap_or("-");
    match payload.get("ref").and_then(Value::as_str) {
        Some(reference) => format!("{url} at {reference}"),
        None => url.to_owned(),
    }
}

async fn show(db: &Db, id: Uuid, output: &Output) -> Result<()> {
    let row = inspect::job(db, id).await?;
    let (steps, ended, logs) =
        (steps::of_job(db, id).await?, attempts::of_job(db, id).await?, logs::of_job(db, id).await?);
    let life = Attempt::all(&row, ended, logs);
    let data = json!({
        "job": row,
        "steps": steps.iter().map(|step| json!({
            "step": step.step, "done": step.done, "started_at": step.started_at, "finished_at": step.finished_at,
            "fraction": step.fraction, "detail": step.detail,
        })).collect::<Vec<_>>(),
        "attempts": life,
    });
    output.data(&data, |look| job::render(&row, &subject(&row.payload), &steps, &life, Utc::now(), look))
}
