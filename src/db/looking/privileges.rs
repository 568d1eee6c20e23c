//! What our role may do with our tables.

use crate::db::Db;
use crate::model::failure::Result;

/// A table that the role may not work with.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Lack {
    /// Which one.
    pub table: String,
    /// What it lacks, such as `INSERT`.
    pub privileges: Vec<String>,
}

/// Tables of ours that a worker could not work with under this role.
pub async fn lacks(db: &Db) -> Result<Vec<Lack>> {
    let found = sqlx::query_as(
        "SELECT n.nspname || '.' || c.relname AS \"table\", array_agg(p.name ORDER BY p.place) AS privileges
         FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) WITH ORDINALITY AS p (name, place)
         WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition
           AND (n.nspname IN ('queue', 'backup') OR n.nspname = 'public' AND c.relname = 'generations')
           AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, p.name))
         GROUP BY 1 ORDER BY 1",
    );
    Ok(found.fetch_all(db.pool()).await?)
}
