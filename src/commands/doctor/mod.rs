//! `doctor`: everything that this program needs, and what to do about what is missing.

mod backups;
mod machine;
mod settings;

use std::path::Path;

use super::Output;
use super::session::{Schema, Session, block_on, program};
use super::view::amount::counted;
use super::view::checks::render;
use crate::config::{self, Loaded};
use crate::db::{Db, hold, migrate};
use crate::model::check::{Check, State};
use crate::model::failure::{Failure, Kind, Result};
use crate::postgres;

/// Runs every check and prints the list; fails if something is missing.
pub fn run(loaded: &Loaded, output: &Output) -> Result<()> {
    let config = &loaded.config;
    let mut all = settings::checks(loaded);
    all.extend(machine::checks());
    all.push(machine::folder("data folder", &config.data.folder));
    all.push(machine::folder("image store", Path::new(&config.images.store)));
    all.push(machine::port(&config.http.listen));
    all.extend(postgres::doctor::checks(&config.database, &config.data.folder, &program()?));
    all.extend(database(&config.database));
    all.extend(backups::checks(config));
    all.extend(held(loaded));
    output.data(&all, |look| render(&all, look))?;
    match all.iter().filter(|check| check.state == State::Fail).count() {
        0 => Ok(()),
        failed => Err(Failure::new(Kind::Environment, format!("{failed} of {} checks failed", all.len()))
            .hint("do what stands behind the arrows, then run `repo-to-cat doctor` again")),
    }
}

/// The server that `database.url` names; the private one is started and looked at by [`postgres::doctor`].
fn database(settings: &config::Database) -> Option<Check> {
    const NAME: &str = "database";
    if settings.url.is_empty() {
        return None;
    }
    let look = async {
        let schema = migrate::state(&Db::connect(settings).await?).await?;
        schema.require_current()?;
        Ok(schema.current)
    };
    Some(match block_on(look) {
        Ok(current) => Check::ok(NAME, format!("the server answers; its schema is at migration {current}")),
        Err(failure) => Check::failed(NAME, &failure),
    })
}

/// Whether the queue waits for a person after a restore. What keeps us from looking is told by other checks.
fn held(loaded: &Loaded) -> Option<Check> {
    let look = async { hold::current(&Session::open(loaded, Schema::Any).await?.db).await };
    let held = block_on(look).ok()??;
    let what = counted(held.jobs.unsigned_abs(), "parked job", "parked jobs");
    let found = format!("held since {}, {what}: {}", held.since.format("%Y-%m-%d %H:%M:%S UTC"), held.because);
    Some(Check::warn("queue", found, "look at the restored database, then type: repo-to-cat backup release"))
}
