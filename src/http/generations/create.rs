//! `POST /v1/generations`: ask for cats.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Links;
use super::request::{Wanted, idempotency_key};
use crate::db::inspect;
use crate::generation::again::{enqueue_behind, kept_by};
use crate::http::auth::{Caller, Enqueuer};
use crate::http::error::{Details, wrong};
use crate::http::input::{Body, Id};
use crate::http::refusals::OfChanging;
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind};
use crate::model::job::{Enqueued, JobState, NewJob, Start};
use crate::model::trace::Traceparent;
use crate::model::unique::Unique;
use crate::queue::enqueue::enqueue_all;

/// Cats that one request may ask for.
const MANY: usize = 1000;
/// Says that the answer is that of an earlier request with the same `Idempotency-Key`.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// A cat that was asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GenerationAsked)]
pub struct Asked {
    /// Its id, and that of its job.
    pub id: Uuid,
    /// False where a job with the same unique key was there already.
    pub is_new: bool,
    /// Where it stands.
    #[schema(example = "available")]
    pub state: String,
    /// Where what belongs to it is.
    pub links: Links,
    /// Whether an earlier request with the same key asked for it.
    #[serde(skip)]
    pub is_replayed: bool,
}

/// Cats to be asked for at once.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GenerationRequests, example = json!({"generations": [{"github_url": "https://github.com/owner/name"}]}))]
pub struct Batch {
    /// 1 to 1000 requests.
    #[schema(min_items = 1, max_items = 1000)]
    generations: Vec<Wanted>,
}

/// Cats that were asked for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GenerationsAsked)]
struct AskedMany {
    /// In the order in which they were asked for.
    generations: Vec<Asked>,
}

/// Ask for a cat
///
/// Answers with its id at once. A request with the header `Idempotency-Key` can be sent again: the same body gets the same
/// answer and enqueues nothing, another body is refused. The header `traceparent` says which trace the job belongs to.
#[utoipa::path(post, path = "/v1/generations", tag = "generations", operation_id = "generations_create", request_body = Wanted,
    params(("Idempotency-Key" = Option<String>, Header, description = "Stands for this very request; 1 to 200 characters")),
    responses((status = ACCEPTED, body = Asked, headers(("location" = String))), OfChanging,
              (status = NOT_FOUND, body = Details, content_type = "application/problem+json", description = "There is no job `rerun_of`"),
              (status = CONFLICT, body = Details, content_type = "application/problem+json", description = "The key belongs to another request, or the job to do again is not finished"),
              (status = UNPROCESSABLE_ENTITY, body = Details, content_type = "application/problem+json", description = "The host is not allowed")),
    security(("token" = ["enqueue"])))]
pub async fn create(
    State(site): State<Site>,
    Enqueuer(caller): Enqueuer,
    headers: HeaderMap,
    Body(wanted): Body<Wanted>,
) -> Result<Response, Problem> {
    let key = idempotency_key(&headers, &caller, &wanted)?;
    Ok(accepted(ask(&site, &caller, key, wanted, traceparent(&headers)).await?))
}

/// How to do a finished one again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GenerationAgain, example = json!({"from": "analysis"}))]
pub struct Again {
    /// What of the first one stays; where it is left out, nothing does: the repository is fetched as it is now.
    #[serde(default)]
    from: Option<Kept>,
}

/// What of a finished one stays.
#[derive(Debug, Clone, Copy, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = GenerationKept)]
enum Kept {
    /// The commit and its analysis: attributes, story and picture are made anew.
    Analysis,
}

/// Do a finished one again
///
/// As a new job, with the repository and the reference that the first one was asked with. The body may be left out.
#[utoipa::path(post, path = "/v1/generations/{id}/rerun", tag = "generations", operation_id = "generations_rerun", request_body = Option<Again>,
    params(("id" = Uuid, Path), ("Idempotency-Key" = Option<String>, Header, description = "Stands for this very request; 1 to 200 characters")),
    responses((status = ACCEPTED, body = Asked, headers(("location" = String))), OfChanging,
              (status = CONFLICT, body = Details, content_type = "application/problem+json", description = "It is not finished, or left no whole analysis, or the key belongs to another request"),
              (status = UNPROCESSABLE_ENTITY, body = Details, content_type = "application/problem+json", description = "The host is not allowed any more")),
    security(("token" = ["enqueue"])))]
pub async fn rerun(
    State(site): State<Site>,
    Enqueuer(caller): Enqueuer,
    headers: HeaderMap,
    Id(id): Id,
    body: Option<Body<Option<Again>>>,
) -> Result<Response, Problem> {
    let wanted = Wanted { rerun_of: Some(id), ..Wanted::default() };
    let from = body.and_then(|Body(again)| again?.from);
    let key = idempotency_key(&headers, &caller, &(&wanted, from))?;
    let job = wanted.job(&site, &caller, key, traceparent(&headers)).await?;
    let enqueued = match from {
        None => site.jobs.enqueue(job.clone()).await,
        Some(Kept::Analysis) => enqueue_behind(&site.db, &job, &kept_by(&site.db, id).await?).await,
    };
    Ok(accepted(only(told(&site, &[job], enqueued.map(|one| vec![one])).await?)?))
}

/// Ask for many cats
///
/// All or none: each request is checked first, and where any is wrong, `errors` names all that are, and nothing is enqueued.
#[utoipa::path(post, path = "/v1/generations/batch", tag = "generations", operation_id = "generations_create_many", request_body = Batch,
    params(("Idempotency-Key" = Option<String>, Header, description = "Stands for this very request; 1 to 200 characters")),
    responses((status = ACCEPTED, body = AskedMany), OfChanging,
              (status = CONFLICT, body = Details, content_type = "application/problem+json", description = "The key belongs to another request")),
    security(("token" = ["enqueue"])))]
