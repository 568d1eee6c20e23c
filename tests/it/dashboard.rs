//! The dashboard, as a browser without JavaScript meets it.

mod backups;
mod browser;
mod jobs;
mod people;
mod queues;
mod schedules;
mod system;

use serde_json::Value;
use sqlx::{Connection, PgConnection};

use crate::support::cli::Shell;

/// Would run in whatever reads it as markup.
pub const EVIL: &str = "<script>alert('x')</script>";

/// What was done at the dashboard, the first first: action, target, outcome.
pub fn audited(shell: &Shell) -> Vec<(String, Option<String>, Option<String>)> {
    rows(shell, "SELECT action, target, outcome FROM web.audit WHERE via = 'dashboard' AND action NOT LIKE 'log%' ORDER BY id")
}

/// The actions alone, where all were done.
pub fn deeds(shell: &Shell) -> Vec<String> {
    audited(shell).into_iter().filter(|(_, _, outcome)| outcome.as_deref() == Some("done")).map(|(action, ..)| action).collect()
}

fn rows(shell: &Shell, sql: &'static str) -> Vec<(String, Option<String>, Option<String>)> {
    with_database(shell, async |connection| sqlx::query_as(sql).fetch_all(connection).await.unwrap())
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
