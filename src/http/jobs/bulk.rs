//! Changing many jobs at once: those with some ids, or all that a filter lets in.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::filter::JobFilter;
use crate::db::steer::{Change, Done, Refusal, Selection};
use crate::http::Site;
use crate::http::auth::{Admin, Caller};
use crate::http::deeds::{Act, Via};
use crate::http::error::{Problem, wrong};
use crate::http::input::Body;
use crate::http::refusals::OfChanging;
use crate::model::failure::{Failure, Kind};

/// Most ids of one request.
const MOST_IDS: usize = 1000;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(retry))
        .routes(routes!(cancel))
        .routes(routes!(discard))
        .routes(routes!(reprioritize))
        .routes(routes!(reschedule))
}

macro_rules! selections {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $of:ty,)* })+) => {$(
        $(#[$doc])*
        #[derive(Debug, Deserialize, ToSchema)]
        #[serde(deny_unknown_fields)]
        struct $name {
            $($(#[$field_doc])* $field: $of,)*
            /// The jobs with these ids, 1,000 at most; or, in place of them, a filter.
            #[serde(default)]
            #[schema(max_items = 1000)]
            ids: Vec<Uuid>,
            /// All jobs that it lets in. Without a state those are meant that the change is for.
            #[serde(default)]
            filter: Option<JobFilter>,
            /// That a filter which leaves out nothing is meant.
            #[serde(default)]
            all: bool,
            /// Only tell how many there are.
            #[serde(default)]
            dry_run: bool,
        }

        impl From<$name> for Which {
            fn from(body: $name) -> Self {
                Self { ids: body.ids, filter: body.filter, all: body.all, dry_run: body.dry_run }
            }
        }
    )+};
}

selections! {
    /// Which jobs to change.
    JobSelection {}
    /// Which jobs to give which priority.
    JobPriorities {
        /// From -100 to 100; a point is worth 6 seconds of waiting.
        #[schema(minimum = -100, maximum = 100)]
        priority: i16,
    }
    /// Which jobs to give which time.
    JobTimes {
        /// When they may start; a time that has passed means at once.
        run_at: DateTime<Utc>,
    }
}

/// Which jobs.
struct Which {
    ids: Vec<Uuid>,
    filter: Option<JobFilter>,
    all: bool,
    dry_run: bool,
}

/// What was done, or would be.
#[derive(Debug, Serialize, ToSchema)]
struct ManySteered {
    #[serde(flatten)]
    done: Done,
    /// Named jobs that were not changed, and why.
    refused: Vec<JobRefused>,
}

/// Why a job was not changed.
#[derive(Debug, Serialize, ToSchema)]
struct JobRefused {
    /// Which.
    id: Uuid,
    /// What was in the way.
    detail: String,
    /// What to do about it.
    hint: Option<String>,
}

/// Runs jobs again: discarded ones, unless the filter names other states.
#[utoipa::path(post, path = "/v1/jobs/retry", tag = "jobs", operation_id = "jobs_many_retry", request_body = JobSelection, security(("token" = ["admin"])),
    responses((status = OK, body = ManySteered), OfChanging))]
async fn retry(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(body): Body<JobSelection>,
) -> Result<Json<ManySteered>, Problem> {
    many(site, who, Change::Retry, body.into()).await
}

/// Cancels jobs; running ones stop within seconds.
#[utoipa::path(post, path = "/v1/jobs/cancel", tag = "jobs", operation_id = "jobs_many_cancel", request_body = JobSelection, security(("token" = ["admin"])),
    responses((status = OK, body = ManySteered), OfChanging))]
async fn cancel(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(body): Body<JobSelection>,
) -> Result<Json<ManySteered>, Problem> {
    many(site, who, Change::Cancel, body.into()).await
}

/// Gives jobs up: like cancel, but to the discarded ones.
#[utoipa::path(post, path = "/v1/jobs/discard", tag = "jobs", operation_id = "jobs_many_discard", request_body = JobSelection, security(("token" = ["admin"])),
    responses((status = OK, body = ManySteered), OfChanging))]
async fn discard(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(body): Body<JobSelection>,
) -> Result<Json<ManySteered>, Problem> {
    many(site, who, Change::Discard, body.into()).await
}

/// Gives waiting jobs another priority.
#[utoipa::path(post, path = "/v1/jobs/reprioritize", tag = "jobs", operation_id = "jobs_many_reprioritize", request_body = JobPriorities, security(("token" = ["admin"])),
    responses((status = OK, body = ManySteered), OfChanging))]
async fn reprioritize(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(body): Body<JobPriorities>,
) -> Result<Json<ManySteered>, Problem> {
    many(site, who, Change::Reprioritize(body.priority), body.into()).await
}

/// Gives scheduled and available jobs another time.
#[utoipa::path(post, path = "/v1/jobs/reschedule", tag = "jobs", operation_id = "jobs_many_reschedule", request_body = JobTimes, security(("token" = ["admin"])),
    responses((status = OK, body = ManySteered), OfChanging))]
async fn reschedule(
    State(site): State<Site>,
    Admin(who): Admin,
    Body(body): Body<JobTimes>,
) -> Result<Json<ManySteered>, Problem> {
    many(site, who, Change::Reschedule(body.run_at), body.into()).await
}

async fn many(site: Site, who: Caller, change: Change, which: Which) -> Result<Json<ManySteered>, Problem> {
    let Which { ids, filter, all, dry_run } = which;
    if ids.len() > MOST_IDS {
        return Err(wrong("ids", format!("{} ids were given", ids.len()), format!("{MOST_IDS} are allowed")));
    }
    change.check()?;
    let filter = filter.unwrap_or_default();
    let detail = json!({"ids": ids, "filter": filter, "all": all, "gives": change.gives()});
    let selection = Selection::of(change, ids, filter.resolve(&site.db).await?, all)?;
    let done = if dry_run {
        selection.steer(&site.db, change, true).await?
    } else {
        // It may be millions. The audit log tells of the end where the client does not wait for it.
        let detail = Some(detail);
        let act = Act { caller: &who, via: Via::Http, action: change.deed(), target: None, detail };
        site.perform(act, selection.steer(&site.db, change, false)).await?
    };
    let told = |(id, refusal): &(Uuid, Refusal)| {
        let failure = refusal.failure(change, *id);
        JobRefused { id: *id, detail: failure.what().to_owned(), hint: failure.hint_text().map(ToOwned::to_owned) }
    };
    Ok(Json(ManySteered { refused: done.refused.iter().map(told).collect(), done }))
}
