//! Generations from a file back into the table: all of them or none.
//!
//! Rows go into a table of the transaction's own first, where the server reads every value as the real table would. What
//! collides is looked for there, in whole, before anything is written.

use std::fmt::Write as _;

use sqlx::AssertSqlSafe;
use sqlx::postgres::PgDatabaseError;
use uuid::Uuid;

use crate::db::{Db, Transaction};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::generation::columns::{COLUMNS, Row, position};

/// Bytes that are sent at once, or a row more.
const PIECE: usize = 1 << 20;
/// How many of those that collide are named.
pub const NAMED: usize = 10;
/// The pictures that rows name, looked up by so many.
const PICTURES: i64 = 1000;

/// What to do with a row whose id is taken by another row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Import nothing at all.
    Fail,
    /// Leave the row out.
    Skip,
}

/// An import under way. Nothing of it is left unless it is finished.
#[derive(Debug)]
pub struct Import {
    transaction: Transaction<'static>,
    /// Rows to be sent, in COPY's text form, and the line of the file that each came from.
    text: String,
    lines: Vec<u64>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Rows that were new.
    pub imported: u64,
    /// Rows that were there already, the same in every column.
    pub identical: u64,
    /// Rows that were left out, since others have their ids.
    pub skipped: u64,
    /// Rows whose user was left out.
    pub without_user: u64,
}

impl Import {
    /// Begins.
    pub async fn begin(db: &Db) -> Result<Self> {
        let mut transaction = db.pool().begin().await?;
        // The real table's types and what it demands; no index, and nothing that outlives the transaction.
        sqlx::raw_sql(
            "SET LOCAL datestyle = 'ISO'; CREATE TEMPORARY TABLE incoming (LIKE public.generations) ON COMMIT DROP;
             ALTER TABLE pg_temp.incoming ADD COLUMN line bigint NOT NULL",
        )
        .execute(&mut *transaction)
        .await?;
        Ok(Self { transaction, text: String::new(), lines: Vec::new() })
    }

