//! `/webhooks`: who was told how cats came out, and telling it once more.

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::Routes;
use super::deed::{act, button, refused};
use super::flash::Flash;
use super::forms::{AdminForm, Nothing, back};
use super::page::{Nav, Page, page};
use super::parts::badge::{Tone, badge};
use super::parts::empty::empty;
use super::parts::link::{href, short};
use super::parts::table::{Column, table};
use super::parts::{field, pager, time};
use super::visitor::Visitor;
use crate::db::deliveries::{self, DeliveryRow};
use crate::http::page::next;
use crate::http::{Problem, Site};
use crate::model::failure::{Failure, Kind};
use crate::webhooks::replay::replay;

/// Tries of one page.
const PAGE: i64 = 50;

pub(super) fn routes() -> Routes {
    Router::new().route("/webhooks", get(show)).route("/webhooks/{id}/replay", post(again))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    job: String,
    after: Option<Uuid>,
}

async fn show(State(site): State<Site>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Page, Problem> {
    let of = asked.job.trim();
    let job = if of.is_empty() { None } else { Some(of.parse().map_err(|_| no_id(of))?) };
    let tries = deliveries::list(&site.db, job, asked.after, PAGE).await?;
    let to = |after: &str| href("/webhooks", &[("job", of), ("after", after)]);
    let older = next(&tries, PAGE, |last| to(&last.id.to_string()));
    let newest = to("");
    let waiting = href("/jobs", &[("kind", "webhook"), ("state", "available")]);
    let failed = href("/jobs", &[("kind", "webhook"), ("state", "discarded")]);
    let content = html! {
        form.card method="get" action="/webhooks" role="search" {
            div.filters {
                (field::text("job", "Of which cat, or webhook", of, "the id of its job"))
                div.actions {
                    button.primary type="submit" { "Filter" }
                    @if job.is_some() { a.button.quiet href="/webhooks" { "Clear" } }
                    a.button.quiet href=(waiting) { "Those that wait" }
                    a.button.quiet href=(failed) { "Those given up" }
                }
            }
        }
        section #deliveries.card data-live=[asked.after.is_none().then_some("10")] {
            @if tries.is_empty() { (empty("Nobody was told anything yet.", &html! {
                "Ask for a cat with a webhook: " code { "repo-to-cat enqueue --webhook-url https://example.org/cats URL" }
            })) }
            @else { (list(&tries, &visitor)) }
            (pager::pager(asked.after.map(|_| newest.as_str()), older.as_deref()))
        }
    };
    Ok(page("Webhooks", Nav::Webhooks, &visitor, &content))
}

fn no_id(text: &str) -> Problem {
    Failure::new(Kind::Invalid, format!("`{text}` is no id"))
        .hint("an id looks like 0198c0de-0000-7000-8000-000000000000")
        .into()
}

fn list(tries: &[DeliveryRow], visitor: &Visitor) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("Outcome"),
        Column::text("Cat"),
        Column::text("Webhook"),
        Column::number("Try"),
        Column::number("Took"),
        Column::text("Answer"),
        Column::of_actions("Change"),
    ];
    let row = |tried: &DeliveryRow| {
        vec![
            time::ago(tried.at, visitor.now),
            outcome(tried),
            html! { a.id href={ "/generations/" (tried.generation_id) } { (short(tried.generation_id)) } },
            html! { a.id href={ "/jobs/" (tried.job_id) } { (short(tried.job_id)) } },
            html! { (tried.claim) },
            html! { (time::lasting(Some(f64::from(tried.seconds)))) },
            html! {
                @match tried.answer.as_deref() {
                    Some(answer) if !answer.is_empty() => { details { summary { "Read" } pre tabindex="0" { code { (answer) } } } }
                    _ => { "–" }
                }
            },
            html! { @if visitor.is_admin() { (button(visitor, &format!("/webhooks/{}/replay", tried.job_id), "Tell again", "quiet")) } },
        ]
    };
    table("Tries to tell, the last first", &columns, tries.iter().map(row))
}

fn outcome(tried: &DeliveryRow) -> Markup {
    let (tone, word) = if tried.error.is_none() { (Tone::Good, "delivered") } else { (Tone::Bad, "failed") };
    html! {
        (badge(tone, word)) @if let Some(status) = tried.status { " " (status) }
        @if let Some(error) = &tried.error { br; span.muted.small { (error) } }
    }
}

/// Leads to the new job.
async fn again(
    State(site): State<Site>,
    id: Result<Path<Uuid>, PathRejection>,
    AdminForm(form): AdminForm<Nothing>,
) -> Result<Response, Problem> {
    let Path(id) = id?;
    let target = id.to_string();
    let act = act(&form.visitor, "webhooks.replay", Some(&target), None);
    match site.perform(act, replay(&site.db, id)).await {
        Ok(job) => Ok(back(&format!("/jobs/{}", job.id), &Flash::done("It is told again: this is its job."))),
        Err(failure) => refused(failure, "/webhooks"),
    }
}
