//! `db sessions`: who is connected.

use crate::commands::Output;
use crate::commands::view::backends as view;
use crate::db::Db;
use crate::db::looking::backends::{self, Which};
use crate::model::failure::Result;

/// Prints the sessions in our database, but for the one that asks.
pub async fn run(db: &Db, full: bool, output: &Output) -> Result<()> {
    let found = backends::backends(db, &Which::OfDatabase).await?;
    output.data(&found, |look| view::backends(&found, full, look))
}
