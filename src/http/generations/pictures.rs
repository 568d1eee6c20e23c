//! `GET /v1/generations/{id}/image` and `.../original`.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use uuid::Uuid;

use crate::db::generations;
use crate::http::input::{Id, Params};
use crate::http::pictures::{FOR_EVER, Keeping, PictureAnswers, Sized, Viewer, answer};
use crate::http::{Problem, Site};
use crate::model::generation::Generation;

/// The captioned picture
///
/// Without a token where `http.public_pictures` is on.
#[utoipa::path(get, path = "/v1/generations/{id}/image", tag = "generations", operation_id = "generations_image",
    params(("id" = Uuid, Path), Sized), responses(PictureAnswers), security(("token" = ["read"])))]
pub async fn image(
    State(site): State<Site>,
    _: Viewer,
    headers: HeaderMap,
    Id(id): Id,
    Params(wanted): Params<Sized>,
) -> Result<Response, Problem> {
    picture(&site, &headers, id, wanted, |cat| cat.image_path).await
}

/// The picture without caption
///
/// Without a token where `http.public_pictures` is on.
#[utoipa::path(get, path = "/v1/generations/{id}/original", tag = "generations", operation_id = "generations_original",
    params(("id" = Uuid, Path), Sized), responses(PictureAnswers), security(("token" = ["read"])))]
pub async fn original(
    State(site): State<Site>,
    _: Viewer,
    headers: HeaderMap,
    Id(id): Id,
    Params(wanted): Params<Sized>,
) -> Result<Response, Problem> {
    picture(&site, &headers, id, wanted, |cat| cat.original_image_path).await
}

async fn picture(
    site: &Site,
    headers: &HeaderMap,
    id: Uuid,
    wanted: Sized,
    key: impl Fn(Generation) -> Option<String>,
) -> Result<Response, Problem> {
    let width = wanted.check()?;
    let cat = generations::get(&site.db, id).await?.ok_or_else(|| generations::unknown(id))?;
    answer(site, key(cat).as_deref(), width, Keeping { headers, how_long: FOR_EVER }).await
}
