//! Telling once more.

use uuid::Uuid;

use super::show::webhook;
use crate::db::Db;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{Enqueued, JobKind, NewJob};
use crate::queue::enqueue::enqueue_one;

/// Tells the event of a webhook once more: a new job with the same event, by whose id the receiver knows it again.
///
/// Fails with `Conflict` where the webhook is still to be delivered.
pub async fn replay(db: &Db, id: Uuid) -> Result<Enqueued> {
    let job = webhook(db, id).await?;
    if !job.state()?.is_final() {
        return Err(Failure::new(Kind::Conflict, format!("webhook {id} is {}, not finished", job.state))
            .hint(format!("to have it tried at once: repo-to-cat jobs retry {id}")));
    }
    let again = NewJob {
        max_attempts: u16::try_from(job.max_attempts).unwrap_or(1),
        limit_key: job.limit_key,
        user_id: job.user_id,
        traceparent: job.traceparent,
        rerun_of: Some(id),
        ..NewJob::new(JobKind::Webhook, job.payload)
    };
    enqueue_one(db, &again).await
}
