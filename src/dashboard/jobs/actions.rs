//! Changing jobs: one, those that were ticked, or all that the filter lets in.

use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;
use uuid::Uuid;

use super::change;
use super::wanted::Wanted;
use crate::dashboard::deed::{act, perform, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, back};
use crate::dashboard::page::Nav;
use crate::dashboard::visitor::Visitor;
use crate::db::inspect::Filter;
use crate::db::steer::{self, Change, Done, Selection};
use crate::http::{Problem, Site, request_id};
use crate::model::failure::{Failure, Kind};

/// How long a page waits for many jobs to be changed; it goes on behind it.
const PATIENCE: Duration = Duration::from_secs(10);

/// What the form under one job holds.
#[derive(Debug, Deserialize)]
#[serde(default)]
#[derive(Default)]
pub(super) struct One {
    priority: String,
    at: String,
}

/// Changes one job.
pub(super) async fn one(
    State(site): State<Site>,
    path: Result<Path<(Uuid, String)>, PathRejection>,
    AdminForm(form): AdminForm<One>,
) -> Result<Response, Problem> {
    let Path((id, action)) = path?;
    let (own, visitor) = (format!("/jobs/{id}"), &form.visitor);
    let change = match change::read(&action, &form.fields.priority, &form.fields.at, visitor.now) {
        Ok(change) => change,
        Err(failure) => return refused(failure, &own),
    };
    if matches!(change, Change::Cancel | Change::Discard) && !form.is_confirmed {
        let question = format!("Job {id} would be {}.", change.verb());
        return Ok(form
            .confirm(Nav::Jobs, "Are you sure?", &question, &change::button(change, 1), &own)
            .into_response());
    }
    let target = id.to_string();
    let act = act(visitor, change.deed(), Some(&target), change.gives());
    let doing = async {
        change.check()?;
        steer::one(&site.db, change, id).await
    };
    let said = |()| {
        Flash::done(if change == Change::Retry {
            "It will run again.".to_owned()
        } else {
            format!("It was {}.", change.verb())
        })
    };
    perform(&site, act, &own, doing, said).await
}

/// What the form around the list holds.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Many {
    action: String,
    which: String,
    id: Vec<Uuid>,
    filter: String,
    priority: String,
}

/// Changes many jobs, once a page has said how many.
pub(super) async fn many(State(site): State<Site>, AdminForm(form): AdminForm<Many>) -> Result<Response, Problem> {
    let (fields, visitor) = (&form.fields, &form.visitor);
    let wanted = Wanted::of_query(&fields.filter);
    let list = wanted.address(None);
    let (change, selection) = match select(&site, fields, &wanted, visitor).await {
        Ok(selected) => selected,
        Err(problem) => return refused(problem, &list),
    };
    if !form.is_confirmed {
        return match selection.steer(&site.db, change, true).await {
            Ok(done) if done.is_nothing() => Ok(back(&list, &change::told(change, &done))),
            Ok(done) => {
                let (question, button) = (
                    change::question(change, &done),
                    change::button(change, done.tally.changed + u64::from(done.more)),
                );
                Ok(form.confirm(Nav::Jobs, "Are you sure?", &question, &button, &list).into_response())
            }
            Err(failure) => refused(failure, &list),
        };
    }
    let detail = match &selection {
        Selection::Ids(ids) => json!({"ids": ids, "gives": change.gives()}),
        Selection::Filter(_) => json!({"filter": wanted.query(), "gives": change.gives()}),
    };
    steer_all(&site, visitor, change, selection, detail, &list).await
}

async fn select(
    site: &Site,
    fields: &Many,
    wanted: &Wanted,
    visitor: &Visitor,
) -> Result<(Change, Selection), Problem> {
    let change = change::read(&fields.action, &fields.priority, "", visitor.now)?;
    let (ids, filter, all) = match fields.which.as_str() {
        "all" => (Vec::new(), wanted.filter(&site.db, visitor.now).await?, true),
        _ if fields.id.is_empty() => {
            return Err(Failure::new(Kind::Invalid, "no job was selected")
                .hint("tick some, or choose all that the filter lets in")
                .into());
        }
        _ => (fields.id.clone(), Filter::default(), false),
    };
    Ok((change, Selection::of(change, ids, filter, all)?))
}

/// Changes them behind the page: who goes away meanwhile does not leave half of it undone.
async fn steer_all(
    site: &Site,
    visitor: &Visitor,
    change: Change,
    selection: Selection,
    detail: Value,
    list: &str,
) -> Result<Response, Problem> {
    let (own, visitor) = (site.clone(), visitor.clone());
    let steering = tokio::spawn(request_id::carried(async move {
        let act = act(&visitor, change.deed(), None, Some(detail));
        own.perform(act, selection.steer(&own.db, change, false)).await
    }));
    let done: Result<Done, Failure> = match timeout(PATIENCE, steering).await {
        Err(_) => {
            let text = "These are many jobs: they are being changed now. The audit log tells when all are done.";
            return Ok(back(list, &Flash::note(text)));
        }
        Ok(Err(error)) => Err(Failure::new(Kind::Internal, "changing jobs broke").source(error)),
        Ok(Ok(done)) => done,
    };
    match done {
        Ok(done) => Ok(back(list, &change::told(change, &done))),
        Err(failure) => refused(failure, list),
    }
}
