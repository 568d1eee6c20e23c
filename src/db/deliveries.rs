//! `queue.deliveries`: what became of each try to deliver a webhook.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;
use crate::model::job::ClaimedJob;
use crate::model::webhook::Ended;

/// What became of a try.
#[derive(Debug, Clone, PartialEq)]
pub struct Tried {
    /// How long it took, in seconds.
    pub seconds: f32,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// Why it does not count as delivered; none where it does.
    pub error: Option<String>,
    /// How the answer began.
    pub answer: Option<String>,
}

/// A try to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeliveryRow {
    /// Identity, in the order of time.
    pub id: Uuid,
    /// The webhook's job.
    pub job_id: Uuid,
    /// Which claim of it.
    pub claim: i32,
    /// The event: the same in all tries and replays.
    pub event_id: Uuid,
    /// The generation that ended.
    pub generation_id: Uuid,
    /// When the try was over.
    pub at: DateTime<Utc>,
    /// How long it took, in seconds.
    pub seconds: f32,
    /// The HTTP status; none where there was no answer.
    pub status: Option<i16>,
    /// Why it does not count as delivered; none where it does.
    pub error: Option<String>,
    /// How the answer began: 500 bytes at most.
    pub answer: Option<String>,
}

/// Writes a try down.
pub async fn add(db: &Db, job: &ClaimedJob, event: &Ended, tried: &Tried) -> Result<()> {
    sqlx::query!(
        "INSERT INTO queue.deliveries (id, job_id, claim, event_id, generation_id, seconds, status, error, answer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (job_id, claim) DO NOTHING",
        Uuid::now_v7(),
        job.id,
        job.claim,
        event.event_id,
        event.generation_id,
        tried.seconds,
        tried.status.and_then(|status| i16::try_from(status).ok()),
        tried.error,
        tried.answer
    )
    .execute(db.pool())
    .await?;
    Ok(())
}

/// Up to `limit` tries before `before`, the last first: of all, or of a webhook's job or a generation.
pub async fn list(db: &Db, of: Option<Uuid>, before: Option<Uuid>, limit: i64) -> Result<Vec<DeliveryRow>> {
    let before = before.unwrap_or(Uuid::max());
    let Some(of) = of else {
        return Ok(sqlx::query_as!(
            DeliveryRow,
            "SELECT id, job_id, claim, event_id, generation_id, at, seconds, status, error, answer
             FROM queue.deliveries WHERE id < $1 ORDER BY id DESC LIMIT $2",
            before,
            limit
        )
        .fetch_all(db.pool())
        .await?);
    };
    Ok(sqlx::query_as!(
        DeliveryRow,
        r#"SELECT id AS "id!", job_id AS "job_id!", claim AS "claim!", event_id AS "event_id!",
                  generation_id AS "generation_id!", at AS "at!", seconds AS "seconds!", status, error, answer
           FROM (SELECT * FROM queue.deliveries WHERE job_id = $1
                 UNION ALL
                 SELECT * FROM queue.deliveries WHERE generation_id = $1) AS delivery
           WHERE id < $2 ORDER BY id DESC LIMIT $3"#,
        of,
        before,
        limit
    )
    .fetch_all(db.pool())
    .await?)
}
