//! Indexes that are made or dropped without blocking writes. Broken off, such a statement leaves an index that is not valid,
//! and one that its session was killed in may have come to its end unseen.

use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::script::Statement;

/// `CREATE INDEX CONCURRENTLY` or `DROP INDEX CONCURRENTLY`.
#[derive(Debug, PartialEq, Eq)]
enum Change {
    /// The index's name and its table's, as written.
    Create(String, String),
    /// The index's name, as written.
    Drop(String),
}

/// Whether an earlier try did already what the statement is to do. An index that one left unfinished is dropped first.
pub(super) async fn is_done(connection: &mut PgConnection, statement: &Statement<'_>) -> Result<bool, sqlx::Error> {
    match change(statement) {
        None => Ok(false),
        Some(Change::Drop(index)) => {
            sqlx::query_scalar("SELECT to_regclass($1) IS NULL").bind(index).fetch_one(connection).await
        }
        Some(Change::Create(index, table)) => {
            let found: Option<(String, bool)> = sqlx::query_as(
                "SELECT format('%I.%I', n.nspname, c.relname), i.indisvalid
                 FROM pg_index AS i
                 JOIN pg_class AS c ON c.oid = i.indexrelid
                 JOIN pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE i.indrelid = to_regclass($2) AND c.relname = (parse_ident($1))[1]",
            )
            .bind(index)
            .bind(table)
            .fetch_optional(&mut *connection)
            .await?;
            let Some((index, is_valid)) = found else { return Ok(false) };
            if !is_valid {
                tracing::warn!(index, "an earlier try left this index unfinished: it is made anew");
                connection.execute(AssertSqlSafe(format!("DROP INDEX CONCURRENTLY {index}"))).await?;
            }
            Ok(is_valid)
        }
    }
}

fn change(statement: &Statement<'_>) -> Option<Change> {
    let mut tokens = statement.tokens().filter(|token| *token != ";").peekable();
    let mut next_is = |words: &[&str]| {
        let is = tokens.peek().is_some_and(|token| words.iter().any(|word| token.eq_ignore_ascii_case(word)));
        is.then(|| tokens.next()).is_some()
    };
    let is_create = next_is(&["CREATE"]);
    if !is_create && !next_is(&["DROP"]) {
        return None;
    }
    next_is(&["UNIQUE"]);
    if !(next_is(&["INDEX"]) && next_is(&["CONCURRENTLY"])) {
        return None;
    }
    while next_is(&["IF", "NOT", "EXISTS"]) {}
    let mut name = String::new();
    let rest: Vec<&str> = tokens.collect();
    let mut rest = rest.into_iter().peekable();
    let end_of = |token: &str| !is_create && token == "," || token.eq_ignore_ascii_case("ON");
    while let Some(part) = rest.next_if(|token| !end_of(token)) {
        name += part;
    }
    if !is_create {
        // Several at once are left to the server.
        return rest.next().is_none().then_some(Change::Drop(name));
    }
    rest.next();
    rest.next_if(|token| token.eq_ignore_ascii_case("ONLY"));
    let mut table = rest.next()?.to_owned();
    while rest.next_if_eq(&".").is_some() {
        table = format!("{table}.{}", rest.next()?);
    }
    (!name.is_empty()).then_some(Change::Create(name, table))
}

#[cfg(test)]
mod tests {
    use super::super::script::statements;
    use super::*;

    #[test]
    fn changes_of_indexes_are_recognised() {
        let create = |index: &str, table: &str| Some(Change::Create(index.to_owned(), table.to_owned()));
        for (text, expected) in [
            ("CREATE INDEX CONCURRENTLY a ON public.b USING gin (c);", create("a", "public.b")),
            ("create unique index /* x */ concurrently if not exists \"A b\"\n on only b(c)", create("\"A b\"", "b")),
            ("DROP INDEX CONCURRENTLY IF EXISTS public.a;", Some(Change::Drop("public.a".to_owned()))),
            ("DROP INDEX CONCURRENTLY a CASCADE, b", None),
            ("CREATE INDEX a ON b (c)", None),
            ("CREATE INDEX CONCURRENTLY ON b (c)", None),
            ("CREATE TABLE a (b int)", None),
            ("SELECT 1", None),
        ] {
            assert_eq!(change(&statements(text)[0]), expected, "{text}");
        }
    }
}
