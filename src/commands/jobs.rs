//! `jobs`: look at jobs and steer them.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::cli::{JobFilter, JobListing, Jobs};
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::steering;
use crate::commands::view::hold::banner;
use crate::commands::view::job;
use crate::commands::view::lists::{self, JobLine};
use crate::config::Loaded;
use crate::db::inspect::{Filter, JobRow};
use crate::db::steer::Change;
use crate::db::{Db, hold, inspect, life, users};
use crate::model::failure::Result;

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
            Jobs::Reschedule { at, selection } => {
                steering::run(&db.db, Change::Reschedule(at.resolve(Utc::now())), selection, output).await
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
        list + &lists::looked_back(page.looked_back_to, page.next, wanted.reach(), look)
    })
}

/// What the command line means, seen from `now`: times without a date lie before it.
pub async fn filter(db: &Db, wanted: &JobFilter, now: DateTime<Utc>) -> Result<Filter> {
    let user = match &wanted.user {
        Some(who) => Some(users::id_of(db, who).await?),
        None => None,
    };
    Ok(Filter {
        states: wanted.states.clone(),
        kind: wanted.kind.map(|kind| kind.name().to_owned()),
        user,
        tag: wanted.tag.clone(),
        text: wanted.text.clone(),
        since: wanted.since.map(|when| when.before(now)),
        until: wanted.until.map(|when| when.before(now)),
        ended_since: wanted.ended_since.map(|when| when.before(now)),
        error_class: wanted.error_class,
        longer_than: wanted.longer_than,
        shorter_than: wanted.shorter_than,
    })
}

fn line(row: &JobRow) -> Result<JobLine> {
    let count = |number: i16| u16::try_from(number).unwrap_or(0);
    Ok(JobLine {
        id: row.id.to_string(),
        kind: row.kind.clone(),
        subject: row.subject(),
        state: row.state()?,
        attempts: (count(row.attempts), count(row.max_attempts)),
        created_at: row.created_at,
    })
}

async fn show(db: &Db, id: Uuid, output: &Output) -> Result<()> {
    let life = life::of_job(db, id).await?;
    output
        .data(&life, |look| job::render(&life.job, &life.job.subject(), &life.steps, &life.attempts, Utc::now(), look))
}
