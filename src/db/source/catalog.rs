//! What a database is and which tables it has, as a dump of it would find them.

use std::time::Duration;

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::db::Session;
use crate::db::source::rows::quote;
use crate::db::source::{Holder, is_locked};
use crate::model::backup::manifest::{Extension, Source};
use crate::model::failure::Result;

/// A table whose rows a dump of everything holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its number in the catalogs.
    pub oid: u32,
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Columns that are copied, in their order: those that are not computed.
    pub columns: Vec<String>,
    /// The same as the COPY statement of a dump lists them: `(id, "Weird name")`; empty where there are none.
    pub column_list: String,
    /// `WHERE ...`, where an extension says which of its rows are the user's.
    pub condition: Option<String>,
    /// Its size on the disk with what is stored out of line, in bytes.
    pub bytes: u64,
    /// Pages of its rows.
    pub pages: u32,
}

impl Table {
    /// Its name in a statement.
    #[must_use]
    pub fn quoted(&self) -> String {
        format!("{}.{}", quote(&self.schema), quote(&self.name))
    }
}

impl Holder {
    /// What the manifest tells of the database.
    pub async fn describe(&mut self) -> Result<Source> {
        let snapshot = self.snapshot.clone();
        Ok(Source { snapshot, ..describe(&mut self.session).await? })
    }

    /// The tables whose rows a dump of everything holds, as they are in the snapshot. Waits so long for those that others
    /// have locked.
    pub async fn tables(&mut self, patience: Duration) -> Result<Vec<Table>> {
        self.wait_at_most(patience).await?;
        tables(&mut self.session).await
    }

    /// Whether we may read the roles' passwords.
    pub async fn may_read_passwords(&mut self) -> Result<bool> {
        let query = "SELECT has_table_privilege('pg_authid', 'SELECT')";
        Ok(sqlx::query_scalar(query).fetch_one(&mut self.session).await?)
    }

    /// Whether it is a database of this program's.
    pub async fn is_ours(&mut self) -> Result<bool> {
        let query = "SELECT to_regclass('queue.jobs') IS NOT NULL AND 2 = (SELECT count(*) FROM pg_attribute
                     WHERE attrelid = to_regclass('public.generations') AND NOT attisdropped
                     AND attname IN ('image_path', 'original_image_path'))";
        Ok(sqlx::query_scalar(query).fetch_one(&mut self.session).await?)
    }
}

/// What a database is; without a snapshot.
pub async fn describe(session: &mut Session<'_>) -> Result<Source> {
    // What came and went with versions is asked for by its name in JSON: from 17 on daticulocale is datlocale.
    let row = sqlx::query(
        "SELECT d.datname, current_setting('server_version_num')::int AS version, d.datcollate, d.datctype,
                pg_encoding_to_char(d.encoding) AS encoding, current_setting('lc_monetary') AS lc_monetary,
                CASE WHEN to_jsonb(d) ->> 'datlocprovider' = 'i'
                     THEN coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale') END AS icu_locale,
                CASE WHEN has_database_privilege(d.oid, 'CONNECT') THEN pg_database_size(d.oid) ELSE 0 END AS bytes,
                has_function_privilege('pg_control_system()', 'EXECUTE') AS may_know_the_cluster
         FROM pg_database AS d WHERE d.datname = current_database()",
    )
    .fetch_one(&mut *session)
    .await?;
    let may_know: bool = row.try_get("may_know_the_cluster")?;
    let system_identifier = if may_know {
        sqlx::query_scalar("SELECT system_identifier::text FROM pg_control_system()")
            .fetch_optional(&mut *session)
            .await?
    } else {
        None
    };
    let extensions =
        sqlx::query("SELECT extname, extversion FROM pg_extension ORDER BY extname").fetch_all(&mut *session).await?;
    let extensions = extensions.iter().map(|row| Ok(Extension { name: row.try_get(0)?, version: row.try_get(1)? }));
    let extensions = extensions.collect::<Result<_, sqlx::Error>>()?;
    let roles =
        sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE NOT starts_with(rolname, 'pg_') ORDER BY 1")
            .fetch_all(&mut *session)
            .await?;
    Ok(Source {
        database: row.try_get("datname")?,
        server_version: unsigned(row.try_get::<i32, _>("version")?.into()) as u32,
        system_identifier,
        snapshot: String::new(),
        bytes: unsigned(row.try_get("bytes")?),
        encoding: row.try_get("encoding")?,
        collate: row.try_get("datcollate")?,
        ctype: row.try_get("datctype")?,
        icu_locale: row.try_get("icu_locale")?,
        lc_monetary: row.try_get("lc_monetary")?,
        extensions,
        roles,
    })
}

/// The tables whose rows a dump of everything holds: not those of others' servers, of this session alone, or of extensions
/// (but for rows that these say are the user's).
pub async fn tables(session: &mut Session<'_>) -> Result<Vec<Table>> {
    let found = sqlx::query(
        "SELECT c.oid::bigint AS oid, n.nspname, c.relname, a.columns, a.column_list, nullif(e.condition, '') AS condition,
                coalesce(pg_table_size(c.oid), 0) AS bytes,
                coalesce(pg_relation_size(c.oid), 0) / current_setting('block_size')::bigint AS pages
         FROM pg_class AS c
         JOIN pg_namespace AS n ON n.oid = c.relnamespace
         CROSS JOIN LATERAL (
           SELECT coalesce(array_agg(attname::text ORDER BY attnum), '{}') AS columns,
                  coalesce('(' || string_agg(quote_ident(attname), ', ' ORDER BY attnum) || ')', '') AS column_list
           FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
         ) AS a
         LEFT JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0
           AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
         LEFT JOIN LATERAL (
           SELECT config.condition FROM pg_extension AS x,
                  unnest(x.extconfig, x.extcondition) AS config (oid, condition)
           WHERE x.oid = d.refobjid AND config.oid = c.oid
         ) AS e ON true
         WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
           AND NOT starts_with(n.nspname, 'pg_') AND (d.refobjid IS NULL OR e.condition IS NOT NULL)
         ORDER BY n.nspname, c.relname",
    )
    .fetch_all(session)
    .await
    .map_err(is_locked)?;
    Ok(found.iter().map(table).collect::<Result<_, sqlx::Error>>()?)
}

fn table(row: &PgRow) -> Result<Table, sqlx::Error> {
    Ok(Table {
        oid: unsigned(row.try_get("oid")?) as u32,
        schema: row.try_get("nspname")?,
        name: row.try_get("relname")?,
        columns: row.try_get("columns")?,
        column_list: row.try_get("column_list")?,
        condition: row.try_get("condition")?,
        bytes: unsigned(row.try_get("bytes")?),
        pages: u32::try_from(row.try_get::<i64, _>("pages")?).unwrap_or(u32::MAX),
    })
}

/// What is never negative.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
