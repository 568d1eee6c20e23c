//! `backup check`: whether a backup could be made, and whether there is a fresh one.

use crate::cli::BackupCheck;
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::checks::render;
use crate::config::Loaded;
use crate::db::backups;
use crate::model::backup::Standing;
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};

/// Runs the checks and prints them; fails if one of them does.
pub fn run(args: &BackupCheck, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        let hours = session.config.backup.fresh_hours;
        let standings = backups::standings(&session.db).await?;
        let all: Vec<Check> =
            standings.iter().filter(|standing| standing.is_watched).map(|standing| freshness(standing, hours)).collect();
        output.data(&all, |look| render(&all, look))?;
        match all.iter().filter(|check| check.state == State::Fail).count() {
            0 => Ok(()),
            failed => Err(Failure::new(Kind::Environment, format!("{failed} of {} checks failed", all.len()))
                .hint("do what stands behind the arrows, then run `repo-to-cat backup check` again")),
        }
    })
}

/// Whether the last verified backup of a database is fresh enough.
pub fn freshness(standing: &Standing, hours: u64) -> Check {
    const NAME: &str = "fresh backup";
    const TODO: &str = "make one: repo-to-cat backup now; see what keeps the schedule from it: repo-to-cat schedules show backup";
    let Standing { database, verified, verified_at, now, .. } = standing;
    let what = match (verified, verified_at) {
        (Some(name), Some(at)) => format!("{database}: {name}, verified, {} h old", (*now - *at).num_hours()),
        _ => format!("{database} has no verified backup"),
    };
    if standing.is_alarming(hours) {
        Check::fail(NAME, format!("{what}; {hours} h are allowed"), TODO)
    } else if verified.is_none() {
        Check::warn(NAME, format!("{what} yet"), TODO)
    } else {
        Check::ok(NAME, what)
    }
}
