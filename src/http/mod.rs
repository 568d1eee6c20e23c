//! The HTTP listener: ask for a cat, look at it, and see whether the service is well.

mod error;
mod generations;
mod health;

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
    shared: Shared,
}

impl Server {
    /// Takes the address of `http.listen`.
    pub async fn bind(db: Db, pictures: Pictures, config: Config) -> Result<Self> {
        let address = &config.http.listen;
        let listener = TcpListener::bind(address).await.map_err(|error| {
            Failure::new(Kind::Environment, format!("cannot listen on {address}: {error}"))
                .hint("set http.listen to a free address (port 0 takes any), or leave HTTP out with --only")
                .source(error)
        })?;
        if let Ok(bound) = listener.local_addr() {
            tracing::info!(address = %bound, "listening");
        }
        Ok(Self { listener, shared: Shared { db, pictures, config } })
    }

    /// Answers until `stop`, then finishes the requests that are under way, within `worker.grace_seconds`.
    pub async fn run(self, stop: CancellationToken) -> Result<()> {
        let grace = Duration::from_secs(self.shared.config.worker.grace_seconds);
        let router = Router::new()
            .route("/health/live", get(health::live))
            .route("/health/ready", get(health::ready))
            .route("/v1/generations", post(generations::create).get(generations::list))
            .route("/v1/generations/{id}", get(generations::show))
            .route("/v1/generations/{id}/image", get(generations::image))
            .route("/v1/generations/{id}/original", get(generations::original))
            .fallback(error::no_such_path)
            .method_not_allowed_fallback(error::no_such_method)
            .with_state(self.shared);
        let serve =
            axum::serve(self.listener, router).with_graceful_shutdown(stop.clone().cancelled_owned()).into_future();
        tokio::select! {
            served = serve => {
                served.map_err(|error| Failure::new(Kind::Environment, "the HTTP listener failed").source(error))
            }
            () = async { stop.cancelled().await; sleep(grace).await } => {
                tracing::warn!("requests that did not end in time were cut off");
                Ok(())
            }
        }
    }
}
