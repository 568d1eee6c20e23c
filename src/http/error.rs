//! Failures as RFC 9457 problem details.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use crate::model::failure::{Failure, Kind};

/// A failure on its way to the client.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    failure: Failure,
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
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
        Self { status, failure }
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let failure = match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::new(Kind::TooLarge, "the body is too large"),
            _ => Failure::new(Kind::Invalid, rejection.body_text()),
        };
        let failure = failure.hint(
            r#"send {"github_url": "https://github.com/owner/name"} as application/json; docs/enqueue.md tells what may be added"#,
        );
        Self { status: rejection.status(), failure }
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        let hint = "an id looks like 0198c0de-0000-7000-8000-000000000000";
        Failure::new(Kind::Invalid, "the id in the path is no UUID").hint(hint).into()
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let hint = "the parameters are owner, name, language, after (an id) and limit (1 to 1000)";
        Failure::new(Kind::Invalid, rejection.body_text()).hint(hint).into()
    }
}

/// There is nothing at this path.
pub(super) async fn no_such_path() -> Problem {
    Failure::new(Kind::NotFound, "there is nothing at this path").hint("see /v1/generations and /health/ready").into()
}

/// There is something at this path, but not for this method.
pub(super) async fn no_such_method() -> Problem {
    let failure = Failure::new(Kind::Invalid, "this path does not know the request's method");
    Problem { status: StatusCode::METHOD_NOT_ALLOWED, failure }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Self { status, failure } = self;
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
