//! Retention: taking finished jobs away, and what belongs to them, once they are old enough.
//!
//! Old weeks of history are dropped whole. Rows that lie in a default partition are deleted, and so is what else there is
//! of old jobs, in batches that find their rows by an index. One process does this at a time: each transaction here tries
//! for a lock and tells by `None` that another process has it.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::db::{Db, Transaction, error};
use crate::model::failure::Result;

/// Held by who changes the partitions of history. Any number that nobody else uses.
pub(super) const LOCK: i64 = 0x6869_7374_6f72_7921;
/// Rows that one transaction takes away.
const BATCH: i64 = 5000;

/// A partition of history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name within the schema `queue`.
    pub name: String,
    /// About how many rows it has; 0 where nobody counted yet.
    pub rows: i64,
    /// What it takes on disk with its indexes, in bytes.
    pub bytes: i64,
}

/// Monday of the week, in UTC, in which it was `days` days ago: what finished before has been kept for long enough.
pub async fn kept_since(db: &Db, days: u16) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT date_trunc('week', queue.now() AT TIME ZONE 'utc' - make_interval(days => $1)) AT TIME ZONE 'utc' AS "at!""#,
        i32::from(days)
    )
    .fetch_one(db.pool())
    .await?)
}

/// The partitions of a state in which everything finished before a time.
pub async fn partitions_before(db: &Db, end: &str, before: DateTime<Utc>) -> Result<Vec<Partition>> {
    Ok(sqlx::query_as!(
        Partition,
        r#"SELECT partition.relname::text AS "name!", greatest(partition.reltuples, 0)::bigint AS "rows!",
                  pg_total_relation_size(partition.oid) AS "bytes!"
           FROM pg_inherits JOIN pg_class AS partition ON partition.oid = inhrelid
           WHERE inhparent = to_regclass('queue.history_' || $1)
             AND substring(pg_get_expr(relpartbound, partition.oid) FROM 'TO \(''([^'']+)''\)$')::timestamptz <= $2
           ORDER BY 1"#,
        end,
        before
    )
    .fetch_all(db.pool())
    .await?)
}

/// How many rows of a state's default partition finished before a time.
pub async fn loose_before(db: &Db, end: &str, before: DateTime<Utc>) -> Result<i64> {
    // Only through its own name does nothing else of history have to be read.
    let count = format!("SELECT count(*) FROM queue.history_{end}_default WHERE finished_at < $1");
    Ok(sqlx::query_scalar(sqlx::AssertSqlSafe(count)).bind(before).fetch_one(db.pool()).await?)
}

/// Drops a partition with its rows. False where others use it for so long that workers would have to wait.
pub async fn drop_partition(db: &Db, name: &str) -> Result<Option<bool>> {
    let Some(mut transaction) = alone(db).await? else { return Ok(None) };
    let name = name.replace('"', "\"\"");
    let drop = format!("SET LOCAL lock_timeout = '500ms'; DROP TABLE IF EXISTS queue.\"{name}\"");
    match sqlx::raw_sql(sqlx::AssertSqlSafe(drop)).execute(&mut *transaction).await {
        Ok(_) => {
            transaction.commit().await?;
            Ok(Some(true))
        }
        Err(error) if error::is_busy(&error) => Ok(Some(false)),
        Err(error) => Err(error.into()),
    }
}

/// What a batch did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batch {
    /// The last job that it saw; none at the end.
    pub last: Option<Uuid>,
    /// Rows that it deleted.
    pub deleted: i64,
}

