//! `/v1/webhooks`: who was told how generations ended.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Site;
use super::auth::{Admin, Reader};
use super::deeds::{Act, Via};
use super::error::Problem;
use super::input::{Id, Params};
use super::page;
use super::refusals::{OfChanging, OfFinding};
use crate::db::deliveries::{self, DeliveryRow};
use crate::webhooks::replay;
use crate::webhooks::show::{self, Webhook};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(show)).routes(routes!(again))
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Of this generation, or of this webhook's job.
    job: Option<Uuid>,
    /// Those before this one.
    after: Option<Uuid>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
}

/// A part of the deliveries, the last first.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryPage {
    deliveries: Vec<DeliveryRow>,
    /// After which to go on; null at the end of the list.
    next: Option<Uuid>,
}

/// What became of each try to deliver a webhook, the last first.
#[utoipa::path(get, path = "/v1/webhooks/deliveries", tag = "webhooks", operation_id = "webhooks_deliveries", params(Wanted), security(("token" = ["read"])),
    responses((status = OK, body = DeliveryPage, headers(("link" = String, description = "The next page, with rel=\"next\".")))))]
async fn list(
    State(site): State<Site>,
    _: Reader,
    OriginalUri(uri): OriginalUri,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    let deliveries = deliveries::list(&site.db, wanted.job, wanted.after, limit).await?;
    let next = page::next(&deliveries, limit, |last| last.id);
    Ok(page::answer(&uri, next.as_ref(), DeliveryPage { deliveries, next }))
}

/// A webhook: its job, and what became of each try.
#[utoipa::path(get, path = "/v1/webhooks/{id}", tag = "webhooks", operation_id = "webhooks_show",
    params(("id" = Uuid, Path, description = "The webhook's job.")), security(("token" = ["read"])),
    responses((status = OK, body = Webhook), OfFinding))]
async fn show(State(site): State<Site>, _: Reader, Id(id): Id) -> Result<Json<Webhook>, Problem> {
    Ok(Json(show::show(&site.db, id).await?))
}

/// A webhook that is told once more.
#[derive(Debug, Serialize, ToSchema)]
struct Replayed {
    /// The new job.
    id: Uuid,
    /// The job whose event it tells.
    replay_of: Uuid,
}

/// Tells the event of a webhook once more: by a new job, with the same event id.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", tag = "webhooks", operation_id = "webhooks_replay",
    params(("id" = Uuid, Path, description = "The webhook's job.")), security(("token" = ["admin"])),
    responses((status = ACCEPTED, body = Replayed), OfChanging))]
async fn again(
    State(site): State<Site>,
    Admin(caller): Admin,
    Id(id): Id,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let target = id.to_string();
    let act = Act { caller: &caller, via: Via::Http, action: "webhooks.replay", target: Some(&target), detail: None };
    let job = site.perform(act, replay::replay(&site.db, id)).await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { id: job.id, replay_of: id })))
}
