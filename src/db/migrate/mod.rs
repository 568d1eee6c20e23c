//! Bringing the schema to a revision, and telling where it is.
//!
//! The migrations are sqlx's, compiled in, and so is the table that records them. They are carried out by our own runner:
//! statement by statement, so that a failure names the one that failed, with a bounded wait for locks.

mod apply;
pub(super) mod blocking;
pub(super) mod foreign;
mod goal;
mod index;
mod offline;
mod record;
mod revisions;
mod runner;
mod script;
mod state;

use sqlx::PgConnection;

use crate::config::Pooler;
use crate::db::{Db, Session};
use crate::model::failure::{Failure, Kind, Result};
pub use goal::Goal;
pub use offline::offline;
use record::Mark;
pub use revisions::{Revision, Revisions, label};
pub use runner::{Options, Runner, Stamped};
pub use state::{Recorded, SchemaState};

/// Which way the schema goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Migrations are applied.
    Up,
    /// Migrations are taken back.
    Down,
}

/// How the database's schema relates to this program.
pub async fn state(db: &Db) -> Result<SchemaState> {
    state::state_of(&mut db.pool().acquire().await?, Revisions::ours()).await
}

/// Applies what is pending; returns it: nothing where a newer program has been here. Waits while another host does the same.
pub async fn up(db: &Db) -> Result<Vec<(i64, String)>> {
    Runner::new(db, Options::default()).up(Goal::Head).await
}

/// Keeps others from migrating until the session ends; waits while another host does.
pub(super) async fn lock(connection: &mut PgConnection) -> Result<()> {
    runner::lock(connection, Options::default().patience).await
}

/// Records a migration of this program as applied, and carries out nothing.
pub async fn stamp(connection: &mut PgConnection, version: i64) -> Result<()> {
    let revision = Revisions::ours()
        .get(version)
        .ok_or_else(|| Failure::new(Kind::Internal, format!("this program has no migration {version}")))?;
    record::make_table(connection).await?;
    Ok(record::note(connection, revision, Mark::Stamped).await?)
}

/// The same for a connection that the caller has.
async fn state_of(connection: &mut PgConnection, revisions: &Revisions) -> Result<SchemaState> {
    state::state_of(&mut Session::lent(connection, Pooler::None), revisions).await
}
