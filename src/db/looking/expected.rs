//! The indexes that the schema should have, read from the migrations, so that no list can be out of date.

use std::collections::BTreeMap;

use crate::db::migrate::Revisions;

/// The names of the indexes that the migrations make and keep, with their schemas; those that constraints make are not
/// among them.
#[must_use]
pub fn indexes() -> Vec<String> {
    let mut kept = BTreeMap::new();
    for migration in Revisions::ours().iter() {
        apply(migration.up_script(), &mut kept);
    }
    kept.into_keys().collect()
}

/// Follows a migration: `kept` has each index and its table.
fn apply(sql: &str, kept: &mut BTreeMap<String, String>) {
    let bare: String = sql.lines().map(|line| line.split("--").next().unwrap_or_default().to_owned() + "\n").collect();
    for statement in bare.split(';') {
        let (head, _) = statement.split_once('(').unwrap_or((statement, ""));
        let words: Vec<&str> =
            head.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty()).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !is_noise(word)).collect();
        match words.as_slice() {
            ["CREATE", "INDEX", name, "ON", table, ..] => {
                let schema = table.split_once('.').map_or("public", |(schema, _)| schema);
                kept.insert(format!("{schema}.{name}"), (*table).to_owned());
            }
            ["DROP", "INDEX", names @ ..] => names.iter().for_each(|name| drop(kept.remove(*name))),
            ["DROP", "TABLE", table, ..] => kept.retain(|_, of| of != table),
            ["ALTER", "TABLE", table, "RENAME", "TO", name] => {
                let renamed =
                    table.split_once('.').map_or((*name).to_owned(), |(schema, _)| format!("{schema}.{name}"));
                kept.values_mut().filter(|of| *of == table).for_each(|of| of.clone_from(&renamed));
            }
            _ => {}
        }
    }
}

fn is_noise(word: &str) -> bool {
    matches!(word, "UNIQUE" | "CONCURRENTLY" | "IF" | "NOT" | "EXISTS" | "ONLY")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_followed() {
        let mut kept = BTreeMap::new();
        apply(
            "-- CREATE INDEX no ON a.b (c);\nCREATE UNIQUE INDEX one ON a.b (c);\nCREATE INDEX CONCURRENTLY IF NOT EXISTS two
             ON a.b USING gin (c); CREATE INDEX three ON a.c (d); CREATE INDEX four ON d (e);",
            &mut kept,
        );
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["a.one", "a.three", "a.two", "public.four"]);
        apply("ALTER TABLE a.b RENAME TO b2; DROP INDEX a.one, a.three; DROP TABLE a.b2;", &mut kept);
        assert_eq!(kept.keys().collect::<Vec<_>>(), ["public.four"]);
    }
}
