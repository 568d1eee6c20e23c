//! Whether a role may read everything that a dump of everything reads.

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::db::Session;
use crate::model::failure::Result;

/// The role that makes backups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its name.
    pub name: String,
    /// Whether it may do everything.
    pub is_superuser: bool,
}

/// Of what sort something is that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// A schema with tables or sequences in it: `USAGE`.
    Schema,
    /// A table: `SELECT`.
    Table,
    /// A sequence: `SELECT`.
    Sequence,
    /// A large object: `SELECT`.
    LargeObject,
    /// A table of which row-level security would hide rows.
    FilteredTable,
    /// A subscription, which only superusers may read; `pg_dump` leaves it out with no more than a warning.
    Subscription,
}

/// What cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Of what sort.
    pub sort: Sort,
    /// How many of it.
    pub count: u64,
    /// The first of them.
    pub names: Vec<String>,
}

/// The role of a session.
pub async fn role(session: &mut Session<'_>) -> Result<Role> {
    let row = sqlx::query("SELECT rolname::text, rolsuper FROM pg_roles WHERE rolname = current_user")
        .fetch_one(session)
        .await?;
    Ok(Role { name: row.try_get(0)?, is_superuser: row.try_get(1)? })
}

/// What of the database the session's role cannot read.
pub async fn unreadable(session: &mut Session<'_>) -> Result<Vec<Unreadable>> {
    let found = sqlx::query(
        "WITH relations AS (
           SELECT c.oid, c.relkind, c.relnamespace, n.nspname, n.nspname || '.' || c.relname AS name
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p', 'S') AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
             AND NOT starts_with(n.nspname, 'pg_') AND NOT EXISTS (
               SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid AND deptype = 'e')
         ), lacking (sort, name) AS (
           SELECT 1, nspname::text FROM relations WHERE NOT has_schema_privilege(relnamespace, 'USAGE')
           UNION
           SELECT CASE relkind WHEN 'S' THEN 3 ELSE 2 END, name FROM relations
           WHERE CASE relkind WHEN 'S' THEN NOT has_sequence_privilege(oid, 'SELECT')
                 ELSE NOT has_table_privilege(oid, 'SELECT') END
           UNION ALL
           SELECT 4, oid::text FROM pg_largeobject_metadata
           WHERE current_setting('lo_compat_privileges') = 'off' AND NOT pg_has_role(lomowner, 'USAGE') AND NOT EXISTS (
             SELECT FROM aclexplode(lomacl) AS grants WHERE grants.privilege_type = 'SELECT'
               AND (grants.grantee = 0 OR pg_has_role(grants.grantee, 'USAGE')))
           UNION ALL
           SELECT 5, name FROM relations WHERE relkind = 'r' AND row_security_active(oid)
           UNION ALL
           SELECT 6, 'subscription' FROM pg_stat_subscription
           WHERE NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
         )
         SELECT sort, count(*) AS count, (array_agg(name ORDER BY name))[1:5] AS names
         FROM lacking GROUP BY sort ORDER BY sort",
    )
    .fetch_all(session)
    .await?;
    Ok(found.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

fn read(row: &PgRow) -> Result<Unreadable, sqlx::Error> {
    let sort = match row.try_get::<i32, _>("sort")? {
        1 => Sort::Schema,
        2 => Sort::Table,
        3 => Sort::Sequence,
        4 => Sort::LargeObject,
        5 => Sort::FilteredTable,
        _ => Sort::Subscription,
    };
    let count: i64 = row.try_get("count")?;
    Ok(Unreadable { sort, count: u64::try_from(count).unwrap_or_default(), names: row.try_get("names")? })
}
