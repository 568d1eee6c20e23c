//! Pausing, limiting, letting go.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use crate::dashboard::deed::{act, perform, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, Nothing};
use crate::dashboard::page::Nav;
use crate::db::hold::{self, Released};
use crate::db::limits;
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::counted;
use crate::model::job::JobKind;
use crate::model::limits::Limit;

const PAGE: &str = "/queues";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Why {
    because: String,
}

pub(super) async fn pause(
    State(site): State<Site>,
    Path(kind): Path<String>,
    AdminForm(form): AdminForm<Why>,
) -> std::result::Result<Response, Problem> {
    let because = Some(form.fields.because.trim()).filter(|why| !why.is_empty());
    let act = act(&form.visitor, "queue.pause", Some(&kind), because.map(|why| json!({"because": why})));
    let doing = async { limits::pause(&site.db, JobKind::called(&kind)?.name(), because).await };
    perform(&site, act, PAGE, doing, |()| Flash::done(format!("{kind} is paused."))).await
}

pub(super) async fn resume(
    State(site): State<Site>,
    Path(kind): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> std::result::Result<Response, Problem> {
    let act = act(&form.visitor, "queue.resume", Some(&kind), None);
    let doing = async { limits::resume(&site.db, JobKind::called(&kind)?.name()).await };
    let said = |was_paused| {
        if was_paused {
            Flash::done(format!("{kind} goes on."))
        } else {
            Flash::note(format!("{kind} was not paused."))
        }
    };
    perform(&site, act, PAGE, doing, said).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Limited {
    kind: String,
    key: String,
    max_running: String,
    rate_count: String,
    rate_seconds: String,
}

impl Limited {
    fn limit(&self) -> Result<Limit> {
        let limit = Limit {
            kind: JobKind::called(&self.kind)?.name().to_owned(),
            limit_key: self.key.trim().to_owned(),
            max_running: number("at most running", &self.max_running)?,
            rate_count: number("starts", &self.rate_count)?,
            rate_seconds: number("seconds", &self.rate_seconds)?,
        };
        limit.check()?;
        Ok(limit)
    }
}

fn number(what: &str, text: &str) -> Result<Option<i32>> {
    let text = text.trim();
    let number = (!text.is_empty()).then(|| text.parse()).transpose();
    number
        .map_err(|_| Failure::new(Kind::Invalid, format!("{what}: `{text}` is no number")).hint("write a whole number"))
}

pub(super) async fn limit(
    State(site): State<Site>,
    AdminForm(form): AdminForm<Limited>,
) -> std::result::Result<Response, Problem> {
    let limit = match form.fields.limit() {
        Ok(limit) => limit,
        Err(failure) => return refused(failure, PAGE),
    };
    let act = act(&form.visitor, "queue.limit", Some(&limit.kind), Some(json!(limit)));
    let said = |()| Flash::done(format!("{} is limited.", limit.kind));
    perform(&site, act, PAGE, limits::set(&site.db, &limit), said).await
}

pub(super) async fn unlimit(
    State(site): State<Site>,
    AdminForm(form): AdminForm<Limited>,
) -> std::result::Result<Response, Problem> {
    let (kind, key) = (form.fields.kind.as_str(), form.fields.key.as_str());
    let act = act(&form.visitor, "queue.unlimit", Some(kind), Some(json!({"limit_key": key})));
    let said = |()| Flash::done(format!("The limit of {kind} is removed."));
    perform(&site, act, PAGE, limits::remove(&site.db, kind, key), said).await
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Release {
    cancel_jobs: bool,
}

/// A person says go after a restore.
pub(super) async fn release(
    State(site): State<Site>,
    AdminForm(form): AdminForm<Release>,
) -> std::result::Result<Response, Problem> {
    let cancels = form.fields.cancel_jobs;
    if !form.is_confirmed {
        let fate = if cancels { "The parked jobs are cancelled" } else { "The parked jobs run" };
        let question = format!("{fate}, and schedules fire again. Is this database the one that is to work?");
        return Ok(form.confirm(Nav::Queues, "Let the queue go on?", &question, "Let it go on", PAGE).into_response());
    }
    let act = act(&form.visitor, "queue.release", None, Some(json!({"cancel_jobs": cancels})));
    let said = |released: Released| {
        let jobs = if cancels {
            counted(released.cancelled, "job was cancelled", "jobs were cancelled")
        } else {
            counted(released.jobs, "job waits again", "jobs wait again")
        };
        Flash::done(format!("The queue goes on: {jobs}."))
    };
    perform(&site, act, PAGE, hold::release(&site.db, cancels), said).await
}
