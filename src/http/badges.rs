//! `/{owner}/{name}.png`: the last cat of a repository, for READMEs.
//!
//! An owner may have groups, so the path has any length: what no other route answers comes here.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde::Deserialize;
use utoipa::openapi::OpenApi as Document;
use utoipa::{IntoParams, OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;

use super::Site;
use super::error::{self, Problem, wrong};
use super::input::Params;
use super::pictures::{Keeping, PictureAnswers, Sized, Viewer, answer, made};
use crate::db::generations::{self, GenerationFilter};
use crate::generation::painter;
use crate::model::failure::{Failure, Kind};
use crate::model::generation::Generation;
use crate::model::repository::Source;

/// The last cat is another one after the next generation.
const A_WHILE: &str = "max-age=300";
/// Where repositories are, where nobody says.
const HOST: &str = "github.com";
/// How badges are drawn; another number where that changes, so that nobody keeps the old ones.
const STYLE: u32 = 1;
/// What our own paths begin with: no owner there.
const OURS: [&str; 18] = [
    "assets",
    "audit",
    "backups",
    "docs",
    "gallery",
    "generate",
    "generated_images",
    "generation",
    "generations",
    "health",
    "jobs",
    "login",
    "logout",
    "queues",
    "schedules",
    "users",
    "v1",
    "webhooks",
];

#[derive(OpenApi)]
#[openapi(paths(badge))]
struct Described;

/// The description of it. It is no route of the router: see [`or_nothing`].
pub(super) fn routes() -> OpenApiRouter<Site> {
    let document: Document = Described::openapi();
    OpenApiRouter::with_openapi(document)
}

/// How the cat is to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Form {
    /// The captioned picture.
    #[default]
    Picture,
    /// A small flat sign: `cat | maine coon 8.2`.
    Badge,
}

/// Which cat, and how.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// Where the repository is; github.com where it is left out.
    host: Option<String>,
    /// The picture, or a small sign.
    #[serde(default)]
    #[param(inline)]
    form: Form,
    /// Pixels: 96, 192, 256, 384, 512, 768 or 1024. A smaller picture is answered as it is.
    #[param(minimum = 96, maximum = 1024)]
    width: Option<u32>,
}

/// What no route answers: a badge, or nothing.
pub(super) async fn or_nothing(State(site): State<Site>, request: Request) -> Result<Response, Problem> {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let Some(path) = repository(request.uri().path()).filter(|_| is_read) else {
        return Err(error::no_such_path().await);
    };
    let (mut parts, _) = request.into_parts();
    Viewer::from_request_parts(&mut parts, &site).await?;
    let Params(asked) = Params::<Asked>::from_request_parts(&mut parts, &site).await?;
    badge(&site, &path, asked, &parts.headers).await
}

/// Owner, with groups, and name, where the path is that of a badge.
fn repository(path: &str) -> Option<String> {
    let named = path.strip_prefix('/')?.strip_suffix(".png")?;
    let (owner, name) = named.rsplit_once('/')?;
    let is_ours = OURS.contains(&owner.split('/').next()?);
    (!is_ours && !owner.is_empty() && !name.is_empty()).then(|| named.to_owned())
}

/// The last cat of a repository
///
/// For READMEs: `![cat](https://cats.example/owner/name.png)`. An owner may have groups, as in `/a/b/name.png`. Without a
/// token where `http.public_pictures` is on.
#[utoipa::path(get, path = "/{owner}/{name}.png", tag = "badges", operation_id = "badges_show",
    params(("owner" = String, Path), ("name" = String, Path), Asked), responses(PictureAnswers), security(("token" = ["read"])))]
async fn badge(site: &Site, path: &str, asked: Asked, headers: &HeaderMap) -> Result<Response, Problem> {
    let width = Sized { width: asked.width }.check()?;
    let keeping = Keeping { headers, how_long: A_WHILE };
    let cat = last(site, asked.host.as_deref().unwrap_or(HOST), path).await?;
    if asked.form == Form::Picture {
        return answer(site, cat.image_path.as_deref(), width, keeping).await;
    }
    if width.is_some() {
        return Err(wrong("width", "a badge has one size only", "leave width out, or form"));
    }
    let (how, score) = (how(&cat), cat.code_quality_score);
    let tag = format!("badge-{STYLE}-{}", how.replace(' ', "-"));
    let png = painter::badge("cat", &how, score)?;
    Ok(made(site, png, &tag, keeping))
}

/// The last cat of the repository.
async fn last(site: &Site, host: &str, path: &str) -> Result<Generation, Problem> {
    let none = || {
        Problem::from(
            Failure::new(Kind::NotFound, "this repository has no cat yet").hint("ask for one: POST /v1/generations"),
        )
    };
    // Any host that is one: what was allowed once has its cats still.
    let hosts = [host.split(':').next().unwrap_or_default().to_ascii_lowercase()];
    let source = Source::parse(&format!("https://{host}/{path}"), &hosts, &site.config.fetch.private_hosts);
    let Ok(Source::Remote(repository)) = source else { return Err(none()) };
    let filter = GenerationFilter { url: Some(repository.canonical()), limit: 1, ..GenerationFilter::default() };
    generations::list(&site.db, &filter).await?.pop().ok_or_else(none)
}

/// Breed and score in plain words; what others wrote is cut down to such.
fn how(cat: &Generation) -> String {
    let breed = cat.cat_attributes.as_ref().and_then(|cat| cat.get("breed")?.as_str()).unwrap_or("of its own");
    let letters =
        breed.chars().map(|c| if c == '_' { ' ' } else { c }).filter(|c| c.is_ascii_alphabetic() || *c == ' ');
    let breed: String = letters.take(24).collect();
    match cat.code_quality_score.filter(|score| score.is_finite()) {
        Some(score) => format!("{} {score:.1}", breed.trim()),
        None => breed.trim().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn badges_are_told_from_all_else() {
        for (path, expected) in [
            ("/owner/name.png", Some("owner/name")),
            ("/a/b/c.png", Some("a/b/c")),
            ("/owner/name.tar.png", Some("owner/name.tar")),
            ("/name.png", None),
            ("/owner/.png", None),
            ("//name.png", None),
            ("/owner/name", None),
            ("/v1/generations.png", None),
            ("/users/cat.png", None),
            ("/", None),
        ] {
            assert_eq!(repository(path).as_deref(), expected, "{path}");
        }
    }
}
