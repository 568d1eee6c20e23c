//! What forms ask for: done, written down, and told on the page that follows.

use axum::response::Response;
use maud::{Markup, html};
use serde_json::Value;

use super::flash::Flash;
use super::forms::{back, csrf_field};
use super::visitor::Visitor;
use crate::http::deeds::{Act, Via};
use crate::http::{Problem, Site};
use crate::model::failure::Result;

/// What a visitor is about to change: the name of the deed, to what, and how.
#[must_use]
pub fn act<'a>(visitor: &'a Visitor, action: &'a str, target: Option<&'a str>, detail: Option<Value>) -> Act<'a> {
    Act { caller: &visitor.caller, via: Via::Dashboard, action, target, detail }
}

/// Does it, and says on the page `to` what was done, or why it was not.
pub fn perform<T>(
    site: &Site,
    act: Act<'_>,
    to: &str,
    doing: impl Future<Output = Result<T>>,
    said: impl FnOnce(T) -> Flash,
) -> impl Future<Output = std::result::Result<Response, Problem>> {
    let done = site.perform(act, doing);
    async move {
        match done.await {
            Ok(done) => Ok(back(to, &said(done))),
            Err(failure) => refused(failure, to),
        }
    }
}

/// Says on the page `to` why it cannot be done; what broke inside has a page of its own.
pub fn refused(why: impl Into<Problem>, to: &str) -> std::result::Result<Response, Problem> {
    let problem = why.into();
    if problem.status().is_server_error() { Err(problem) } else { Ok(back(to, &Flash::failed(problem.failure()))) }
}

/// A form that is a button and nothing else; `class` is `primary`, `quiet` or `danger`.
#[must_use]
pub fn button(visitor: &Visitor, to: &str, label: &str, class: &str) -> Markup {
    html! {
        form.inline method="post" action=(to) {
            (csrf_field(visitor))
            button class=(class) type="submit" { (label) }
        }
    }
}
