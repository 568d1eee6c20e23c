//! `backup check --freshness`: whether there are verified backups that are not too old, by the store alone. It works, and
//! matters most, when the database is lost.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use super::store;
use crate::backup::shelf::{self, Shelved};
use crate::cli::BackupCheck;
use crate::commands::Output;
use crate::commands::session::block_on;
use crate::commands::view::amount::relative;
use crate::commands::view::text::safe;
use crate::config::{Config, Loaded};
use crate::model::backup::BackupName;
use crate::model::backup::name::AHEAD;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::JobKind;

/// How fresh the backups of a database are.
#[derive(Debug, Serialize)]
struct Freshness {
    database: String,
    /// The newest backup of all of it that is proven to restore.
    verified: Option<BackupName>,
    /// The newest one that is named after a moment yet to come.
    of_the_future: Option<BackupName>,
    is_fresh: bool,
}

/// A line for each database, and success only if all are fresh.
pub fn run(args: &BackupCheck, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let (now, hours) = (Utc::now(), loaded.config.backup.fresh_hours);
        let vault = store::open(loaded)?;
        let mut all = Vec::new();
        for database in databases(args, &loaded.config)? {
            let verified = shelf::newest(&vault, &database, now + AHEAD, Shelved::is_proof).await?;
            let verified = verified.map(|shelved| shelved.name);
            let mut names = vault.list().await?.into_iter();
            let of_the_future = names.rfind(|name| name.database() == database && name.is_of_the_future(now));
            let is_fresh = hours == 0 || verified.as_ref().is_some_and(|name| is_fresh(name, hours, now));
            all.push(Freshness { database, verified, of_the_future, is_fresh });
        }
        output.data(&all, |_| all.iter().map(|one| format!("{}\n", safe(&words(one, now)))).collect())?;
        match all.iter().find(|one| !one.is_fresh) {
            None => Ok(()),
            Some(old) => Err(Failure::new(Kind::Environment, format!("{}; {hours} h are allowed", words(old, now)))
                .hint("make one with: repo-to-cat backup now; see what became of others: repo-to-cat backup list")),
        }
    })
}

/// The one that is named, or else ours and those that a declared schedule backs up.
fn databases(args: &BackupCheck, config: &Config) -> Result<BTreeSet<String>> {
    if let Some(named) = &args.database {
        return Ok([named.clone()].into());
    }
    let backups = config.schedules.values().filter(|spec| spec.kind == JobKind::Backup.name());
    let named = backups.filter_map(|spec| spec.payload.get("database")?.as_str().map(str::to_owned));
    Ok(named.chain([store::ours(None, config)?]).collect())
}

fn is_fresh(name: &BackupName, hours: u64, now: DateTime<Utc>) -> bool {
    let most = i64::try_from(hours).ok().and_then(TimeDelta::try_hours).unwrap_or(TimeDelta::MAX);
    now - name.moment() <= most
}

fn words(one: &Freshness, now: DateTime<Utc>) -> String {
    let database = &one.database;
    let told = match &one.verified {
        Some(name) => {
            format!("the last verified backup of {database} is {name}, made {}", relative(name.moment(), now))
        }
        None => format!("there is no verified backup of {database}"),
    };
    let future = one.of_the_future.as_ref();
    told + &future.map(|name| format!("; {name} is from the future and does not count")).unwrap_or_default()
}
