//! Failures as RFC 9457 problem details.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::model::failure::{Failure, Kind};

/// A failure on its way to the client.
#[derive(Debug)]
pub(super) struct Problem(Failure);

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self(failure)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self(failure) = self;
        let status = match failure.kind() {
            Kind::Invalid => StatusCode::BAD_REQUEST,
            Kind::Refused | Kind::Unusable | Kind::TooLarge | Kind::Withheld => StatusCode::UNPROCESSABLE_ENTITY,
            Kind::Unauthorized => StatusCode::UNAUTHORIZED,
            Kind::NotFound => StatusCode::NOT_FOUND,
            Kind::Conflict => StatusCode::CONFLICT,
            Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
            Kind::Database | Kind::Schema | Kind::Unavailable | Kind::Environment => StatusCode::SERVICE_UNAVAILABLE,
            Kind::Cancelled | Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        };
        // What went wrong inside is for the log; what was wrong with the request is for the client.
        let detail = if status.is_server_error() {
            tracing::error!(%failure, "a request failed");
            "the service cannot answer this now"
        } else {
            failure.what()
        };
        let body = json!({
            "type": format!("urn:repo-to-cat:{}", failure.kind().name()),
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": detail,
            "hint": failure.hint_text().filter(|_| !status.is_server_error()),
        });
        let mut response = (status, Json(body)).into_response();
        let media_type = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, media_type);
        response
    }
}
