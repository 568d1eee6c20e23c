//! `/v1/queue`, `/v1/workers`: how the queue does, what is paused, limited or held.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::auth::{Admin, Reader};
use super::deeds::{Act, Via};
use super::error::{Problem, wrong};
use super::input::{Body, KindOfJob, Params};
use super::refusals::OfChanging;
use crate::db::hold::{self, Hold, Released};
use crate::db::limits;
use crate::db::stats::{self, LimitUse, Stats, Worker};
use crate::model::failure::{Failure, Kind};
use crate::model::job::JobKind;
use crate::model::limits::Limit;

/// Characters of a reason, at most.
const LONGEST_REASON: usize = 1000;
/// Characters of a limit key, at most.
const LONGEST_KEY: usize = 255;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(workers))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(limits_in_use))
        .routes(routes!(set_limit, remove_limit))
        .routes(routes!(release))
}

/// Of which kind.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfKind {
    /// Of this kind only.
    kind: Option<JobKind>,
}

/// How the queue does: depth, waits, pace, workers, limits, and whether it is held. What is large is estimated, and says
/// so.
#[utoipa::path(get, path = "/v1/queue", tag = "queue", operation_id = "queue_show", params(OfKind), security(("token" = ["read"])),
    responses((status = OK, body = Stats)))]
async fn show(State(site): State<Site>, _: Reader, Params(of): Params<OfKind>) -> Result<Json<Stats>, Problem> {
    Ok(Json(stats::stats(&site.db, of.kind.map(JobKind::name)).await?))
}

/// The workers that are registered.
#[utoipa::path(get, path = "/v1/workers", tag = "queue", operation_id = "queue_workers", security(("token" = ["read"])),
    responses((status = OK, body = Vec<Worker>)))]
async fn workers(State(site): State<Site>, _: Reader) -> Result<Json<Vec<Worker>>, Problem> {
    Ok(Json(stats::registered(&site.db).await?))
}

/// Why a kind is paused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PauseReason {
    /// For those who wonder.
    #[serde(default)]
    #[schema(max_length = 1000)]
    because: Option<String>,
}

/// Whether a kind is paused now, and was before.
#[derive(Debug, Serialize, ToSchema)]
struct KindPaused {
    /// The kind.
    kind: JobKind,
    /// Whether it is paused.
    paused: bool,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    because: Option<String>,
    /// Whether it was paused before it was resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    was_paused: Option<bool>,
}

/// Starts no more jobs of a kind; those that run go on.
#[utoipa::path(post, path = "/v1/queue/{kind}/pause", tag = "queue", operation_id = "queue_pause", params(("kind" = JobKind, Path)), request_body = PauseReason,
    security(("token" = ["admin"])), responses((status = OK, body = KindPaused), OfChanging))]
async fn pause(
    State(site): State<Site>,
    Admin(who): Admin,
    KindOfJob(kind): KindOfJob,
    Body(PauseReason { because }): Body<PauseReason>,
) -> Result<Json<KindPaused>, Problem> {
    if because.as_ref().is_some_and(|because| because.chars().count() > LONGEST_REASON) {
        let hint = format!("it has {LONGEST_REASON} characters at most");
        return Err(wrong("because", "the reason is too long", hint));
    }
    let detail = Some(json!({"because": because}));
    let act = Act { caller: &who, via: Via::Http, action: "queue.pause", target: Some(kind.name()), detail };
    site.perform(act, limits::pause(&site.db, kind.name(), because.as_deref())).await?;
    Ok(Json(KindPaused { kind, paused: true, because, was_paused: None }))
}

/// Starts jobs of a kind again.
#[utoipa::path(post, path = "/v1/queue/{kind}/resume", tag = "queue", operation_id = "queue_resume", params(("kind" = JobKind, Path)),
    security(("token" = ["admin"])), responses((status = OK, body = KindPaused), OfChanging))]
async fn resume(
    State(site): State<Site>,
    Admin(who): Admin,
    KindOfJob(kind): KindOfJob,
) -> Result<Json<KindPaused>, Problem> {
    let act = Act { caller: &who, via: Via::Http, action: "queue.resume", target: Some(kind.name()), detail: None };
    let was_paused = Some(site.perform(act, limits::resume(&site.db, kind.name())).await?);
    Ok(Json(KindPaused { kind, paused: false, because: None, was_paused }))
}

/// The limits, and what is used of them.
#[utoipa::path(get, path = "/v1/queue/limits", tag = "queue", operation_id = "queue_limits_in_use", security(("token" = ["read"])),
    responses((status = OK, body = Vec<LimitUse>)))]
async fn limits_in_use(State(site): State<Site>, _: Reader) -> Result<Json<Vec<LimitUse>>, Problem> {
    Ok(Json(stats::limits_in_use(&site.db).await?))
}

