//! The OpenAPI document, made from the attributes of the handlers, and the page that people read it on.

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use super::Site;

/// What the document says of the whole.
#[derive(OpenApi)]
#[openapi(info(
    title = "repo-to-cat",
    description = "Ask for a cat, follow it, look at it; and steer the queue that paints it.",
), components(schemas(super::error::Details)))]
struct Base;

/// The document without any route.
pub(super) fn base() -> Document {
    let mut document = Base::openapi();
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    document.components.get_or_insert_default().security_schemes.insert("token".to_owned(), token.into());
    document
}

/// The document, with every route.
#[must_use]
pub fn document() -> Document {
    super::api().into_openapi()
}

/// `/openapi.json`.
pub(super) fn routes(document: Document) -> Router<Site> {
    let document = Arc::new(document);
    Router::new().route("/openapi.json", get(move || async move { Json((*document).clone()) }))
}
