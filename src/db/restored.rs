//! Statements on a scratch server and on the database that was restored there: what the drill prepares and compares.
//!
//! Names come from a foreign database, so every one of them is quoted here.

use std::collections::BTreeSet;

use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use sqlx::postgres::types::Oid;
use sqlx::{AssertSqlSafe, Executor, Row};

use crate::db::Session;
use crate::model::backup::manifest::Source;
use crate::model::failure::{Failure, Kind, Result};
use bytes::Bytes;

/// Bytes of a large object that are asked for at once.
const LARGE_OBJECT_PIECE: i32 = 64 * 1024;
/// Large objects that are asked for at once.
const LARGE_OBJECTS: i64 = 64;

/// A table of the restored database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// Size of its main part, in blocks.
    pub blocks: u64,
    /// Which of its rows a dump holds, as `WHERE ...`, where it is an extension's table of settings; empty: all.
    pub condition: String,
    /// Whether it comes with an extension, so that a dump holds none of its rows.
    pub of_extension: bool,
}

/// Rows of a table.
#[derive(Debug, Clone)]
pub struct Part<'a> {
    /// Which table.
    pub table: &'a Table,
    /// Its columns, as [`columns`] quotes them.
    pub columns: &'a str,
    /// From this block on.
    pub from: u64,
    /// Up to this block, which is not part of it.
    pub to: Option<u64>,
    /// The encoding of the text.
    pub encoding: &'a str,
}

/// Names of the extensions that the server can create.
pub async fn available_extensions(session: &mut Session<'_>) -> Result<Vec<String>> {
    let query = sqlx::query_scalar("SELECT name::text FROM pg_catalog.pg_available_extensions");
    Ok(query.fetch_all(session).await?)
}

/// Creates roles that may not log in, unless they are there; `superusers` are those that own what only such may.
pub async fn create_roles(session: &mut Session<'_>, roles: &[String], superusers: &[String]) -> Result<()> {
    let there: Vec<String> =
        sqlx::query_scalar("SELECT rolname::text FROM pg_catalog.pg_roles").fetch_all(&mut *session).await?;
    // They may be named in both.
    let wanted: BTreeSet<&String> = roles.iter().chain(superusers).collect();
    for role in wanted.into_iter().filter(|role| !there.contains(role)) {
        let rights = if superusers.contains(role) { "SUPERUSER" } else { "NOSUPERUSER" };
        let sql = format!("CREATE ROLE {} NOLOGIN {rights}", identifier(role)?);
        session.execute(sqlx::query(AssertSqlSafe(sql))).await?;
    }
    Ok(())
}

/// Creates an empty database with the encoding and the locale of `source`; a failure of kind `Refused` where this server
/// has them not. How money is written is taken over where it can be. Where it fails, nothing was created.
pub async fn create_database(session: &mut Session<'_>, name: &str, source: &Source) -> Result<()> {
    let (name, money) = (identifier(name)?, literal(&source.lc_monetary)?);
    let [encoding, collate, ctype] = [&source.encoding, &source.collate, &source.ctype].map(|text| literal(text));
    let icu = source.icu_locale.as_deref().map(literal).transpose()?;
    let icu = icu.map(|locale| format!("LOCALE_PROVIDER icu ICU_LOCALE {locale}")).unwrap_or_default();
    let sql = format!(
        "CREATE DATABASE {name} TEMPLATE template0 ENCODING {} LC_COLLATE {} LC_CTYPE {} {icu}",
        encoding?, collate?, ctype?
    );
    session.execute(sqlx::query(AssertSqlSafe(sql))).await.map_err(|error| locale_failure(error, source))?;
    if !source.lc_monetary.is_empty() {
        let sql = format!("ALTER DATABASE {name} SET lc_monetary = {money}");
        // Where this machine has it not, that matters only if there is money: see `unlike_money`.
        drop(session.execute(sqlx::query(AssertSqlSafe(sql))).await);
    }
    Ok(())
}

fn locale_failure(error: sqlx::Error, source: &Source) -> Failure {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default().into_owned();
    // wrong_object_type, invalid_parameter_value, feature_not_supported
    if !matches!(&*code, "42809" | "22023" | "0A000") {
        return error.into();
    }
    let words = error.as_database_error().map_or_else(String::new, |answer| answer.message().to_owned());
    let icu = source.icu_locale.as_ref().map(|locale| format!(", ICU {locale}")).unwrap_or_default();
    let Source { encoding, collate, ctype, .. } = source;
    let what = format!(
        "a database with encoding {encoding}, collation {collate}, character type {ctype}{icu} cannot be made here: {words}"
    );
    Failure::new(Kind::Refused, what).hint("install that locale (Debian: dpkg-reconfigure locales), then try again")
}

