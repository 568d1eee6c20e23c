//! The dashboard, as a browser without JavaScript meets it.

mod backups;
mod browser;
mod frame;
mod gallery;
mod generation;
mod jobs;
mod login;
mod matrix;
mod overview;
mod people;
mod queues;
mod schedules;
mod system;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use self::browser::{Browser, location, proof};
use crate::support::cli::{Service, Shell};

/// Would run in whatever reads it as markup.
const EVIL: &str = "<script>alert('x')</script>";

/// A token of a new user.
fn token(shell: &Shell, user: &str, scope: &str) -> String {
    shell.succeeds(&["users", "add", user]);
    shell.succeeds(&["users", "token", "new", user, "--scope", scope]).trim().to_owned()
}

/// A service that asks who one is.
fn guarded(shell: &Shell, more: &[(&str, &str)]) -> Service {
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_HTTP__AUTH", "token").envs(more.iter().copied());
    Service::start(command)
}

/// What was done at the dashboard, the first first: action, target, outcome.
fn audited(shell: &Shell) -> Vec<(String, Option<String>, Option<String>)> {
    let deeds = "SELECT action, target, outcome FROM web.audit
                 WHERE via = 'dashboard' AND action NOT LIKE 'log%' ORDER BY id";
    with_database(shell, async |connection| sqlx::query_as(deeds).fetch_all(connection).await.unwrap())
}

/// The actions alone, where all were done.
fn deeds(shell: &Shell) -> Vec<String> {
    let done = audited(shell).into_iter().filter(|(_, _, outcome)| outcome.as_deref() == Some("done"));
    done.map(|(action, ..)| action).collect()
}

/// Changes the database behind the program's back.
pub fn run(shell: &Shell, sql: &str) {
    with_database(shell, async |connection| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
    });
}

fn with_database<T>(shell: &Shell, work: impl AsyncFnOnce(&mut PgConnection) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { work(&mut PgConnection::connect(shell.url()).await.unwrap()).await })
}

/// A job, as the command line tells it.
fn job(shell: &Shell, id: &str) -> Value {
    shell.json(&["jobs", "show", id])["job"].clone()
}
