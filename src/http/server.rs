//! The listener: HTTP/1.1 and 2, with bounds for everything that a client could draw out.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

use super::{Pages, Site, error, metrics, request_id};
use crate::config::{Auth, Config};
use crate::db::Db;
use crate::model::failure::{Failure, Kind, Result};

/// How long the head of a request may take to arrive.
const HEAD: Duration = Duration::from_secs(10);

/// A listener that is bound but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    router: Router,
    grace: Duration,
}

impl Server {
    /// Takes the address of `http.listen`, to answer with `pages` and all that is for services.
    pub async fn bind(site: Site, pages: Pages) -> Result<Self> {
        let config = std::sync::Arc::clone(&site.config);
        let listener = listen("http.listen", &config.http.listen, "leave HTTP out with --only").await?;
        if config.http.auth == Auth::None && !is_loopback(&listener) {
            return Err(Failure::new(Kind::Refused, format!("{} would answer everybody", config.http.listen))
                .hint("http.auth = \"none\" is for loopback addresses: set http.auth = \"token\""));
        }
        if let Ok(bound) = listener.local_addr() {
            tracing::info!(address = %bound, "listening");
        }
        let router = super::router(site, pages);
        Ok(Self { listener, router, grace: grace(&config) })
    }

    /// Takes the address of `metrics.listen`, to tell nothing but metrics.
    pub async fn bind_metrics(db: Db, config: &Config) -> Result<Self> {
        let listener = listen("metrics.listen", &config.metrics.listen, "leave it empty").await?;
        if let Ok(bound) = listener.local_addr() {
            tracing::info!(metrics = %bound, "listening");
        }
        Ok(Self { listener, router: metrics::alone(db, config).fallback(error::no_such_path), grace: grace(config) })
    }

    /// Answers until `stop`, then finishes the requests that are under way, within `worker.grace_seconds`.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let router = self.router.layer(CatchPanicLayer::new()).layer(from_fn(request_id::give));
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEAD);
        let graceful = GracefulShutdown::new();
        while let Some(accepted) = stop.run_until_cancelled(self.listener.accept()).await {
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
            let service = TowerToHyperService::new(router.clone());
            let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
            let connection = graceful.watch(connection);
            tokio::spawn(async move {
                if let Err(error) = connection.await {
                    tracing::debug!(%peer, %error, "a connection broke");
                }
            });
        }
        if timeout(self.grace, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests that did not end in time were cut off");
        }
        Ok(())
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
