//! `/v1/schedules`: what is enqueued by the clock.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::auth::{Admin, Caller, Reader};
use super::deeds::{Act, Via};
use super::error::Problem;
use super::input::{Body, Name};
use super::jobs::accepted;
use super::refusals::{OfChanging, OfFinding};
use crate::db::schedules::{self, ScheduleRow};
use crate::model::job::Enqueued;
use crate::model::schedule::{Patch, Spec, State as ScheduleState};
use crate::model::token::Scope;
use crate::schedule::edit;
use crate::schedule::outlook::{self, Outlook};

/// Slots to come that are told.
const NEXT_SLOTS: usize = 10;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(preview))
        .routes(routes!(show, edit, delete))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(run))
}

/// All schedules, by name.
#[utoipa::path(get, path = "/v1/schedules", tag = "schedules", operation_id = "schedules_list", security(("token" = ["read"])),
    responses((status = OK, body = Vec<ScheduleRow>)))]
async fn list(State(site): State<Site>, Reader(who): Reader) -> Result<Json<Vec<ScheduleRow>>, Problem> {
    let rows = schedules::list(&site.db).await?;
    Ok(Json(rows.into_iter().map(|row| seen_by(&who, row)).collect()))
}

/// A schedule with its next ten slots, and what became of the last ones.
#[utoipa::path(get, path = "/v1/schedules/{name}", tag = "schedules", operation_id = "schedules_show", params(("name" = String, Path)), security(("token" = ["read"])),
    responses((status = OK, body = Outlook), OfFinding))]
async fn show(State(site): State<Site>, Reader(who): Reader, Name(name): Name) -> Result<Json<Outlook>, Problem> {
    let outlook = outlook::show(&site.db, &name, NEXT_SLOTS).await?;
    Ok(Json(Outlook { schedule: seen_by(&who, outlook.schedule), ..outlook }))
}

/// Who may change it sees all of it.
fn seen_by(who: &Caller, row: ScheduleRow) -> ScheduleRow {
    if who.scopes.allows(Scope::Admin) { row } else { row.without_receiver() }
}

/// A schedule to add.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(try_from = "Map<String, Value>")]
#[schema(example = json!({"name": "weekly", "cron": "0 4 * * 1", "payload": {"github_url": "https://github.com/owner/name"}}))]
struct NewSchedule {
    /// Its name: 1 to 64 of a-z, 0-9, `-`, `_` and `.`.
    #[schema(pattern = "^[a-z0-9_][a-z0-9_.-]{0,63}$")]
    name: String,
    /// Whether it does not fire yet.
    #[schema(required = false)]
    paused: bool,
    #[serde(flatten)]
    spec: Spec,
}

impl TryFrom<Map<String, Value>> for NewSchedule {
    type Error = String;

    fn try_from(mut fields: Map<String, Value>) -> Result<Self, String> {
        let Some(Value::String(name)) = fields.remove("name") else {
            return Err("name must be a string".to_owned());
        };
        let paused = match fields.remove("paused") {
            None => false,
            Some(Value::Bool(paused)) => paused,
            Some(_) => return Err("paused must be true or false".to_owned()),
        };
        let spec = Spec::from_value(&Value::Object(fields)).map_err(|failure| failure.what().to_owned())?;
        Ok(Self { name, paused, spec })
    }
}

/// Adds a schedule, whose first slot is the next one.
#[utoipa::path(post, path = "/v1/schedules", tag = "schedules", operation_id = "schedules_add", request_body = NewSchedule, security(("token" = ["admin"])),
    responses((status = CREATED, body = ScheduleRow, headers(("location" = String))), OfChanging))]
async fn add(State(site): State<Site>, Admin(who): Admin, Body(new): Body<NewSchedule>) -> Result<Response, Problem> {
    let NewSchedule { name, paused, spec } = new;
    let state = if paused { ScheduleState::Paused } else { ScheduleState::Active };
    let detail = Some(json!({"spec": spec, "paused": paused}));
    let act = Act { caller: &who, via: Via::Http, action: "schedules.add", target: Some(&name), detail };
    site.perform(act, edit::add(&site.db, &name, &spec, state, &site.config)).await?;
    let row = schedules::get(&site.db, &name).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, format!("/v1/schedules/{name}"))], Json(row)).into_response())
}

