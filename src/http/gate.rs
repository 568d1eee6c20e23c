//! The gate that each request passes before any handler sees it, and each answer after.
//!
//! From the outside in: the request gets its id and its line in the log ([`access`]); answers are compressed and pages of
//! other sites let in where that is set ([`headers`]); what may not pass is turned away: text with NUL characters, bodies
//! that are too large, pages that have no business here ([`origin`]), and who asks too often ([`rates`]) or is wrong too
//! often ([`tries`]). Inside, a handler that takes too long or panics, or whose request never ends ([`arrival`]), is
//! answered for, and whatever else went wrong is put into our words ([`wording`]).

mod access;
mod arrival;
mod headers;
mod origin;
mod proxies;
mod rates;
mod tries;
mod wording;

use std::any::Any;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::http::header::{CONTENT_LENGTH, LOCATION, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::time::{Instant, timeout_at};
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tracing::Instrument as _;

use super::auth::{Known, bearer};
use super::reached::OverTls;
use super::request_id::carried;
use super::{Problem, error};
use crate::config::{Auth, Config};
use crate::model::failure::{Failure, Kind};
use crate::model::token::hash;
use arrival::Arrival;
pub(super) use headers::SHOWN_BY;
use proxies::Proxies;
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
    proxies: Proxies,
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
        proxies: Proxies(http.networks_of_proxies()),
        rates: Rates::new(http.rate_per_minute),
        tries: Tries::default(),
        known,
    });
    let layers = ServiceBuilder::new()
        .layer(from_fn(access::note))
        .layer(CompressionLayer::new())
        .option_layer(headers::cors(&http.allowed_origins))
        .layer(from_fn_with_state(gate, pass))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(wording::unify))
        .layer(DefaultBodyLimit::max(most_bytes));
    router.method_not_allowed_fallback(error::no_such_method).layer(layers)
}

/// The same around metrics alone, which need no guard.
pub(super) fn around_metrics(router: Router) -> Router {
    let layers = ServiceBuilder::new().layer(from_fn(access::note)).layer(CatchPanicLayer::custom(panicked));
    router.fallback(error::no_such_path).method_not_allowed_fallback(error::no_such_method).layer(layers)
}

/// Lets a request in that may come in, and completes its answer.
async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let visit = Visit::of(&request, &gate);
    if gate.proxies.tell_of_tls(peer(&request), request.headers()) {
        request.extensions_mut().insert(OverTls);
    }
    // Liveness costs nothing, and who watches the service must always get it.
    let rates = gate.rates.as_ref().filter(|_| request.uri().path() != "/health/live");
    let standing = rates.map(|rates| rates.count(visit.proven.as_ref().unwrap_or(&visit.address)));
    let mut response = match gate.check(&request, &visit, standing.as_ref()) {
        Ok(()) => gate.let_in(request, visit, next).await,
        Err(response) => response,
    };
    if let Some(standing) = &standing {
        standing.write_to(response.headers_mut());
    }
    headers::complete(response.headers_mut());
    response
}

/// Who comes.
struct Visit {
    address: Asker,
    /// The token that is shown, where it has worked.
    proven: Option<Asker>,
    /// Whether it may turn out to be wrong who asks.
    is_try: bool,
    is_login: bool,
}

impl Visit {
    fn of(request: &Request, gate: &Gate) -> Self {
        let shown = bearer(request.headers()).ok().flatten().map(hash);
        let proven = shown.filter(|hash| gate.known.has_worked(hash)).map(Asker::Token);
        let is_login = request.method() == Method::POST && request.uri().path() == "/login";
        let is_try = is_login || shown.is_some() && proven.is_none();
        let address = Asker::at(gate.proxies.outermost(peer(request), request.headers()));
        Self { address, proven, is_try, is_login }
    }

    /// Whether an answer with this status says that it was wrong.
    fn was_wrong(&self, status: StatusCode) -> bool {
        status == StatusCode::UNAUTHORIZED || self.is_login && status.is_client_error()
    }
}