    /// Takes a row that stands in this line of the file.
    pub async fn take(&mut self, line: u64, row: &Row) -> Result<()> {
        for value in row {
            match value {
                Some(value) => escape(value, &mut self.text),
                None => self.text.push_str("\\N"),
            }
            self.text.push('\t');
        }
        _ = writeln!(self.text, "{line}");
        self.lines.push(line);
        if self.text.len() >= PIECE {
            self.send().await?;
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<()> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        let copy = format!("COPY pg_temp.incoming ({}, line) FROM STDIN", names.join(", "));
        let lines = &self.lines;
        let mut copying = self.transaction.connection().copy_in_raw(&copy).await?;
        copying.send(self.text.as_bytes()).await?;
        copying.finish().await.map_err(|error| place(error, lines))?;
        self.text.clear();
        self.lines.clear();
        Ok(())
    }

    /// Sees that no id comes twice and that all users are there; those that are not are left out if `leave_users`.
    /// Returns how many rows lost theirs. To be called once all rows were taken.
    pub async fn check(&mut self, leave_users: bool) -> Result<u64> {
        self.send().await?;
        sqlx::raw_sql("CREATE INDEX ON pg_temp.incoming (id); ANALYZE pg_temp.incoming")
            .execute(&mut *self.transaction)
            .await?;
        let twice: Option<(Uuid, Vec<i64>)> = sqlx::query_as(
            "SELECT id, array_agg(line ORDER BY line) FROM pg_temp.incoming GROUP BY id HAVING count(*) > 1
             ORDER BY min(line) LIMIT 1",
        )
        .fetch_optional(&mut *self.transaction)
        .await?;
        if let Some((id, lines)) = twice {
            let lines: Vec<String> = lines.iter().take(NAMED).map(ToString::to_string).collect();
            let what = format!("generation {id} stands in the file more than once: lines {}", lines.join(", "));
            return Err(nothing_imported(Failure::new(Kind::Invalid, what), "keep one of these lines"));
        }
        self.check_users(leave_users).await
    }

    async fn check_users(&mut self, leave_out: bool) -> Result<u64> {
        const UNKNOWN: &str = "user_id IS NOT NULL AND NOT EXISTS (SELECT FROM public.users WHERE users.id = user_id)";
        if leave_out {
            let done =
                sqlx::query(AssertSqlSafe(format!("UPDATE pg_temp.incoming SET user_id = NULL WHERE {UNKNOWN}")))
                    .execute(&mut *self.transaction)
                    .await?;
            return Ok(done.rows_affected());
        }
        let unknown: Vec<(Uuid, i64, i64)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT user_id, count(*), min(line) FROM pg_temp.incoming WHERE {UNKNOWN} GROUP BY user_id ORDER BY 3"
        )))
        .fetch_all(&mut *self.transaction)
        .await?;
        if unknown.is_empty() {
            return Ok(0);
        }
        let rows: i64 = unknown.iter().map(|(_, rows, _)| rows).sum();
        let named = unknown.iter().map(|(user, _, line)| format!("{user} (line {line})"));
        let what = format!("this database does not know who asked for {rows} of them: {}", list(named, unknown.len()));
        Err(nothing_imported(Failure::new(Kind::NotFound, what), "leave unknown users out with --without-users"))
    }

    /// How many pictures the rows name that `is_there` does not know, and one of them.
    pub async fn pictures(
        &mut self,
        mut is_there: impl AsyncFnMut(&str) -> Result<bool>,
    ) -> Result<(u64, Option<String>)> {
        let (mut missing, mut example, mut after) = (0, None, String::new());
        loop {
            let keys: Vec<String> = sqlx::query_scalar(
                "SELECT key FROM (SELECT image_path AS key FROM pg_temp.incoming
                                  UNION SELECT original_image_path FROM pg_temp.incoming) AS named
                 WHERE key COLLATE \"C\" > $1 ORDER BY key COLLATE \"C\" LIMIT $2",
            )
            .bind(&after)
            .bind(PICTURES)
            .fetch_all(&mut *self.transaction)
            .await?;
            let Some(last) = keys.last() else { return Ok((missing, example)) };
            after.clone_from(last);
            for key in keys {
                if !is_there(&key).await? {
                    missing += 1;
                    example.get_or_insert(key);
                }
            }
        }
    }

    /// Writes the rows that are new. To be called after [`check`](Self::check).
    pub async fn write(&mut self, taken: Taken) -> Result<Counts> {
        let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
        let of = |table: &str| names.iter().map(|name| format!("{table}.{name}")).collect::<Vec<_>>().join(", ");
        // Each value as text: 1 and 1.0 are the same number to PostgreSQL, and not the same to the file.
        let others: Vec<(Uuid, i64, bool)> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT new.id, new.line, ROW({})::text = ROW({})::text
             FROM pg_temp.incoming AS new JOIN public.generations AS old ON old.id = new.id ORDER BY new.line",
            of("new"),
            of("old")
        )))
        .fetch_all(&mut *self.transaction)
        .await?;
        let differing: Vec<_> = others.iter().filter(|(_, _, is_same)| !is_same).collect();
        if taken == Taken::Fail && !differing.is_empty() {
            let told = differing.iter().map(|(id, line, _)| format!("{id} (line {line})"));
            let what = format!(
                "{} of them are in the database already, as other ones: {}",
                differing.len(),
                list(told, differing.len())
            );
            return Err(nothing_imported(Failure::new(Kind::Conflict, what), "leave them out with --on-conflict skip"));
        }
        let (expected, names) = (self.count().await? - others.len() as u64, names.join(", "));
        let done = sqlx::query(AssertSqlSafe(format!(
            "INSERT INTO public.generations ({names}) SELECT {names} FROM pg_temp.incoming AS new
             WHERE NOT EXISTS (SELECT FROM public.generations AS old WHERE old.id = new.id)
             ORDER BY created_at, id ON CONFLICT (id) DO NOTHING"
        )))
        .execute(&mut *self.transaction)
        .await?;
        if done.rows_affected() != expected {
            return Err(nothing_imported(
                Failure::new(Kind::Conflict, "somebody else wrote generations with the same ids meanwhile"),
                "try again",
            ));
        }
        let (skipped, all) = (differing.len() as u64, others.len() as u64);
        Ok(Counts { imported: expected, identical: all - skipped, skipped, without_user: 0 })
    }

    async fn count(&mut self) -> Result<u64> {
        let rows: i64 =
            sqlx::query_scalar("SELECT count(*) FROM pg_temp.incoming").fetch_one(&mut *self.transaction).await?;
        Ok(rows.unsigned_abs())
    }

    /// Keeps what was written.
    pub async fn finish(self) -> Result<()> {
        Ok(self.transaction.commit().await?)
    }

    /// Takes it back.
    pub async fn abandon(self) -> Result<()> {
        Ok(self.transaction.rollback().await?)
    }
}

