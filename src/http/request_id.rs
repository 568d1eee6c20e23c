//! Each request has an id, which its answer, its problems and the log name: the client's own, or a new one.

use std::sync::{Arc, OnceLock};

use axum::http::{HeaderMap, HeaderName};
use uuid::Uuid;

/// The header that an id comes and goes in.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of an id that a client gives, at most.
const LONGEST: usize = 100;

tokio::task_local! {
    static CURRENT: Arc<About>;
}

/// What is known of the request that is being answered.
#[derive(Debug)]
pub(super) struct About {
    /// Its id.
    pub id: String,
    /// Who asks, once that was asked.
    pub caller: OnceLock<String>,
}

impl About {
    /// Of a request with these headers.
    pub fn of(headers: &HeaderMap) -> Arc<Self> {
        let given = headers.get(HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_plain(id));
        let id = given.map_or_else(|| Uuid::now_v7().to_string(), ToOwned::to_owned);
        Arc::new(Self { id, caller: OnceLock::new() })
    }

    /// Does something for this request.
    pub async fn during<T>(self: Arc<Self>, doing: impl Future<Output = T>) -> T {
        CURRENT.scope(self, doing).await
    }
}

/// The id of the request that is being answered.
#[must_use]
pub fn current() -> Option<String> {
    CURRENT.try_with(|about| about.id.clone()).ok()
}

/// Notes who asks, for the log.
pub(super) fn is_asked_by(name: &str) {
    _ = CURRENT.try_with(|about| about.caller.set(name.to_owned()));
}

/// Work for the request that goes on in a task of its own.
pub fn carried<T>(work: impl Future<Output = T>) -> impl Future<Output = T> {
    let about = CURRENT.try_with(Arc::clone);
    async move {
        match about {
            Ok(about) => about.during(work).await,
            Err(_) => work.await,
        }
    }
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
