//! `/v1/jobs`: look at jobs and steer them.

mod bulk;
mod filter;

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use self::filter::Wanted;
use super::Site;
use super::auth::{Admin, Caller, Reader};
use super::deeds::{Act, Via};
use super::error::Problem;
use super::input::{Body, Id, Params};
use super::page;
use super::refusals::{OfChanging, OfFinding};
use crate::db::inspect::{self, JobRow, Page};
use crate::db::life::{self, Life};
use crate::db::steer::{self, Change};
use crate::model::job::Enqueued;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(retry))
        .routes(routes!(cancel))
        .routes(routes!(discard))
        .routes(routes!(reprioritize))
        .routes(routes!(reschedule))
        .merge(bulk::routes())
}

/// Jobs, live and finished, the last enqueued first. A page looks at 10,000 jobs at most; where it ends early because of
/// that, `looked_back_to` says how far it got, and `next` goes on from there.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", operation_id = "jobs_list", params(Wanted), security(("token" = ["read"])),
    responses((status = OK, body = Page, headers(("link" = String, description = "The next page, with rel=\"next\"."))), OfFinding))]
async fn list(
    State(site): State<Site>,
    _: Reader,
    OriginalUri(uri): OriginalUri,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    let after = wanted.after;
    let filter = wanted.filter().resolve(&site.db).await?;
    let page = inspect::list(&site.db, &filter, after, limit).await?;
    Ok(page::answer(&uri, page.next.as_ref(), &page))
}

/// A job with its steps, and its attempts with what they logged.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", operation_id = "jobs_show", params(("id" = Uuid, Path)), security(("token" = ["read"])),
    responses((status = OK, body = Life), OfFinding))]
async fn show(State(site): State<Site>, _: Reader, Id(id): Id) -> Result<Json<Life>, Problem> {
    Ok(Json(life::of_job(&site.db, id).await?))
}

/// Runs a job again: what was discarded or cancelled is reopened under its id with all its attempts, what is scheduled or
/// parked waits no longer.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "jobs", operation_id = "jobs_retry", params(("id" = Uuid, Path)), security(("token" = ["admin"])),
    responses((status = OK, body = JobRow), OfChanging))]
async fn retry(State(site): State<Site>, Admin(who): Admin, Id(id): Id) -> Result<Json<JobRow>, Problem> {
    one(&site, &who, Change::Retry, id).await
}

/// Cancels a job; one that runs stops within seconds.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs", operation_id = "jobs_cancel", params(("id" = Uuid, Path)), security(("token" = ["admin"])),
    responses((status = OK, body = JobRow), OfChanging))]
async fn cancel(State(site): State<Site>, Admin(who): Admin, Id(id): Id) -> Result<Json<JobRow>, Problem> {
    one(&site, &who, Change::Cancel, id).await
}

/// Gives a job up: like cancel, but to the discarded ones.
#[utoipa::path(post, path = "/v1/jobs/{id}/discard", tag = "jobs", operation_id = "jobs_discard", params(("id" = Uuid, Path)), security(("token" = ["admin"])),
    responses((status = OK, body = JobRow), OfChanging))]
async fn discard(State(site): State<Site>, Admin(who): Admin, Id(id): Id) -> Result<Json<JobRow>, Problem> {
    one(&site, &who, Change::Discard, id).await
}

/// Another place in line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewPriority {
    /// From -100 to 100; a point is worth 6 seconds of waiting.
    #[schema(minimum = -100, maximum = 100)]
    priority: i16,
}

/// Gives a waiting job another priority.
#[utoipa::path(post, path = "/v1/jobs/{id}/reprioritize", tag = "jobs", operation_id = "jobs_reprioritize", params(("id" = Uuid, Path)), request_body = NewPriority,
    security(("token" = ["admin"])), responses((status = OK, body = JobRow), OfChanging))]
async fn reprioritize(
    State(site): State<Site>,
    Admin(who): Admin,
    Id(id): Id,
    Body(new): Body<NewPriority>,
) -> Result<Json<JobRow>, Problem> {
    one(&site, &who, Change::Reprioritize(new.priority), id).await
}

/// Another time.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTime {
    /// When it may start; a time that has passed means at once.
    run_at: DateTime<Utc>,
}

/// Gives a scheduled or available job another time.
#[utoipa::path(post, path = "/v1/jobs/{id}/reschedule", tag = "jobs", operation_id = "jobs_reschedule", params(("id" = Uuid, Path)), request_body = NewTime,
    security(("token" = ["admin"])), responses((status = OK, body = JobRow), OfChanging))]
async fn reschedule(
    State(site): State<Site>,
    Admin(who): Admin,
    Id(id): Id,
    Body(new): Body<NewTime>,
) -> Result<Json<JobRow>, Problem> {
    one(&site, &who, Change::Reschedule(new.run_at), id).await
}

/// Changes one job, and tells how it is now.
async fn one(site: &Site, who: &Caller, change: Change, id: Uuid) -> Result<Json<JobRow>, Problem> {
    change.check()?;
    let target = id.to_string();
    let act = Act { caller: who, via: Via::Http, action: change.deed(), target: Some(&target), detail: change.gives() };
    site.perform(act, steer::one(&site.db, change, id)).await?;
    Ok(Json(inspect::job(&site.db, id).await?))
}

/// A job that was enqueued, and where it is.
pub(super) fn accepted(job: Enqueued) -> Response {
    (StatusCode::ACCEPTED, [(header::LOCATION, format!("/v1/jobs/{}", job.id))], Json(job)).into_response()
}
