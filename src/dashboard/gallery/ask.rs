//! Asking for a cat.

use axum::extract::State;
use axum::response::Response;
use maud::{Markup, html};
use serde::Deserialize;

use crate::dashboard::deed::{act, refused};
use crate::dashboard::flash::Flash;
use crate::dashboard::forms::{Form, back, csrf_field};
use crate::dashboard::visitor::Visitor;
use crate::generation::submit::{Wishes, generation_job, refuse_local};
use crate::http::{Problem, Site};
use crate::model::failure::Result;
use crate::model::job::NewJob;
use crate::model::token::Scope;

/// What was filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    github_url: String,
}

/// The form, for whoever may ask.
pub fn form(visitor: &Visitor) -> Markup {
    html! {
        @if visitor.may(Scope::Enqueue) {
            form.card.ask method="post" action="/gallery" {
                (csrf_field(visitor))
                label for="f-github_url" { "The repository that wants a cat" }
                div.row {
                    input #f-github_url type="text" name="github_url" required inputmode="url" autocomplete="off"
                        spellcheck="false" autocapitalize="none" placeholder="https://github.com/owner/name";
                    button.primary type="submit" { "Paint its cat" }
                }
            }
        }
    }
}

/// Enqueues it, and goes to the page where it is watched.
pub async fn ask(State(site): State<Site>, form: Form<Asked>) -> Result<Response, Problem> {
    let visitor = &form.visitor;
    visitor.caller.require(Scope::Enqueue)?;
    let job = match job(&site, form.fields.github_url.trim(), visitor) {
        Ok(job) => job,
        Err(failure) => return refused(failure, "/gallery"),
    };
    let act = act(visitor, "generations.ask", None, Some(job.payload.clone()));
    match site.perform(act, site.jobs.enqueue(job)).await {
        Ok(asked) => {
            let said = Flash::done("It is asked for. This page shows how far it is, and then the cat.");
            Ok(back(&format!("/generations/{}", asked.id), &said))
        }
        Err(failure) => refused(failure, "/gallery"),
    }
}

fn job(site: &Site, url: &str, visitor: &Visitor) -> Result<NewJob> {
    refuse_local(url, &site.config.fetch)?;
    let wishes = Wishes { user_id: visitor.caller.user_id, ..Wishes::default() };
    generation_job(url, wishes, &site.config)
}
