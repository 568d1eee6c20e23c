//! The steps from the founding application's tables to what migration 0001 makes, as far as they are still to be gone.
//!
//! Each is found missing in the catalogs, so that whoever was interrupted goes on where it was.

use sqlx::PgConnection;

use super::look::{self, Columns};
use super::shape::{self, Table};
use crate::db::Session;
use crate::db::source::rows::quote;
use crate::model::failure::Result;

/// The reference that a generation has to its user.
const REFERENCE: &str = "generations_user_id_fkey";

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Step {
    /// For people.
    pub what: String,
    pub act: Act,
}

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Act {
    /// Statements for one transaction. They change the catalogs alone: no row is read or written.
    Alter(String),
    /// Reads every row, while others write.
    Validate(String),
    /// Reads every row, while others write, and can stand in no transaction.
    Index { name: String, on: String },
    /// Notes 0001 as applied.
    Stamp,
}

/// The steps that are still to be gone, in their order.
pub(super) async fn steps(connection: &mut PgConnection) -> Result<Vec<Step>> {
    let mut session = Session::from(&mut *connection);
    let shape = shape::shape();
    let columns = look::columns(&mut session).await?;
    let mut steps: Vec<Step> = shape.tables.iter().filter_map(|table| alter(table, &columns)).collect();
    steps.extend(reference(&mut session).await?);
    if !has_comments(&mut session).await? {
        let what = "comments on users, generations and their columns".to_owned();
        steps.push(Step { what, act: Act::Alter(shape.comments.join(";\n")) });
    }
    let built: Vec<String> = sqlx::query_scalar(
        "SELECT c.relname::text FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
         WHERE c.relnamespace = 'public'::regnamespace AND i.indisvalid",
    )
    .fetch_all(&mut session)
    .await?;
    for index in shape.indexes.into_iter().filter(|index| !built.contains(&index.name)) {
        let what = format!("index {} {}", index.name, index.on.trim_start_matches("ON public."));
        steps.push(Step { what, act: Act::Index { name: index.name, on: index.on } });
    }
    steps.push(Step { what: "note migration 0001 as applied".to_owned(), act: Act::Stamp });
    Ok(steps)
}

/// What a table's columns lack, in one statement, so that it is locked once.
fn alter(table: &Table, columns: &Columns) -> Option<Step> {
    let (mut actions, mut added, mut defaults, mut relaxed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for column in &table.columns {
        let name = column.name.as_str();
        let Some(present) = columns.get(&(table.name.clone(), name.to_owned())) else {
            actions.push(format!("ADD COLUMN {}", column.definition()));
            added.push(name);
            continue;
        };
        let written = present.default.as_ref().map(|default| default.replace("::text", ""));
        if let Some(default) = column.default.as_ref().filter(|default| written.as_ref() != Some(default)) {
            actions.push(format!("ALTER COLUMN {name} SET DEFAULT {default}"));
            defaults.push(name);
        }
    }
    for ((of, name), present) in columns {
        let wanted = table.columns.iter().find(|column| column.name == *name);
        // What no row may leave out has a default by now, or is to be optional.
        if of == &table.name && !present.may_be_left_out && wanted.is_none_or(|column| column.is_nullable) {
            actions.push(format!("ALTER COLUMN {} DROP NOT NULL", quote(name)));
            relaxed.push(name.as_str());
        }
    }
    if actions.is_empty() {
        return None;
    }
    let told = |what: &str, names: &[&str]| (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")));
    let parts = [told("add", &added), told("give defaults to", &defaults), told("make optional", &relaxed)];
    let what = format!("{}: {}", table.name, parts.into_iter().flatten().collect::<Vec<_>>().join("; "));
    Some(Step { what, act: Act::Alter(format!("ALTER TABLE public.{} {}", table.name, actions.join(", "))) })
}

/// The reference from a generation to its user: it lets users be deleted, and is checked after it is there.
async fn reference(session: &mut Session<'_>) -> Result<Vec<Step>> {
    let found: Vec<(String, bool, bool)> = sqlx::query_as(
        "SELECT k.conname::text, k.confdeltype = 'n', k.convalidated
         FROM pg_constraint AS k JOIN pg_attribute AS a ON a.attrelid = k.conrelid
         WHERE k.conrelid = 'public.generations'::regclass AND k.contype = 'f' AND k.conkey = ARRAY[a.attnum]
           AND a.attname = 'user_id'",
    )
    .fetch_all(session)
    .await?;
    let validate = |name: &str| Step {
        what: format!("check that {name} holds for every row"),
        act: Act::Validate(format!("ALTER TABLE public.generations VALIDATE CONSTRAINT {}", quote(name))),
    };
    if let [(name, true, is_valid)] = found.as_slice() {
        return Ok(if *is_valid { Vec::new() } else { vec![validate(name)] });
    }
    let drops: String = found.iter().map(|(name, _, _)| format!("DROP CONSTRAINT {}, ", quote(name))).collect();
    // The application locks the tables in either order. Whoever waits for the second gives up before anybody's search for
    // deadlocks begins (after a second, by default), which might else end a transaction of the application.
    let mode = if found.is_empty() { "SHARE ROW EXCLUSIVE" } else { "ACCESS EXCLUSIVE" };
    let sql = format!(
        "LOCK TABLE public.users IN {mode} MODE; SET LOCAL lock_timeout = '500ms';
         LOCK TABLE public.generations IN {mode} MODE;
         ALTER TABLE public.generations {drops}ADD CONSTRAINT {REFERENCE} FOREIGN KEY (user_id)
           REFERENCES public.users (id) ON DELETE SET NULL NOT VALID"
    );
    let what = "generations: user_id refers to users, and is emptied when its user is deleted".to_owned();
    Ok(vec![Step { what, act: Act::Alter(sql) }, validate(REFERENCE)])
}

/// Whether the comments are there. They come together.
async fn has_comments(session: &mut Session<'_>) -> Result<bool> {
    Ok(sqlx::query_scalar("SELECT obj_description('public.generations'::regclass, 'pg_class') IS NOT NULL")
        .fetch_one(session)
        .await?)
}
