//! The restore itself: a new database, the dump in it, compared, held, and then given its name.

use std::time::Instant;

use serde::Serialize;

use super::job::APPLICATION;
use super::load::{self, Dump, Loaded, Options};
use super::plan::{self, Plan, What};
use super::{replace, roles, verify};
use crate::backup::comparing::Compared;
use crate::backup::stopping::until_stopped;
use crate::backup::{Reporter, Yard};
use crate::db::places::{self, Held};
use crate::db::{Session, restored};
use crate::model::failure::{Failure, Result};

/// What is said of one that was stopped.
const STOPPED: &str = "the restore was stopped; every database is as it was";

/// What was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Restored {
    /// The backup or the file.
    pub from: String,
    /// The database.
    pub database: String,
    /// The one that it replaced, under the name that it has now; none where it replaced none, or that was dropped.
    pub old: Option<String>,
    /// Rows that were written.
    pub rows: u64,
    /// How long all of it took, in seconds.
    pub seconds: f64,
    /// What was compared with the manifest; none where there is none, or nobody wanted it.
    pub compared: Option<Compared>,
    /// What became of its queue.
    pub queue: Held,
}

/// Restores by a plan in which nothing is in the way. A failure leaves every database as it was, and nothing of the new one
/// (unless that was to be kept); but where only the names are left to change, the new one is kept under the name of the plan.
pub async fn restore(yard: &Yard, plan: &Plan, report: &Reporter) -> Result<Restored> {
    plan.must_be_possible()?;
    let begun = Instant::now();
    let mut session = plan::connect(yard).await?;
    // Not to be interrupted: it takes a moment, and what the server had begun would be left.
    create(yard, plan, &mut session).await?;
    let made = until_stopped(report, STOPPED, fill(yard, plan, report, &mut session)).await;
    drop(session.close().await);
    let (loaded, compared, queue) = match made {
        Ok(made) => made,
        Err(failure) => return Err(give_up(yard, plan, failure).await),
    };
    let old = replace::name(yard, plan).await?;
    Ok(Restored {
        from: plan.what.title(),
        database: plan.database.clone(),
        old,
        rows: loaded.rows,
        seconds: begun.elapsed().as_secs_f64(),
        compared,
        queue,
    })
}

/// Makes the roles that are missing, where that is wanted, and the empty database. Where it fails, there is no database of
/// ours: one of that name is somebody else's.
async fn create(yard: &Yard, plan: &Plan, session: &mut Session<'_>) -> Result<()> {
    if plan.wish.makes_roles && !plan.missing_roles.is_empty() {
        let statements = roles::statements(yard, plan).await?;
        let made = places::make_roles(session, &statements, &plan.missing_roles).await;
        made.map_err(|failure| failure.context("making roles"))?;
    }
    match &plan.look {
        Some(look) => restored::create_database(session, &plan.beside, look).await,
        None => places::create_plain(session, &plan.beside).await,
    }
}

/// Loads, compares, holds.
async fn fill(
    yard: &Yard,
    plan: &Plan,
    report: &Reporter,
    session: &mut Session<'_>,
) -> Result<(Loaded, Option<Compared>, Held)> {
    let wish = &plan.wish;
    let words = format!("{} {}, to be {}", plan::UNDER_WAY, plan.what.short(), plan.database);
    places::describe(session, &plan.beside, &words).await?;
    let jobs = if wish.jobs == 0 { yard.settings.jobs } else { wish.jobs };
    let manifest = plan.what.manifest().filter(|_| wish.verifies);
    let dump = match &plan.what {
        What::Stored(name, manifest) => Dump::Stored(name, manifest),
        What::File(path) => Dump::File(path),
    };
    let options = Options { jobs, tables: wish.tables.clone(), owners: wish.owners, verify: manifest.is_some() };
    let loaded = load::load(yard, dump, &yard.server, &plan.beside, &options, Reporter::clone(report)).await?;
    let compared = match manifest {
        Some(manifest) => {
            Some(verify::compare(&yard.server, &plan.beside, manifest, &wish.tables, jobs, report).await?)
        }
        None => None,
    };
    report.report(0, 0, "holding its queue");
    let mut inside = yard.server.connect(&plan.beside, APPLICATION).await?;
    let held = places::hold(&mut inside, &format!("restored from {}", plan.what.short())).await?;
    drop(inside.close().await);
    if plan.aside.is_some() {
        places::dress_like(session, &plan.beside, &plan.database).await?;
    }
    Ok((loaded, compared, held))
}

/// Takes the new database away, unless it is to be kept; tells both failures where that fails, too.
async fn give_up(yard: &Yard, plan: &Plan, failure: Failure) -> Failure {
    let beside = &plan.beside;
    if plan.wish.keeps_partial {
        return failure.context(format!("what there is of it is kept as database {beside}"));
    }
    let dropped = async {
        let mut session = plan::connect(yard).await?;
        places::drop(&mut session, beside, true).await?;
        drop(session.close().await);
        Ok::<_, Failure>(())
    };
    if dropped.await.is_ok() {
        return failure;
    }
    let todo = places::dropping(beside);
    failure.context(format!("the unfinished database {beside} is left; drop it in psql: {todo};"))
}
