//! Whatever went wrong is told as a problem, also where a framework said it in plain text.

use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::Problem;
use crate::model::failure::{Failure, Kind};

/// Bytes of a sentence, at most.
const LONGEST: usize = 4096;

/// Puts errors in plain text into our words.
pub(super) async fn unify(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if media_type.is_some_and(|media_type| !media_type.starts_with("text/plain")) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let said = to_bytes(body, LONGEST).await.unwrap_or_default();
    let said = match String::from_utf8_lossy(&said) {
        said if said.trim().is_empty() => status.canonical_reason().unwrap_or("it was refused").to_lowercase(),
        said => said.trim().to_owned(),
    };
    let failure = Failure::new(kind_of(status), said).hint("/docs tells what each request takes");
    let mut problem = Problem::with(status, failure).into_response();
    parts.headers.remove(CONTENT_TYPE);
    parts.headers.remove(CONTENT_LENGTH);
    problem.headers_mut().extend(parts.headers);
    problem
}

const fn kind_of(status: StatusCode) -> Kind {
    match status {
        StatusCode::UNAUTHORIZED => Kind::Unauthorized,
        StatusCode::NOT_FOUND => Kind::NotFound,
        StatusCode::CONFLICT => Kind::Conflict,
        StatusCode::PAYLOAD_TOO_LARGE => Kind::TooLarge,
        StatusCode::TOO_MANY_REQUESTS => Kind::Throttled,
        StatusCode::SERVICE_UNAVAILABLE => Kind::Unavailable,
        _ if status.as_u16() >= 500 => Kind::Internal,
        _ => Kind::Invalid,
    }
}
