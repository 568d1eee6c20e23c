//! Others hold what a migration needs: it waits for a bounded time, lets them by, and names them.

use std::process::Stdio;
use std::time::Duration;

use repo_to_cat::db::migrate::{Options, Revisions};
use repo_to_cat::model::failure::Kind;
use sqlx::{Connection, PgConnection};

use super::{Bed, ask};
use crate::support::cli::Shell;
use crate::support::gate::eventually;
use crate::support::postgres::fresh_database;

const WAITS: &str = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database =
                     (SELECT oid FROM pg_database WHERE datname = current_database())";

fn cats() -> Vec<(&'static str, &'static str)> {
    vec![
        ("CREATE TABLE cats (name text)", "DROP TABLE cats"),
        (
            "CREATE TABLE dogs (); ALTER TABLE cats ADD COLUMN age int",
            "ALTER TABLE cats DROP COLUMN age; DROP TABLE dogs",
        ),
    ]
}

#[tokio::test]
async fn whoever_holds_a_lock_is_named() {
    let mut bed = Bed::make("blocked", &cats()[..1]).await;
    bed.up().await.unwrap();
    bed.revisions = super::revisions(&cats());
    let mut holder = PgConnection::connect(&format!("{}&application_name=reader", bed.url)).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
    let mut transaction = holder.begin().await.unwrap();
    sqlx::raw_sql("SELECT * FROM cats").execute(&mut *transaction).await.unwrap();

    bed.options =
        Options { lock_timeout: Duration::from_secs(2), tries: 2, pause: Duration::from_millis(10), ..bed.options };
    let failure = bed.up().await.unwrap_err();
    assert_eq!(failure.kind(), Kind::Conflict, "{failure}");
    let told = failure.to_string();
    for word in [
        "0002_step_2 failed at line 1 (ALTER TABLE cats",
        "2 tries",
        "reader), idle in transaction",
        "SELECT * FROM cats",
    ] {
        assert!(told.contains(word), "no {word:?}: {told}");
    }
    assert!(told.contains(&format!("process {pid} (")), "{told}");
    assert!(failure.hint_text().unwrap().contains(&format!("repo-to-cat db terminate {pid}")), "{failure:?}");
    assert_eq!(bed.recorded().await, [(1, true)]);
    assert!(ask::<bool>(&bed.url, "SELECT to_regclass('dogs') IS NULL").await);

    // Once it lets go the next try succeeds.
    bed.options = Options { lock_timeout: Duration::from_secs(1), tries: 600, ..bed.options };
    let (up, ()) = tokio::join!(bed.up(), async {
        eventually("the migration to wait", async || ask::<i64>(&bed.url, WAITS).await > 0).await;
        transaction.rollback().await.unwrap();
    });
    assert_eq!(up.unwrap(), [2]);
}

#[tokio::test]
async fn between_tries_others_go_on() {
    let mut bed = Bed::make("between", &cats()[..1]).await;
    bed.up().await.unwrap();
    bed.revisions = super::revisions(&cats());
    bed.options = Options {
        lock_timeout: Duration::from_millis(300),
        tries: 1000,
        pause: Duration::from_millis(300),
        ..bed.options
    };
    let mut holder = PgConnection::connect(&bed.url).await.unwrap();
    let mut transaction = holder.begin().await.unwrap();
    sqlx::raw_sql("SELECT * FROM cats").execute(&mut *transaction).await.unwrap();
    let (up, ()) = tokio::join!(bed.up(), async {
        eventually("the migration to wait", async || ask::<i64>(&bed.url, WAITS).await > 0).await;
        // This one queues behind the migration, and gets in when that gives up for a while.
        assert_eq!(ask::<i64>(&bed.url, "SELECT count(*) FROM cats").await, 0);
        transaction.rollback().await.unwrap();
    });
    assert_eq!(up.unwrap(), [2]);
}

#[tokio::test]
async fn another_process_that_migrates_is_named() {
    let mut bed = Bed::make("locked_out", &cats()[..1]).await;
    bed.up().await.unwrap();
    let mut holder = PgConnection::connect(&bed.url).await.unwrap();
    let mut transaction = holder.begin().await.unwrap();
    sqlx::raw_sql("SELECT * FROM cats").execute(&mut *transaction).await.unwrap();
    bed.revisions = super::revisions(&cats());
    bed.options.tries = 100;
    let mut second = Bed::at(bed.url.clone(), &cats()).await;
    second.options.patience = Duration::from_millis(500);
    let (first, ()) = tokio::join!(bed.up(), async {
        eventually("the migration to wait", async || ask::<i64>(&bed.url, WAITS).await > 0).await;
        let failure = second.up().await.unwrap_err();
        assert_eq!(failure.kind(), Kind::Conflict, "{failure}");
        assert!(failure.what().contains("migrating this database for 0.5 s; it is held by process"), "{failure}");
        assert!(failure.hint_text().unwrap().contains("db terminate"), "{failure:?}");
        transaction.rollback().await.unwrap();
    });
    assert_eq!(first.unwrap(), [2]);
}

#[tokio::test]
async fn the_command_line_has_its_patience() {
    let url = fresh_database("patience");
    let shell = Shell::on(&url);
    shell.succeeds(&["migrate", "up", "8"]);
    let mut holder = PgConnection::connect(&url).await.unwrap();
    let mut transaction = holder.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE queue.home IN SHARE MODE").execute(&mut *transaction).await.unwrap();
    let told = shell.fails(7, &["migrate", "down", "-1", "--yes", "--lock-timeout", "1"]);
    assert!(
        told.contains("0008_hold failed") && told.contains("tries with a wait of 1 s each; it is held by"),
        "{told}"
    );
    transaction.rollback().await.unwrap();
    shell.succeeds(&["migrate", "down", "-1", "--yes"]);
}

#[test]
fn several_processes_may_migrate_at_once() {
    let shell = Shell::on(&fresh_database("at_once"));
    let start = || shell.command(&["--json", "migrate", "up"]).stdout(Stdio::piped()).spawn().unwrap();
    let applied = [start(), start(), start()].map(|child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let done: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(done["current"], Revisions::ours().head());
        done["applied"].as_array().unwrap().len()
    });
    assert_eq!(applied.iter().sum::<usize>(), Revisions::ours().iter().count(), "each was applied by one of them");
}
