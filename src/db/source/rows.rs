//! Rows as COPY writes them: the same text from every session that reads them, whoever set up the server.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};

use crate::db::server::Server;
use crate::db::source::catalog::Table;
use crate::db::source::{Holder, is_locked};
use crate::db::{Session, error};
use crate::model::failure::{Failure, Result};

pub use bytes::Bytes;

/// What decides how values are written, or whether they are at all. `pg_dump` sets most of it itself; the others are given
/// to it by [`crate::postgres::tool`].
const AS_DUMPS: [(&str, &str); 15] = [
    ("bytea_output", "hex"),
    ("timezone", "UTC"),
    ("datestyle", "ISO"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "3"),
    ("standard_conforming_strings", "on"),
    ("synchronize_seqscans", "off"),
    ("row_security", "off"),
    ("search_path", ""),
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    // 14 and newer, and 17 and newer.
    ("idle_session_timeout", "0"),
    ("transaction_timeout", "0"),
    ("default_transaction_deferrable", "off"),
];

/// Lets a session read rows exactly as they stand in a dump that [`crate::postgres::tool`] made: also that of a drill.
/// What a server's version does not know is left out.
pub async fn read_as_dumps_do(session: &mut Session<'_>) -> Result<()> {
    set(session, &AS_DUMPS).await
}

/// Sets what the server knows of these.
pub(in crate::db) async fn set(session: &mut Session<'_>, settings: &[(&str, &str)]) -> Result<()> {
    let (names, values): (Vec<&str>, Vec<&str>) = settings.iter().copied().unzip();
    sqlx::query(
        "SELECT set_config(given.name, given.value, false) FROM unnest($1::text[], $2::text[]) AS given (name, value)
         WHERE current_setting(given.name, true) IS NOT NULL",
    )
    .bind(names)
    .bind(values)
    .execute(session)
    .await?;
    Ok(())
}

/// A further session of a run, that reads rows as dumps do under the snapshot, in the database's own encoding. The holder
/// of the snapshot must be there still.
pub async fn import(server: &Server, database: &str, application: &str, snapshot: &str) -> Result<Session<'static>> {
    let mut session = server.connect(database, application).await?;
    read_as_dumps_do(&mut session).await?;
    let begin = format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{}'",
        snapshot.replace('\'', "''")
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(begin)).execute(session.connection()).await?;
    // Last: names are told in Unicode before.
    sqlx::raw_sql("SELECT set_config('client_encoding', getdatabaseencoding(), false)")
        .execute(session.connection())
        .await?;
    Ok(session)
}

/// Rows of a table that stand in these pages; the last page is not among them, and none means to the end. In COPY's text
/// format, cut anywhere, without an end mark. `session` comes from [`import`]; the table must be locked against rewriting.
pub async fn copy_range<'s>(
    session: &'s mut Session<'_>,
    table: &Table,
    (from, to): (u32, Option<u32>),
) -> Result<BoxStream<'s, Result<Bytes>>> {
    let upto = to.map(|to| format!(" AND ctid < '({to},0)'")).unwrap_or_default();
    let whole = from == 0 && to.is_none();
    let condition = match &table.condition {
        Some(condition) => condition.clone(),
        None if whole => String::new(),
        None => format!("WHERE ctid >= '({from},0)'{upto}"),
    };
    let columns: Vec<String> = table.columns.iter().map(|column| quote(column)).collect();
    let query = format!("SELECT {} FROM ONLY {} {condition}", columns.join(", "), table.quoted());
    copy(session, &format!("COPY ({query}) TO STDOUT")).await.map_err(is_locked)
}

/// All rows of a table, in COPY's text format, for a drill to compare.
pub async fn copy_table<'s>(session: &'s mut Session<'_>, table: &Table) -> Result<BoxStream<'s, Result<Bytes>>> {
    copy_range(session, table, (0, None)).await
}

impl Holder {
    /// Keys of the pictures that the rows of our own database name, one a line; none for any other database. What an
    /// adopted row names otherwise was never in our store: no drill could find it.
    pub async fn image_keys(&mut self) -> Result<Option<BoxStream<'_, Result<Bytes>>>> {
        if !self.is_ours().await? {
            return Ok(None);
        }
        let keys = copy(
            &mut self.session,
            "COPY (SELECT image_path FROM public.generations WHERE image_path LIKE 'images/v1/%'
                   UNION SELECT original_image_path FROM public.generations WHERE original_image_path LIKE 'images/v1/%'
                   ORDER BY 1) TO STDOUT",
        );
        Ok(Some(keys.await?))
    }
}

async fn copy<'s>(session: &'s mut Session<'_>, statement: &str) -> Result<BoxStream<'s, Result<Bytes>>, sqlx::Error> {
    let stream = session.connection().copy_out_raw(statement).await?;
    Ok(stream.map_err(|error| if error::is_busy(&error) { is_locked(error) } else { Failure::from(error) }).boxed())
}

/// A name in a statement, whatever is in it. Beyond ASCII it is escaped, for sessions of other encodings than ours.
#[must_use]
pub fn quote(name: &str) -> String {
    if name.is_ascii() {
        return format!("\"{}\"", name.replace('"', "\"\""));
    }
    let escaped: String = name
        .chars()
        .map(|c| match c {
            '"' => "\"\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            c if c.is_ascii() => c.to_string(),
            c => format!("\\+{:06X}", u32::from(c)),
        })
        .collect();
    format!("U&\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn names_stay_names() {
        for (name, quoted) in [
            ("cats", "\"cats\""),
            ("a\"; DROP TABLE b; --", "\"a\"\"; DROP TABLE b; --\""),
            ("a\\b", "\"a\\b\""),
            ("Kätz\"\\chen🐈", "U&\"K\\+0000E4tz\"\"\\\\chen\\+01F408\""),
        ] {
            assert_eq!(quote(name), quoted);
        }
    }
}
