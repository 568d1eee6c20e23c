//! `/v1/repositories`: how a repository's cats changed over time.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Site;
use super::auth::Reader;
use super::error::{Details, Problem, wrong};
use super::generations::Links;
use super::input::Params;
use super::page;
use crate::db::generations::{self, GenerationFilter};
use crate::model::generation::Generation;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(history))
}

/// Which part of a history.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Only of the repository on this host, such as github.com.
    host: Option<String>,
    /// What comes after this one.
    after: Option<Uuid>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
}

/// A repository's cats, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RepositoryHistory)]
struct History {
    /// Whose the repository is.
    owner: String,
    /// Its name.
    name: String,
    /// The cats.
    #[serde(rename = "history")]
    moments: Vec<Moment>,
    /// After which one to go on; null at the end.
    next: Option<Uuid>,
}

/// What a repository was like at a time.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RepositoryMoment)]
struct Moment {
    /// The generation.
    id: Uuid,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// The repository.
    github_url: String,
    /// The commit that was looked at.
    commit_oid: Option<String>,
    /// The score, 0 to 10.
    code_quality_score: Option<f64>,
    /// Which rules made the score: of others it is not to be compared.
    score_model: Option<String>,
    /// The language with the most code.
    primary_language: Option<String>,
    /// How large the repository was, in KB.
    repo_size_kb: Option<i32>,
    /// What the cat was like.
    cat_attributes: Option<Value>,
    /// Where what belongs to it is.
    links: Links,
}

impl From<Generation> for Moment {
    fn from(cat: Generation) -> Self {
        Self {
            id: cat.id,
            created_at: cat.created_at,
            github_url: cat.github_url,
            commit_oid: cat.commit_oid,
            code_quality_score: cat.code_quality_score,
            score_model: cat.score_model,
            primary_language: cat.primary_language,
            repo_size_kb: cat.repo_size_kb,
            cat_attributes: cat.cat_attributes,
            links: Links::of(cat.id),
        }
    }
}

/// A repository over time
///
/// Its generations, the newest first: score, commit, attributes, pictures. Of an owner with groups, write `a%2Fb`; of a
/// local repository, `local`.
#[utoipa::path(get, path = "/v1/repositories/{owner}/{name}/history", tag = "repositories", operation_id = "repositories_history",
    params(("owner" = String, Path), ("name" = String, Path), Asked),
    responses((status = OK, body = History, headers(("link" = String, description = "The next page, with rel=\"next\"."))),
              (status = NOT_FOUND, body = Details, content_type = "application/problem+json", description = "There is no generation `after`")),
    security(("token" = ["read"])))]
async fn history(
    State(site): State<Site>,
    _: Reader,
    uri: Uri,
    named: Result<Path<(String, String)>, PathRejection>,
    Params(asked): Params<Asked>,
) -> Result<Response, Problem> {
    let Path((owner, name)) =
        named.map_err(|_| wrong("owner", "owner and name are no text", "write them in UTF-8, as in /owner/name"))?;
    let filter = GenerationFilter {
        url: asked.host.map(|host| format!("https://{host}/{owner}/{name}")),
        before: asked.after,
        limit: page::limit(asked.limit)?,
        owner: Some(owner.clone()),
        name: Some(name.clone()),
        ..GenerationFilter::default()
    };
    let cats = generations::list(&site.db, &filter).await;
    let cats = cats.map_err(|failure| Problem::from(failure).of_field("after"))?;
    let next = page::next(&cats, filter.limit, |cat| cat.id);
    let history = History { owner, name, moments: cats.into_iter().map(Moment::from).collect(), next };
    Ok(page::answer(&uri, next.as_ref(), history))
}