pub async fn create_many(
    State(site): State<Site>,
    Enqueuer(caller): Enqueuer,
    headers: HeaderMap,
    Body(batch): Body<Batch>,
) -> Result<Response, Problem> {
    let count = batch.generations.len();
    if !(1..=MANY).contains(&count) {
        return Err(wrong("generations", format!("there are {count} requests"), format!("send 1 to {MANY}")));
    }
    let key = idempotency_key(&headers, &caller, &batch)?;
    let trace = traceparent(&headers);
    let (mut jobs, mut faults) = (Vec::with_capacity(count), Vec::new());
    for (index, wanted) in batch.generations.into_iter().enumerate() {
        // Each has a key of its own, and stands for the whole.
        let key = key.clone().map(|key| Unique { key: format!("{} #{index}", key.key), ..key });
        match wanted.job(&site, &caller, key, trace).await {
            Ok(job) => jobs.push(job),
            // What the caller may not do, or nobody can now, is not a fault of one request.
            Err(problem) if problem.status().is_server_error() || problem.status() == StatusCode::FORBIDDEN => {
                return Err(problem);
            }
            Err(problem) => faults.push(problem.into_fault(index)),
        }
    }
    if !faults.is_empty() {
        let what = format!("{} of {count} requests are wrong; none was enqueued", faults.len());
        return Err(wrong("generations", what, "errors names each").with_errors(faults));
    }
    let generations = enqueue(&site, &jobs).await?;
    let is_replayed = generations.iter().all(|asked| asked.is_replayed);
    Ok(marked(is_replayed, (StatusCode::ACCEPTED, Json(AskedMany { generations }))))
}

/// Asks for one cat. `key` stands for the request.
pub async fn ask(
    site: &Site,
    caller: &Caller,
    key: Option<Unique>,
    wanted: Wanted,
    traceparent: Option<Traceparent>,
) -> Result<Asked, Problem> {
    let job = wanted.job(site, caller, key, traceparent).await?;
    only(enqueue(site, &[job]).await?)
}

fn only(mut asked: Vec<Asked>) -> Result<Asked, Problem> {
    asked.pop().ok_or_else(|| Failure::new(Kind::Internal, "nothing was enqueued").into())
}

async fn enqueue(site: &Site, jobs: &[NewJob]) -> Result<Vec<Asked>, Problem> {
    let enqueued = match jobs {
        // It shares a transaction with those of other callers.
        [job] => site.jobs.enqueue(job.clone()).await.map(|enqueued| vec![enqueued]),
        _ => enqueue_all(&site.db, jobs).await,
    };
    told(site, jobs, enqueued).await
}

/// What is answered to who asked for these.
async fn told(site: &Site, jobs: &[NewJob], enqueued: Result<Vec<Enqueued>, Failure>) -> Result<Vec<Asked>, Problem> {
    let enqueued = enqueued.map_err(|failure| {
        let is_key = failure.kind() == Kind::Conflict;
        let problem = Problem::from(failure);
        if is_key { problem.of_field("Idempotency-Key") } else { problem }
    })?;
    let mut asked = Vec::with_capacity(jobs.len());
    for (job, Enqueued { id, is_new }) in jobs.iter().zip(enqueued) {
        let stands_for_request = job.unique.as_ref().is_some_and(|unique| unique.fingerprint.is_some());
        let state = if is_new || stands_for_request { first_state(job, id) } else { state_of(site, job, id).await? };
        asked.push(Asked {
            id,
            // The same request has the same answer.
            is_new: is_new || stands_for_request,
            state: state.name().to_owned(),
            links: Links::of(id),
            is_replayed: stands_for_request && !is_new,
        });
    }
    Ok(asked)
}

/// In which state a job was when it got its id.
fn first_state(job: &NewJob, id: Uuid) -> JobState {
    let made = id.get_timestamp().map_or((0, 0), |time| time.to_unix());
    let is_later = match job.start {
        Start::Now => false,
        Start::After(wait) => !wait.is_zero(),
        Start::At(at) => {
            DateTime::from_timestamp(i64::try_from(made.0).unwrap_or(0), made.1).is_some_and(|made| at > made)
        }
    };
    if is_later { JobState::Scheduled } else { JobState::Available }
}

/// Where the job stands that was there already.
async fn state_of(site: &Site, job: &NewJob, id: Uuid) -> Result<JobState, Problem> {
    match inspect::job(&site.db, id).await {
        Ok(there) => Ok(there.state()?),
        // It was pruned since.
        Err(failure) if failure.kind() == Kind::NotFound => Ok(first_state(job, id)),
        Err(failure) => Err(failure.into()),
    }
}

fn accepted(asked: Asked) -> Response {
    let (location, is_replayed) = (asked.links.own.clone(), asked.is_replayed);
    marked(is_replayed, (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(asked)))
}

/// The answer, which says so where an earlier request got the same.
pub fn marked(is_replayed: bool, answer: impl IntoResponse) -> Response {
    let mut response = answer.into_response();
    if is_replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// The trace of a request. Two of the header are none: the standard would have us guess otherwise.
pub fn traceparent(headers: &HeaderMap) -> Option<Traceparent> {
    let mut values = headers.get_all("traceparent").iter();
    let only = values.next().filter(|_| values.next().is_none())?;
    Traceparent::heard(only.to_str().ok())
}
