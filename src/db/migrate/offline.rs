//! Migrations as a script, for people who let nobody but themselves change a schema.

use std::fmt::Write as _;

use chrono::Utc;

use super::record::{TABLE, forget_in_sql, note_in_sql};
use super::revisions::{Revision, Revisions};
use super::{Way, label, script};
use crate::db::history;

/// The script that brings a schema from one revision to another, 0 for none, with the record of each migration. It refuses a
/// schema that is elsewhere.
#[must_use]
pub fn offline(revisions: &Revisions, from: i64, to: i64) -> String {
    let way = if from <= to { Way::Up } else { Way::Down };
    let (low, high) = (from.min(to), from.max(to));
    let mut all: Vec<_> = revisions.iter().filter(|revision| (low + 1..=high).contains(&revision.version)).collect();
    if way == Way::Down {
        all.reverse();
    }
    let name = |version: i64| revisions.get(version).map_or("base".to_owned(), |it| label(it.version, &it.name));
    let mut script = format!(
        "-- repo-to-cat: from {} to {}. Run it with: psql --set ON_ERROR_STOP=1 --file FILE\n\n{TABLE};\n\
         DO $check$ BEGIN\n    \
         IF (SELECT coalesce(max(version), 0) FROM _sqlx_migrations WHERE success) <> {from} THEN\n        \
         RAISE 'the schema is not at {}: this script is not for it';\n    END IF;\nEND $check$;\n",
        name(from),
        name(to),
        name(from),
    );
    for revision in all {
        write_one(&mut script, revision, way);
    }
    if way == Way::Up && high == Revisions::ours().head() && from != to {
        script += "\n-- The weeks of history that are needed first; a service that runs makes the rest.\n";
        for week in history::weeks_in_sql(Utc::now().date_naive()) {
            _ = writeln!(script, "{week};");
        }
    }
    script
}

fn write_one(out: &mut String, revision: &Revision, way: Way) {
    let (migration, title) = match way {
        Way::Up => (&revision.up, revision.to_string()),
        Way::Down => (revision.down.as_ref().unwrap_or(&revision.up), format!("{revision}, taken back")),
    };
    let record = match way {
        Way::Up => note_in_sql(revision, true),
        Way::Down => forget_in_sql(revision.version),
    };
    let sql = migration.sql.as_str().trim_end();
    // The last statement of a file may do without, and a comment may follow it.
    let is_open = script::statements(sql).last().is_some_and(|last| !last.text.ends_with(';'));
    let end = if is_open { "\n;" } else { "" };
    _ = if migration.no_tx {
        write!(out, "\n-- {title}\n{}{sql}{end}\n{record}", note_in_sql(revision, false))
    } else {
        write!(out, "\n-- {title}\nBEGIN;\n{sql}{end}\n{record}COMMIT;\n")
    };
}
