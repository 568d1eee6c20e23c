//! Noting a migration as applied without applying it.

use sqlx::PgConnection;
use sqlx::migrate::Migrate;

use crate::db::migrate::MIGRATIONS;
use crate::model::failure::{Failure, Kind, Result};

const TABLE: &str = "_sqlx_migrations";

/// Notes the compiled-in migration `version` as applied; makes the migrator's table where there is none.
pub async fn stamp(connection: &mut PgConnection, version: i64) -> Result<()> {
    let cannot = |error| Failure::new(Kind::Database, format!("migration {version} cannot be stamped")).source(error);
    let mut ups = MIGRATIONS.iter().filter(|migration| migration.migration_type.is_up_migration());
    let Some(migration) = ups.find(|migration| migration.version == version) else {
        return Err(Failure::new(Kind::NotFound, format!("there is no migration {version}")));
    };
    connection.ensure_migrations_table(TABLE).await.map_err(cannot)?;
    connection.skip(TABLE, migration).await.map_err(cannot)
}
