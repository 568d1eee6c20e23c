//! Writing rows of a dump into a database: by COPY, in the text in which they were dumped.

use sqlx::postgres::{PgConnection, PgCopyIn, PgDatabaseError};

use crate::db::Session;
use crate::db::restored::{self, identifier, literal};
use crate::db::server::Server;
use crate::db::source::rows::set;
use crate::model::failure::{Failure, Kind, Result};

/// As `pg_restore` has it; and that no commit waits for the disk: what is not whole is thrown away.
const AS_RESTORES: [(&str, &str); 12] = [
    ("statement_timeout", "0"),
    ("lock_timeout", "0"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("transaction_timeout", "0"),
    ("search_path", ""),
    ("check_function_bodies", "off"),
    ("xmloption", "content"),
    ("row_security", "off"),
    ("synchronous_commit", "off"),
    ("default_transaction_read_only", "off"),
    // 14 and newer: one that was given up ends by itself.
    ("client_connection_check_interval", "2s"),
];

/// A session that writes rows.
#[derive(Debug)]
pub struct Loader(Session<'static>);

/// Rows on their way into a table. Dropped without [`Copying::finish`], none of them is there.
pub struct Copying<'c>(PgCopyIn<&'c mut PgConnection>);

impl Loader {
    /// Connects.
    pub async fn connect(server: &Server, database: &str, application: &str) -> Result<Self> {
        let mut session = server.connect(database, application).await?;
        set(&mut session, &AS_RESTORES).await?;
        Ok(Self(session))
    }

    /// Begins to write, with a statement that [`copy_into`] made.
    pub async fn copy(&mut self, statement: &str) -> Result<Copying<'_>> {
        self.0.connection().copy_in_raw(statement).await.map(Copying).map_err(explained)
    }

    /// Says good-bye.
    pub async fn close(self) -> Result<()> {
        Ok(self.0.close().await?)
    }
}

impl Copying<'_> {
    /// Sends text, cut anywhere.
    pub async fn send(&mut self, rows: &[u8]) -> Result<()> {
        self.0.send(rows).await.map(|_| ()).map_err(explained)
    }

    /// Everything was sent; how many rows it was.
    pub async fn finish(self) -> Result<u64> {
        self.0.finish().await.map_err(explained)
    }
}

/// The statement that takes rows of a table, in text of this encoding. `columns` is the list of the statement that they
/// were dumped with, with brackets, or empty; a failure of kind `Unusable` where it is something else. It is quoted anew:
/// whoever may write to the store must not have the server run anything.
pub fn copy_into(schema: &str, table: &str, columns: &str, encoding: &str) -> Result<String> {
    let columns = restored::columns(columns)?;
    let columns = if columns.is_empty() { columns } else { format!("({columns}) ") };
    let (schema, table, encoding) = (identifier(schema)?, identifier(table)?, literal(encoding)?);
    Ok(format!("COPY {schema}.{table} {columns}FROM STDIN WITH (ENCODING {encoding})"))
}

/// Data that a table refuses will be refused again, and which of them it was is said where the server says it.
fn explained(error: sqlx::Error) -> Failure {
    let is_refused = |code: &str| matches!(code.get(..2), Some("22" | "23" | "P0"));
    if let sqlx::Error::Database(answer) = &error
        && is_refused(&answer.code().unwrap_or_default())
    {
        let place = answer.try_downcast_ref::<PgDatabaseError>().and_then(PgDatabaseError::r#where);
        let place = place.map(|place| format!(" ({place})")).unwrap_or_default();
        let what = format!("the server refuses a row: {}{place}", answer.message());
        return Failure::new(Kind::Unusable, what)
            .hint("the dump's own definitions do not allow it: look at the check constraints and types of the table");
    }
    Failure::from(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_takes_rows_from_us_and_from_nobody_else() {
        let copy = |columns| copy_into("a\"b", "cats", columns, "UTF8");
        assert_eq!(copy("").unwrap(), "COPY \"a\"\"b\".\"cats\" FROM STDIN WITH (ENCODING E'UTF8')");
        let statement = copy("(id, \"Na me\")").unwrap();
        assert_eq!(statement, "COPY \"a\"\"b\".\"cats\" (\"id\", \"Na me\") FROM STDIN WITH (ENCODING E'UTF8')");
        for columns in ["(id) FROM PROGRAM 'x' --", "FROM PROGRAM 'x' --"] {
            assert_eq!(copy(columns).unwrap_err().kind(), Kind::Unusable, "{columns}");
        }
        // What could be a name is one.
        let statement = copy("(id) FROM PROGRAM 'x' -- (x)").unwrap();
        assert!(statement.contains("(\"id) FROM PROGRAM 'x' -- (x\")"), "{statement}");
    }
}
