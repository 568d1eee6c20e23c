//! What migration 0001 makes, read from its text, so that a table is adopted into that and nothing else.

use crate::db::migrate::{Revision, Revisions};

/// The migration that adoption stands for.
pub(super) const VERSION: i64 = 1;

/// What 0001 makes.
#[derive(Debug)]
pub(super) struct Shape {
    pub tables: Vec<Table>,
    pub indexes: Vec<Index>,
    /// `COMMENT ON ...` statements.
    pub comments: Vec<String>,
}

/// A table of schema `public`.
#[derive(Debug, PartialEq)]
pub(super) struct Table {
    pub name: String,
    /// The founding guide's columns come first, up to the moment when the row was made or changed.
    pub columns: Vec<Column>,
}

/// A column.
#[derive(Debug, PartialEq)]
pub(super) struct Column {
    pub name: String,
    /// Its type as `format_type` writes it.
    pub kind: String,
    pub is_nullable: bool,
    pub default: Option<String>,
}

impl Column {
    /// As `ADD COLUMN` takes it: keys and references come in steps of their own, that lock nobody out.
    pub fn definition(&self) -> String {
        let null = if self.is_nullable { "" } else { " NOT NULL" };
        let default = self.default.as_ref().map_or_else(String::new, |default| format!(" DEFAULT {default}"));
        format!("{} {}{null}{default}", self.name, self.kind)
    }
}

/// An index that is no constraint's.
#[derive(Debug, PartialEq)]
pub(super) struct Index {
    pub name: String,
    /// What follows `CREATE INDEX name`.
    pub on: String,
}

/// What 0001 makes.
pub(super) fn shape() -> Shape {
    read(Revisions::ours().get(VERSION).map_or("", Revision::up_script))
}

/// Takes the text of 0001 apart. It never changes, so what it does not hold need not be understood; a test compares an
/// adopted database with one that it made.
fn read(sql: &str) -> Shape {
    let mut shape = Shape { tables: Vec::new(), indexes: Vec::new(), comments: Vec::new() };
    let code: String = sql.lines().filter(|line| !line.starts_with("--")).map(|line| format!("{line}\n")).collect();
    for statement in code.split(";\n").map(str::trim) {
        if let Some((name, body)) = statement.strip_prefix("CREATE TABLE public.").and_then(|s| s.split_once(" (\n")) {
            let columns = body.lines().map(str::trim).filter(|line| *line != ")").map(column).collect();
            shape.tables.push(Table { name: name.to_owned(), columns });
        } else if let Some((name, on)) = statement.strip_prefix("CREATE INDEX ").and_then(|s| s.split_once(' ')) {
            shape.indexes.push(Index { name: name.to_owned(), on: on.to_owned() });
        } else if statement.starts_with("COMMENT ON ") {
            shape.comments.push(statement.to_owned());
        }
    }
    shape
}

fn column(line: &str) -> Column {
    let line = line.trim_end_matches(',');
    let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
    let (before, default) = match rest.split_once(" DEFAULT ") {
        Some((before, default)) => (before, Some(default.to_owned())),
        None => (rest, None),
    };
    let end = [" PRIMARY KEY", " NOT NULL", " UNIQUE", " REFERENCES"].iter().filter_map(|word| before.find(word)).min();
    let kind = before[..end.unwrap_or(before.len())].to_lowercase();
    let kind = match kind.as_str() {
        "timestamp" => "timestamp without time zone".to_owned(),
        other => other.replace("varchar", "character varying"),
    };
    let is_nullable = !["PRIMARY KEY", "NOT NULL"].iter().any(|word| before.contains(word));
    Column { name: name.to_owned(), kind, is_nullable, default }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_migration_is_understood() {
        let shape = shape();
        let names: Vec<_> = shape.tables.iter().map(|table| (table.name.as_str(), table.columns.len())).collect();
        assert_eq!(names, [("users", 5), ("generations", 25)]);
        assert_eq!((shape.indexes.len(), shape.comments.len()), (7, 32));
        let definitions: Vec<_> = shape.tables[1].columns.iter().map(Column::definition).collect();
        for definition in [
            "id uuid NOT NULL DEFAULT gen_random_uuid()",
            "repo_owner character varying(255)",
            "code_quality_score numeric(3,1)",
            "created_at timestamp without time zone NOT NULL DEFAULT (now() AT TIME ZONE 'utc')",
            "user_id uuid",
            "degraded boolean NOT NULL DEFAULT false",
        ] {
            assert!(definitions.iter().any(|found| found == definition), "{definition}: {definitions:#?}");
        }
        assert_eq!(shape.indexes[0].name, "generations_newest");
        assert_eq!(shape.indexes[0].on, "ON public.generations (created_at DESC, id DESC)");
    }
}
