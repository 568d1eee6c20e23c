//! What the program tells of itself and its jobs: logs kept with jobs, metrics.

mod depth;
mod logs;
pub mod metrics;
mod runs;

use repo_to_cat::db::Db;
use sqlx::PgPool;

use crate::support::gate::{Gate, database_with_gate, settings};

/// A database of one test.
struct Database {
    url: String,
    db: Db,
    /// For what no worker would do.
    pool: PgPool,
}

impl Database {
    /// A fresh one.
    async fn make() -> Self {
        let url = database_with_gate("telemetry");
        Self { db: Db::connect(&settings(&url)).await.unwrap(), pool: Gate::of(&url).pool, url }
    }
}
