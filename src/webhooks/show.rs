//! A webhook with all that became of telling it.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::db::deliveries::{self, DeliveryRow};
use crate::db::inspect::{self, JobRow};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::JobKind;

/// Tries of one webhook that are shown: more than there can be.
const ALL: i64 = 1000;

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct Webhook {
    /// Its job.
    pub job: JobRow,
    /// What became of each try, the last first.
    pub deliveries: Vec<DeliveryRow>,
}

/// The webhook whose job this is. Fails with `Invalid` where the job is another one.
pub async fn show(db: &Db, id: Uuid) -> Result<Webhook> {
    let job = webhook(db, id).await?;
    Ok(Webhook { job, deliveries: deliveries::list(db, Some(id), None, ALL).await? })
}

/// The job of a webhook.
pub(super) async fn webhook(db: &Db, id: Uuid) -> Result<JobRow> {
    let job = inspect::job(db, id).await?;
    if job.kind == JobKind::Webhook.name() {
        return Ok(job);
    }
    Err(Failure::new(Kind::Invalid, format!("job {id} is no webhook but a {} job", job.kind))
        .hint(format!("its webhooks are told by: repo-to-cat webhooks list --job {id}")))
}
