//! Adding, disabling, enabling.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

use super::own;
use crate::dashboard::deed::{act, perform, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, Nothing, back};
use crate::dashboard::page::Nav;
use crate::db::users;
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
    let act = act(&form.visitor, "users.add", Some(name), Some(json!({"email": email})));
    match site.perform(act, users::add(&site.db, name, email)).await {
        Ok(user) => Ok(back(&own(user.id), &Flash::done(format!("{} is added; a token lets them in.", user.called())))),
        Err(failure) => refused(failure, "/users"),
    }
}

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
    let target = user.id.to_string();
    let act = act(&form.visitor, "users.disable", Some(&target), Some(json!({"user": called})));
    let doing = site.disable_user(user.id);
    perform(&site, act, &own, doing, |changed| said(changed, &called, "disabled")).await
}

pub(super) async fn enable(
    State(site): State<Site>,
    Path(who): Path<String>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let user = users::find(&site.db, &who).await?;
    let called = user.called();
    let target = user.id.to_string();
    let act = act(&form.visitor, "users.enable", Some(&target), Some(json!({"user": called})));
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
