//! Having backups made, proven and removed. Restoring is not for HTTP.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::find;
use crate::backup::retention::{self, Pruned};
use crate::backup::submit::{backup_job, drill_job};
use crate::http::Site;
use crate::http::auth::Admin;
use crate::http::deeds::{Act, Via};
use crate::http::error::Problem;
use crate::http::input::{Body, Name};
use crate::http::jobs::accepted;
use crate::http::refusals::OfChanging;
use crate::model::backup::{BackupRequest, DrillRequest};
use crate::model::job::Enqueued;
use crate::queue::enqueue::enqueue_one;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(make)).routes(routes!(verify)).routes(routes!(prune))
}

/// Has a backup made by a worker. Of one database there is one at a time: who asks meanwhile gets that one's job, and
/// `is_new` is false.
#[utoipa::path(post, path = "/v1/backups", tag = "backups", operation_id = "backups_make", request_body = BackupRequest, security(("token" = ["admin"])),
    responses((status = ACCEPTED, body = Enqueued, headers(("location" = String))), OfChanging))]
async fn make(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(request): Body<BackupRequest>,
) -> Result<Response, Problem> {
    let detail = Some(json!(request));
    let job = backup_job(request, &site.config)?;
    let act = Act { caller: &who, via: Via::Http, action: "backups.make", target: None, detail };
    Ok(accepted(site.perform(act, enqueue_one(&site.db, &job)).await?))
}

/// Has a backup tried by a worker: it is restored into a scratch cluster and compared.
#[utoipa::path(post, path = "/v1/backups/{backup}/verify", tag = "backups", operation_id = "backups_verify", params(("backup" = String, Path)),
    security(("token" = ["admin"])), responses((status = ACCEPTED, body = Enqueued, headers(("location" = String))), OfChanging))]
async fn verify(State(site): State<Site>, Admin(who): Admin, Name(called): Name) -> Result<Response, Problem> {
    let name = site.in_store(async |vault| find(&site, &vault, &called).await).await?;
    let target = name.to_string();
    let job = drill_job(DrillRequest { backup: Some(name), database: None }, &site.config)?;
    let act = Act { caller: &who, via: Via::Http, action: "backups.verify", target: Some(&target), detail: None };
    Ok(accepted(site.perform(act, enqueue_one(&site.db, &job)).await?))
}

/// What to remove.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PruneBackups {
    /// Only backups of this database; leftovers stay.
    database: Option<String>,
    /// Only tell what would be removed; it is so unless it is said otherwise.
    #[serde(default = "yes")]
    #[schema(default = true)]
    dry_run: bool,
}

const fn yes() -> bool {
    true
}

/// Removes what no rule of the settings keeps, and what killed runs left; or only tells.
#[utoipa::path(post, path = "/v1/backups/prune", tag = "backups", operation_id = "backups_prune", request_body = PruneBackups, security(("token" = ["admin"])),
    responses((status = OK, body = Pruned), OfChanging))]
async fn prune(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(wanted): Body<PruneBackups>,
) -> Result<Json<Pruned>, Problem> {
    let settings = &site.config.backup;
    let grace = Duration::from_secs(settings.sweep_grace_seconds);
    let work = site.in_store(async |vault| {
        let (policy, database) = (retention::policy(settings), wanted.database.as_deref());
        let (pruned, done) = retention::prune(&vault, database, &policy, grace, wanted.dry_run).await?;
        done.map(|()| pruned)
    });
    if wanted.dry_run {
        return Ok(Json(work.await?));
    }
    let detail = Some(json!(wanted));
    let act = Act { caller: &who, via: Via::Http, action: "backups.prune", target: None, detail };
    Ok(Json(site.perform(act, work).await?))
}