/// Deletes what is kept beside history of a batch of jobs of a state that finished before a time, the next ones after an
/// id: attempts, steps, logs, deliveries, and unique keys: returned ones, and those that do not expire by themselves.
pub async fn forget(db: &Db, end: &str, before: DateTime<Utc>, after: Uuid) -> Result<Option<Batch>> {
    let Some(mut transaction) = alone(db).await? else { return Ok(None) };
    let batch = sqlx::query_as!(
        Batch,
        r#"WITH job AS MATERIALIZED (
             SELECT id, unique_key FROM queue.history WHERE state = $1 AND finished_at < $2 AND id > $3 ORDER BY id LIMIT $4
           ), attempt AS (
             DELETE FROM queue.attempts WHERE job_id = ANY (ARRAY (SELECT id FROM job)) RETURNING 1
           ), step AS (
             DELETE FROM queue.steps WHERE job_id = ANY (ARRAY (SELECT id FROM job)) RETURNING 1
           ), log AS (
             DELETE FROM queue.job_logs WHERE job_id = ANY (ARRAY (SELECT id FROM job)) RETURNING 1
           ), delivery AS (
             DELETE FROM queue.deliveries WHERE job_id = ANY (ARRAY (SELECT id FROM job)) RETURNING 1
           ), key AS (
             DELETE FROM queue.unique_keys
             WHERE job_id = ANY (ARRAY (SELECT id FROM job WHERE unique_key IS NOT NULL)) AND expires_at IS NULL RETURNING 1
           ), returned AS (
             DELETE FROM queue.returned_keys
             WHERE job_id = ANY (ARRAY (SELECT id FROM job WHERE unique_key IS NOT NULL)) RETURNING 1
           )
           SELECT (SELECT id FROM job ORDER BY id DESC LIMIT 1) AS last,
             (SELECT count(*) FROM attempt) + (SELECT count(*) FROM step) + (SELECT count(*) FROM log)
               + (SELECT count(*) FROM delivery)
               + (SELECT count(*) FROM key) + (SELECT count(*) FROM returned) AS "deleted!""#,
        end,
        before,
        after,
        BATCH
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(batch))
}

/// Deletes a batch of history of a state that finished before a time, the next jobs after an id. For rows of which no
/// partition can be dropped.
pub async fn delete_rows(db: &Db, end: &str, before: DateTime<Utc>, after: Uuid) -> Result<Option<Batch>> {
    let Some(mut transaction) = alone(db).await? else { return Ok(None) };
    let batch = sqlx::query_as!(
        Batch,
        r#"WITH job AS MATERIALIZED (
             SELECT id FROM queue.history WHERE state = $1 AND finished_at < $2 AND id > $3 ORDER BY id LIMIT $4
           ), row AS (
             DELETE FROM queue.history
             WHERE state = $1 AND finished_at < $2 AND id = ANY (ARRAY (SELECT id FROM job)) RETURNING 1
           )
           SELECT (SELECT id FROM job ORDER BY id DESC LIMIT 1) AS last, (SELECT count(*) FROM row) AS "deleted!""#,
        end,
        before,
        after,
        BATCH
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(batch))
}

/// Deletes a batch of unique keys that have expired; returns how many there were.
pub async fn delete_expired_keys(db: &Db) -> Result<Option<u64>> {
    let Some(mut transaction) = alone(db).await? else { return Ok(None) };
    let deleted = sqlx::query!(
        "DELETE FROM queue.unique_keys WHERE ctid = ANY (ARRAY (
           SELECT ctid FROM queue.unique_keys WHERE expires_at <= queue.now()
           ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))",
        BATCH
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    transaction.commit().await?;
    Ok(Some(deleted))
}

/// How many unique keys have expired.
pub async fn expired_keys(db: &Db) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "keys!" FROM queue.unique_keys WHERE expires_at <= queue.now()"#)
        .fetch_one(db.pool())
        .await?)
}

/// A transaction that holds the lock; none while another process has it.
async fn alone(db: &Db) -> Result<Option<Transaction<'static>>> {
    let mut transaction = db.pool().begin().await?;
    let got = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock($1) AS "got!""#, LOCK)
        .fetch_one(&mut *transaction)
        .await?;
    Ok(got.then_some(transaction))
}
