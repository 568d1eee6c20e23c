//! `/metrics`: what this process has counted, and what there is in the queue, for Prometheus.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::time::timeout;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::auth::Reader;
use super::{Site, backups as told};
use crate::config::Config;
use crate::db::depth::{self, Depth};
use crate::db::{Db, backups};
use crate::model::backup::Standing;
use crate::model::failure::Result;
use crate::telemetry::{MEDIA_TYPE, Page, Type, metrics, requests};

/// Prometheus waits 10 s by default. What this process counted is told even while the database is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// What metrics are made of, beside what this process counted.
#[derive(Debug, Clone)]
struct Source {
    db: Db,
    fresh_hours: u64,
}

/// The routes of the listener for services.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(of_site))
}

/// The router of a listener that tells nothing else.
pub(super) fn alone(db: Db, config: &Config) -> Router {
    let source = Source { db, fresh_hours: config.backup.fresh_hours };
    Router::new().route("/metrics", get(show)).with_state(source)
}

/// Metrics for Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "health", operation_id = "metrics", security(("token" = ["read"])), responses((status = OK, content_type = "text/plain")))]
async fn of_site(State(site): State<Site>, _: Reader) -> impl IntoResponse {
    show(State(Source { db: site.db.clone(), fresh_hours: site.config.backup.fresh_hours })).await
}

/// All metrics. The queue's and the backups' are the same whichever process tells them.
async fn show(State(source): State<Source>) -> impl IntoResponse {
    let mut page = Page::default();
    page.family("repo_to_cat_info", Type::Gauge, "The program; always 1.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    metrics::write_to(&mut page);
    requests::write_to(&mut page);
    let looked = timeout(PATIENCE, look(&source.db)).await;
    page.family(
        "repo_to_cat_database_up",
        Type::Gauge,
        "Whether the database answered; without it the gauges of queue and backups are missing.",
    );
    page.sample(&[], u8::from(matches!(looked, Ok(Ok(_)))));
    match looked {
        Ok(Ok((depth, standings))) => {
            write_depth(&mut page, &depth);
            told::write_to(&mut page, &standings, source.fresh_hours);
        }
        Ok(Err(failure)) => tracing::debug!(%failure, "the database's gauges are missing from the metrics"),
        Err(_) => tracing::debug!("the database's gauges are missing from the metrics: no answer in time"),
    }
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], page.finish())
}

async fn look(db: &Db) -> Result<(Depth, Vec<Standing>)> {
    Ok((depth::look(db).await?, backups::standings(db).await?))
}

fn write_depth(page: &mut Page, depth: &Depth) {
    let help = "Live jobs; an estimate where repo_to_cat_queue_sampled_ratio is below 1.";
    page.family("repo_to_cat_queue_jobs", Type::Gauge, help);
    for standing in &depth.jobs {
        page.sample(&[("kind", &standing.kind), ("state", &standing.state)], standing.jobs);
    }
    let help = "How long ago the job became due that has waited longest, of those that were looked at.";
    page.family("repo_to_cat_queue_oldest_seconds", Type::Gauge, help);
    for standing in &depth.jobs {
        if let Some(seconds) = standing.oldest_seconds {
            page.sample(&[("kind", &standing.kind), ("state", &standing.state)], seconds);
        }
    }
    page.family("repo_to_cat_queue_sampled_ratio", Type::Gauge, "The share of the live jobs that was looked at.");
    page.sample(&[], depth.sampled);
    page.family("repo_to_cat_workers", Type::Gauge, "Workers whose lease is good, over all hosts.");
    page.sample(&[], depth.workers);
}
