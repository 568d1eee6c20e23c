//! Whether the service is well: for load balancers (`/health/live`, `/health/ready`), and for people and their watchers,
//! each thing that it depends on (`/health`).

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::request::Parts;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::timeout;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::error::{Details, Problem};
use crate::db::migrate;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::Scope;

mod checks;

/// How long one look may take. Who asks for health wants an answer now, and no answer is one, too.
const PATIENCE: Duration = Duration::from_secs(2);
/// For so long a report is told again: looking costs the dependencies something, and anybody may ask.
const SHELF_LIFE: Duration = Duration::from_secs(1);

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).routes(routes!(all))
}

/// The last report, and when it was made; whoever asks while one is made waits for it.
pub type Last = Arc<Mutex<Option<(Instant, Report)>>>;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Well.
    Ok,
    /// It works, but somebody should look.
    Degraded,
    /// It does not work, or did not let itself be looked at.
    Failed,
}

/// The process answers.
#[derive(Debug, Serialize, ToSchema)]
struct Live {
    status: Health,
}

/// The database answers and has this program's schema.
#[derive(Debug, Serialize, ToSchema)]
struct Ready {
    status: Health,
    /// The last migration that the database has.
    schema: i64,
}

/// How the service and all that it depends on is.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Report {
    /// `failed` where database, schema, picture store, workers or disk have; `degraded` where anything else is not well.
    status: Health,
    /// The program's version.
    version: &'static str,
    /// When this was looked at. A report is told again for a second.
    at: DateTime<Utc>,
    /// What was looked at.
    checks: Checks,
    /// How fresh the last verified backup is; null where no database is to have any, or it could not be looked at.
    backup: Option<Freshness>,
}

/// Each dependency.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Checks {
    /// The database answers.
    database: Check,
    /// It has the schema of this program, or of a newer one.
    schema: Check,
    /// The folder of the pictures is there and can be written.
    image_store: Check,
    /// The store of the backups can be reached.
    backup_store: Check,
    /// Each database that should have backups has a fresh verified one.
    backups: Check,
    /// Workers hold good leases, on whatever host.
    workers: Check,
    /// Nothing waits for too long, and nobody holds the queue.
    queue: Check,
    /// No schedule is overdue.
    scheduler: Check,
    /// There is room on the disks of data and pictures.
    disk: Check,
}

/// One dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
struct Check {
    state: Health,
    /// Whether it could be looked at.
    checked: bool,
    /// How long that took.
    latency_ms: u64,
    /// What was found; null for who shows no token with the scope `read`.
    detail: Option<String>,
}

/// How fresh backups are: of the databases that should have some, the one that is worst off.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Freshness {
    /// Whether it is not older than `backup.fresh_hours`.
    fresh: bool,
    /// When the last verified one was begun; null where there is none yet.
    verified_at: Option<DateTime<Utc>>,
    /// How old what it holds is.
    age_seconds: Option<i64>,
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", operation_id = "health_live", security(()), responses((status = OK, body = Live)))]
async fn live() -> Json<Live> {
    Json(Live { status: Health::Ok })
}

/// The database answers and has this program's schema: requests may be sent here.
#[utoipa::path(get, path = "/health/ready", tag = "health", operation_id = "health_ready", security(()), responses(
    (status = OK, body = Ready),
    (status = SERVICE_UNAVAILABLE, body = Details, content_type = "application/problem+json"),
))]
async fn ready(State(site): State<Site>) -> std::result::Result<Json<Ready>, Problem> {
    let looked = timeout(PATIENCE, migrate::state(&site.db)).await;
    let schema = looked.map_err(|_| Failure::new(Kind::Database, "the database did not answer in time"))??;
    schema.require_current()?;
    Ok(Json(Ready { status: Health::Ok, schema: schema.current }))
}

