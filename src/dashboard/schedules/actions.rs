//! Pausing, resuming, running now, deleting.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

use super::own;
use crate::dashboard::deed::{act, perform, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, Nothing, back};
use crate::dashboard::page::Nav;
use crate::db::schedules;
use crate::http::{Problem, Site};
use crate::schedule::edit;

pub(super) async fn pause(
    State(site): State<Site>,
    Path(name): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let act = act(&form.visitor, "schedules.pause", Some(&name), None);
    let said =
        |()| Flash::done(format!("{name} is paused: what comes meanwhile counts neither as missed nor as skipped."));
    perform(&site, act, &own(&name), edit::pause(&site.db, &name), said).await
}

pub(super) async fn resume(
    State(site): State<Site>,
    Path(name): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let act = act(&form.visitor, "schedules.resume", Some(&name), None);
    perform(&site, act, &own(&name), edit::resume(&site.db, &name), |()| Flash::done(format!("{name} goes on."))).await
}

/// Leads to the job.
pub(super) async fn run(
    State(site): State<Site>,
    Path(name): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let act = act(&form.visitor, "schedules.run", Some(&name), None);
    match site.perform(act, edit::run_now(&site.db, &name, &site.config)).await {
        Ok(job) if job.is_new => Ok(back(&format!("/jobs/{}", job.id), &Flash::done("This is its job."))),
        Ok(job) => Ok(back(
            &format!("/jobs/{}", job.id),
            &Flash::note("A job with its unique key is there already: this one."),
        )),
        Err(failure) => refused(failure, &own(&name)),
    }
}

pub(super) async fn delete(
    State(site): State<Site>,
    Path(name): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    if !form.is_confirmed {
        let row = schedules::get(&site.db, &name).await?;
        let again = if row.declared.is_some() {
            " It is declared in the configuration: the next start adds it again."
        } else {
            ""
        };
        let question =
            format!("The schedule {name} would be deleted with the record of its slots; its jobs stay.{again}");
        let page = form.confirm(Nav::Schedules, "Delete the schedule?", &question, "Delete it", &own(&name));
        return Ok(page.into_response());
    }
    let act = act(&form.visitor, "schedules.delete", Some(&name), None);
    perform(&site, act, "/schedules", schedules::delete(&site.db, &name), |()| {
        Flash::done(format!("{name} is deleted."))
    })
    .await
}
