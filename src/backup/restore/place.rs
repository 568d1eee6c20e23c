//! The restore itself: a new database, the dump in it, compared, held, and then given its name.

use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use serde::Serialize;
use tokio::time::sleep;

use super::load::{self, Dump, Loaded, Options};
use super::plan::{self, Plan, What};
use super::replace;
use super::verify;
use crate::backup::comparing::Compared;
use crate::backup::pipe::{self, Identities};
use crate::backup::{Reporter, Yard};
use crate::db::places::{self, Held};
use crate::db::{Session, restored};
use crate::model::backup::manifest::FileRole;
use crate::model::failure::{Failure, Kind, Result};

/// How often the reporter is asked whether to stop.
const LOOK: Duration = Duration::from_millis(100);
/// How long what runs may take to stop by itself.
const GRACE: Duration = Duration::from_millis(400);

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
    let created = create(yard, plan, &mut session).await;
    let made = match created {
        Ok(()) => until_stopped(report, fill(yard, plan, report, &mut session)).await,
        Err(failure) => Err(failure),
    };
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

/// Makes the roles that are missing, where that is wanted, and the empty database.
async fn create(yard: &Yard, plan: &Plan, session: &mut Session<'_>) -> Result<()> {
    if plan.wish.makes_roles && !plan.missing_roles.is_empty() {
        for statement in role_statements(&globals(yard, plan).await?, &plan.missing_roles) {
            places::run_globals(session, &statement).await.map_err(|failure| failure.context("making roles"))?;
        }
        // Those that the globals do not tell of.
        let left = places::missing_roles(session, &plan.missing_roles).await?;
        restored::create_roles(session, &left, &[]).await?;
    }
    match &plan.look {
        Some(look) => restored::create_database(session, &plan.beside, look).await?,
        None => places::create_plain(session, &plan.beside).await?,
    }
    let words = format!("{} {}, to be {}", plan::UNDER_WAY, plan.what.short(), plan.database);
    places::describe(session, &plan.beside, &words).await
}

/// Loads, compares, holds.
async fn fill(
    yard: &Yard,
    plan: &Plan,
    report: &Reporter,
    session: &mut Session<'_>,
) -> Result<(Loaded, Option<Compared>, Held)> {
    let wish = &plan.wish;
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
    let mut inside = yard.server.connect(&plan.beside, plan::APPLICATION).await?;
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
    match dropped.await {
        Ok(()) => failure,
        Err(_) => failure.context(format!("the unfinished database {beside} is left; drop it with: dropdb {beside}")),
    }
}

/// Carries something out until it is done or the reporter says stop; then what runs gets a moment to stop by itself.
async fn until_stopped<T>(report: &Reporter, work: impl Future<Output = Result<T>>) -> Result<T> {
    let stopped = async {
        while !report.should_stop() {
            sleep(LOOK).await;
        }
        sleep(GRACE).await;
    };
    tokio::select! {
        done = work => done,
        () = stopped => Err(Failure::new(Kind::Cancelled, "the restore was stopped; every database is as it was")),
    }
}

/// The roles of a backup as `pg_dumpall` writes them; empty where it has none.
async fn globals(yard: &Yard, plan: &Plan) -> Result<String> {
    let What::Stored(name, manifest) = &plan.what else { return Ok(String::new()) };
    let Some(file) = manifest.files.iter().find(|file| file.role == FileRole::Globals) else {
        return Ok(String::new());
    };
    let pieces: Vec<_> = yard.vault.read(name, &file.name).await?.try_collect().await?;
    let identities = match yard.settings.identity_file.as_path() {
        none if none.as_os_str().is_empty() => Identities::default(),
        file => Identities::read(file)?,
    };
    let mut text = String::new();
    let (mut content, _) = pipe::decode(Cursor::new(pieces.concat()), &identities)?;
    content.read_to_string(&mut text).map_err(|error| pipe::failure_of(error, "the roles cannot be read"))?;
    Ok(text)
}

/// The lines that make these roles and say what they may.
fn role_statements(globals: &str, roles: &[String]) -> Vec<String> {
    let is_about = |line: &str| {
        let role = line.strip_prefix("CREATE ROLE ").or_else(|| line.strip_prefix("ALTER ROLE "));
        role.is_some_and(|rest| {
            roles.iter().any(|role| {
                let quoted = format!("\"{}\"", role.replace('"', "\"\""));
                [role, &quoted].into_iter().any(|name| {
                    rest.strip_prefix(name.as_str()).is_some_and(|rest| rest == ";" || rest.starts_with(" WITH "))
                })
            })
        })
    };
    globals.lines().filter(|line| is_about(line)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_missing_roles_are_made() {
        let globals = "CREATE ROLE cat;\nALTER ROLE cat WITH NOSUPERUSER LOGIN PASSWORD 'SCRAM';\nCREATE ROLE \"a \"\"b\";\n\
                       CREATE ROLE catnip;\nALTER ROLE cat SET search_path TO 'x';\nGRANT cat TO catnip;\n";
        let made = role_statements(globals, &["cat".to_owned(), "a \"b".to_owned()]);
        assert_eq!(
            made,
            ["CREATE ROLE cat;", "ALTER ROLE cat WITH NOSUPERUSER LOGIN PASSWORD 'SCRAM';", "CREATE ROLE \"a \"\"b\";"]
        );
    }
}
