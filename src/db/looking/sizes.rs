//! What takes how much room.

use serde::Serialize;

use crate::db::Db;
use crate::model::failure::Result;

/// The size of the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// The database's name.
    pub database: String,
    /// All of it, with the catalogs, in bytes.
    pub bytes: i64,
    /// Its tables and materialised views, the largest first; partitions count for the table that they are part of.
    pub tables: Vec<TableSize>,
}

/// The size of a table, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct TableSize {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// With all that belongs to it.
    pub total_bytes: i64,
    /// Its rows alone.
    pub table_bytes: i64,
    /// Its indexes.
    pub index_bytes: i64,
    /// Long values that are kept outside of the rows.
    pub toast_bytes: i64,
    /// How many rows there are, as the server estimates; none where it has never looked.
    pub rows: Option<i64>,
    /// How many partitions it has that hold rows; 0 where it is no partitioned table.
    pub partitions: i64,
}

/// Measures the database.
pub async fn sizes(db: &Db) -> Result<Sizes> {
    let (database, bytes): (String, i64) =
        sqlx::query_as("SELECT current_database()::text, pg_database_size(current_database())")
            .fetch_one(db.pool())
            .await?;
    let tables = sqlx::query_as(
        "SELECT n.nspname::text AS schema, root.relname::text AS name,
                coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS total_bytes,
                coalesce(sum(pg_table_size(c.oid) - toast.bytes), 0)::bigint AS table_bytes,
                coalesce(sum(pg_indexes_size(c.oid)), 0)::bigint AS index_bytes,
                coalesce(sum(toast.bytes), 0)::bigint AS toast_bytes,
                CASE WHEN bool_and(c.reltuples >= 0 OR c.relkind = 'p')
                     THEN sum(c.reltuples) FILTER (WHERE c.relkind <> 'p')::bigint END AS rows,
                count(*) FILTER (WHERE c.oid <> root.oid AND c.relkind <> 'p') AS partitions
         FROM pg_class AS c
         JOIN pg_class AS root ON root.oid = coalesce(pg_partition_root(c.oid), c.oid)
         JOIN pg_namespace AS n ON n.oid = root.relnamespace
         CROSS JOIN LATERAL (SELECT coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS bytes) AS toast
         WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
         GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2",
    );
    Ok(Sizes { database, bytes, tables: tables.fetch_all(db.pool()).await? })
}
