//! `db size`: what takes how much room.

use crate::commands::Output;
use crate::commands::view::sizes as view;
use crate::db::Db;
use crate::db::looking::sizes;
use crate::model::failure::Result;

/// Prints the size of the database and of its tables.
pub async fn run(db: &Db, output: &Output) -> Result<()> {
    let sizes = sizes::sizes(db).await?;
    output.data(&sizes, |look| view::sizes(&sizes, look))
}
