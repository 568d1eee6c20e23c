//! `backup check`: whether a backup could be made, and whether there is a fresh one.

use crate::backup::preflight::preflight;
use crate::backup::submit::database;
use crate::cli::BackupCheck;
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::checks::render;
use crate::config::Loaded;
use crate::db::backups;
use crate::model::backup::{BackupRequest, Standing};
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};

/// Runs the checks and prints them; fails if one of them does.
pub fn run(args: &BackupCheck, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let schema = if args.freshness { Schema::Current } else { Schema::Any };
        let session = Session::open(loaded, schema).await?;
        let all = if args.freshness { ages(&session, args.database.as_deref()).await? } else { needs(args, &session).await? };
        output.data(&all, |look| render(&all, look))?;
        match all.iter().filter(|check| check.state == State::Fail).count() {
            0 => Ok(()),
            failed => Err(Failure::new(Kind::Environment, format!("{failed} of {} checks failed", all.len()))
                .hint("do what stands behind the arrows, then run `repo-to-cat backup check` again")),
        }
    })
}

/// Everything that a backup needs.
async fn needs(args: &BackupCheck, session: &Session) -> Result<Vec<Check>> {
    let request = BackupRequest { database: args.database.clone(), ..BackupRequest::default() };
    let database = database(request.database.clone(), &session.config)?;
    preflight(&session.premises()?.open()?, &database, &request).await
}

/// How old the last verified backups are: of each database that should have some, or of the one that was named.
async fn ages(session: &Session, named: Option<&str>) -> Result<Vec<Check>> {
    let hours = session.config.backup.fresh_hours;
    let standings = backups::standings(&session.db).await?;
    let is_asked = |standing: &&Standing| named.map_or(standing.is_watched, |named| standing.database == named);
    let all: Vec<Check> = standings.iter().filter(is_asked).map(|standing| freshness(standing, hours)).collect();
    match named {
        Some(named) if all.is_empty() => Err(Failure::new(Kind::NotFound, format!("no backup of {named} was ever recorded"))
            .hint(format!("make one with: repo-to-cat backup now --database {named}"))),
        _ => Ok(all),
    }
}

/// Whether the last verified backup of a database is fresh enough.
fn freshness(standing: &Standing, hours: u64) -> Check {
    const NAME: &str = "fresh backup";
    const TODO: &str = "make one: repo-to-cat backup now; see what keeps the schedule from it: repo-to-cat schedules show backup";
    let Standing { database, verified, verified_at, now, .. } = standing;
    let what = match (verified, verified_at) {
        (Some(name), Some(at)) => format!("{database}: {name}, verified, {} h old", (*now - *at).num_hours()),
        _ => format!("{database} has no verified backup"),
    };
    if !standing.is_fresh(hours) {
        Check::fail(NAME, format!("{what}; {hours} h are allowed"), TODO)
    } else if verified.is_none() {
        Check::warn(NAME, format!("{what} yet"), TODO)
    } else {
        Check::ok(NAME, what)
    }
}
