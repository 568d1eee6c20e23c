//! `backup check --freshness`: whether there is a verified backup that is not too old, by the store alone.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::store;
use crate::backup::shelf;
use crate::cli::BackupCheck;
use crate::commands::Output;
use crate::commands::session::block_on;
use crate::commands::view::amount::relative;
use crate::config::Loaded;
use crate::model::backup::{BackupName, Verdict};
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::vault::Vault;

/// One line, and success only if it is fresh.
pub fn run(args: &BackupCheck, loaded: &Loaded, output: &Output) -> Result<()> {
    block_on(async {
        let hours = loaded.config.backup.fresh_hours;
        let database = store::ours(args.database.as_deref(), &loaded.config)?;
        let vault = store::open(loaded)?;
        let now = Utc::now();
        let verified = last_verified(&vault, &database).await?;
        let what = words(&database, verified.as_ref(), now);
        if !verified.as_ref().is_some_and(|name| is_fresh(name, hours, now)) {
            return Err(Failure::new(Kind::Environment, format!("{what}; {hours} h are allowed"))
                .hint("make one with: repo-to-cat backup now; see why others failed with: repo-to-cat backup list"));
        }
        output.data(&json!({"database": database, "verified": verified, "is_fresh": true}), |_| format!("{what}\n"))
    })
}

/// The newest backup that is proven to restore. Looks no further back than that one.
async fn last_verified(vault: &Vault, database: &str) -> Result<Option<BackupName>> {
    for name in vault.list().await?.into_iter().rev().filter(|name| name.database() == database) {
        if shelf::one(vault, &name).await?.verdict() == Verdict::Verified {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

fn is_fresh(name: &BackupName, hours: u64, now: DateTime<Utc>) -> bool {
    let most = i64::try_from(hours).ok().and_then(TimeDelta::try_hours).unwrap_or(TimeDelta::MAX);
    hours == 0 || now - name.moment() <= most
}

fn words(database: &str, verified: Option<&BackupName>, now: DateTime<Utc>) -> String {
    match verified {
        Some(name) => {
            format!("the last verified backup of {database} is {name}, made {}", relative(name.moment(), now))
        }
        None => format!("there is no verified backup of {database}"),
    }
}
