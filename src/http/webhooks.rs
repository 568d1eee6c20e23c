//! `/v1/webhooks`: who was told how generations ended.

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Site;
use super::auth::{Admin, Reader};
use super::deeds::{Act, Via};
use super::error::{Details, Problem};
use crate::db::deliveries::{self, DeliveryRow};
use crate::model::failure::{Failure, Kind};
use crate::webhooks::replay;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(again))
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Of this generation, or of this webhook's job.
    job: Option<Uuid>,
    /// How many at most.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
    /// Go on after this delivery.
    after: Option<Uuid>,
}

/// A part of the list.
#[derive(Debug, Serialize, ToSchema)]
struct Deliveries {
    /// The deliveries, the last first.
    deliveries: Vec<DeliveryRow>,
    /// After which one to go on; none at the end of the list.
    next: Option<Uuid>,
}

/// Lists what became of each try to deliver a webhook.
#[utoipa::path(
    get, path = "/v1/webhooks/deliveries", tag = "webhooks", params(Wanted), security(("token" = ["read"])),
    responses(
        (status = 200, description = "The tries, the last first", body = Deliveries,
         headers(("link" = String, description = "The next page, where there is one: rel=\"next\""))),
        (status = 400, description = "A parameter is wrong", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No token that works", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "The token does not have the scope", body = Details, content_type = "application/problem+json"),
    )
)]
async fn list(
    State(site): State<Site>,
    _: Reader,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<(HeaderMap, Json<Deliveries>), Problem> {
    let Query(Wanted { job, limit, after }) = wanted?;
    let limit = limit.unwrap_or(50);
    if !(1..=1000).contains(&limit) {
        let failure = Failure::new(Kind::Invalid, format!("limit is {limit}")).hint("allowed: 1 to 1000");
        return Err(Problem::from(failure).of_field("limit"));
    }
    let deliveries = deliveries::list(&site.db, job, after, i64::from(limit)).await?;
    let next = deliveries.last().filter(|_| deliveries.len() == usize::from(limit)).map(|last| last.id);
    let mut headers = HeaderMap::new();
    if let Some(next) = next {
        let of = job.map(|job| format!("job={job}&")).unwrap_or_default();
        let link = format!("</v1/webhooks/deliveries?{of}limit={limit}&after={next}>; rel=\"next\"");
        headers.extend(HeaderValue::try_from(link).ok().map(|link| (header::LINK, link)));
    }
    Ok((headers, Json(Deliveries { deliveries, next })))
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
#[utoipa::path(
    post, path = "/v1/webhooks/{id}/replay", tag = "webhooks", security(("token" = ["admin"])),
    params(("id" = Uuid, Path, description = "The webhook's job")),
    responses(
        (status = 202, description = "It is enqueued", body = Replayed),
        (status = 400, description = "The id is none of a webhook", body = Details, content_type = "application/problem+json"),
        (status = 401, description = "No token that works", body = Details, content_type = "application/problem+json"),
        (status = 403, description = "The token does not have the scope", body = Details, content_type = "application/problem+json"),
        (status = 404, description = "There is no such job", body = Details, content_type = "application/problem+json"),
        (status = 409, description = "It is still to be delivered", body = Details, content_type = "application/problem+json"),
    )
)]
async fn again(
    State(site): State<Site>,
    Admin(caller): Admin,
    id: Result<Path<Uuid>, PathRejection>,
) -> Result<(StatusCode, Json<Replayed>), Problem> {
    let Path(id) = id?;
    let target = id.to_string();
    let act = Act { caller: &caller, via: Via::Http, action: "webhooks.replay", target: Some(&target), detail: None };
    let job = site.perform(act, Box::pin(replay::replay(&site.db, id))).await?;
    Ok((StatusCode::ACCEPTED, Json(Replayed { id: job.id, replay_of: id })))
}
