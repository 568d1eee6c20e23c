//! Making a backup, trying one: by jobs, to which they lead.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;

use super::own;
use crate::backup::submit::{backup_job, drill_job};
use crate::dashboard::deed::{act, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, Nothing, back};
use crate::http::deeds::Act;
use crate::http::{Problem, Site};
use crate::model::backup::{BackupName, BackupRequest, DrillRequest};
use crate::model::failure::Result;
use crate::model::job::NewJob;
use crate::queue::enqueue::enqueue_one;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Make {
    database: String,
    drill: bool,
    with_images: bool,
}

pub(super) async fn make(
    State(site): State<Site>,
    AdminForm(form): AdminForm<Make>,
) -> std::result::Result<Response, Problem> {
    let Make { database, drill, with_images } = &form.fields;
    let database = Some(database.trim().to_owned()).filter(|name| !name.is_empty());
    let request = BackupRequest {
        database: database.clone(),
        drill: Some(*drill),
        with_images: with_images.then_some(true),
        ..BackupRequest::default()
    };
    let act = act(&form.visitor, "backups.make", database.as_deref(), Some(json!(request)));
    enqueue(&site, act, backup_job(request, &site.config), "/backups", "The backup is under way: this is its job.")
        .await
}

pub(super) async fn verify(
    State(site): State<Site>,
    Path(name): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> std::result::Result<Response, Problem> {
    let request = DrillRequest { backup: Some(BackupName::parse(&name)?), database: None };
    let act = act(&form.visitor, "backups.verify", Some(&name), Some(json!(request)));
    enqueue(&site, act, drill_job(request, &site.config), &own(&name), "It is being tried: this is the drill's job.")
        .await
}

/// To the job that was enqueued, or that was there already.
async fn enqueue(
    site: &Site,
    act: Act<'_>,
    job: Result<NewJob>,
    page: &str,
    said: &str,
) -> std::result::Result<Response, Problem> {
    let enqueued = site.perform(act, async { enqueue_one(&site.db, &job?).await }).await;
    match enqueued {
        Ok(job) => {
            let there = Flash::note("One was under way, or waits: this is it.");
            let flash = if job.is_new { Flash::done(said) } else { there };
            Ok(back(&format!("/jobs/{}", job.id), &flash))
        }
        Err(failure) => refused(failure, page),
    }
}
