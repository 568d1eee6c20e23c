//! `migrate`: the schema.

mod draft;
mod going;
mod looking;

use serde_json::{Value, json};

use crate::cli::Migrate;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::{Output, adopt};
use crate::config::Loaded;
use crate::db::migrate::{Goal, Options, Revision, Revisions, Runner, SchemaState, label, state};
use crate::model::failure::Result;

/// Runs `migrate ...`.
pub fn run(command: &Migrate, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        Migrate::Current => look(loaded, |state| looking::current(state, output)),
        Migrate::History { verbose } => look(loaded, |state| looking::history(state, *verbose, output)),
        Migrate::Check => look(loaded, |state| looking::check(state, output)),
        Migrate::Heads => looking::heads(output),
        Migrate::Show { revision } => looking::show(revision, output),
        Migrate::Up(args) => going::up(args, loaded, output),
        Migrate::Down(args) => going::down(args, loaded, output),
        Migrate::Stamp { revision } => stamp(revision, loaded, output),
        Migrate::Adopt(args) => adopt::run(args, loaded, output),
        Migrate::New { name } => draft::new(name, output),
    }
}

/// Looks at a database as it is.
fn look(loaded: &Loaded, tell: impl FnOnce(&SchemaState) -> Result<()>) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Any).await?;
        tell(&state(&session.db).await?)
    })
}

fn stamp(revision: &str, loaded: &Loaded, output: &Output) -> Result<()> {
    let goal = Goal::read(revision, Revisions::ours())?;
    block_on(async {
        let session = Session::open(loaded, Schema::Any).await?;
        let before = state(&session.db).await?;
        let stamped = Runner::new(&session.db, Options::default()).stamp(goal).await?;
        let after = state(&session.db).await?;
        let data = json!({"current": after.current, "added": stamped.added, "forgotten": stamped.forgotten});
        output.data(&data, |_| {
            let mut text = format!("the schema is recorded as being at {}\n", after.label(after.current));
            for (what, state, versions) in
                [("recorded", &after, &stamped.added), ("forgotten", &before, &stamped.forgotten)]
            {
                text.extend(versions.iter().map(|version| format!("{what} {}\n", state.label(*version))));
            }
            text
        })
    })
}

/// Revisions as data: version and name.
fn told<'a>(revisions: impl IntoIterator<Item = (i64, &'a str)>) -> Vec<Value> {
    revisions
        .into_iter()
        .map(|(version, name)| json!({"version": version, "name": name, "revision": label(version, name)}))
        .collect()
}

fn named(revision: &Revision) -> (i64, &str) {
    (revision.version, &revision.name)
}