/// Whether money is written here otherwise than `source` does, and there are columns of it.
pub async fn unlike_money(session: &mut Session<'_>, source: &Source) -> Result<bool> {
    let query = sqlx::query_scalar(
        "SELECT pg_catalog.current_setting('lc_monetary') <> $1 AND EXISTS (
           SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
           WHERE c.relkind = 'r' AND a.atttypid IN ('pg_catalog.money'::regtype, 'pg_catalog.money[]'::regtype))",
    );
    Ok(query.bind(&source.lc_monetary).fetch_one(session).await?)
}

/// Creates the extension `amcheck` in a schema of its own, whatever event triggers the database has.
pub async fn create_amcheck(session: &mut Session<'_>, schema: &str) -> Result<()> {
    let schema = identifier(schema)?;
    let sql = format!("CREATE SCHEMA {schema}; CREATE EXTENSION amcheck SCHEMA {schema}");
    without_triggers(session, sql).await
}

/// Drops what [`create_amcheck`] made.
pub async fn drop_amcheck(session: &mut Session<'_>, schema: &str) -> Result<()> {
    let sql = format!("DROP EXTENSION amcheck; DROP SCHEMA {}", identifier(schema)?);
    without_triggers(session, sql).await
}

async fn without_triggers(session: &mut Session<'_>, sql: String) -> Result<()> {
    let sql = format!("SET session_replication_role = replica; {sql}; RESET session_replication_role");
    session.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    Ok(())
}

/// Whether the database has an extension.
pub async fn has_extension(session: &mut Session<'_>, name: &str) -> Result<bool> {
    let query = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = $1)");
    Ok(query.bind(name).fetch_one(session).await?)
}

/// The tables that have rows of their own, all but those of `PostgreSQL` itself.
pub async fn tables(session: &mut Session<'_>) -> Result<Vec<Table>> {
    let rows = sqlx::query(
        "SELECT n.nspname::text AS schema, c.relname::text AS name,
                pg_catalog.pg_relation_size(c.oid) / pg_catalog.current_setting('block_size')::bigint AS blocks,
                coalesce(e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)], '') AS condition,
                e.oid IS NOT NULL AND pg_catalog.array_position(e.extconfig, c.oid) IS NULL AS of_extension
         FROM pg_catalog.pg_class c
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         LEFT JOIN pg_catalog.pg_depend d
           ON d.classid = 'pg_catalog.pg_class'::regclass AND d.objid = c.oid AND d.objsubid = 0 AND d.deptype = 'e'
         LEFT JOIN pg_catalog.pg_extension e ON e.oid = d.refobjid
         WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND n.nspname <> 'information_schema'
           AND (n.nspname <> 'pg_catalog' OR e.oid IS NOT NULL)
         ORDER BY c.oid",
    );
    let rows = rows.fetch_all(session).await?;
    let table = |row: sqlx::postgres::PgRow| {
        Ok(Table {
            schema: row.try_get("schema")?,
            name: row.try_get("name")?,
            blocks: u64::try_from(row.try_get::<i64, _>("blocks")?).unwrap_or(0),
            condition: row.try_get("condition")?,
            of_extension: row.try_get("of_extension")?,
        })
    };
    rows.into_iter().map(table).collect()
}

/// The columns of a dump's COPY statement, `(id, "Weird name")`, each quoted anew; empty where there are none. A failure
/// of kind `Unusable` where it is no such list.
pub fn columns(list: &str) -> Result<String> {
    let refused = || Failure::new(Kind::Unusable, format!("{list:?} is no list of columns"));
    let Some(mut rest) = list.strip_prefix('(').and_then(|list| list.strip_suffix(')')) else {
        return if list.is_empty() { Ok(String::new()) } else { Err(refused()) };
    };
    let mut columns = Vec::new();
    loop {
        let (name, after) = if let Some(quoted) = rest.strip_prefix('"') {
            unquoted(quoted).ok_or_else(refused)?
        } else {
            let end = rest.find(", ").unwrap_or(rest.len());
            (rest[..end].to_owned(), &rest[end..])
        };
        columns.push(identifier(&name)?);
        match after.strip_prefix(", ") {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(columns.join(", ")),
            None => return Err(refused()),
        }
    }
}

/// A name whose opening quote is taken off already, and what follows its end.
pub(super) fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let (part, after) = rest.split_once('"')?;
        name += part;
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

