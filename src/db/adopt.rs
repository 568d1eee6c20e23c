//! Adopting a database of the founding Python application in place: from what its Alembic made to what migration 0001
//! makes, with every row kept and the application going on.
//!
//! [`look`] recognises it, [`plan`] says what there is to do, [`adopt`] does it; the migrations after 0001 follow as
//! ever. Nothing is rewritten, and a table is locked for moments only.

mod look;
pub mod pictures;
mod rows;
mod shape;
mod steps;
mod walk;

use std::time::Duration;

use crate::db::{Db, migrate};
use crate::model::failure::Result;
pub use look::{Found, REVISIONS};
pub use rows::{Census, census};

/// What there is to do, and what stands in the way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The steps, for people.
    pub steps: Vec<String>,
    /// Tables that are left alone, as `schema.name`.
    pub left_alone: Vec<String>,
    /// What keeps the user of the connection from it, each with what to do.
    pub obstacles: Vec<(String, String)>,
}

/// Finds out what is in the database; fails, and says what differs, where it is neither ours nor the application's.
pub async fn look(db: &Db) -> Result<Found> {
    look::look(&mut db.pool().acquire().await?).await
}

/// What there is to do in a database of the application's.
pub async fn plan(db: &Db) -> Result<Plan> {
    let mut session = db.pool().acquire().await?;
    Ok(Plan {
        left_alone: rows::other_tables(&mut session).await?,
        obstacles: look::obstacles(&mut session).await?,
        steps: steps::steps(session.connection()).await?.into_iter().map(|step| step.what).collect(),
    })
}

/// Goes the steps, and says each before it is gone; returns what is to be told besides. Whoever was interrupted goes on
/// where it was. Waits while another host migrates.
pub async fn adopt(db: &Db, patience: Duration, say: impl Fn(&str)) -> Result<Vec<String>> {
    let mut session = db.connect_directly().await?;
    walk::prepare(session.connection()).await?;
    migrate::lock(session.connection()).await?;
    let mut told = Vec::new();
    // Another host may have done it meanwhile.
    if let Found::Original { .. } = look::look(&mut session).await? {
        let connection = session.connection();
        for step in steps::steps(connection).await? {
            say(&step.what);
            told.extend(walk::go(db, connection, &step, patience).await?);
        }
    }
    // The lock goes with the connection.
    drop(session.close().await);
    Ok(told)
}
