//! Everything that this program needs, and what to do about what is missing: what `doctor` prints, and the service tells.

mod backups;
mod machine;
mod settings;

use std::path::Path;

use tokio::task::spawn_blocking;

use crate::config::{self, Loaded};
use crate::db::{Db, hold, migrate};
use crate::model::check::Check;
use crate::model::failure::{Failure, Result};
use crate::model::figures::counted;
use crate::postgres;

/// Who looks.
#[derive(Debug, Clone, Copy)]
pub struct Doctor<'a> {
    /// The settings.
    pub loaded: &'a Loaded,
    /// This program's own file.
    pub program: &'a Path,
    /// Our database, or why there is no way to it.
    pub db: std::result::Result<&'a Db, &'a Failure>,
    /// Whether this process is the one that listens at `http.listen`.
    pub is_listening: bool,
}

impl Doctor<'_> {
    /// Runs every check. Starts the private cluster, where there is to be one and nobody has yet: that takes a second or
    /// two. A check that cannot be made does not keep the others from it.
    pub async fn checks(self) -> Vec<Check> {
        let (loaded, program, is_listening) = (self.loaded.clone(), self.program.to_owned(), self.is_listening);
        let mut all = spawn_blocking(move || of_the_machine(&loaded, &program, is_listening))
            .await
            .unwrap_or_else(|error| vec![Check::fail("doctor", format!("the checks broke: {error}"), "report it")]);
        let config = &self.loaded.config;
        all.extend(self.database(&config.database).await);
        all.extend(backups::checks(config).await);
        all.extend(self.held().await);
        all
    }

    /// The server that `database.url` names; the private one is looked at by [`postgres::doctor`].
    async fn database(self, settings: &config::Database) -> Option<Check> {
        const NAME: &str = "database";
        if settings.url.is_empty() {
            return None;
        }
        let schema = match self.db {
            Err(failure) => return Some(Check::failed(NAME, failure)),
            Ok(db) => current_schema(db).await,
        };
        Some(match schema {
            Ok(current) => Check::ok(NAME, format!("the server answers; its schema is at migration {current}")),
            Err(failure) => Check::failed(NAME, &failure),
        })
    }

    /// Whether the queue waits for a person after a restore. What keeps us from looking is told by other checks.
    async fn held(self) -> Option<Check> {
        let held = hold::current(self.db.ok()?).await.ok()??;
        let what = counted(held.jobs.unsigned_abs(), "parked job", "parked jobs");
        let found = format!("held since {}, {what}: {}", held.since.format("%Y-%m-%d %H:%M:%S UTC"), held.because);
        Some(Check::warn("queue", found, "look at the restored database, then type: repo-to-cat backup release"))
    }
}

async fn current_schema(db: &Db) -> Result<i64> {
    let schema = migrate::state(db).await?;
    schema.require_current()?;
    Ok(schema.current)
}

fn of_the_machine(loaded: &Loaded, program: &Path, is_listening: bool) -> Vec<Check> {
    let config = &loaded.config;
    let mut all = settings::checks(loaded);
    all.extend(machine::checks());
    all.push(machine::folder("data folder", &config.data.folder));
    all.push(machine::folder("image store", Path::new(&config.images.store)));
    all.push(machine::port(&config.http.listen, is_listening));
    all.extend(postgres::doctor::checks(&config.database, &config.data.folder, program));
    all
}
