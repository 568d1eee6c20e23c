//! `/v1/generations`: ask for a cat, follow it, look at it.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Shared;
use super::error::Problem;
use crate::db::generations::{self, GenerationFilter};
use crate::db::{attempts, inspect, steps};
use crate::generation::submit::{Wishes, generation_job};
use crate::model::failure::{Failure, Kind};
use crate::model::repository::Source;
use crate::model::trace::Traceparent;
use crate::queue::enqueue::enqueue_all;

/// A job that is due later than this is a slip.
const LONGEST_DELAY: TimeDelta = TimeDelta::days(3660);

/// The body of a request for a cat.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    github_url: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    priority: i16,
    run_at: Option<DateTime<Utc>>,
}

/// Enqueues; answers with the id at once. The header `Idempotency-Key` is the job's unique key; `traceparent` says which
/// trace the job belongs to.
pub(super) async fn create(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Result<Json<Create>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(body) = body?;
    let unique_key = match headers.get("idempotency-key").map(|value| value.to_str()) {
        None => None,
        Some(Ok(key)) => Some(key.to_owned()),
        Some(Err(_)) => return Err(Failure::new(Kind::Invalid, "Idempotency-Key must be visible ASCII").into()),
    };
    let fetch = &shared.config.fetch;
    if let Source::Local(_) = Source::parse(&body.github_url, &fetch.allowed_hosts, &fetch.private_hosts)? {
        return Err(Failure::new(Kind::Refused, "local repositories cannot be asked for over HTTP")
            .hint("send a URL such as https://github.com/owner/name")
            .into());
    }
    if body.run_at.is_some_and(|time| time > Utc::now() + LONGEST_DELAY) {
        return Err(Failure::new(Kind::Invalid, "run_at is more than ten years ahead").into());
    }
    if unique_key.as_ref().is_some_and(String::is_empty) {
        return Err(Failure::new(Kind::Invalid, "Idempotency-Key is empty").hint("leave the header out").into());
    }
    let wishes = Wishes {
        reference: body.reference,
        priority: body.priority,
        run_at: body.run_at,
        unique_key,
        user_id: None,
        traceparent: traceparent(&headers),
    };
    let job = generation_job(&body.github_url, wishes, &shared.config)?;
    let enqueued = enqueue_all(&shared.db, std::slice::from_ref(&job)).await?;
    let id = enqueued.first().map(|enqueued| enqueued.id).unwrap_or_default();
    let is_new = enqueued.first().is_some_and(|enqueued| enqueued.is_new);
    let location = format!("/v1/generations/{id}");
    let answer = json!({"id": id, "is_new": is_new, "links": {"self": location, "image": format!("{location}/image")}});
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(answer)).into_response())
}

/// The trace of a request. Two of the header are none: the standard would have us guess otherwise.
fn traceparent(headers: &HeaderMap) -> Option<Traceparent> {
    let mut values = headers.get_all("traceparent").iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    Traceparent::heard(only.to_str().ok())
}

/// The id in a path.
type Id = Result<Path<Uuid>, PathRejection>;

/// Where a generation stands: its job, its steps and, when it is completed, its result.
pub(super) async fn show(State(shared): State<Shared>, id: Id) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    let result = generations::get(&shared.db, id).await?;
    let job = match inspect::job(&shared.db, id).await {
        Ok(job) => Some(job),
        // Its history may have been pruned; an imported one never had a job.
        Err(failure) if failure.kind() == Kind::NotFound && result.is_some() => None,
        Err(failure) => return Err(failure.into()),
    };
    let steps: Vec<Value> = steps::of_job(&shared.db, id)
        .await?
        .into_iter()
        .map(|row| json!({"step": row.step, "done": row.done, "fraction": row.fraction, "detail": row.detail}))
        .collect();
    let attempts = attempts::of_job(&shared.db, id).await?;
    let state = job.as_ref().map_or("completed", |job| job.state.as_str());
    Ok(Json(json!({"id": id, "state": state, "steps": steps, "attempts": attempts, "job": job, "result": result})))
}

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    owner: Option<String>,
    name: Option<String>,
    language: Option<String>,
    after: Option<Uuid>,
    limit: Option<u16>,
}

/// Completed generations, newest first, without their analyses.
pub(super) async fn list(
    State(shared): State<Shared>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(wanted) = wanted?;
    let limit = wanted.limit.unwrap_or(50);
    if !(1..=1000).contains(&limit) {
        return Err(Failure::new(Kind::Invalid, format!("limit is {limit}")).hint("allowed: 1 to 1000").into());
    }
    if let Some(after) = wanted.after {
        // After one that is gone there would be nothing, which would look like the end.
        generations::get(&shared.db, after).await?.ok_or_else(|| generations::unknown(after))?;
    }
    let filter = GenerationFilter {
        owner: wanted.owner,
        name: wanted.name,
        language: wanted.language,
        before: wanted.after,
        limit: i64::from(limit),
    };
    let page = generations::list(&shared.db, &filter).await?;
    let next = page.last().filter(|_| page.len() == usize::from(limit)).map(|last| last.id);
    Ok(Json(json!({"generations": page, "next_after": next})))
}

/// The captioned picture.
pub(super) async fn image(State(shared): State<Shared>, id: Id) -> Result<Response, Problem> {
    let Path(id) = id?;
    let generation = generations::get(&shared.db, id).await?.ok_or_else(|| generations::unknown(id))?;
    picture(&shared, generation.image_path).await
}

/// The picture without caption.
pub(super) async fn original(State(shared): State<Shared>, id: Id) -> Result<Response, Problem> {
    let Path(id) = id?;
    let generation = generations::get(&shared.db, id).await?.ok_or_else(|| generations::unknown(id))?;
    picture(&shared, generation.original_image_path).await
}

async fn picture(shared: &Shared, key: Option<String>) -> Result<Response, Problem> {
    let missing = || Failure::new(Kind::NotFound, "the picture is not in the store");
    let key = key.ok_or_else(missing)?;
    let png = shared.pictures.get(&key).await?.ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, png).into_response())
}
