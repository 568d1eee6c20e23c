//! Whether a database without any of our migrations is free for us.

use std::fmt::Write as _;

use sqlx::PgConnection;

use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;

/// How many tables are told.
const TOLD: usize = 10;

/// Fails where the database has tables: it is somebody else's, or the original program's.
pub(super) async fn require_none(connection: &mut PgConnection) -> Result<()> {
    let tables = tables(connection).await?;
    if tables.is_empty() {
        return Ok(());
    }
    let database: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(connection).await?;
    refuse_the_original(&database, &tables)?;
    let mut told = tables.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    if let Some(more) = tables.len().checked_sub(TOLD).filter(|more| *more > 0) {
        _ = write!(told, " and {more} more");
    }
    let count = counted(tables.len() as u64, "table", "tables");
    Err(Failure::new(Kind::Schema, format!("database {database} is not ours: it has {count} and no migration: {told}"))
        .hint(
            "name another database in database.url (DATABASE_URL); or, if they may stay beside ours: \
             repo-to-cat migrate up --beside",
        ))
}

/// Fails where the database is the original program's, which no record of ours may hide.
pub(super) async fn require_not_the_original(connection: &mut PgConnection) -> Result<()> {
    let tables = tables(connection).await?;
    let database: String = sqlx::query_scalar("SELECT current_database()::text").fetch_one(connection).await?;
    refuse_the_original(&database, &tables)
}

fn refuse_the_original(database: &str, tables: &[String]) -> Result<()> {
    let has = |name: &str| tables.iter().any(|table| table == name);
    if !["public.alembic_version", "public.users", "public.generations"].into_iter().all(has) {
        return Ok(());
    }
    let what = format!("database {database} is the original repo-to-cat's, migrated by Alembic");
    Err(Failure::new(Kind::Schema, what)
        .hint("take it over with every row: repo-to-cat migrate adopt --dry-run tells how"))
}

/// All tables, `schema.name`, but for the system's, those that belong to extensions, and the record of migrations.
async fn tables(connection: &mut PgConnection) -> Result<Vec<String>> {
    relations(connection, "rpf").await
}

/// The same of these kinds (`pg_class.relkind`), sorted; names are quoted where they have to be.
pub(in crate::db) async fn relations(connection: &mut PgConnection, kinds: &str) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname)
         FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE strpos($1, c.relkind::text) > 0 AND NOT c.relispartition AND c.relpersistence <> 't'
           AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
           AND c.oid IS DISTINCT FROM to_regclass('_sqlx_migrations')
           AND NOT EXISTS (SELECT FROM pg_depend AS d
                           WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
         ORDER BY 1",
    )
    .bind(kinds)
    .fetch_all(connection)
    .await?)
}
