//! Adding, disabling, enabling.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::own;
use crate::dashboard::deed::{act, perform, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, back};
use crate::dashboard::page::Nav;
use crate::db::{admins, users};
use crate::http::{Problem, Site};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Add {
    name: String,
    email: String,
}

pub(super) async fn add(State(site): State<Site>, AdminForm(form): AdminForm<Add>) -> Result<Response, Problem> {
    let name = form.fields.name.trim();
    let email = Some(form.fields.email.trim()).filter(|email| !email.is_empty());
    let act = act(&form.visitor, "users.add", Some(name), None);
    match site.perform(act, users::add(&site.db, name, email)).await {
        Ok(user) => Ok(back(&own(user.id), &Flash::done(format!("{} is added; a token lets them in.", user.called())))),
        Err(failure) => refused(failure.into(), "/users"),
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct Nothing {}

pub(super) async fn disable(
    State(site): State<Site>,
    Path(who): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let user = users::find(&site.db, &who).await?;
    let (own, called) = (own(user.id), user.called());
    if !form.is_confirmed {
        let question =
            format!("{called} could not do anything any more: no token of theirs works until they are enabled again.");
        return Ok(form.confirm(Nav::Users, "Disable the user?", &question, "Disable", &own).into_response());
    }
    let act = act(&form.visitor, "users.disable", Some(&called), None);
    let doing = async {
        let changed = admins::disable_user(&site.db, user.id).await?;
        site.known.forget();
        Ok(changed)
    };
    perform(&site, act, &own, doing, |changed| said(changed, &called, "disabled")).await
}

pub(super) async fn enable(
    State(site): State<Site>,
    Path(who): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let user = users::find(&site.db, &who).await?;
    let called = user.called();
    let act = act(&form.visitor, "users.enable", Some(&called), None);
    let doing = users::set_disabled(&site.db, user.id, false);
    perform(&site, act, &own(user.id), doing, |changed| said(changed, &called, "enabled")).await
}

fn said(changed: bool, called: &str, state: &str) -> Flash {
    if changed {
        Flash::done(format!("{called} is {state}."))
    } else {
        Flash::note(format!("{called} was {state} already."))
    }
}
