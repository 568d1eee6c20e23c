//! `jobs`: look at jobs and steer them.

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::{JobFilter, JobSelection, Jobs};
use crate::commands::Output;
use crate::commands::report::Failures;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::lists::{self, JobLine};
use crate::commands::view::{amount, job};
use crate::config::Loaded;
use crate::db::inspect::JobRow;
use crate::db::{Db, attempts, inspect, jobs, steps};
use crate::model::failure::{Kind, Result};
use crate::model::job::JobState;

/// Runs `jobs ...`.
pub fn run(command: &Jobs, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let db = &Session::open(loaded, Schema::Current).await?;
        match command {
            Jobs::List(filter) => list(&db.db, filter, output).await,
            Jobs::Show { id } => show(&db.db, *id, output).await,
            Jobs::Retry(selection) => change(&db.db, selection, Change::Retry, output).await,
            Jobs::Cancel(selection) => change(&db.db, selection, Change::Cancel, output).await,
        }
    })
}

async fn list(db: &Db, filter: &JobFilter, output: &Output) -> Result<()> {
    let filter = inspect::JobFilter {
        states: filter.state.iter().map(|state| state.name().to_owned()).collect(),
        kind: None,
        before: filter.page.after,
        limit: i64::from(filter.page.limit),
    };
    let rows = inspect::list(db, &filter).await?;
    let lines = rows.iter().map(line).collect::<Result<Vec<_>>>()?;
    output.data(&rows, |look| lists::jobs(&lines, Utc::now(), look))
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
    let url = payload.get("github_url").and_then(Value::as_str).unwrap_or("-");
    match payload.get("ref").and_then(Value::as_str) {
        Some(reference) => format!("{url} at {reference}"),
        None => url.to_owned(),
    }
}

async fn show(db: &Db, id: Uuid, output: &Output) -> Result<()> {
    let row = inspect::job(db, id).await?;
    let (steps, failed) = (steps::of_job(db, id).await?, attempts::of_job(db, id).await?);
    let data = json!({
        "job": row,
        "steps": steps.iter().map(|step| json!({
            "step": step.step, "done": step.done, "started_at": step.started_at, "finished_at": step.finished_at,
            "fraction": step.fraction, "detail": step.detail,
        })).collect::<Vec<_>>(),
        "attempts": failed,
    });
    output.data(&data, |look| job::render(&row, &subject(&row.payload), &steps, &failed, Utc::now(), look))
}

#[derive(Clone, Copy)]
enum Change {
    Retry,
    Cancel,
}

impl Change {
    const fn done(self) -> &'static str {
        match self {
            Self::Retry => "will run again",
            Self::Cancel => "cancelled",
        }
    }

    /// The states that `--all` means.
    const fn states(self) -> &'static [JobState] {
        match self {
            Self::Retry => &[JobState::Discarded],
            Self::Cancel => &[JobState::Scheduled, JobState::Available, JobState::Running, JobState::Parked],
        }
    }

    async fn make(self, db: &Db, id: Uuid) -> Result<()> {
        match self {
            Self::Retry => jobs::retry(db, id).await,
            Self::Cancel => jobs::cancel(db, id).await,
        }
    }
}

/// Changes each selected job; one that cannot be changed does not keep the others from it.
async fn change(db: &Db, selection: &JobSelection, change: Change, output: &Output) -> Result<()> {
    let ids = if selection.all { all(db, change.states()).await? } else { selection.ids.clone() };
    let (mut changed, mut failed) = (Vec::new(), Failures::default());
    for id in ids {
        match change.make(db, id).await {
            Ok(()) => changed.push(id),
            // Between the list and here it went on by itself: `--all` did not mean it any more.
            Err(failure) if selection.all && failure.kind() == Kind::Conflict => {}
            Err(failure) => failed.add(failure, output),
        }
    }
    output.data(&changed, |_| match changed.len() {
        0 => "No job was changed.\n".to_owned(),
        1..=20 => changed.iter().map(|id| format!("{id}  {}\n", change.done())).collect(),
        many => format!("{} {}\n", amount::counted(many as u64, "job", "jobs"), change.done()),
    })?;
    failed.last()
}

async fn all(db: &Db, states: &[JobState]) -> Result<Vec<Uuid>> {
    let mut filter = inspect::JobFilter {
        states: states.iter().map(|state| state.name().to_owned()).collect(),
        limit: 1000,
        ..Default::default()
    };
    let mut ids = Vec::new();
    loop {
        let page = inspect::list(db, &filter).await?;
        let Some(last) = page.last() else { return Ok(ids) };
        filter.before = Some(last.id);
        ids.extend(page.iter().map(|row| row.id));
    }
}
