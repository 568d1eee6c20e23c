//! `queue.kinds`, `queue.limits`: which kinds are paused, and how much may run. Workers are told, and look at once.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::db::Db;
use crate::db::listener::CONTROL;
use crate::db::session::Session;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::limits::{EACH, Limit};

/// What workers are told: neither a worker's id nor a word that means something else there.
const WORD: &str = "steered";

/// A kind of which no job is started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = PausedKind)]
pub struct Paused {
    /// The kind.
    pub kind: String,
    /// Since when.
    pub paused_at: DateTime<Utc>,
    /// Why.
    pub because: Option<String>,
}

/// Lets no job of a kind be started; those that run go on. Pausing again changes the reason only.
pub async fn pause(db: &Db, kind: &str, because: Option<&str>) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    sqlx::query!(
        "INSERT INTO queue.kinds (kind, paused_at, paused_because) VALUES ($1, queue.now(), $2)
         ON CONFLICT (kind) DO UPDATE
         SET paused_at = coalesce(kinds.paused_at, excluded.paused_at), paused_because = excluded.paused_because",
        kind,
        because
    )
    .execute(&mut *transaction)
    .await?;
    tell(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// Lets jobs of a kind be started again; false where it was not paused.
pub async fn resume(db: &Db, kind: &str) -> Result<bool> {
    let mut transaction = db.pool().begin().await?;
    let resumed = sqlx::query!(
        "UPDATE queue.kinds SET paused_at = NULL, paused_because = NULL WHERE kind = $1 AND paused_at IS NOT NULL",
        kind
    )
    .execute(&mut *transaction)
    .await?;
    tell(&mut transaction).await?;
    transaction.commit().await?;
    Ok(resumed.rows_affected() > 0)
}

/// The kinds that are paused, by name.
pub async fn paused(session: &mut Session<'_>) -> Result<Vec<Paused>> {
    Ok(sqlx::query_as!(
        Paused,
        r#"SELECT kind, paused_at AS "paused_at!", paused_because AS because FROM queue.kinds
           WHERE paused_at IS NOT NULL ORDER BY kind"#
    )
    .fetch_all(session)
    .await?)
}

/// Sets a limit in place of the one that its kind and limit key had.
pub async fn set(db: &Db, limit: &Limit) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    sqlx::query!(
        "INSERT INTO queue.limits (kind, limit_key, max_running, rate_count, rate_seconds) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (kind, limit_key) DO UPDATE
         SET max_running = excluded.max_running, rate_count = excluded.rate_count, rate_seconds = excluded.rate_seconds",
        limit.kind,
        limit.limit_key,
        limit.max_running,
        limit.rate_count,
        limit.rate_seconds
    )
    .execute(&mut *transaction)
    .await?;
    // What runs was started when there was no limit, and counts from now on. This reads the table, once a person's wish.
    sqlx::query!(
        "UPDATE queue.jobs SET limited = true WHERE state = 'running' AND kind = $1 AND NOT limited",
        limit.kind
    )
    .execute(&mut *transaction)
    .await?;
    forget_tokens(&mut transaction, &limit.kind, &limit.limit_key).await?;
    tell(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// Removes a limit.
pub async fn remove(db: &Db, kind: &str, limit_key: &str) -> Result<()> {
    let mut transaction = db.pool().begin().await?;
    let removed = sqlx::query!("DELETE FROM queue.limits WHERE kind = $1 AND limit_key = $2", kind, limit_key)
        .execute(&mut *transaction)
        .await?;
    if removed.rows_affected() == 0 {
        let of = if limit_key.is_empty() { String::new() } else { format!(" for the key {limit_key:?}") };
        return Err(Failure::new(Kind::NotFound, format!("{kind} has no limit{of}"))
            .hint("see them with: repo-to-cat queue limits"));
    }
    forget_tokens(&mut transaction, kind, limit_key).await?;
    tell(&mut transaction).await?;
    Ok(transaction.commit().await?)
}

/// A rate that changes begins anew: what was left of the old one means nothing.
async fn forget_tokens(session: &mut Session<'_>, kind: &str, limit_key: &str) -> Result<()> {
    sqlx::query!(
        "DELETE FROM queue.buckets WHERE kind = $1 AND (limit_key = $2 OR ($2 = $3 AND limit_key <> ''))",
        kind,
        limit_key,
        EACH
    )
    .execute(session)
    .await?;
    Ok(())
}

async fn tell(session: &mut Session<'_>) -> Result<()> {
    sqlx::query!("SELECT pg_notify($1, $2)", CONTROL, WORD).execute(session).await?;
    Ok(())
}
