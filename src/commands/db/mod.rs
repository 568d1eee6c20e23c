//! `db`: look at the database server, and end what is in the way.

mod check;
mod explain;
mod psql;
mod sessions;
mod size;
mod terminate;

use super::Output;
use super::session::{Host, block_on};
use crate::cli::DbCommand;
use crate::config::Loaded;
use crate::db::Db;
use crate::model::failure::Result;

/// Runs `db ...`.
pub fn run(command: &DbCommand, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        DbCommand::Check => check::run(loaded, output),
        DbCommand::Size => with_db(loaded, async |db| size::run(db, output).await),
        DbCommand::Sessions { full } => with_db(loaded, async |db| sessions::run(db, *full, output).await),
        DbCommand::Terminate(args) => with_db(loaded, async |db| terminate::run(db, args, output).await),
        DbCommand::Psql { args } => psql::run(args, loaded),
        DbCommand::Explain(args) => with_db(loaded, async |db| explain::run(db, args, output).await),
    }
}

/// Connects, whatever schema there is: these verbs are for when something is wrong.
fn with_db(loaded: &Loaded, work: impl AsyncFnOnce(&Db) -> Result<()>) -> Result<()> {
    block_on(async {
        let host = Host::open(loaded).await?;
        let db = Db::connect(&host.config.database).await?;
        work(&db).await
    })
}
