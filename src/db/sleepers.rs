//! `queue.sleepers`: who wants to be woken when there are jobs.
//!
//! A notification costs its sender's commit dearly, since commits with notifications go one by one. So only who sleeps is
//! notified, and nobody while workers are busy. An enqueue inserts first and looks for sleepers then; it may have looked
//! just before a worker lay down. Such a transaction had its number before the worker lay down, so the worker looks
//! again until every transaction of before has ended: no wake-up is missed.

use sqlx::PgExecutor;
use uuid::Uuid;

use crate::model::failure::Result;

/// Asks to be woken when jobs of these kinds are enqueued.
pub async fn lie_down(executor: impl PgExecutor<'_>, worker_id: Uuid, kinds: &[String]) -> Result<()> {
    sqlx::query!(
        "INSERT INTO queue.sleepers (kind, worker_id)
         SELECT kind, worker.id FROM unnest($2::text[]) AS kind, queue.workers AS worker WHERE worker.id = $1
         ON CONFLICT DO NOTHING",
        worker_id,
        kinds
    )
    .execute(executor)
    .await?;
    Ok(())
}

/// Asks to be left alone.
pub async fn get_up(executor: impl PgExecutor<'_>, worker_id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM queue.sleepers WHERE worker_id = $1", worker_id).execute(executor).await?;
    Ok(())
}

/// A number above that of every transaction that has begun to write.
pub async fn next_number(executor: impl PgExecutor<'_>) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_current_xact_id()::text::bigint AS "number!""#).fetch_one(executor).await?)
}

/// The number of the oldest transaction that is open: all before it have ended.
pub async fn oldest_open(executor: impl PgExecutor<'_>) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS "number!""#)
        .fetch_one(executor)
        .await?)
}
