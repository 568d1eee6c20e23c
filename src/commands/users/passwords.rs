//! `users password`: set and check.

use serde_json::json;

use super::entry::{refuse_arguments, secret};
use super::with_database;
use crate::cli::UserPasswords;
use crate::commands::Output;
use crate::config::Loaded;
use crate::db::{Db, users};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::password::Verdict;

/// Runs `users password ...`.
pub(super) fn run(command: &UserPasswords, loaded: &Loaded, output: &Output) -> Result<()> {
    let (UserPasswords::Set(of) | UserPasswords::Check(of)) = command;
    refuse_arguments("password", &of.arguments)?;
    let password = secret("password")?;
    with_database(loaded, async |db| match command {
        UserPasswords::Set(of) => set(db, &of.user.user, &password, output).await,
        UserPasswords::Check(of) => check(db, &of.user.user, &password, output).await,
    })
}

async fn set(db: &Db, who: &str, password: &str, output: &Output) -> Result<()> {
    let user = users::find(db, who).await?;
    users::set_password(db, user.id, password).await?;
    output.data(&json!({"id": user.id, "username": user.username, "has_password": true}), |_| {
        format!("{}  has a new password\n", user.called())
    })
}

async fn check(db: &Db, who: &str, password: &str, output: &Output) -> Result<()> {
    let what = match users::check_password(db, who, password).await? {
        Verdict::Right => return output.data(&json!({"user": who, "right": true}), |_| "right\n".to_owned()),
        Verdict::Wrong => format!("the password of user `{who}` is wrong"),
        Verdict::None => format!("user `{who}` has none: no password was set"),
    };
    Err(Failure::new(Kind::Unauthorized, what)
        .hint(format!("give the user another with: repo-to-cat users password set {who}")))
}