/// What is wrong with a file, of which hence nothing was imported.
#[must_use]
pub fn nothing_imported(failure: Failure, hint: &str) -> Failure {
    failure.hint(format!("nothing was imported; {hint}"))
}

/// The first few, and how many more there are.
fn list(named: impl Iterator<Item = String>, all: usize) -> String {
    let more = if all > NAMED { format!(" and {} more", all - NAMED) } else { String::new() };
    named.take(NAMED).collect::<Vec<_>>().join(", ") + &more
}

/// As COPY's text format has it.
fn escape(value: &str, text: &mut String) {
    for c in value.chars() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            c => text.push(c),
        }
    }
}

/// A row that the server does not take: in which line and column of the file it stands.
fn place(error: sqlx::Error, lines: &[u64]) -> Failure {
    let told = error.as_database_error().and_then(|answer| {
        let answer = answer.try_downcast_ref::<PgDatabaseError>()?;
        // Class 22: data; 23: what the table demands.
        let is_about_data = matches!(answer.code().get(..2), Some("22" | "23"));
        let (nth, column) = context(answer.r#where().filter(|_| is_about_data)?)?;
        let line = lines.get(nth.checked_sub(1)?)?;
        let column = column.map(|name| format!(", column {name}")).unwrap_or_default();
        let detail = answer.detail().map(|detail| format!(" ({})", shorten(detail))).unwrap_or_default();
        Some(format!("line {line}{column}: {}{detail}", shorten(answer.message())))
    });
    match told {
        Some(what) => nothing_imported(Failure::new(Kind::Invalid, what), "mend that line, or leave it out"),
        None => Failure::from(error),
    }
}

/// A message may quote the whole of a document.
fn shorten(text: &str) -> String {
    let short: String = text.chars().take(300).collect();
    if short.len() < text.len() { short + "..." } else { short }
}

/// Where a COPY failed, in whatever language the server speaks: `COPY incoming, line 3, column id: "x"`.
fn context(text: &str) -> Option<(usize, Option<&'static str>)> {
    let (_, text) = text.split_once("COPY incoming")?;
    let text = text.trim_start_matches(|c: char| !c.is_ascii_digit());
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (line, rest) = text.split_at(digits);
    // Of a row as a whole it quotes the values after the colon.
    let words = rest.split(':').next().unwrap_or_default();
    let column = words.split(|c: char| !(c.is_alphanumeric() || c == '_')).find_map(position);
    Some((line.parse().ok()?, column.map(|place| COLUMNS[place].name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_read_in_any_language() {
        for (text, expected) in [
            ("COPY incoming, line 3, column user_id: \"x\"", Some((3, Some("user_id")))),
            (
                "JSON data, line 1: {...\nCOPY incoming, line 12, column cat_attributes: \"{\"",
                Some((12, Some("cat_attributes"))),
            ),
            ("COPY incoming, Zeile 7, Spalte id: »x«", Some((7, Some("id")))),
            ("COPY incoming, line 2: \"id created_at\"", Some((2, None))),
            ("COPY other, line 2", None),
        ] {
            assert_eq!(context(text), expected, "{text}");
        }
    }

    #[test]
    fn values_are_one_line_each() {
        let mut text = String::new();
        escape("a\tb\\N\r\n.", &mut text);
        assert_eq!(text, "a\\tb\\\\N\\r\\n.");
    }
}
