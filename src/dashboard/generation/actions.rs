//! What can be done with a cat: have it made again, or delete it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::dashboard::deed::{act, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{AdminForm, Form, Nothing, back, csrf_field};
use crate::dashboard::page::Nav;
use crate::dashboard::parts::card::card as box_with;
use crate::dashboard::visitor::Visitor;
use crate::generation::again::{Begin, again};
use crate::generation::removal::remove;
use crate::http::{Problem, Site};
use crate::model::generation::Generation;
use crate::model::token::Scope;

/// What to do again.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    from: Option<String>,
}

/// The buttons that whoever looks may press.
pub(super) fn card(visitor: &Visitor, cat: &Generation) -> Markup {
    let may_ask = visitor.may(Scope::Enqueue);
    html! {
        @if may_ask || visitor.is_admin() {
            (box_with("Do something with it", &html! {
                @if may_ask {
                    form method="post" action={ "/generations/" (cat.id) "/rerun" } {
                        (csrf_field(visitor))
                        div.actions {
                            button.primary type="submit" { "Run again" }
                            @if cat.analysis_data.is_some() {
                                button type="submit" name="from" value="analysis" { "Only paint again" }
                            }
                        }
                    }
                    p.small.muted { "The first looks at the repository as it is now; the second keeps this commit and its analysis, and makes attributes, story and picture anew. Either is a cat of its own." }
                }
                @if visitor.is_admin() {
                    form method="post" action={ "/generations/" (cat.id) "/delete" }
                        data-confirm="Delete this cat? Its pictures go with it, unless another cat has the same." {
                        (csrf_field(visitor))
                        button.danger type="submit" { "Delete" }
                    }
                }
            }))
        }
    }
}

pub(super) async fn rerun(
    State(site): State<Site>,
    id: Result<Path<Uuid>, PathRejection>,
    form: Form<Again>,
) -> Result<Response, Problem> {
    let Path(id) = id?;
    let caller = &form.visitor.caller;
    caller.require(Scope::Enqueue)?;
    let begin = if form.fields.from.as_deref() == Some("analysis") { Begin::FromAnalysis } else { Begin::Anew };
    let target = id.to_string();
    let act = act(&form.visitor, "generations.rerun", Some(&target), Some(json!({"from": form.fields.from})));
    match site.perform(act, again(&site.db, &site.config, id, caller.user_id, begin)).await {
        Ok(new) => {
            Ok(back(&format!("/generations/{new}"), &Flash::done("It is asked for again: this is the new one.")))
        }
        Err(failure) => refused(failure, &format!("/generations/{id}")),
    }
}

pub(super) async fn delete(
    State(site): State<Site>,
    id: Result<Path<Uuid>, PathRejection>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let Path(id) = id?;
    let own = format!("/generations/{id}");
    if !form.is_confirmed {
        let question =
            "Its row goes, and its pictures with it, unless another cat has the same. That cannot be undone.";
        return Ok(form.confirm(Nav::Gallery, "Delete this cat?", question, "Delete", &own).into_response());
    }
    let target = id.to_string();
    let act = act(&form.visitor, "generations.delete", Some(&target), None);
    match site.perform(act, remove(&site.db, &site.pictures, &site.config.worker, id)).await {
        Ok(()) => Ok(back("/gallery", &Flash::done("The cat is deleted."))),
        Err(failure) => refused(failure, &own),
    }
}
