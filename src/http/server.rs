//! The listener: HTTP/1.1 and 2, with bounds for everything that a client could draw out.

use std::convert::Infallible;
use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::future::RouteFuture;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use rustix::process::{Resource, getrlimit};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::reached::to_be_typed;
use super::stall::Patient;
use super::{Pages, Site, error, first_token, gate, metrics};
use crate::config::{Auth, Config};
use crate::db::Db;
use crate::model::failure::{Failure, Kind, Result};

/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(10);
/// How long a client may take nothing of what is sent to it.
const STALL: Duration = Duration::from_mins(1);
/// Connections that are open at most, where the system allows twice as many files; the rest waits to be accepted.
const CONNECTIONS: usize = 4096;

/// A listener that is bound but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    router: Router,
    grace: Duration,
}

impl Server {
    /// Takes the address of `http.listen`, to answer with `pages` and all that is for services. Sees to it that somebody
    /// has a token, and says where.
    pub async fn bind(site: Site, pages: Pages) -> Result<Self> {
        let config = Arc::clone(&site.config);
        let listener = listen("http.listen", &config.http.listen, "leave HTTP out with --only").await?;
        let is_loopback = is_loopback(&listener);
        match config.http.auth {
            Auth::Token => first_token::see_to(&site, is_loopback).await?,
            Auth::None if is_loopback => {}
            Auth::None => {
                return Err(Failure::new(Kind::Refused, format!("{} would answer everybody", config.http.listen))
                    .hint("http.auth = \"none\" is for loopback addresses: set http.auth = \"token\""));
            }
        }
        if let Ok(bound) = listener.local_addr() {
            tracing::info!(address = %bound, "listening");
            announce(&site, bound);
        }
        let known = Arc::clone(&site.known);
        let router = gate::around(super::router(site, pages.routes), &config, known);
        // Outside of all: whatever turns a person away does so with a page.
        let router = router.layer(from_fn(move |request, next| error::for_people(pages.problem, request, next)));
        Ok(Self { listener, router, grace: grace(&config) })
    }

    /// Takes the address of `metrics.listen`, to tell nothing but metrics.
    pub async fn bind_metrics(db: Db, config: &Config) -> Result<Self> {
        let listener = listen("metrics.listen", &config.metrics.listen, "leave it empty").await?;
        if let Ok(bound) = listener.local_addr() {
            tracing::info!(metrics = %bound, "listening");
        }
        let router = gate::around_metrics(metrics::alone(db, config));
        Ok(Self { listener, router, grace: grace(config) })
    }

    /// Answers until `stop`, then takes no more connections and finishes the requests that are under way, within
    /// `worker.grace_seconds`.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let Self { listener, router, grace } = self;
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD);
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(most_connections()));
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await.ok();
                (place, listener.accept().await)
            };
            let Some((place, accepted)) = stop.run_until_cancelled(next).await else { break };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, say: what is open goes on, and frees some.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            _ = stream.set_nodelay(true);
            let answering = Answering { router: router.clone(), peer, has_asked: Arc::default() };
            let has_asked = Arc::clone(&answering.has_asked);
            let service = TowerToHyperService::new(answering);
            let stream = TokioIo::new(Patient::new(stream, STALL));
            let connection = builder.serve_connection_with_upgrades(stream, service).into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                let ended = tokio::select! {
                    ended = pin!(connection) => ended,
                    () = silence(&has_asked) => Ok(()),
                };
                if let Err(error) = ended {
                    tracing::debug!(%peer, %error, "a connection broke");
                }
                drop(place);
            });
        }
        drop(listener);
        if timeout(grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests that did not end in time were cut off");
        }
        Ok(())
    }
}

/// What answers on one connection.
#[derive(Clone)]
struct Answering {
    router: Router,
    peer: SocketAddr,
    has_asked: Arc<AtomicBool>,
}

impl<B> Service<Request<B>> for Answering
where
    Router: Service<Request<B>, Response = Response, Error = Infallible, Future = RouteFuture<Infallible>>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::result::Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        self.has_asked.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ConnectInfo(self.peer));
        self.router.call(request)
    }
}

/// Returns when nothing was asked for too long after the connection was made. What comes later is bounded by itself.
async fn silence(has_asked: &AtomicBool) {
    sleep(HEAD).await;
    if has_asked.load(Ordering::Relaxed) {
        pending::<()>().await;
    }
}

/// Half of the files that this process may open are for others: the database, pictures, children.
fn most_connections() -> usize {
    let files = getrlimit(Resource::Nofile).current.and_then(|files| usize::try_from(files).ok());
    files.map_or(CONNECTIONS, |files| (files / 2).clamp(16, CONNECTIONS))
}

/// Tells people where to go, and where the token for it is.
fn announce(site: &Site, bound: SocketAddr) {
    let url = match site.config.http.public_url.trim_end_matches('/') {
        "" => format!("http://{}", to_be_typed(bound)),
        url => url.to_owned(),
    };
    let file = site.token_file();
    if site.config.http.auth == Auth::Token && file.is_file() {
        tracing::info!(dashboard = %url, token_file = %file.display(), "log in with the token in this file");
    } else {
        tracing::info!(dashboard = %url, "the dashboard and the documents (/docs) are here");
    }
}

async fn listen(key: &str, address: &str, otherwise: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Kind::Environment, format!("cannot listen on {address}: {error}"))
            .hint(format!("set {key} to a free address (port 0 takes any), or {otherwise}"))
            .source(error)
    })
}

fn is_loopback(listener: &TcpListener) -> bool {
    listener.local_addr().as_ref().map(SocketAddr::ip).is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn grace(config: &Config) -> Duration {
    Duration::from_secs(config.worker.grace_seconds)
}
