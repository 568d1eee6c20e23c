//! The routes of the founding application, which answer as they did: those who ask there need not change a line.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::join;
use tokio::time::{Instant, sleep_until};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Site;
use super::auth::{Enqueuer, Reader};
use super::error::{Details, Problem, wrong};
use super::generations::{Asked, Wanted, ask, idempotency_key, marked, traceparent};
use super::input::{Body, Id, Name, Params};
use super::pictures::{FOR_EVER, Keeping, PictureAnswers, Viewer, answer};
use super::refusals::OfFinding;
use crate::db::{Db, attempts, generations, inspect};
use crate::model::failure::{Failure, Kind};
use crate::model::generation::Generation;
use crate::model::job::JobState;
use crate::providers::pictures::KEYS;

/// How often a job is looked at that somebody waits for.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Generations of a page, at most, and where nobody says how many.
const LIMITS: (i64, i64) = (100, 10);
/// Generations that may be passed over: they are read, too.
const FARTHEST: i64 = 10_000;
/// Where pictures were, seen from outside.
const IMAGES: &str = "generated_images";

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(generate)).routes(routes!(list)).routes(routes!(show)).routes(routes!(image))
}

/// A request for a cat.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OriginalRequest)]
struct Generate {
    /// The repository.
    #[schema(example = "https://github.com/owner/name")]
    github_url: String,
}

/// A cat, as the founding application told of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OriginalGeneration)]
struct Told {
    /// Always true: what fails is told as a problem.
    success: bool,
    /// Its id.
    generation_id: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// The repository.
    repository: Repository,
    /// The analysis; null in lists.
    analysis: Option<Value>,
    /// What the cat is like.
    cat_attributes: Option<Value>,
    /// Three to five sentences.
    story: Option<String>,
    /// The caption.
    meme_text: MemeText,
    /// The picture.
    image: Image,
}

/// A repository.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OriginalRepository)]
struct Repository {
    /// Its URL.
    url: String,
    /// Its name.
    name: Option<String>,
    /// Its owner.
    owner: Option<String>,
    /// The language with the most code.
    primary_language: Option<String>,
    /// Its size in KB.
    size_kb: Option<i32>,
    /// How many people starred it; null in lists, elsewhere than at GitHub, and unless a token for github.com is configured.
    stars: Option<u64>,
}

/// A caption.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OriginalMemeText)]
struct MemeText {
    /// The upper line.
    top: Option<String>,
    /// The lower line.
    bottom: Option<String>,
}

/// A picture.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OriginalImage)]
struct Image {
    /// Where it is.
    url: Option<String>,
    /// Its bytes in Base64; null in lists, and where it is not in the store.
    binary: Option<String>,
    /// The prompt for a text-to-image service.
    prompt: Option<String>,
}

impl Told {
    fn of(cat: Generation, binary: Option<String>, stars: Option<u64>) -> Self {
        // A path of the founding application's is answered under the same one.
        let url = cat.image_path.map(|key| {
            let file = key.rsplit('/').next().unwrap_or_default();
            format!("/{IMAGES}/{file}")
        });
        Self {
            success: true,
            generation_id: cat.id,
            created_at: cat.created_at,
            repository: Repository {
                url: cat.github_url,
                name: cat.repo_name,
                owner: cat.repo_owner,
                primary_language: cat.primary_language,
                size_kb: cat.repo_size_kb,
                stars,
            },
            analysis: cat.analysis_data,
            cat_attributes: cat.cat_attributes,
            story: cat.story,
            meme_text: MemeText { top: cat.meme_text_top, bottom: cat.meme_text_bottom },
            image: Image { url, binary, prompt: cat.image_prompt },
        }
    }

    /// With the bytes of its picture, and the stars of its repository.
    async fn whole(site: &Site, cat: Generation) -> Result<Self, Failure> {
        let png = async {
            match cat.image_path.as_deref().filter(|key| key.starts_with(KEYS)) {
                Some(key) => site.pictures.get(key).await,
                None => Ok(None),
            }
        };
        let (png, stars) = join!(png, site.stars.of(&cat.github_url));
        Ok(Self::of(cat, png?.map(|png| STANDARD.encode(png)), stars))
    }
}

/// Ask for a cat and wait for it
///
/// As the founding application: waits for the cat, but no longer than `http.wait_seconds`; then it answers with 202 as
/// `POST /v1/generations` does, and the cat comes all the same.
#[utoipa::path(post, path = "/generate", tag = "original", operation_id = "original_generate", request_body = Generate,
    params(("Idempotency-Key" = Option<String>, Header, description = "Stands for this very request; 1 to 200 characters")),
    responses((status = OK, body = Told),
              (status = ACCEPTED, body = Asked, headers(("location" = String)), description = "It is under way"),
              (status = CONFLICT, body = Details, content_type = "application/problem+json", description = "It was cancelled, or the key belongs to another request"),
              (status = UNPROCESSABLE_ENTITY, body = Details, content_type = "application/problem+json", description = "No cat could be made of it")),
    security(("token" = ["enqueue"])))]
async fn generate(
    State(site): State<Site>,
    Enqueuer(caller): Enqueuer,
    headers: HeaderMap,
    Body(Generate { github_url }): Body<Generate>,
) -> Result<Response, Problem> {
    let wanted = Wanted { github_url: Some(github_url), ..Wanted::default() };
    let key = idempotency_key(&headers, &caller, &wanted)?;
    let asked = ask(&site, &caller, key, wanted, traceparent(&headers)).await?;
    let until = Instant::now() + Duration::from_secs(site.config.http.wait_seconds);
    let end = site.stop.run_until_cancelled(Box::pin(end_of(&site, asked.id, until))).await.transpose()?.flatten();
    match end {
        Some(JobState::Completed) => {
            let cat = generations::get(&site.db, asked.id).await?.ok_or_else(|| generations::unknown(asked.id))?;
            Ok(marked(asked.is_replayed, Json(Told::whole(&site, cat).await?)))
        }
        Some(_) => Err(why_not(&site.db, asked.id).await?),
        None => {
            let (location, is_replayed) = (asked.links.own.clone(), asked.is_replayed);
            Ok(marked(is_replayed, (StatusCode::ACCEPTED, [(header::LOCATION, location)], Json(asked))))
        }
    }
}

