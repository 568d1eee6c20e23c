//! Adoption that is killed, and one that finds a table locked.

use std::process::Stdio;

use rustix::process::Signal;
use sqlx::{Connection, PgConnection};

use super::bed::{HEAD, columns, connect, original, rows};
use crate::support::cli::Shell;
use crate::support::postgres::{kill, wait_until};

const INVALID: &str = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";

/// Whether some statement in this database waits for a lock and fulfils `condition`.
async fn waits(connection: &mut PgConnection, condition: &'static str) -> bool {
    let asked = format!(
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
                        AND {condition})"
    );
    sqlx::query_scalar(sqlx::AssertSqlSafe(asked)).fetch_one(connection).await.unwrap()
}

fn until_it_waits(connection: &mut PgConnection, condition: &'static str) {
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        wait_until("the adoption to wait", || handle.block_on(waits(connection, condition)));
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_anywhere_it_is_finished_by_the_next() {
    for tag in ["ALTER TABLE", "COMMENT", "CREATE INDEX", "CREATE SCHEMA"] {
        let url = original(HEAD);
        let mut connection = connect(&url).await;
        let columns = columns(&mut connection).await;
        let before = rows(&mut connection, &columns).await;
        let trigger = format!(
            "CREATE FUNCTION public.pause() RETURNS event_trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_advisory_xact_lock_shared(42); END';
             CREATE EVENT TRIGGER pause ON ddl_command_start WHEN TAG IN ('{tag}') EXECUTE FUNCTION public.pause();
             SELECT pg_advisory_lock(42)"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(trigger)).execute(&mut connection).await.unwrap();
        let shell = Shell::on(&url);
        let mut adoption = shell.command(&["migrate", "adopt", "--yes"]);
        let mut adoption = adoption.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        until_it_waits(&mut connection, "wait_event = 'advisory'");
        kill(adoption.id(), Signal::KILL);
        adoption.wait().unwrap();
        sqlx::raw_sql("DROP EVENT TRIGGER pause; DROP FUNCTION public.pause(); SELECT pg_advisory_unlock(42)")
            .execute(&mut connection)
            .await
            .unwrap();

        shell.succeeds(&["migrate", "adopt", "--yes"]);
        assert_eq!(rows(&mut connection, &columns).await, before, "killed at {tag}");
        let invalid: i64 = sqlx::query_scalar(INVALID).fetch_one(&mut connection).await.unwrap();
        assert_eq!(invalid, 0, "killed at {tag}");
        assert!(shell.succeeds(&["migrate", "adopt"]).starts_with("nothing to do"), "killed at {tag}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_an_index_is_made_anew() {
    let url = original(HEAD);
    let mut connection = connect(&url).await;
    // An index waits for whoever may still see what was before it; nothing else does.
    let mut reader = connect(&url).await;
    sqlx::raw_sql("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1").execute(&mut reader).await.unwrap();
    let shell = Shell::on(&url);
    let mut adoption = shell.command(&["migrate", "adopt", "--yes"]);
    let mut adoption = adoption.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until_it_waits(&mut connection, "query LIKE 'CREATE INDEX CONCURRENTLY%'");
    kill(adoption.id(), Signal::KILL);
    adoption.wait().unwrap();
    let handle = tokio::runtime::Handle::current();
    tokio::task::block_in_place(|| {
        // It would wait as long as the reader does, had it not been told to look whether anybody is there.
        wait_until("the server to notice", || !handle.block_on(waits(&mut connection, "true")));
    });
    let invalid: i64 = sqlx::query_scalar(INVALID).fetch_one(&mut connection).await.unwrap();
    assert_eq!(invalid, 1, "half of one is left");
    sqlx::raw_sql("ROLLBACK").execute(&mut reader).await.unwrap();

    let told = shell.json(&["migrate", "adopt", "--yes"]);
    let steps = told["steps"].as_array().unwrap();
    assert!(steps[0].as_str().unwrap().starts_with("index generations_newest"), "goes on where it was: {told}");
    let invalid: i64 = sqlx::query_scalar(INVALID).fetch_one(&mut connection).await.unwrap();
    assert_eq!(invalid, 0);
    reader.close().await.unwrap();
}

#[tokio::test]
async fn whoever_keeps_a_table_locked_is_named() {
    let url = original(HEAD);
    let mut holder = connect(&format!("{url}&application_name=the-one")).await;
    sqlx::raw_sql("BEGIN; SELECT count(*) FROM generations").execute(&mut holder).await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut holder).await.unwrap();
    let shell = Shell::on(&url);
    let told = shell.fails(7, &["migrate", "adopt", "--yes", "--lock-timeout", "1"]);
    let held = format!("it is held by process {pid} (");
    for word in ["generations: add ", &held, ", the-one), idle in transaction, in its transaction for "] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(told.contains("--lock-timeout"), "{told}");
    sqlx::raw_sql("COMMIT").execute(&mut holder).await.unwrap();
    shell.succeeds(&["migrate", "adopt", "--yes"]);
}