/// Changes a schedule; what is left out stays. It holds until the declaration in the configuration changes, if there is
/// one.
#[utoipa::path(patch, path = "/v1/schedules/{name}", tag = "schedules", operation_id = "schedules_edit", params(("name" = String, Path)), request_body = Patch,
    security(("token" = ["admin"])), responses((status = OK, body = ScheduleRow), OfChanging))]
async fn edit(
    State(site): State<Site>,
    Admin(who): Admin,
    Name(name): Name,
    Body(patch): Body<Patch>,
) -> Result<Json<ScheduleRow>, Problem> {
    let detail = Some(json!(patch));
    let act = Act { caller: &who, via: Via::Http, action: "schedules.edit", target: Some(&name), detail };
    site.perform(act, edit::edit(&site.db, &name, patch, &site.config)).await?;
    Ok(Json(schedules::get(&site.db, &name).await?))
}

/// Deletes a schedule with the record of its slots; its jobs stay. One that the configuration declares comes back when a
/// scheduler starts.
#[utoipa::path(delete, path = "/v1/schedules/{name}", tag = "schedules", operation_id = "schedules_delete", params(("name" = String, Path)),
    security(("token" = ["admin"])), responses((status = NO_CONTENT), OfChanging))]
async fn delete(State(site): State<Site>, Admin(who): Admin, Name(name): Name) -> Result<StatusCode, Problem> {
    site.perform(of(&who, "schedules.delete", &name), schedules::delete(&site.db, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pauses a schedule; slots that come meanwhile are not made up for.
#[utoipa::path(post, path = "/v1/schedules/{name}/pause", tag = "schedules", operation_id = "schedules_pause", params(("name" = String, Path)),
    security(("token" = ["admin"])), responses((status = OK, body = ScheduleRow), OfChanging))]
async fn pause(State(site): State<Site>, Admin(who): Admin, Name(name): Name) -> Result<Json<ScheduleRow>, Problem> {
    site.perform(of(&who, "schedules.pause", &name), edit::pause(&site.db, &name)).await?;
    Ok(Json(schedules::get(&site.db, &name).await?))
}

/// Lets a paused or withdrawn schedule fire again, from its next slot on.
#[utoipa::path(post, path = "/v1/schedules/{name}/resume", tag = "schedules", operation_id = "schedules_resume", params(("name" = String, Path)),
    security(("token" = ["admin"])), responses((status = OK, body = ScheduleRow), OfChanging))]
async fn resume(State(site): State<Site>, Admin(who): Admin, Name(name): Name) -> Result<Json<ScheduleRow>, Problem> {
    site.perform(of(&who, "schedules.resume", &name), edit::resume(&site.db, &name)).await?;
    Ok(Json(schedules::get(&site.db, &name).await?))
}

/// Enqueues the job of a schedule at once, beside its slots.
#[utoipa::path(post, path = "/v1/schedules/{name}/run", tag = "schedules", operation_id = "schedules_run", params(("name" = String, Path)),
    security(("token" = ["admin"])), responses((status = ACCEPTED, body = Enqueued, headers(("location" = String))), OfChanging))]
async fn run(State(site): State<Site>, Admin(who): Admin, Name(name): Name) -> Result<Response, Problem> {
    let job = site.perform(of(&who, "schedules.run", &name), edit::run_now(&site.db, &name, &site.config)).await?;
    Ok(accepted(job))
}

/// The slots that a schedule would have.
#[derive(Debug, Serialize, ToSchema)]
struct SchedulePreview {
    /// The next ten, in RFC 3339 with the zone's offset.
    next: Vec<String>,
}

/// Tells the next ten slots that a schedule would have; changes nothing.
#[utoipa::path(post, path = "/v1/schedules/preview", tag = "schedules", operation_id = "schedules_preview", request_body = Spec, security(("token" = ["read"])),
    responses((status = OK, body = SchedulePreview), OfChanging))]
async fn preview(
    State(site): State<Site>,
    _: Reader,
    Body(spec): Body<Spec>,
) -> Result<Json<SchedulePreview>, Problem> {
    Ok(Json(SchedulePreview { next: outlook::preview(&site.db, &spec, NEXT_SLOTS).await? }))
}

fn of<'a>(caller: &'a Caller, action: &'a str, name: &'a str) -> Act<'a> {
    Act { caller, via: Via::Http, action, target: Some(name), detail: None }
}
