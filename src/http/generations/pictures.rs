//! `GET /v1/generations/{id}/image` and `.../original`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::Id;
use crate::db::generations;
use crate::http::error::{Details, Refusals};
use crate::http::pictures::{FOR_EVER, Keeping, Png, Sized, Viewer, answer};
use crate::http::{Problem, Site};
use crate::model::generation::Generation;

/// The captioned picture
///
/// Without a token where `http.public_pictures` is on.
#[utoipa::path(get, path = "/v1/generations/{id}/image", tag = "generations", params(("id" = Uuid, Path), Sized),
    responses((status = OK, body = Png, content_type = "image/png", headers(("ETag" = String), ("Cache-Control" = String))),
              (status = NOT_MODIFIED, description = "It is the one that `If-None-Match` names"),
              (status = NOT_FOUND, body = Details, content_type = "application/problem+json"),
              Refusals),
    security(("token" = ["read"])))]
pub async fn image(
    State(site): State<Site>,
    _: Viewer,
    headers: HeaderMap,
    id: Id,
    size: Result<Query<Sized>, QueryRejection>,
) -> Result<Response, Problem> {
    picture(&site, &headers, id, size, |cat| cat.image_path).await
}

/// The picture without caption
///
/// Without a token where `http.public_pictures` is on.
#[utoipa::path(get, path = "/v1/generations/{id}/original", tag = "generations", params(("id" = Uuid, Path), Sized),
    responses((status = OK, body = Png, content_type = "image/png", headers(("ETag" = String), ("Cache-Control" = String))),
              (status = NOT_MODIFIED, description = "It is the one that `If-None-Match` names"),
              (status = NOT_FOUND, body = Details, content_type = "application/problem+json"),
              Refusals),
    security(("token" = ["read"])))]
pub async fn original(
    State(site): State<Site>,
    _: Viewer,
    headers: HeaderMap,
    id: Id,
    size: Result<Query<Sized>, QueryRejection>,
) -> Result<Response, Problem> {
    picture(&site, &headers, id, size, |cat| cat.original_image_path).await
}

async fn picture(
    site: &Site,
    headers: &HeaderMap,
    id: Id,
    size: Result<Query<Sized>, QueryRejection>,
    key: impl Fn(Generation) -> Option<String>,
) -> Result<Response, Problem> {
    let (Path(id), Query(size)) = (id?, size?);
    let width = size.check()?;
    let cat = generations::get(&site.db, id).await?.ok_or_else(|| generations::unknown(id))?;
    answer(site, key(cat).as_deref(), width, Keeping { headers, how_long: FOR_EVER }).await
}
