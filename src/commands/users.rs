//! `users`: people and services that ask for cats.

mod entry;
mod passwords;
mod tokens;

use chrono::Utc;
use serde_json::json;

use crate::cli::{Page, Users};
use crate::commands::Output;
use crate::commands::session::{Schema, Session, block_on};
use crate::commands::view::users as view;
use crate::config::Loaded;
use crate::db::{Db, tokens as db_tokens, users};
use crate::model::failure::Result;

/// Tokens that `show` tells.
const SHOWN_TOKENS: i64 = 100;

/// Runs `users ...`.
pub fn run(command: &Users, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        Users::Add { name, email } => with_database(loaded, async |db| add(db, name, email.as_deref(), output).await),
        Users::List(page) => with_database(loaded, async |db| list(db, page, output).await),
        Users::Show(of) => with_database(loaded, async |db| show(db, &of.user, output).await),
        Users::Disable(of) => with_database(loaded, async |db| set_disabled(db, &of.user, true, output).await),
        Users::Enable(of) => with_database(loaded, async |db| set_disabled(db, &of.user, false, output).await),
        Users::Token { command } => tokens::run(command, loaded, output),
        Users::Password { command } => passwords::run(command, loaded, output),
    }
}

fn with_database(loaded: &Loaded, work: impl AsyncFnOnce(&Db) -> Result<()>) -> Result<()> {
    block_on(async {
        let session = Session::open(loaded, Schema::Current).await?;
        work(&session.db).await
    })
}

async fn add(db: &Db, name: &str, email: Option<&str>, output: &Output) -> Result<()> {
    let user = users::add(db, name, email).await?;
    output.data(&user, |_| format!("{name}  added; make it a token with: repo-to-cat users token new {}\n", user.id))
}

async fn list(db: &Db, page: &Page, output: &Output) -> Result<()> {
    if let Some(cursor) = page.after {
        // After one that is gone there would be nothing, which would look like the end.
        users::find(db, &cursor.to_string()).await?;
    }
    let rows = users::list(db, page.after, i64::from(page.limit)).await?;
    output.data(&rows, |look| match rows.as_slice() {
        [] if page.after.is_some() => "No more users.\n".to_owned(),
        rows => view::users(rows, Utc::now(), look),
    })
}

async fn show(db: &Db, who: &str, output: &Output) -> Result<()> {
    let user = users::find(db, who).await?;
    let tokens = db_tokens::list(db, Some(user.id), None, SHOWN_TOKENS).await?;
    let generations = users::generations(db, user.id).await?;
    output.data(&json!({"user": user, "tokens": tokens, "generations": generations}), |look| {
        view::user(&user, &tokens, generations, Utc::now(), look)
    })
}

async fn set_disabled(db: &Db, who: &str, disabled: bool, output: &Output) -> Result<()> {
    let user = users::find(db, who).await?;
    let changed = users::set_disabled(db, user.id, disabled).await?;
    let state = if disabled { "disabled" } else { "enabled" };
    output.data(&json!({"id": user.id, "username": user.username, "disabled": disabled, "changed": changed}), |_| {
        format!("{}  {}{state}\n", user.called(), if changed { "" } else { "was already " })
    })
}
