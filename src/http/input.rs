//! What requests bring along, read as strictly as it is written down: unknown fields and parameters are refused.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::body::{Body as RawBody, Bytes};
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, OptionalFromRequest, Path, Request, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use axum_extra::extract::Query;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::error::{Problem, wrong};
use super::generations::KEY;
use crate::model::failure::{Failure, Kind};
use crate::model::job::JobKind;

/// A body of JSON.
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let (parts, bytes) = read(request, state).await?;
        Self::parse(parts, bytes, state).await
    }
}

/// A body that may be left out.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let (parts, bytes) = read(request, state).await?;
        if bytes.is_empty() { Ok(None) } else { Self::parse(parts, bytes, state).await.map(Some) }
    }
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<(Parts, Bytes), Problem> {
    let (parts, body) = request.into_parts();
    let whole = Request::from_parts(parts.clone(), body);
    Ok((parts, Bytes::from_request(whole, state).await.map_err(JsonRejection::from)?))
}

impl<T: DeserializeOwned> Body<T> {
    async fn parse<S: Send + Sync>(parts: Parts, bytes: Bytes, state: &S) -> Result<Self, Problem> {
        if has_nul(&bytes) {
            let what = "the body holds the character NUL (\\u0000)";
            return Err(wrong("body", what, "PostgreSQL keeps no such text: leave it out"));
        }
        if bytes.trim_ascii_start().starts_with(b"[") {
            // Else a list would be read as the fields in their order, or as none of them.
            return Err(wrong("body", "the body is a list", "send an object: {...}"));
        }
        let request = Request::from_parts(parts, RawBody::from(bytes));
        let Json(value) = <Json<T> as FromRequest<S>>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

/// Whether a string of JSON holds NUL, which can only stand there as `\u0000`.
fn has_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        if rest[at..].starts_with(b"\\u0000") {
            return true;
        }
        // Whatever is escaped is no beginning of another escape.
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    false
}

/// Turns away parameters without a value. They would be read as left out: who lists what comes `after` a variable that is
/// empty would begin anew, and never end.
pub(super) async fn refuse_blanks(request: Request, next: Next) -> Result<Response, Problem> {
    let pairs = request.uri().query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let mut pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    if let Some((name, _)) = pairs.find(|(_, value)| value.is_empty()) {
        let failure = Failure::new(Kind::Invalid, format!("the parameter `{name}` is empty")).hint("leave it out");
        return Err(Problem::from(failure).of_field(name.to_owned()));
    }
    Ok(next.run(request).await)
}

/// Turns away an `Idempotency-Key` where nothing is known of it: who trusts in it would have the same done twice. `keyed`
/// are the paths that know it.
pub(super) async fn refuse_keys(
    State(keyed): State<Arc<HashSet<String>>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let path = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    if request.method() == Method::POST && request.headers().contains_key(KEY) && !keyed.contains(path) {
        let hint = "leave it out; before you send the request again, look what became of the first";
        return Err(wrong("Idempotency-Key", "this request does not know the header Idempotency-Key", hint));
    }
    Ok(next.run(request).await)
}

/// The parameters of a query; one that may be repeated is a list.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(value) = Query::from_request_parts(parts, state).await?;
        Ok(Self(value))
    }
}

/// The id in a path.
#[derive(Debug)]
pub struct Id(pub Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(id) = Path::from_request_parts(parts, state).await?;
        Ok(Self(id))
    }
}

/// The name in a path.
#[derive(Debug)]
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(_) => Err(wrong("path", "the name in the path is no UTF-8", "write it in UTF-8")),
        }
    }
}

/// The kind of jobs in a path.
#[derive(Debug)]
pub struct KindOfJob(pub JobKind);

impl<S: Send + Sync> FromRequestParts<S> for KindOfJob {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Name(name) = Name::from_request_parts(parts, state).await?;
        JobKind::called(&name).map(Self).map_err(|failure| Problem::from(failure).of_field("kind"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nul_is_found_where_it_is_one() {
        for text in ["\0", "a\0", "\\\0", "\\\\\0", "\u{1}\0"] {
            assert!(has_nul(&serde_json::to_vec(text).unwrap()), "{text:?}");
        }
        for text in ["", "\\u0000", "\\", "\u{1}", "u0000", "\\\\u0000"] {
            assert!(!has_nul(&serde_json::to_vec(text).unwrap()), "{text:?}");
        }
    }
}