/// Rows of a table as COPY writes them, a line each.
pub async fn copy_out<'s>(session: &'s mut Session<'_>, part: &Part<'_>) -> Result<BoxStream<'s, Result<Bytes>>> {
    let Part { table, columns, from, to, encoding } = part;
    let name = format!("{}.{}", identifier(&table.schema)?, identifier(&table.name)?);
    let what = if table.condition.is_empty() && *from == 0 && to.is_none() {
        if columns.is_empty() { name } else { format!("{name} ({columns})") }
    } else if table.condition.is_empty() {
        let end = to.map(|to| format!(" AND ctid < '({to},0)'")).unwrap_or_default();
        format!("(SELECT {columns} FROM ONLY {name} WHERE ctid >= '({from},0)'{end})")
    } else {
        format!("(SELECT {columns} FROM ONLY {name} {})", table.condition)
    };
    let sql = format!("COPY {what} TO STDOUT (ENCODING {})", literal(encoding)?);
    let rows = session.connection().copy_out_raw(&sql).await?;
    Ok(rows.map(|piece| piece.map_err(Failure::from)).boxed())
}

/// Where a sequence stands; none where there is no such sequence.
pub async fn sequence(session: &mut Session<'_>, schema: &str, name: &str) -> Result<Option<(i64, bool)>> {
    let sql = format!("SELECT last_value, is_called FROM {}.{}", identifier(schema)?, identifier(name)?);
    match sqlx::query_as(AssertSqlSafe(sql)).fetch_one(session).await {
        Ok(found) => Ok(Some(found)),
        Err(error) => match error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
            // There is none of that name, no such schema, or it is something else.
            Some("42P01" | "3F000" | "42703") => Ok(None),
            _ => Err(error.into()),
        },
    }
}

/// The next large objects after `after`, by number, each with its first bytes; more of them may follow where these are
/// [as many as are given at once](is_cut).
pub async fn large_objects(session: &mut Session<'_>, after: u32) -> Result<Vec<(u32, Vec<u8>)>> {
    let query = sqlx::query(
        "SELECT oid, pg_catalog.lo_get(oid, 0, $2) AS bytes FROM pg_catalog.pg_largeobject_metadata
         WHERE oid > $1 ORDER BY oid LIMIT $3",
    );
    let rows = query.bind(Oid(after)).bind(LARGE_OBJECT_PIECE).bind(LARGE_OBJECTS).fetch_all(session).await?;
    rows.into_iter().map(|row| Ok((row.try_get::<Oid, _>("oid")?.0, row.try_get("bytes")?))).collect()
}

/// Whether a piece of a large object is as long as a piece gets, so that another may follow.
#[must_use]
pub const fn is_cut(piece: &[u8]) -> bool {
    piece.len() == LARGE_OBJECT_PIECE as usize
}

/// The piece of a large object that begins at `offset`.
pub async fn large_object_piece(session: &mut Session<'_>, oid: u32, offset: u64) -> Result<Vec<u8>> {
    let query = sqlx::query_scalar("SELECT pg_catalog.lo_get($1, $2, $3)");
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    Ok(query.bind(Oid(oid)).bind(offset).bind(LARGE_OBJECT_PIECE).fetch_one(session).await?)
}

/// A name in quotes.
pub(super) fn identifier(name: &str) -> Result<String> {
    without_nul(name).map(|name| format!("\"{}\"", name.replace('"', "\"\"")))
}

/// A text in quotes; whatever a backslash means elsewhere, here it stands for itself.
pub(super) fn literal(text: &str) -> Result<String> {
    without_nul(text).map(|text| format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''")))
}

fn without_nul(text: &str) -> Result<&str> {
    if text.contains('\0') { Err(Failure::new(Kind::Unusable, format!("{text:?} is no name"))) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_quoted_anew() {
        for (list, quoted) in [
            ("", ""),
            ("(id)", "\"id\""),
            ("(id, \"Weird, \"\"name\"\")\", b)", "\"id\", \"Weird, \"\"name\"\")\", \"b\""),
            ("(id) TO PROGRAM 'x' --)", "\"id) TO PROGRAM 'x' --\""),
        ] {
            assert_eq!(columns(list).unwrap(), quoted);
        }
        for list in ["id", "(\"id)", "(\"id\"x)", "(a\0)"] {
            assert_eq!(columns(list).unwrap_err().kind(), Kind::Unusable, "{list}");
        }
    }

    #[test]
    fn no_text_leaves_its_quotes() {
        assert_eq!(literal(r"a'b\'c").unwrap(), r"E'a''b\\''c'");
        assert_eq!(identifier("a\"b").unwrap(), "\"a\"\"b\"");
        assert!(literal("a\0").is_err());
    }
}
