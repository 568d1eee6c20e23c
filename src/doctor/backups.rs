//! Checks of the backups: told by the store alone, which knows even where the database is lost.

use chrono::Utc;

use crate::backup::shelf;
use crate::backup::yard::vault;
use crate::config::Config;
use crate::model::backup::BackupName;
use crate::model::check::Check;
use crate::model::failure::Result;
use crate::postgres::programs::{self, Programs};
use crate::providers::vault::Vault;

/// How many of the newest backups are looked at for one that is verified.
const LOOK_BACK: usize = 20;

/// Whether there is a backup of a whole database that is proven to restore, and how old it is.
pub(super) async fn checks(config: &Config) -> Vec<Check> {
    const NAME: &str = "backups";
    let look = async {
        let vault = vault(config)?;
        let names = vault.list().await?;
        let newest = newest_verified(&vault, &names).await?;
        Ok((vault.place(), names.len(), newest))
    };
    let kept = match look.await {
        Ok((place, count, newest)) => age(&place, count, newest.as_ref(), config.backup.fresh_hours),
        Err(failure) => Check::failed(NAME, &failure),
    };
    vec![kept, programs_of_drills(config)]
}

/// Whether backups can be tried here: that needs a server of its own.
fn programs_of_drills(config: &Config) -> Check {
    const NAME: &str = "drill programs";
    const TODO: &str = "type: sudo apt-get install postgresql   (or let drills run on another host)";
    let programs = match Programs::find(&config.database.bin_folder, None) {
        Ok(programs) => programs,
        Err(failure) => return Check::warn(NAME, format!("{failure}; drills need them"), TODO),
    };
    let missing: Vec<&str> = programs::DRILL.into_iter().filter(|name| !programs.path(name).is_file()).collect();
    if missing.is_empty() {
        return Check::ok(
            NAME,
            format!("all of version {} are in {}", programs.version(), programs.folder().display()),
        );
    }
    let what = format!("{} is not in {}; drills need it", missing.join(", "), programs.folder().display());
    Check::warn(NAME, what, TODO)
}

async fn newest_verified(vault: &Vault, names: &[BackupName]) -> Result<Option<BackupName>> {
    let now = Utc::now();
    for name in names.iter().rev().filter(|name| !name.is_of_the_future(now)).take(LOOK_BACK) {
        if shelf::one(vault, name).await?.is_proof() {
            return Ok(Some(name.clone()));
        }
    }
    Ok(None)
}

fn age(place: &str, count: usize, newest: Option<&BackupName>, fresh_hours: u64) -> Check {
    const NAME: &str = "backups";
    const TODO: &str =
        "type: repo-to-cat backup now   (the scheduler makes one every day at 03:00 UTC, unless you changed that)";
    let Some(newest) = newest else {
        let what = match count {
            0 => format!("there is no backup in {place}"),
            _ => format!("none of the newest backups in {place} is verified"),
        };
        return Check::warn(NAME, what, TODO);
    };
    let hours = (Utc::now() - newest.moment()).num_hours();
    let what = format!("{newest} is verified and {hours} h old; {count} in {place}");
    let is_old = fresh_hours > 0 && u64::try_from(hours).is_ok_and(|hours| hours >= fresh_hours);
    if is_old { Check::warn(NAME, what, TODO) } else { Check::ok(NAME, what) }
}
