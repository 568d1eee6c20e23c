//! `/v1/generations`: ask for a cat, follow it, look at it.

use std::time::Duration;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Site;
use super::auth::{Enqueuer, Reader};
use super::error::Problem;
use crate::db::generations::{self, GenerationFilter};
use crate::db::{Db, attempts, inspect, steps};
use crate::generation::submit::{Wishes, generation_job, request_of};
use crate::model::failure::{Failure, Kind};
use crate::model::job::Start;
use crate::model::repository::Source;
use crate::model::trace::Traceparent;
use crate::model::unique::{OnConflict, Scope, Unique};
use crate::providers::pictures::KEYS;
use crate::queue::enqueue::enqueue_all;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(show))
        .routes(routes!(image))
        .routes(routes!(original))
}

/// The body of a request for a cat: of `github_url` and `rerun_of`, one.
#[derive(Debug, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    github_url: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    #[serde(default)]
    priority: i16,
    run_at: Option<DateTime<Utc>>,
    delay_seconds: Option<u64>,
    deadline: Option<DateTime<Utc>>,
    timeout_seconds: Option<i32>,
    max_attempts: Option<u16>,
    #[serde(default)]
    tags: Vec<String>,
    webhook_url: Option<String>,
    user_id: Option<Uuid>,
    unique_key: Option<String>,
    unique_scope: Option<String>,
    unique_window_seconds: Option<u64>,
    on_conflict: Option<String>,
    rerun_of: Option<Uuid>,
}

