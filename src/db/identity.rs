//! Which database this is.

use chrono::{DateTime, SecondsFormat, Utc};

use crate::db::Db;
use crate::model::failure::Result;

/// A name that tells this database from every other one and stays with it when it is dumped and restored: the moment
/// at which its schema was made. The table is the migrator's, hence unchecked SQL.
pub async fn identity(db: &Db) -> Result<String> {
    let made: DateTime<Utc> =
        sqlx::query_scalar("SELECT min(installed_on) FROM _sqlx_migrations").fetch_one(db.pool()).await?;
    Ok(made.to_rfc3339_opts(SecondsFormat::Micros, true))
}
