//! Finding out whether a pooler stands between us and the server.

use std::time::Duration;

use sqlx::{Executor, Row};
use tokio::time::timeout;

use crate::db::Session;
use crate::db::server::Server;
use crate::model::failure::Result;

/// Behind a pooler that has one server connection only, the second of two clients waits for the first.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether connections are given other server processes from one transaction to the next, as a pooler in transaction mode
/// does: snapshots and locks cannot be held through one.
pub async fn shares_connections(server: &Server, database: &str) -> Result<bool> {
    let mut first = server.connect(database, "repo-to-cat/preflight").await?;
    let before = process(&mut first).await?;
    let mut second = server.connect(database, "repo-to-cat/preflight").await?;
    second.connection().execute(sqlx::raw_sql("BEGIN")).await?;
    let between = process(&mut second).await?;
    let after = timeout(PATIENCE, process(&mut first)).await;
    let is_shared = between == before || !matches!(after, Ok(Ok(after)) if after == before);
    drop(timeout(PATIENCE, second.close()).await);
    drop(timeout(PATIENCE, first.close()).await);
    Ok(is_shared)
}

/// The server process behind a connection. In one message: nothing is prepared that another process would not know.
async fn process(session: &mut Session<'_>) -> Result<i32> {
    let row = session.connection().fetch_one(sqlx::raw_sql("SELECT pg_backend_pid()")).await?;
    Ok(row.try_get(0)?)
}
