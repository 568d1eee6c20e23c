//! Which tables `pg_dump`'s patterns choose, found out as `pg_dump` does: the server matches regular expressions.

use crate::db::source::Holder;
use crate::db::source::catalog::Table;
use crate::model::backup::Selection;
use crate::model::failure::Result;

const CHOSEN: &str = "
    SELECT c.oid::bigint
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (
      SELECT bool_or(p.includes) AS included, bool_or(NOT p.includes) AS excluded
      FROM (SELECT true AS includes, schema, name FROM unnest($2::text[], $3::text[]) AS x (schema, name)
            UNION ALL
            SELECT false, schema, name FROM unnest($4::text[], $5::text[]) AS x (schema, name)) AS p
      WHERE c.relname::text ~ p.name
        AND CASE WHEN p.schema IS NULL THEN c.oid::bigint = ANY ($8) ELSE n.nspname::text ~ p.schema END
    ) AS named
    WHERE c.oid::bigint = ANY ($1) AND named.excluded IS NOT TRUE
      -- Where tables are named, schemas do not count.
      AND CASE WHEN cardinality($3::text[]) > 0 THEN named.included
               ELSE (cardinality($6::text[]) = 0 OR n.nspname::text ~ ANY ($6))
                 AND NOT n.nspname::text ~ ANY ($7) END";

/// What the role sees without naming a schema.
const VISIBLE: &str = "SELECT c.oid::bigint FROM pg_catalog.pg_class AS c WHERE pg_catalog.pg_table_is_visible(c.oid)";

impl Holder {
    /// Those of `tables` that `pg_dump` dumps with these patterns.
    pub async fn select(&mut self, mut tables: Vec<Table>, selection: &Selection) -> Result<Vec<Table>> {
        if selection.is_everything() {
            return Ok(tables);
        }
        let oids: Vec<i64> = tables.iter().map(|table| i64::from(table.oid)).collect();
        let (schemas, names) = expressions(&selection.tables);
        let (excluded_schemas, excluded_names) = expressions(&selection.exclude_tables);
        // `pg_dump` resets its search path for patterns without a schema, too, and then only.
        sqlx::raw_sql("RESET search_path").execute(self.session.connection()).await?;
        let visible: Vec<i64> = sqlx::query_scalar(VISIBLE).fetch_all(&mut self.session).await?;
        sqlx::raw_sql("SET search_path = ''").execute(self.session.connection()).await?;
        let chosen: Vec<i64> = sqlx::query_scalar(CHOSEN)
            .bind(oids)
            .bind(schemas)
            .bind(names)
            .bind(excluded_schemas)
            .bind(excluded_names)
            .bind(expressions(&selection.schemas).1)
            .bind(expressions(&selection.exclude_schemas).1)
            .bind(visible)
            .fetch_all(&mut self.session)
            .await?;
        tables.retain(|table| chosen.contains(&i64::from(table.oid)));
        Ok(tables)
    }
}

/// The expressions of several patterns: for their schemas, where they name some, and for their names.
fn expressions(patterns: &[String]) -> (Vec<Option<String>>, Vec<String>) {
    patterns.iter().map(|pattern| expression(pattern)).unzip()
}

/// What `pg_dump` makes of a pattern: `*` and `?` outside of quotes stand for any letters and any letter, a dot parts the
/// schema from the name, letters are small unless they are quoted; what else means something to a regular expression does
/// so outside of quotes only, but for `$`.
fn expression(pattern: &str) -> (Option<String>, String) {
    let mut parts = vec![String::new()];
    let mut characters = pattern.chars().peekable();
    let mut is_quoted = false;
    while let Some(c) = characters.next() {
        let part = parts.last_mut().expect("it is never empty");
        match c {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                part.push('"');
            }
            '"' => is_quoted = !is_quoted,
            '*' if !is_quoted => part.push_str(".*"),
            '?' if !is_quoted => part.push('.'),
            '.' if !is_quoted => parts.push(String::new()),
            '$' => part.push_str("\\$"),
            '[' if characters.peek() == Some(&']') => part.push_str("\\["),
            c if is_quoted && "|*+?()[]{}.^\\".contains(c) => part.extend(['\\', c]),
            c if is_quoted => part.push(c),
            c => part.push(c.to_ascii_lowercase()),
        }
    }
    let mut last_first = parts.into_iter().rev().map(|part| format!("^({part})$"));
    let name = last_first.next().expect("it is never empty");
    (last_first.next(), name)
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn patterns_mean_what_they_mean_to_pg_dump() {
        let of = |pattern| {
            let (schema, name) = expression(pattern);
            format!("{} {name}", schema.unwrap_or_default())
        };
        assert_eq!(of("Cats"), " ^(cats)$");
        assert_eq!(of("public.c?t*"), "^(public)$ ^(c.t.*)$");
        assert_eq!(of("db.\"My.Schema\".\"a\"\"*$\""), "^(My\\.Schema)$ ^(a\"\\*\\$)$");
        assert_eq!(of("a|b[0-9]"), " ^(a|b[0-9])$");
        assert_eq!(of("int[]"), " ^(int\\[])$");
    }
}
