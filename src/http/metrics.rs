//! `/metrics`: what this process has counted, and what there is in the queue, for Prometheus.

use std::time::Duration;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use tokio::time::timeout;

use crate::db::Db;
use crate::db::depth::{self, Depth};
use crate::telemetry::{MEDIA_TYPE, Page, Type, metrics};

/// Prometheus waits 10 s by default. What this process counted is told even while the database is away.
const PATIENCE: Duration = Duration::from_secs(5);

/// All metrics. The queue's are the same whichever process tells them.
pub(super) async fn show(State(db): State<Db>) -> impl IntoResponse {
    let mut page = Page::default();
    page.family("repo_to_cat_info", Type::Gauge, "The program; always 1.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    metrics::write_to(&mut page);
    let depth = timeout(PATIENCE, depth::look(&db)).await;
    page.family(
        "repo_to_cat_database_up",
        Type::Gauge,
        "Whether the database answered; without it the queue's gauges are missing.",
    );
    page.sample(&[], u8::from(matches!(depth, Ok(Ok(_)))));
    match depth {
        Ok(Ok(depth)) => write_depth(&mut page, &depth),
        Ok(Err(failure)) => tracing::debug!(%failure, "the queue's gauges are missing from the metrics"),
        Err(_) => tracing::debug!("the queue's gauges are missing from the metrics: no answer in time"),
    }
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], page.finish())
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
