//! Each request is counted, and told in one line of the log: what was asked for, by whom, and how it went.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::http::request_id::{About, HEADER};
use crate::telemetry::requests;

/// What stands for every path that is none of ours.
const NO_PATH: &str = "other";

/// Gives the request its id, and tells of it once it is answered.
pub(super) async fn note(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let about = About::of(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!("request", id = about.id, %method, path = request.uri().path());
    let mut response = std::sync::Arc::clone(&about).during(next.run(request).instrument(span)).await;

    let path = route.as_ref().map_or(NO_PATH, MatchedPath::as_str);
    let (status, took) = (response.status().as_u16(), began.elapsed());
    requests::answered(method.as_str(), path, status, took);
    let (id, ms) = (about.id.as_str(), took.as_secs_f64() * 1e3);
    let caller = about.caller.get().map_or("nobody", String::as_str);
    // Who looks after the service asks these every few seconds.
    if path.starts_with("/health") || path == "/metrics" {
        tracing::debug!(target: "repo_to_cat::http", %method, path, status, ms, caller, id, "answered");
    } else {
        tracing::info!(target: "repo_to_cat::http", %method, path, status, ms, caller, id, "answered");
    }
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}
