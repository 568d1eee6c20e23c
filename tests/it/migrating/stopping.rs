//! A migration that is stopped: by Ctrl-C it is taken back and said so; killed, the next one begins it anew.

use std::process::{Command, Stdio};

use repo_to_cat::db::migrate::Goal;
use repo_to_cat::model::failure::Kind;
use rustix::process::Signal;
use sqlx::{Connection, PgConnection};
use tokio_util::sync::CancellationToken;

use super::{Bed, ask, sql};
use crate::support::cli::Shell;
use crate::support::gate::eventually;
use crate::support::postgres::{fresh_database, kill};

const INDEX: &[(&str, &str)] = &[
    ("CREATE TABLE cats (name text)", "DROP TABLE cats"),
    (
        "-- no-transaction\nCREATE INDEX CONCURRENTLY cats_name ON cats (name)",
        "-- no-transaction\nDROP INDEX CONCURRENTLY cats_name",
    ),
];

/// Sessions that wait for what somebody else holds.
const WAITS: &str = "SELECT count(*) FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
                     WHERE NOT l.granted AND a.datname = current_database()";

/// A transaction that has read the database, so that no index is built concurrently until it ends.
async fn reader(url: &str) -> PgConnection {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; INSERT INTO cats VALUES ('Tom')")
        .execute(&mut connection)
        .await
        .unwrap();
    connection
}

#[tokio::test]
async fn a_stopped_migration_is_taken_back() {
    let url = fresh_database("ctrl_c");
    let shell = Shell::on(&url);
    shell.succeeds(&["migrate", "up", "8"]);
    let mut holder = PgConnection::connect(&url).await.unwrap();
    let mut transaction = holder.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE queue.home IN SHARE MODE").execute(&mut *transaction).await.unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let mut command = shell.command(&["migrate", "down", "-1", "--yes", "--lock-timeout", "600"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        eventually("the migration to wait", async || ask::<i64>(&url, WAITS).await > 0).await;
        kill(child.id(), signal);
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(130), "{told}");
        assert!(told.contains("what was begun was taken back, the schema is at 0008_hold"), "{told}");
        assert_eq!(ask::<i64>(&url, WAITS).await, 0, "its session is gone");
    }
    transaction.rollback().await.unwrap();
    assert_eq!(shell.json(&["migrate", "current"])["current"], 8);
    shell.succeeds(&["migrate", "up"]);
}

#[tokio::test]
async fn a_stopped_index_says_so_and_is_made_anew() {
    let mut bed = Bed::make("stopped_index", INDEX).await;
    bed.runner().up(Goal::Up(1)).await.unwrap();
    let reader = reader(&bed.url).await;
    bed.options.stop = CancellationToken::new();
    let (up, ()) = tokio::join!(bed.up(), async {
        eventually("the index to wait", async || ask::<i64>(&bed.url, WAITS).await > 0).await;
        bed.options.stop.cancel();
    });
    let failure = up.unwrap_err();
    assert_eq!(failure.kind(), Kind::Cancelled);
    assert!(failure.what().contains("0002_step_2 was broken off, the schema is at 0001_step_1"), "{failure}");
    reader.close().await.unwrap();
    bed.options.stop = CancellationToken::new();
    assert_eq!(bed.up().await.unwrap(), [2]);
}

/// Names the database to a test that is started anew as the process to be killed.
const VICTIM: &str = "MIGRATION_TEST_DATABASE";

#[tokio::test]
async fn after_a_kill_the_next_one_makes_the_index() {
    if let Ok(url) = std::env::var(VICTIM) {
        Bed::at(url, INDEX).await.up().await.unwrap();
        return;
    }
    let bed = Bed::make("killed", INDEX).await;
    bed.runner().up(Goal::Up(1)).await.unwrap();
    let reader = reader(&bed.url).await;
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args(["migrating::stopping::after_a_kill_the_next_one_makes_the_index", "--exact"])
        .env(VICTIM, &bed.url)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    eventually("the index to wait", async || ask::<i64>(&bed.url, WAITS).await > 0).await;
    victim.kill().unwrap();
    victim.wait().unwrap();
    assert_eq!(bed.recorded().await, [(1, true), (2, false)]);
    // Whether the server has noticed yet or not: the next one waits for the lock of the first.
    let (up, ()) = tokio::join!(bed.up(), async {
        reader.close().await.unwrap();
    });
    assert_eq!(up.unwrap(), [2]);
    let valid = "SELECT bool_and(indisvalid) FROM pg_index WHERE indrelid = 'cats'::regclass";
    assert!(ask::<bool>(&bed.url, valid).await);
    assert_eq!(bed.recorded().await, [(1, true), (2, true)]);
    sql(&bed.url, "DROP INDEX cats_name").await;
}
