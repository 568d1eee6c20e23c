//! Failures as RFC 9457 problem details.

use std::borrow::Cow;

use axum::Json;
use axum::extract::Request;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::failure::{Failure, Kind};

/// How the paths begin that no person is meant to open.
const FOR_SERVICES: [&str; 4] = ["/v1/", "/health", "/metrics", "/openapi.json"];

/// A failure on its way to the client.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    /// Boxed: problems are passed up through many hands.
    failure: Box<Failure>,
    /// Which part of the request was wrong: a field, a parameter, a header.
    field: Option<Cow<'static, str>>,
    /// Each thing that was wrong, where there may be several.
    errors: Vec<Fault>,
    /// Whether others are told what went wrong even where the service did.
    is_plain: bool,
}

/// One of several things that were wrong with a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Fault {
    /// Which of the things asked for, from 0.
    pub index: usize,
    /// Which part of it.
    pub field: Option<String>,
    /// What was wrong.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a client reads where something went wrong: RFC 9457.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct Details {
    /// What sort of problem; it never changes its name.
    #[serde(rename = "type")]
    #[schema(example = "urn:repo-to-cat:not_found")]
    pub kind: String,
    /// The status in words.
    pub title: String,
    /// The status.
    pub status: u16,
    /// What was wrong.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Which part of the request was wrong: a field, a parameter, a header.
    pub field: Option<String>,
    /// Each thing that was wrong, where several were asked for at once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
    /// The request, as the log and the header `x-request-id` name it.
    pub request_id: Option<String>,
}

impl Problem {
    /// Says which part of the request was wrong.
    #[must_use]
    pub fn of_field(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Says each thing that was wrong, of several.
    #[must_use]
    pub fn with_errors(mut self, errors: Vec<Fault>) -> Self {
        self.errors = errors;
        self
    }

    /// As one of several things that were wrong.
    #[must_use]
    pub fn into_fault(self, index: usize) -> Fault {
        let (detail, hint) = self.told();
        let (detail, hint) = (detail.to_owned(), hint.map(ToOwned::to_owned));
        Fault { index, field: self.field.map(Cow::into_owned), detail, hint }
    }

    /// Whoever asks may not do that.
    #[must_use]
    pub fn forbidden(failure: Failure) -> Self {
        Self::with(StatusCode::FORBIDDEN, failure)
    }

    /// A failure with a status of its own.
    #[must_use]
    pub fn with(status: StatusCode, failure: Failure) -> Self {
        Self { status, failure: Box::new(failure), field: None, errors: Vec::new(), is_plain: false }
    }

    /// Tells others what went wrong although the service did: nothing in it is for the log alone.
    #[must_use]
    pub const fn plainly(mut self) -> Self {
        self.is_plain = true;
        self
    }

    /// The status that the client gets.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// What went wrong.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.failure
    }

    /// What of it is told to others: what went wrong inside is for the log, what was wrong with the request for the client.
    #[must_use]
    pub fn told(&self) -> (&str, Option<&str>) {
        if self.status.is_server_error() && !self.is_plain {
            ("the service cannot answer this now", None)
        } else {
            (self.failure.what(), self.failure.hint_text())
        }
    }
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
        Self::with(status, failure)
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return too_large();
        }
        let hint = "send JSON as application/json; /docs tells what each request takes";
        let text = rejection.body_text();
        // What is no JSON and what is no request are the same to who sent it.
        let is_data = matches!(rejection, JsonRejection::JsonDataError(_));
        let status = if is_data { StatusCode::BAD_REQUEST } else { rejection.status() };
        let told = text.strip_prefix("Failed to deserialize the JSON body into the target type: ").unwrap_or(&text);
        let field = told.split_once(": ").map(|(path, _)| path).filter(|path| is_data && is_path(path));
        let field = field.unwrap_or("body").to_owned();
        Self::with(status, Failure::new(Kind::Invalid, told).hint(hint)).of_field(field)
    }
}

/// Whether it names a place in a document, such as `generations[3].priority`.
fn is_path(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.[]".contains(&byte))
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        let hint = "an id looks like 0198c0de-0000-7000-8000-000000000000";
        Self::from(Failure::new(Kind::Invalid, "the id in the path is no UUID").hint(hint)).of_field("id")
    }
}

impl From<QueryRejection> for Problem {
    fn from(rejection: QueryRejection) -> Self {
        let failure = Failure::new(Kind::Invalid, rejection.body_text()).hint("/docs tells what each request takes");
        Self::from(failure).of_field("query")
    }
}

impl From<axum_extra::extract::QueryRejection> for Problem {
    fn from(rejection: axum_extra::extract::QueryRejection) -> Self {
        let failure = Failure::new(Kind::Invalid, rejection.body_text()).hint("/docs tells what each request takes");
        Self::from(failure).of_field("query")
    }
}

/// What is wrong with a part of a request.
#[must_use]
pub fn wrong(field: &'static str, what: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem::from(Failure::new(Kind::Invalid, what).hint(hint)).of_field(field)
}

/// There is nothing at this path.
pub(super) async fn no_such_path() -> Problem {
    Failure::new(Kind::NotFound, "there is nothing at this path").hint("see /docs").into()
}

/// There is something at this path, but not for this method. Who asks which there are is told so by the header `Allow`.
pub(super) async fn no_such_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let failure = Failure::new(Kind::Invalid, "this path does not know the request's method").hint("see /docs");
    Problem::with(StatusCode::METHOD_NOT_ALLOWED, failure).into_response()
}

/// There is more in the body than is read.
pub(super) fn too_large() -> Problem {
    let failure = Failure::new(Kind::TooLarge, "the body is too large").hint("the largest is http.max_body_kb");
    Problem::with(StatusCode::PAYLOAD_TOO_LARGE, failure).of_field("body")
}

/// Shows problems to people as `page` has them: to those who ask for HTML, where no service is meant to ask.
pub(super) async fn for_people(page: fn(&Details) -> Response, request: Request, next: Next) -> Response {
    let wants_page = request
        .headers()
        .get_all(header::ACCEPT)
        .iter()
        .any(|value| value.to_str().is_ok_and(|accepted| accepted.contains("text/html")));
    let is_for_services = FOR_SERVICES.iter().any(|path| request.uri().path().starts_with(path));
    let response = next.run(request).await;
    match response.extensions().get::<Details>() {
        Some(details) if wants_page && !is_for_services => {
            let mut shown = page(details);
            // What is said of the request, such as its id and when to come back, holds for the page, too.
            for (name, value) in response.headers() {
                if !name.as_str().starts_with("content-") && !shown.headers().contains_key(name) {
                    shown.headers_mut().append(name, value.clone());
                }
            }
            shown
        }
        _ => response,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::error!(failure = %self.failure, "a request failed");
        }
        let (detail, hint) = self.told();
        let details = Details {
            kind: format!("urn:repo-to-cat:{}", kind_of(self.status, &self.failure)),
            title: self.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: self.status.as_u16(),
            detail: detail.to_owned(),
            hint: hint.map(ToOwned::to_owned),
            field: self.field.as_deref().map(ToOwned::to_owned),
            errors: self.errors,
            request_id: super::request_id::current(),
        };
        let mut response = (self.status, Json(&details)).into_response();
        // For whoever shows it to people instead.
        response.extensions_mut().insert(details);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"repo-to-cat\""));
        }
        response
    }
}

fn kind_of(status: StatusCode, failure: &Failure) -> &'static str {
    if status == StatusCode::FORBIDDEN { "forbidden" } else { failure.kind().name() }
}
