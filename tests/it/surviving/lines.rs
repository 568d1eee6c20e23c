//! Connections that loops hold for themselves.

use repo_to_cat::db::{Db, Line};

use crate::support::gate::{Gate, database_with_gate, settings};

/// The server's process behind the connection.
async fn session(line: &Line) -> i32 {
    let mut held = line.take().await.unwrap();
    let session = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(held.connection()).await.unwrap();
    held.give_back();
    session
}

#[tokio::test]
async fn a_line_keeps_its_connection_and_replaces_one_that_was_lost() {
    let url = database_with_gate("lines");
    let db = Db::connect(&settings(&url)).await.unwrap();
    let gate = Gate::of(&url);
    let (line, other) = (db.line(), db.line());
    let first = session(&line).await;
    assert_eq!(session(&line).await, first, "it is kept");
    assert_ne!(session(&other).await, first, "each has its own");

    gate.terminate(first).await;
    // Used just now, it is not asked whether it is well: the statement tells, and takes it away.
    let mut held = line.take().await.unwrap();
    sqlx::query("SELECT 1").execute(held.connection()).await.unwrap_err();
    drop(held);
    let second = session(&line).await;
    assert_ne!(second, first);

    // Unused for a while, it is asked.
    gate.terminate(second).await;
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    session(&line).await;
}

#[tokio::test]
async fn what_is_abandoned_takes_its_connection_with_it() {
    let url = database_with_gate("lines");
    let db = Db::connect(&settings(&url)).await.unwrap();
    let line = db.line();
    let first = session(&line).await;
    let mut held = line.take().await.unwrap();
    sqlx::query("BEGIN").execute(held.connection()).await.unwrap();
    drop(held);
    let mut held = line.take().await.unwrap();
    let (session, transaction): (i32, Option<String>) =
        sqlx::query_as("SELECT pg_backend_pid(), pg_current_xact_id_if_assigned()::text")
            .fetch_one(held.connection())
            .await
            .unwrap();
    held.give_back();
    assert_ne!(session, first);
    assert_eq!(transaction, None);
}
