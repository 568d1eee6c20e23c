//! The HTTP listener: ask for a cat, look at it, and see whether the service is well. And a lesser one, for processes
//! without it, that tells their metrics.

mod backups;
mod error;
mod generations;
mod health;
mod metrics;

use std::future::IntoFuture;
use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use tokio::net::TcpListener;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::db::Db;
use crate::model::failure::{Failure, Kind, Result};
use crate::providers::pictures::Pictures;

/// What the handlers work with.
#[derive(Debug, Clone)]
struct Shared {
    db: Db,
    pictures: Pictures,
    config: Config,
}

/// A listener that is bound but does not answer yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    router: Router,
    grace: Duration,
}

impl Server {
    /// Takes the address of `http.listen`.
    pub async fn bind(db: Db, pictures: Pictures, config: Config) -> Result<Self> {
        let listener = listen("http.listen", &config.http.listen, "leave HTTP out with --only").await?;
        if let Ok(bound) = listener.local_addr() {
            tracing::info!(address = %bound, "listening");
        }
        let grace = grace(&config);
        let router = Router::new()
            .route("/health/live", get(health::live))
            .route("/health/ready", get(health::ready))
            .route("/health/backups", get(backups::health))
            .route("/v1/generations", post(generations::create).get(generations::list))
            .route("/v1/generations/{id}", get(generations::show))
            .route("/v1/generations/{id}/image", get(generations::image))
            .route("/v1/generations/{id}/original", get(generations::original))
            .with_state(Shared { db: db.clone(), pictures, config: config.clone() });
        Ok(Self { listener, router: router.merge(metrics_router(db, &config)), grace })
    }

    /// Takes the address of `metrics.listen`, to tell nothing but metrics.
    pub async fn bind_metrics(db: Db, config: &Config) -> Result<Self> {
        let listener = listen("metrics.listen", &config.metrics.listen, "leave it empty").await?;
        if let Ok(bound) = listener.local_addr() {
            tracing::info!(metrics = %bound, "listening");
        }
        Ok(Self { listener, router: metrics_router(db, config), grace: grace(config) })
    }

    /// Answers until `stop`, then finishes the requests that are under way, within `worker.grace_seconds`.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let router = self.router.fallback(error::no_such_path).method_not_allowed_fallback(error::no_such_method);
        let serve =
            axum::serve(self.listener, router).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future();
        tokio::select! {
            served = serve => {
                served.map_err(|error| Failure::new(Kind::Environment, "the HTTP listener failed").source(error))
            }
            () = async { stop.cancelled().await; sleep(self.grace).await } => {
                tracing::warn!("requests that did not end in time were cut off");
                Ok(())
            }
        }
    }
}

async fn listen(key: &str, address: &str, otherwise: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::new(Kind::Environment, format!("cannot listen on {address}: {error}"))
            .hint(format!("set {key} to a free address (port 0 takes any), or {otherwise}"))
            .source(error)
    })
}

fn metrics_router(db: Db, config: &Config) -> Router {
    let source = metrics::Source { db, fresh_hours: config.backup.fresh_hours };
    Router::new().route("/metrics", get(metrics::show)).with_state(source)
}

fn grace(config: &Config) -> Duration {
    Duration::from_secs(config.worker.grace_seconds)
}
