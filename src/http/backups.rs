//! How the backups stand: `/health/backups`, and their part of `/metrics`; and `/v1/backups`.

mod looking;
mod making;
mod store;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::auth::Reader;
use super::error::Problem;
use crate::db::backups;
use crate::model::backup::{Standing, Verdict};
use crate::telemetry::{Page, Type};
pub use store::Last;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(health)).merge(looking::routes()).merge(making::routes())
}

/// How backups stand.
#[derive(Debug, Serialize, ToSchema)]
struct Backups {
    /// `ok`, or `stale` where a database should have a fresh verified backup and has none.
    status: &'static str,
    /// How old a verified backup may be (`backup.fresh_hours`).
    fresh_hours: u64,
    /// Each database that has backups, or should have.
    databases: Vec<DatabaseBackups>,
}

/// How the backups of one database stand.
#[derive(Debug, Serialize, ToSchema)]
struct DatabaseBackups {
    /// Its name.
    database: String,
    /// Whether it should have backups.
    watched: bool,
    /// Whether the last verified one is not too old.
    fresh: bool,
    /// The last verified one.
    verified: Option<String>,
    /// When that was begun.
    verified_at: Option<DateTime<Utc>>,
    /// How old what it holds is.
    age_seconds: Option<i64>,
    /// The last one.
    last: Option<String>,
    /// When that was begun.
    last_at: Option<DateTime<Utc>>,
    /// What its drill found.
    last_verdict: Option<String>,
    /// How it is unlike the last verified one before it, in sentences.
    alarms: Vec<String>,
    /// A backup that is named after a moment yet to come.
    of_the_future: Option<String>,
}

/// 200 while each database that should have backups has a fresh verified one, else 503.
#[utoipa::path(get, path = "/health/backups", tag = "health", operation_id = "health_backups", security(("token" = ["read"])), responses(
    (status = OK, body = Backups),
    (status = SERVICE_UNAVAILABLE, body = Backups),
))]
async fn health(State(site): State<Site>, _: Reader) -> Result<(StatusCode, Json<Backups>), Problem> {
    let standings = backups::standings(&site.db).await?;
    Ok(answer(standings, site.config.backup.fresh_hours))
}

fn answer(standings: Vec<Standing>, hours: u64) -> (StatusCode, Json<Backups>) {
    let is_well = !standings.iter().any(|standing| standing.is_alarming(hours));
    let databases = standings.into_iter().map(|standing| DatabaseBackups::of(standing, hours)).collect();
    let (code, status) = if is_well { (StatusCode::OK, "ok") } else { (StatusCode::SERVICE_UNAVAILABLE, "stale") };
    (code, Json(Backups { status, fresh_hours: hours, databases }))
}

impl DatabaseBackups {
    fn of(standing: Standing, hours: u64) -> Self {
        Self {
            watched: standing.is_watched,
            fresh: standing.is_fresh(hours),
            age_seconds: standing.verified_at.map(|at| (standing.now - at).num_seconds()),
            database: standing.database,
            verified: standing.verified,
            verified_at: standing.verified_at,
            last: standing.last,
            last_at: standing.last_at,
            last_verdict: standing.last_verdict,
            alarms: standing.alarms,
            of_the_future: standing.of_the_future,
        }
    }
}

/// Adds what there is to tell of the backups.
pub(super) fn write_to(page: &mut Page, standings: &[Standing], hours: u64) {
    let mut gauge = |name, help: &str, value: &dyn Fn(&Standing) -> Option<f64>| {
        page.family(name, Type::Gauge, help);
        for standing in standings {
            if let Some(value) = value(standing) {
                page.sample(&[("database", &standing.database)], value);
            }
        }
    };
    let help =
        "Whether the last verified backup is not older than backup.fresh_hours; of databases that should have some.";
    gauge("repo_to_cat_backup_fresh", help, &|one| one.is_watched.then(|| if one.is_fresh(hours) { 1.0 } else { 0.0 }));
    let help = "When the last verified backup in the store was begun: what it holds is so old.";
    gauge("repo_to_cat_backup_verified_timestamp_seconds", help, &|one| {
        one.verified_at.map(|at| at.timestamp() as f64)
    });
    let help = "When the last backup was begun, verified or not.";
    gauge("repo_to_cat_backup_last_timestamp_seconds", help, &|one| one.last_at.map(|at| at.timestamp() as f64));
    gauge("repo_to_cat_backup_duration_seconds", "How long the last backup took.", &|one| one.last_seconds);
    let help = "Size of the last backup in the store.";
    gauge("repo_to_cat_backup_size_bytes", help, &|one| one.last_bytes.map(|bytes| bytes as f64));
    gauge("repo_to_cat_backup_rows", "Rows of the last backup.", &|one| one.last_rows.map(|rows| rows as f64));
    let help = "How long restoring the last verified backup took.";
    gauge("repo_to_cat_backup_restore_seconds", help, &|one| one.restore_seconds);

    let help = "In how many ways the last backup is unlike the last verified one before it: see /health/backups.";
    gauge("repo_to_cat_backup_alarms", help, &|one| one.last.as_ref().map(|_| one.alarms.len() as f64));

    page.family("repo_to_cat_backups", Type::Gauge, "Backups in the store, by what their last drill found.");
    for standing in standings {
        for (verdict, count) in counts(standing) {
            page.sample(&[("database", &standing.database), ("verdict", verdict.name())], count);
        }
    }
}

const fn counts(standing: &Standing) -> [(Verdict, i64); 4] {
    [
        (Verdict::Unverified, standing.unverified_count),
        (Verdict::Verified, standing.verified_count),
        (Verdict::Failed, standing.failed_count),
        (Verdict::Unverifiable, standing.unverifiable_count),
    ]
}
