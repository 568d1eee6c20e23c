//! `users token`: make, list, revoke, check.

use chrono::Utc;
use serde_json::{Value, json};

use super::entry::{refuse_arguments, secret};
use super::with_database;
use crate::cli::{NewUserToken, Page, UserTokens};
use crate::commands::Output;
use crate::commands::view::users as view;
use crate::config::Loaded;
use crate::db::{Db, tokens, users};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::{Scopes, prefix_of_whole};

/// Runs `users token ...`.
pub(super) fn run(command: &UserTokens, loaded: &Loaded, output: &Output) -> Result<()> {
    match command {
        UserTokens::New(wanted) => with_database(loaded, async |db| new(db, wanted, output).await),
        UserTokens::List { user, page } => {
            with_database(loaded, async |db| list(db, user.as_deref(), page, output).await)
        }
        UserTokens::Revoke { token } => {
            refuse_whole(token)?;
            with_database(loaded, async |db| revoke(db, token, output).await)
        }
        UserTokens::Check { arguments } => {
            refuse_arguments("token", arguments)?;
            let presented = secret("token")?;
            with_database(loaded, async |db| check(db, &presented, output).await)
        }
    }
}

async fn new(db: &Db, wanted: &NewUserToken, output: &Output) -> Result<()> {
    let user = users::find(db, &wanted.user.user).await?;
    let scopes = if wanted.scopes.is_empty() { Scopes::default() } else { wanted.scopes.iter().copied().collect() };
    let (token, row) = tokens::create(db, user.id, &wanted.name, &scopes, wanted.expires.when()).await?;
    if output.json {
        let mut data = json!(row);
        data["token"] = Value::from(token.reveal());
        return output.data(&data, |_| String::new());
    }
    eprint!("{}", view::new_token(&user, &row));
    output.text(&format!("{}\n", token.reveal()))
}

async fn list(db: &Db, user: Option<&str>, page: &Page, output: &Output) -> Result<()> {
    let user = match user {
        Some(who) => Some(users::find(db, who).await?.id),
        None => None,
    };
    if let Some(cursor) = page.after {
        tokens::find(db, &cursor.to_string()).await?;
    }
    let rows = tokens::list(db, user, page.after, i64::from(page.limit)).await?;
    output.data(&rows, |look| match rows.as_slice() {
        [] if page.after.is_some() => "No more tokens.\n".to_owned(),
        rows => view::tokens(rows, Utc::now(), look),
    })
}

async fn revoke(db: &Db, called: &str, output: &Output) -> Result<()> {
    let row = tokens::find(db, called).await?;
    let changed = tokens::revoke(db, row.id).await?;
    output.data(&json!({"id": row.id, "prefix": row.prefix, "user": row.user, "changed": changed}), |_| {
        format!("{}  {}revoked\n", row.prefix, if changed { "" } else { "was already " })
    })
}

/// Tells whose it is even where it does not work, which the exit code says.
async fn check(db: &Db, presented: &str, output: &Output) -> Result<()> {
    let row = tokens::look_up(db, presented).await?;
    output.data(&row, |look| view::token(&row, Utc::now(), look))?;
    row.state.require_works()
}

/// Whoever gives the whole token as an argument has shown it to others.
fn refuse_whole(token: &str) -> Result<()> {
    match prefix_of_whole(token) {
        None => Ok(()),
        Some(prefix) => Err(Failure::new(Kind::Invalid, "that is a whole token, which belongs into no command line")
            .hint(format!("its prefix is enough: repo-to-cat users token revoke {prefix}"))),
    }
}
