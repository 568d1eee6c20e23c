//! Each request has an id, which its answer, its problems and the log name: the client's own, or a new one.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;
use uuid::Uuid;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of an id that a client gives, at most.
const LONGEST: usize = 100;

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Work for the request that goes on in a task of its own.
pub(super) fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let id = current().unwrap_or_default();
    CURRENT.scope(id, work)
}

/// Gives the request its id.
pub(super) async fn give(request: Request, next: Next) -> Response {
    let given = request.headers().get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_plain(id));
    let id = given.map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned);
    let span = tracing::info_span!("request", id, method = %request.method(), path = request.uri().path());
    let mut response = CURRENT.scope(id.clone(), next.run(request).instrument(span)).await;
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn is_plain(id: &str) -> bool {
    (1..=LONGEST).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:/+=".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_could_forge_a_line_is_not_taken() {
        assert!(is_plain("0198c0de-0000:7/x=+_.") && is_plain(&"x".repeat(LONGEST)));
        assert!(!is_plain("") && !is_plain("a b") && !is_plain("a\"b") && !is_plain(&"x".repeat(LONGEST + 1)));
    }
}