impl Create {
    /// The repository, with what a finished job was asked to do in place of what is not said.
    async fn repository(&mut self, db: &Db) -> Result<String, Failure> {
        match (self.github_url.take(), self.rerun_of) {
            (Some(url), None) => Ok(url),
            (None, Some(id)) => {
                let request = request_of(db, id).await?;
                self.reference = self.reference.take().or(request.reference);
                Ok(request.github_url)
            }
            _ => Err(Failure::new(Kind::Invalid, "of github_url and rerun_of, one must be given")
                .hint(r#"send {"github_url": "https://github.com/owner/name"}"#)),
        }
    }

    fn start(&self) -> Result<Start, Failure> {
        match (self.run_at, self.delay_seconds) {
            (None, None) => Ok(Start::Now),
            (Some(at), None) => Ok(Start::At(at)),
            (None, Some(seconds)) => Ok(Start::After(Duration::from_secs(seconds))),
            (Some(_), Some(_)) => Err(Failure::new(Kind::Invalid, "run_at and delay_seconds are given")
                .hint("one of them says when to start")),
        }
    }

    /// The unique key: of the body, or the header `Idempotency-Key`, which stands for this very request.
    fn unique(&self, headers: &HeaderMap) -> Result<Option<Unique>, Failure> {
        let header = match headers.get("idempotency-key").map(|value| value.to_str()) {
            None => None,
            Some(Ok("")) => {
                return Err(Failure::new(Kind::Invalid, "Idempotency-Key is empty").hint("leave the header out"));
            }
            Some(Ok(key)) => Some(key),
            Some(Err(_)) => return Err(Failure::new(Kind::Invalid, "Idempotency-Key must be visible ASCII")),
        };
        let unique = match (&self.unique_key, header) {
            (Some(_), Some(_)) => {
                return Err(Failure::new(Kind::Invalid, "unique_key and Idempotency-Key are given")
                    .hint("the header is the unique key of a request that may be sent again: give one of them"));
            }
            (Some(key), None) => Unique::key(key),
            (None, Some(key)) => Unique { fingerprint: Some(self.fingerprint()), ..Unique::key(key) },
            (None, None) => {
                let options =
                    self.unique_scope.is_some() || self.unique_window_seconds.is_some() || self.on_conflict.is_some();
                return if options {
                    Err(Failure::new(Kind::Invalid, "options of a unique key are given, but no key")
                        .hint("add unique_key"))
                } else {
                    Ok(None)
                };
            }
        };
        Ok(Some(Unique {
            scope: self.unique_scope.as_deref().map_or(Ok(Scope::default()), Scope::from_name)?,
            window: self.unique_window_seconds.map(Duration::from_secs),
            on_conflict: self.on_conflict.as_deref().map_or(Ok(OnConflict::default()), OnConflict::from_name)?,
            ..unique
        }))
    }

    /// The same for two bodies that say the same, however they are written.
    fn fingerprint(&self) -> String {
        let said = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(said).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Enqueues; answers with the id at once. The header `Idempotency-Key` is the job's unique key; another body with it is
/// refused. `traceparent` says which trace the job belongs to.
#[utoipa::path(post, path = "/v1/generations", tag = "generations", responses((status = ACCEPTED)))]
async fn create(
    State(site): State<Site>,
    _: Enqueuer,
    headers: HeaderMap,
    body: Result<Json<Create>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(mut body) = body?;
    let unique = body.unique(&headers)?;
    let repository = body.repository(&site.db).await?;
    let fetch = &site.config.fetch;
    if let Source::Local(_) = Source::parse(&repository, &fetch.allowed_hosts, &fetch.private_hosts)? {
        return Err(Failure::new(Kind::Refused, "local repositories cannot be asked for over HTTP")
            .hint("send a URL such as https://github.com/owner/name")
            .into());
    }
    let wishes = Wishes {
        start: body.start()?,
        reference: body.reference,
        priority: body.priority,
        deadline: body.deadline,
        timeout_seconds: body.timeout_seconds,
        max_attempts: body.max_attempts,
        unique,
        tags: body.tags,
        webhook_url: body.webhook_url,
        user_id: body.user_id,
        rerun_of: body.rerun_of,
        traceparent: traceparent(&headers),
    };
    let job = generation_job(&repository, wishes, &site.config)?;
    let enqueued = enqueue_all(&site.db, std::slice::from_ref(&job)).await?;
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
#[utoipa::path(get, path = "/v1/generations/{id}", tag = "generations", params(("id" = Uuid, Path)), responses((status = OK)))]
async fn show(State(site): State<Site>, _: Reader, id: Id) -> Result<Json<Value>, Problem> {
    let Path(id) = id?;
    let result = generations::get(&site.db, id).await?;
    let job = match inspect::job(&site.db, id).await {
        Ok(job) => Some(job),
        // Its history may have been pruned; an imported one never had a job.
        Err(failure) if failure.kind() == Kind::NotFound && result.is_some() => None,
        Err(failure) => return Err(failure.into()),
    };
    let steps: Vec<Value> = steps::of_job(&site.db, id)
        .await?
        .into_iter()
        .map(|row| json!({"step": row.step, "done": row.done, "fraction": row.fraction, "detail": row.detail}))
        .collect();
    let attempts = attempts::of_job(&site.db, id).await?;
    let state = job.as_ref().map_or("completed", |job| job.state.as_str());
    Ok(Json(json!({"id": id, "state": state, "steps": steps, "attempts": attempts, "job": job, "result": result})))
}

/// What to list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    owner: Option<String>,
    name: Option<String>,
    language: Option<String>,
    after: Option<Uuid>,
    limit: Option<u16>,
}

/// Completed generations, newest first, without their analyses.
#[utoipa::path(get, path = "/v1/generations", tag = "generations", responses((status = OK)))]
async fn list(
    State(site): State<Site>,
    _: Reader,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Json<Value>, Problem> {
    let Query(wanted) = wanted?;
    let limit = wanted.limit.unwrap_or(50);
    if !(1..=1000).contains(&limit) {
        return Err(Failure::new(Kind::Invalid, format!("limit is {limit}")).hint("allowed: 1 to 1000").into());
    }
    let filter = GenerationFilter {
        owner: wanted.owner,
        name: wanted.name,
        language: wanted.language,
        before: wanted.after,
        limit: i64::from(limit),
        ..GenerationFilter::default()
    };
    let page = generations::list(&site.db, &filter).await?;
    let next = page.last().filter(|_| page.len() == usize::from(limit)).map(|last| last.id);
    Ok(Json(json!({"generations": page, "next_after": next})))
}

/// The captioned picture.
#[utoipa::path(get, path = "/v1/generations/{id}/image", tag = "generations", params(("id" = Uuid, Path)), responses((status = OK)))]
async fn image(State(site): State<Site>, _: Reader, id: Id) -> Result<Response, Problem> {
    let Path(id) = id?;
    let generation = generations::get(&site.db, id).await?.ok_or_else(|| generations::unknown(id))?;
    picture(&site, generation.image_path).await
}

/// The picture without caption.
#[utoipa::path(get, path = "/v1/generations/{id}/original", tag = "generations", params(("id" = Uuid, Path)), responses((status = OK)))]
async fn original(State(site): State<Site>, _: Reader, id: Id) -> Result<Response, Problem> {
    let Path(id) = id?;
    let generation = generations::get(&site.db, id).await?.ok_or_else(|| generations::unknown(id))?;
    picture(&site, generation.original_image_path).await
}

async fn picture(site: &Site, key: Option<String>) -> Result<Response, Problem> {
    let missing = || Failure::new(Kind::NotFound, "the picture is not in the store");
    // What the founding application left there is a path of its own.
    let key = key.filter(|key| key.starts_with(KEYS)).ok_or_else(missing)?;
    let png = site.pictures.get(&key).await?.ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_TYPE, "image/png"),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, png).into_response())
}
