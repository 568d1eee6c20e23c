//! The gate that each request passes before any handler sees it, and each answer after.
//!
//! From the outside in: the request gets its id and its line in the log ([`access`]); answers are compressed and pages of
//! other sites let in where that is set ([`headers`]); what may not pass is turned away: text with NUL characters, bodies
//! that are too large, pages that have no business here ([`origin`]), and who asks too often ([`rates`]) or is wrong too
//! often ([`tries`]). Inside, a handler that takes too long or panics is answered for, and whatever else went wrong is
//! put into our words ([`wording`]).

mod access;
mod headers;
mod origin;
mod rates;
mod tries;
mod wording;

use std::any::Any;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::auth::{Known, bearer};
use super::{Problem, error};
use crate::config::{Auth, Config};
use crate::model::failure::{Failure, Kind};
use crate::model::token::hash;
use rates::{Asker, Rates, Standing};
use tries::Tries;

/// Bytes of a KB, as `http.max_body_kb` counts them.
const KB: usize = 1024;

/// What the gate goes by.
#[derive(Debug)]
struct Gate {
    /// Whether everybody is an admin.
    is_open: bool,
    allowed_origins: Vec<String>,
    most_bytes: usize,
    longest: Duration,
    rates: Option<Rates>,
    tries: Tries,
    known: Arc<Known>,
}

/// Puts the gate around what is answered. `known` tells which tokens have worked.
pub(super) fn around(router: Router, config: &Config, known: Arc<Known>) -> Router {
    let http = &config.http;
    let most_bytes = http.max_body_kb.saturating_mul(KB);
    let gate = Arc::new(Gate {
        is_open: http.auth == Auth::None,
        allowed_origins: http.allowed_origins.clone(),
        most_bytes,
        longest: Duration::from_secs(http.max_seconds),
        rates: Rates::new(http.rate_per_minute),
        tries: Tries::default(),
        known,
    });
    let layers = ServiceBuilder::new()
        .layer(from_fn(access::note))
        .layer(CompressionLayer::new())
        .layer(headers::cors(&http.allowed_origins))
        .layer(from_fn_with_state(gate, pass))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(wording::unify))
        .layer(DefaultBodyLimit::max(most_bytes));
    router.method_not_allowed_fallback(error::no_such_method).layer(layers)
}

/// The same around metrics alone, which need no guard.
pub(super) fn around_metrics(router: Router) -> Router {
    router
        .fallback(error::no_such_path)
        .method_not_allowed_fallback(error::no_such_method)
        .layer(ServiceBuilder::new().layer(from_fn(access::note)).layer(CatchPanicLayer::custom(panicked)))
}

/// Lets a request in that may come in, and completes its answer.
async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let standing = gate.count(&request);
    let mut response = match gate.check(&request, standing.as_ref()) {
        Ok(()) => gate.let_in(request, next).await,
        Err(problem) => problem.into_response(),
    };
    if let Some(standing) = &standing {
        standing.write_to(response.headers_mut());
    }
    headers::complete(response.headers_mut());
    response
}

impl Gate {
    /// Counts the request, unless any number of it is allowed.
    fn count(&self, request: &Request) -> Option<Standing> {
        // It costs nothing, and who watches the service must always get it.
        let rates = self.rates.as_ref().filter(|_| request.uri().path() != "/health/live")?;
        let proven = self.proof(request).and_then(Result::ok);
        Some(rates.count(&proven.map_or_else(|| Asker::at(peer(request)), Asker::Token)))
    }

    /// The token that is shown: its hash where it has worked, an error where nobody knows yet.
    fn proof(&self, request: &Request) -> Option<Result<[u8; 32], ()>> {
        let hash = hash(bearer(request.headers()).ok().flatten()?);
        Some(if self.known.has_worked(&hash) { Ok(hash) } else { Err(()) })
    }

    fn check(&self, request: &Request, standing: Option<&Standing>) -> Result<(), Response> {
        if self.is_open {
            origin::check(request, &self.allowed_origins).map_err(IntoResponse::into_response)?;
        }
        if let Some(wait) = standing.and_then(|standing| standing.wait) {
            let hint = "http.rate_per_minute requests are allowed in a minute; wait for Retry-After seconds";
            return Err(later(wait, "too many requests", hint));
        }
        if self.is_try(request)
            && let Some(wait) = self.tries.wait(&Asker::at(peer(request)), Instant::now())
        {
            return Err(later(wait, "too many wrong tokens came from this address", "wait for Retry-After seconds"));
        }
        let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > self.most_bytes) {
            return Err(error::too_large().into_response());
        }
        let text = request.uri().path_and_query().map_or("", |text| text.as_str());
        if text.contains("%00") {
            let failure = Failure::new(Kind::Invalid, "the path or the query holds a NUL character (%00)");
            return Err(Problem::from(failure.hint("leave it out: no text here has one")).into_response());
        }
        Ok(())
    }

    /// Whether it may turn out to be wrong who asks.
    fn is_try(&self, request: &Request) -> bool {
        self.proof(request).is_some_and(|proof| proof.is_err()) || is_login(request)
    }

    async fn let_in(&self, request: Request, next: Next) -> Response {
        let tried = self.is_try(&request).then(|| (Asker::at(peer(&request)), is_login(&request)));
        let is_asking = request.method().is_safe();
        let uri = request.uri().clone();
        let Ok(response) = timeout(self.longest, next.run(request)).await else {
            let what = format!("the answer took longer than {} s", self.longest.as_secs());
            return Problem::from(Failure::new(Kind::Unavailable, what)).into_response();
        };
        let status = response.status();
        if let Some((asker, is_login)) = tried
            && (status == StatusCode::UNAUTHORIZED || is_login && status.is_client_error())
        {
            self.tries.was_wrong(asker, Instant::now());
        }
        match slashless(uri.path()).filter(|_| is_asking && status == StatusCode::NOT_FOUND) {
            Some(path) => moved(path, uri.query()),
            None => response,
        }
    }
}

/// Where the request comes from; behind a proxy that is the proxy.
fn peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}

fn is_login(request: &Request) -> bool {
    request.method() == Method::POST && request.uri().path() == "/login"
}

/// The path without slashes at its end, where that makes a path of this site.
fn slashless(path: &str) -> Option<&str> {
    let bare = path.strip_suffix('/')?.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~%".contains(&byte);
    (bare.len() > 1 && !bare.starts_with("//") && bare.bytes().all(is_plain)).then_some(bare)
}

fn moved(path: &str, query: Option<&str>) -> Response {
    let place = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    (StatusCode::PERMANENT_REDIRECT, [(LOCATION, place)]).into_response()
}

fn later(wait: Duration, what: &str, hint: &str) -> Response {
    let mut response = Problem::from(Failure::new(Kind::Throttled, what).hint(hint)).into_response();
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    response
}

/// A fault of ours is told as such; the panic's own message went to standard error.
#[allow(clippy::needless_pass_by_value)]
fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let what = panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    let what = format!("a handler panicked: {}", what.unwrap_or_default());
    Problem::from(Failure::new(Kind::Internal, what)).into_response()
}

#[cfg(test)]
mod tests;