/// How much of a kind may run: at once, or be started in a time, or both.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewLimit {
    /// For jobs with this limit key; `*`: for each limit key by itself; left out: for all of the kind together.
    #[schema(min_length = 1, max_length = 255)]
    key: Option<String>,
    /// Jobs that may run at once.
    #[schema(minimum = 0)]
    max_running: Option<i32>,
    /// Jobs that may be started in `rate_seconds`.
    #[schema(minimum = 1)]
    rate_count: Option<i32>,
    /// The time that `rate_count` is for.
    #[schema(minimum = 1)]
    rate_seconds: Option<i32>,
}

fn check_key(key: Option<&str>) -> Result<(), Failure> {
    match key {
        Some(key) if !(1..=LONGEST_KEY).contains(&key.chars().count()) => {
            Err(Failure::new(Kind::Invalid, "the limit key is none")
                .hint(format!("it has 1 to {LONGEST_KEY} characters; leave it out for all of the kind together")))
        }
        _ => Ok(()),
    }
}

/// Limits how many jobs of a kind run, over all hosts. It takes the place of the limit that the kind, or the key, had.
#[utoipa::path(put, path = "/v1/queue/limits/{kind}", tag = "queue", operation_id = "queue_set_limit", params(("kind" = JobKind, Path)), request_body = NewLimit,
    security(("token" = ["admin"])), responses((status = OK, body = Vec<LimitUse>), OfChanging))]
async fn set_limit(
    State(site): State<Site>,
    Admin(who): Admin,
    KindOfJob(kind): KindOfJob,
    Body(wanted): Body<NewLimit>,
) -> Result<Json<Vec<LimitUse>>, Problem> {
    check_key(wanted.key.as_deref())?;
    let detail = Some(json!(wanted));
    let limit = Limit {
        kind: kind.name().to_owned(),
        limit_key: wanted.key.unwrap_or_default(),
        max_running: wanted.max_running,
        rate_count: wanted.rate_count,
        rate_seconds: wanted.rate_seconds,
    };
    limit.check()?;
    let act = Act { caller: &who, via: Via::Http, action: "queue.limit", target: Some(kind.name()), detail };
    site.perform(act, limits::set(&site.db, &limit)).await?;
    Ok(Json(stats::limits_in_use(&site.db).await?))
}

/// Which limit.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfKey {
    /// The one for this limit key; `*`: the one for each; left out: the one for all of the kind together.
    key: Option<String>,
}

/// Removes a limit.
#[utoipa::path(delete, path = "/v1/queue/limits/{kind}", tag = "queue", operation_id = "queue_remove_limit", params(("kind" = JobKind, Path), OfKey),
    security(("token" = ["admin"])), responses((status = NO_CONTENT), OfChanging))]
async fn remove_limit(
    State(site): State<Site>,
    Admin(who): Admin,
    KindOfJob(kind): KindOfJob,
    Params(of): Params<OfKey>,
) -> Result<StatusCode, Problem> {
    check_key(of.key.as_deref())?;
    let detail = Some(json!({"key": of.key}));
    let act = Act { caller: &who, via: Via::Http, action: "queue.unlimit", target: Some(kind.name()), detail };
    site.perform(act, limits::remove(&site.db, kind.name(), of.key.as_deref().unwrap_or_default())).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to end a hold.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReleaseHold {
    /// Cancel the jobs that the hold parked, instead of running them again.
    #[serde(default)]
    cancel_jobs: bool,
    /// Only tell what would be done.
    #[serde(default, skip_serializing)]
    dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Serialize, ToSchema)]
struct HoldEnded {
    #[serde(flatten)]
    released: Released,
    /// What was held until then, or still is.
    hold: Hold,
    /// Whether nothing was done.
    dry_run: bool,
    /// The store whose pictures are swept then where no row of this database names them: is it this one's alone?
    image_store: String,
}

/// Says go after a restore: what the hold parked runs, schedules fire again. Pictures that no row names are swept from
/// then on. `GET /v1/queue` tells what is held.
#[utoipa::path(post, path = "/v1/queue/release", tag = "queue", operation_id = "queue_release", request_body = ReleaseHold, security(("token" = ["admin"])),
    responses((status = OK, body = HoldEnded), OfChanging))]
async fn release(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(body): Body<ReleaseHold>,
) -> Result<Json<HoldEnded>, Problem> {
    let Some(hold) = hold::current(&site.db).await? else {
        return Err(Failure::new(Kind::Conflict, "nothing is held").hint("GET /v1/queue tells what is").into());
    };
    let ReleaseHold { cancel_jobs, dry_run } = body;
    let released = if dry_run {
        hold.would(cancel_jobs)
    } else {
        let act =
            Act { caller: &who, via: Via::Http, action: "queue.release", target: None, detail: Some(json!(body)) };
        site.perform(act, hold::release(&site.db, cancel_jobs)).await?
    };
    Ok(Json(HoldEnded { released, hold, dry_run, image_store: site.config.images.store.clone() }))
}