impl Gate {
    #[allow(clippy::result_large_err)]
    fn check(&self, request: &Request, visit: &Visit, standing: Option<&Standing>) -> Result<(), Response> {
        if self.is_open {
            origin::check(request, &self.allowed_origins).map_err(IntoResponse::into_response)?;
        }
        if let Some(wait) = standing.and_then(|standing| standing.wait) {
            let hint = "http.rate_per_minute requests are allowed in a minute; wait for Retry-After seconds";
            return Err(later(wait, "too many requests", hint));
        }
        if visit.is_try
            && let Some(wait) = self.tries.wait(&visit.address, Instant::now().into_std())
        {
            return Err(later(wait, "too many wrong tokens came from this address", "wait for Retry-After seconds"));
        }
        let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        if length.is_some_and(|length: usize| length > self.most_bytes) {
            return Err(error::too_large().into_response());
        }
        if let Some(field) = with_nul(request.uri()) {
            let failure = Failure::new(Kind::Invalid, "the path or the query holds a NUL character (%00)");
            let problem = Problem::from(failure.hint("leave it out: no text here has one"));
            return Err(problem.of_field(field).into_response());
        }
        Ok(())
    }

    async fn let_in(&self, request: Request, visit: Visit, next: Next) -> Response {
        let is_asking = request.method().is_safe();
        let uri = request.uri().clone();
        let until = Instant::now() + self.longest;
        let (request, arrival) = Arrival::by(until, request);
        let answer = next.run(request);
        let answered = if is_asking { timeout_at(until, answer).await } else { timeout_at(until, whole(answer)).await };
        let seconds = self.longest.as_secs();
        let response = match answered {
            _ if arrival.is_awaited() => {
                let failure = Failure::new(Kind::Invalid, format!("the body did not arrive within {seconds} s"));
                let failure = failure.hint("send it at once; http.max_seconds says how long a request may take");
                Problem::with(StatusCode::REQUEST_TIMEOUT, failure).of_field("body").into_response()
            }
            Ok(response) => response,
            Err(_) => {
                let failure = Failure::new(Kind::Unavailable, format!("the answer took longer than {seconds} s"));
                let goes_on = "what was asked for is still being done: look what became of it before you ask again; the \
                               audit log tells its end";
                let failure = if is_asking { failure } else { failure.hint(goes_on) };
                return Problem::from(failure).plainly().into_response();
            }
        };
        let status = response.status();
        if visit.is_try && visit.was_wrong(status) {
            self.tries.was_wrong(visit.address, Instant::now().into_std());
        }
        match slashless(uri.path()).filter(|_| is_asking && status == StatusCode::NOT_FOUND) {
            Some(path) => moved(path, uri.query()),
            None => response,
        }
    }
}

/// What changes something is done as a whole, and written down, whether its client waits for the answer or not.
async fn whole(answer: impl Future<Output = Response> + Send + 'static) -> Response {
    match tokio::spawn(carried(answer.in_current_span())).await {
        Ok(response) => response,
        Err(error) => {
            let failure = Failure::new(Kind::Internal, "the answer was broken off").source(error);
            Problem::from(failure).into_response()
        }
    }
}

/// Who is at the other end of the connection.
fn peer(request: &Request) -> IpAddr {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(peer)| peer.ip())
}

/// Which part has a NUL character, which `PostgreSQL` takes in no text: the path, or a parameter.
fn with_nul(uri: &Uri) -> Option<String> {
    if uri.path().contains("%00") {
        return Some("path".to_owned());
    }
    let pair = uri.query()?.split('&').find(|pair| pair.contains("%00"))?;
    Some(pair.split('=').next().unwrap_or_default().to_owned())
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
    let what =
        panic.downcast_ref::<&str>().map(ToString::to_string).or_else(|| panic.downcast_ref::<String>().cloned());
    let what = format!("a handler panicked: {}", what.unwrap_or_default());
    Problem::from(Failure::new(Kind::Internal, what)).into_response()
}

#[cfg(test)]
mod tests;
