//! Pictures as answers: found by what they show, so that whoever has one keeps it.

use axum::body::Bytes;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use utoipa::{IntoParams, IntoResponses, ToSchema};

use super::Site;
use super::auth::Reader;
use super::error::{Details, Problem, wrong};
use super::gate::SHOWN_BY;
use crate::generation::painter;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::pictures::KEYS;

/// Widths that pictures are made smaller to. Few, so that those who keep them have few to keep.
const WIDTHS: [u32; 7] = [96, 192, 256, 384, 512, 768, 1024];
/// Pictures that are made smaller at once: each takes a processor for a moment.
static MAKING: Semaphore = Semaphore::const_new(4);
/// A picture never changes under its address.
pub const FOR_EVER: &str = "max-age=31536000, immutable";

/// A caller who may look at pictures: everybody where `http.public_pictures` says so.
pub struct Viewer;

impl FromRequestParts<Site> for Viewer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, site: &Site) -> std::result::Result<Self, Problem> {
        if !site.config.http.public_pictures {
            Reader::from_request_parts(parts, site).await?;
        }
        Ok(Self)
    }
}

/// How large the picture is to be.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Sized {
    /// Pixels: 96, 192, 256, 384, 512, 768 or 1024. A smaller picture is answered as it is.
    #[param(example = 384, minimum = 96, maximum = 1024)]
    pub width: Option<u32>,
}

impl Sized {
    /// The width, where it is one of those there are.
    pub fn check(self) -> std::result::Result<Option<u32>, Problem> {
        match self.width {
            Some(width) if !WIDTHS.contains(&width) => {
                Err(wrong("width", format!("width is {width}"), format!("allowed: {WIDTHS:?}")))
            }
            width => Ok(width),
        }
    }
}

/// The bytes of a picture.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "it is for the document only")]
pub struct Png(Vec<u8>);

/// What is answered where a picture is asked for.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it is for the document only")]
pub enum PictureAnswers {
    /// The picture.
    #[response(status = OK, content_type = "image/png", headers(("etag" = String), ("cache-control" = String)))]
    Whole(Png),
    /// It is the one that `If-None-Match` names.
    #[response(status = NOT_MODIFIED)]
    Unchanged,
    /// There is no such picture.
    #[response(status = NOT_FOUND, content_type = "application/problem+json")]
    Missing(Details),
}

/// There is no such picture.
pub fn missing() -> Failure {
    Failure::new(Kind::NotFound, "the picture is not in the store")
        .hint("a generation that is not completed has none yet; what the founding application left may be gone")
}

/// How an answer may be kept.
#[derive(Debug, Clone, Copy)]
pub struct Keeping<'a> {
    /// What the request said of what it has.
    pub headers: &'a HeaderMap,
    /// For how long: a part of `Cache-Control`.
    pub how_long: &'static str,
}

/// The picture of that key, or that its reader has it. A `width` makes it smaller.
pub async fn answer(
    site: &Site,
    key: Option<&str>,
    width: Option<u32>,
    keeping: Keeping<'_>,
) -> std::result::Result<Response, Problem> {
    // What the founding application left there is a path of its own.
    let key = key.filter(|key| key.starts_with(KEYS)).ok_or_else(missing)?;
    let name = key.rsplit('/').next().and_then(|file| file.strip_suffix(".png")).ok_or_else(missing)?;
    let tag = width.map_or_else(|| name.to_owned(), |width| format!("{name}-{width}"));
    if has(keeping.headers, &tag) {
        return if site.pictures.has(key).await? { Ok(unchanged(site, &tag, keeping)) } else { Err(missing().into()) };
    }
    let png = site.pictures.get(key).await?.ok_or_else(missing)?;
    let png = match width {
        Some(width) => smaller(png, width).await?,
        None => png,
    };
    Ok(whole(site, png.into(), &tag, keeping))
}

async fn smaller(png: Vec<u8>, width: u32) -> Result<Vec<u8>> {
    let _turn = MAKING.acquire().await;
    let made = spawn_blocking(move || painter::shrunk(&png, width).map(|small| small.unwrap_or(png))).await;
    made.map_err(|error| Failure::new(Kind::Internal, "a picture could not be made smaller").source(error))?
}

/// A picture that was just made, under a tag that tells it from others.
pub fn made(site: &Site, png: Vec<u8>, tag: &str, keeping: Keeping<'_>) -> Response {
    if has(keeping.headers, tag) { unchanged(site, tag, keeping) } else { whole(site, png.into(), tag, keeping) }
}

/// Whether who asks says that they have it.
fn has(headers: &HeaderMap, tag: &str) -> bool {
    let values = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(',')).map(str::trim);
    tags.any(|one| one == "*" || one.trim_start_matches("W/").trim_matches('"') == tag)
}

fn unchanged(site: &Site, tag: &str, keeping: Keeping<'_>) -> Response {
    (StatusCode::NOT_MODIFIED, kept(site, tag, keeping)).into_response()
}

fn whole(site: &Site, bytes: Bytes, tag: &str, keeping: Keeping<'_>) -> Response {
    let kind = HeaderValue::from_static(media_type(&bytes));
    let nosniff = HeaderValue::from_static("nosniff");
    let headers = [(header::CONTENT_TYPE, kind), (header::X_CONTENT_TYPE_OPTIONS, nosniff)];
    (headers, kept(site, tag, keeping), bytes).into_response()
}

fn kept(site: &Site, tag: &str, keeping: Keeping<'_>) -> HeaderMap {
    let is_public = site.config.http.public_pictures;
    let (who, shown_by) = if is_public { ("public", "cross-origin") } else { ("private", "same-origin") };
    let values = [
        (SHOWN_BY, shown_by.to_owned()),
        (header::CACHE_CONTROL, format!("{who}, {}", keeping.how_long)),
        // Tags are hashes, numbers and words of ours.
        (header::ETAG, format!("\"{tag}\"")),
    ];
    values.into_iter().filter_map(|(name, value)| Some((name, HeaderValue::from_str(&value).ok()?))).collect()
}

/// What the bytes are, by how they begin.
fn media_type(bytes: &[u8]) -> &'static str {
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => "image/png",
        [0xff, 0xd8, 0xff, ..] => "image/jpeg",
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => "image/webp",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_a_picture_says_so_in_any_form() {
        let said = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(header::IF_NONE_MATCH, HeaderValue::from_static(value));
            }
            has(&headers, "abc-96")
        };
        for values in [&["\"abc-96\""][..], &["W/\"abc-96\""], &["*"], &["\"x\", \"abc-96\""], &["\"x\"", "\"abc-96\""]]
        {
            assert!(said(values), "{values:?}");
        }
        for values in [&[][..], &["\"abc\""], &["\"abc-961\""], &[""]] {
            assert!(!said(values), "{values:?}");
        }
    }
}
