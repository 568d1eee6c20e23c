//! How the tables and indexes of the database do.

use chrono::{DateTime, Utc};

use crate::db::Db;
use crate::model::failure::Result;

/// What the server has noted about a table.
#[derive(Debug, Clone, PartialEq, sqlx::FromRow)]
pub struct TableHealth {
    /// Which one, quoted where that is needed.
    pub name: String,
    /// Rows that there are, estimated.
    pub rows: i64,
    /// Rows that were deleted or replaced and still take room, estimated.
    pub dead_rows: i64,
    /// When dead rows were removed last.
    pub vacuumed_at: Option<DateTime<Utc>>,
    /// When its statistics were made last.
    pub analyzed_at: Option<DateTime<Utc>>,
    /// How often it was read from end to end.
    pub full_reads: i64,
    /// How many rows that read.
    pub full_read_rows: i64,
    /// Whether it is left out by autovacuum.
    pub is_left_out: bool,
}

/// The tables of the database, partitions each for itself.
pub async fn tables(db: &Db) -> Result<Vec<TableHealth>> {
    let found = sqlx::query_as(
        "SELECT c.oid::regclass::text AS name, s.n_live_tup AS rows, s.n_dead_tup AS dead_rows,
                greatest(s.last_vacuum, s.last_autovacuum) AS vacuumed_at,
                greatest(s.last_analyze, s.last_autoanalyze) AS analyzed_at,
                coalesce(s.seq_scan, 0) AS full_reads, coalesce(s.seq_tup_read, 0) AS full_read_rows,
                coalesce('autovacuum_enabled=false' = ANY (c.reloptions)
                  OR 'autovacuum_enabled=off' = ANY (c.reloptions), false) AS is_left_out
         FROM pg_stat_user_tables AS s JOIN pg_class AS c ON c.oid = s.relid
         WHERE c.relkind IN ('r', 'm')
         ORDER BY s.n_live_tup DESC, 1",
    );
    Ok(found.fetch_all(db.pool()).await?)
}

/// What the server has noted about an index.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct IndexHealth {
    /// Its schema and name, as they are.
    pub full_name: String,
    /// Which one, quoted where that is needed.
    pub name: String,
    /// Whether it is complete and kept.
    pub is_valid: bool,
    /// Whether it keeps rows unique, or belongs to a constraint: then it is needed, used or not.
    pub is_rule: bool,
    /// How often it was used.
    pub uses: i64,
    /// Its size.
    pub bytes: i64,
}

/// The indexes of the database; those of partitions only where they are not valid.
pub async fn indexes(db: &Db) -> Result<Vec<IndexHealth>> {
    let found = sqlx::query_as(
        "SELECT n.nspname || '.' || c.relname AS full_name, c.oid::regclass::text AS name,
                i.indisvalid AND i.indisready AS is_valid,
                i.indisunique OR EXISTS (SELECT FROM pg_constraint AS k WHERE k.conindid = c.oid) AS is_rule,
                coalesce(s.idx_scan, 0) AS uses, coalesce(pg_relation_size(c.oid), 0) AS bytes
         FROM pg_index AS i
         JOIN pg_class AS c ON c.oid = i.indexrelid
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         LEFT JOIN pg_stat_user_indexes AS s ON s.indexrelid = c.oid
         WHERE n.nspname <> 'information_schema' AND NOT starts_with(n.nspname, 'pg_')
           AND (NOT c.relispartition OR NOT i.indisvalid)
         ORDER BY 1",
    );
    Ok(found.fetch_all(db.pool()).await?)
}