/// How the service and each thing that it depends on is: 503 where it cannot do its work. Details are told to who shows a
/// token with the scope `read`.
#[utoipa::path(get, path = "/health", tag = "health", operation_id = "health", security((), ("token" = ["read"])), responses(
    (status = OK, body = Report),
    (status = SERVICE_UNAVAILABLE, body = Report),
))]
async fn all(State(site): State<Site>, parts: Parts) -> (StatusCode, Json<Report>) {
    let mut report = report(&site).await;
    if !may_read(&site, &parts).await {
        report.checks.each().into_iter().for_each(|check| check.detail = None);
    }
    let code = if report.status == Health::Failed { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
    (code, Json(report))
}

/// Health is told whatever is shown; the rest is not told where that cannot be looked up.
async fn may_read(site: &Site, parts: &Parts) -> bool {
    let caller = timeout(PATIENCE, site.caller(parts)).await;
    matches!(caller, Ok(Ok(caller)) if caller.scopes.allows(Scope::Read))
}

async fn report(site: &Site) -> Report {
    let mut last = site.health.lock().await;
    match &*last {
        Some((made, report)) if made.elapsed() < SHELF_LIFE => report.clone(),
        _ => {
            let report = Box::pin(checks::look(site)).await;
            *last = Some((Instant::now(), report.clone()));
            report
        }
    }
}

impl Report {
    fn of(checks: Checks, backup: Option<Freshness>) -> Self {
        let mut checks = checks;
        let worst = checks.each().into_iter().map(|check| check.state).max().unwrap_or(Health::Ok);
        let Checks { database, schema, image_store, workers, disk, .. } = &checks;
        let has_failed = [database, schema, image_store, workers, disk].iter().any(|one| one.state == Health::Failed);
        let status = if has_failed { Health::Failed } else { worst.min(Health::Degraded) };
        Self { status, version: env!("CARGO_PKG_VERSION"), at: Utc::now(), checks, backup }
    }
}

impl Checks {
    fn each(&mut self) -> [&mut Check; 9] {
        let Self { database, schema, image_store, backup_store, backups, workers, queue, scheduler, disk } = self;
        [database, schema, image_store, backup_store, backups, workers, queue, scheduler, disk]
    }
}

/// What a look found: how it is, and in a sentence what was seen.
type Found = (Health, String);

/// Looks, and tells honestly where that was not possible.
async fn timed<T>(looking: impl Future<Output = Result<T>>) -> (Duration, Result<T>) {
    let began = Instant::now();
    let looked = timeout(PATIENCE, looking).await.unwrap_or_else(|_| {
        Err(Failure::new(Kind::Unavailable, format!("no answer came within {} s", PATIENCE.as_secs())))
    });
    (began.elapsed(), looked)
}

impl Check {
    /// What was found in so long.
    fn of(took: Duration, found: &Result<Found>) -> Self {
        let latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match found {
            Ok((state, detail)) => Self { state: *state, checked: true, latency_ms, detail: Some(detail.clone()) },
            Err(failure) => {
                let detail = format!("it could not be looked at: {}", failure.what());
                Self { state: Health::Failed, checked: false, latency_ms, detail: Some(detail) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Checks {
        let well = || Check::of(Duration::ZERO, &Ok((Health::Ok, "well".to_owned())));
        Checks {
            database: well(),
            schema: well(),
            image_store: well(),
            backup_store: well(),
            backups: well(),
            workers: well(),
            queue: well(),
            scheduler: well(),
            disk: well(),
        }
    }

    #[test]
    fn what_is_not_needed_for_every_cat_degrades_only() {
        assert_eq!(Report::of(checks(), None).status, Health::Ok);
        let lost = Check::of(Duration::ZERO, &Err(Failure::new(Kind::Environment, "gone")));
        assert_eq!((lost.state, lost.checked), (Health::Failed, false));
        let report = Report::of(Checks { backup_store: lost.clone(), ..checks() }, None);
        assert_eq!(report.status, Health::Degraded);
        assert_eq!(Report::of(Checks { image_store: lost, ..checks() }, None).status, Health::Failed);
    }

    #[tokio::test]
    async fn a_look_that_takes_too_long_was_none() {
        let (_, looked) = timed(std::future::ready(Ok((Health::Ok, String::new())))).await;
        assert!(looked.is_ok());
        let (took, looked) = timed(std::future::pending::<Result<Found>>()).await;
        let check = Check::of(took, &looked);
        assert_eq!((check.state, check.checked), (Health::Failed, false));
        assert!(check.detail.unwrap().contains("no answer came within 2 s"));
    }
}