/// How the job ended; none where it did not by then.
async fn end_of(site: &Site, id: Uuid, until: Instant) -> Result<Option<JobState>, Failure> {
    loop {
        // Many may wait, each for long: the lookout looks for all of them at once.
        if site.lookout.look(id).await?.is_none() {
            let state = inspect::job(&site.db, id).await?.state()?;
            if state.is_final() {
                return Ok(Some(state));
            }
        }
        let now = Instant::now();
        if now >= until {
            return Ok(None);
        }
        sleep_until(until.min(now + LOOK_EVERY)).await;
    }
}

/// Why there is no cat.
async fn why_not(db: &Db, id: Uuid) -> Result<Problem, Failure> {
    let Some(last) = attempts::of_job(db, id).await?.pop() else {
        return Ok(Failure::new(Kind::Conflict, format!("generation {id} was cancelled")).into());
    };
    let class = last.error_class.as_deref().and_then(Kind::from_name);
    let kind = class.filter(|kind| *kind != Kind::Cancelled);
    let what = last.error.unwrap_or_else(|| format!("generation {id} was cancelled"));
    let status = if kind.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::CONFLICT };
    let failure = Failure::new(kind.unwrap_or(Kind::Conflict), what);
    Ok(Problem::with(status, last.hint.into_iter().fold(failure, Failure::hint)))
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Part {
    /// How many, 1 to 100; 10 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
    /// How many to pass over, at most 10000.
    #[param(minimum = 0, maximum = 10000)]
    offset: Option<i64>,
}

/// A part of the list.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OriginalGenerations)]
struct ToldMany {
    /// Always true.
    success: bool,
    /// The newest first.
    generations: Vec<Told>,
    /// How many were asked for.
    limit: i64,
    /// How many were passed over.
    offset: i64,
}

/// List cats
///
/// As the founding application, the newest first. To go farther back, see `GET /v1/generations`.
#[utoipa::path(get, path = "/generations", tag = "original", operation_id = "original_list", params(Part),
    responses((status = OK, body = ToldMany)), security(("token" = ["read"])))]
async fn list(State(site): State<Site>, _: Reader, Params(part): Params<Part>) -> Result<Json<ToldMany>, Problem> {
    let (limit, offset) = (part.limit.unwrap_or(LIMITS.1), part.offset.unwrap_or(0));
    if !(1..=LIMITS.0).contains(&limit) {
        return Err(wrong("limit", format!("limit is {limit}"), format!("allowed: 1 to {}", LIMITS.0)));
    }
    if !(0..=FARTHEST).contains(&offset) {
        let hint = format!("allowed: 0 to {FARTHEST}; GET /v1/generations goes on from any place");
        return Err(wrong("offset", format!("offset is {offset}"), hint));
    }
    let cats = generations::newest(&site.db, offset, limit).await?;
    let generations = cats.into_iter().map(|cat| Told::of(cat, None, None)).collect();
    Ok(Json(ToldMany { success: true, generations, limit, offset }))
}

/// Look at a cat
///
/// As the founding application.
#[utoipa::path(get, path = "/generation/{id}", tag = "original", operation_id = "original_show", params(("id" = Uuid, Path)),
    responses((status = OK, body = Told), OfFinding), security(("token" = ["read"])))]
async fn show(State(site): State<Site>, _: Reader, Id(id): Id) -> Result<Json<Told>, Problem> {
    let cat = generations::get(&site.db, id).await?.ok_or_else(|| generations::unknown(id))?;
    Ok(Json(Told::whole(&site, cat).await?))
}

/// A picture
///
/// By its former name, where its cat came from the founding application, else by ours. Without a token where
/// `http.public_pictures` is on.
#[utoipa::path(get, path = "/generated_images/{file}", tag = "original", operation_id = "original_image", params(("file" = String, Path)),
    responses(PictureAnswers), security(("token" = ["read"])))]
async fn image(State(site): State<Site>, _: Viewer, headers: HeaderMap, Name(file): Name) -> Result<Response, Problem> {
    let key = if let Some(key) = ours(&file) {
        Some(key)
    } else {
        let paths = [format!("/{IMAGES}/{file}"), format!("{IMAGES}/{file}"), format!("./{IMAGES}/{file}"), file];
        generations::picture_once_at(&site.db, &paths).await?
    };
    answer(&site, key.as_deref(), None, Keeping { headers: &headers, how_long: FOR_EVER }).await
}

/// The key of a picture of ours whose file is called so.
fn ours(file: &str) -> Option<String> {
    let hash = file.strip_suffix(".png").filter(|hash| hash.len() == 64)?;
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hash.then(|| format!("{KEYS}{}/{}/{file}", &hash[..2], &hash[2..4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_ours_are_called_by_their_hash() {
        let hash = "0a".repeat(32);
        assert_eq!(ours(&format!("{hash}.png")), Some(format!("images/v1/0a/0a/{hash}.png")));
        for other in ["cat.png", "", &hash, &format!("{}.png", "0A".repeat(32)), "../../../etc/passwd"] {
            assert_eq!(ours(other), None, "{other}");
        }
    }
}
