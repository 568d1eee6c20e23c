//! A generation's page: while it is made its steps, then the cat.

mod actions;
mod analysis;
mod making;
mod past;
mod picture;
mod why;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use maud::{Markup, html};
use serde::Deserialize;
use uuid::Uuid;

use super::Routes;
use super::gallery::{name, portrait};
use super::page::{Nav, Page, page};
use super::parts::card::{card, copyable, facts};
use super::parts::{badge, time};
use super::visitor::Visitor;
use crate::db::inspect::{self, JobRow};
use crate::db::{attempts, generations, steps};
use crate::http::reached::Reached;
use crate::http::{Problem, Site};
use crate::model::analysis::Analysis;
use crate::model::failure::Kind;
use crate::model::generation::Generation;

pub(super) fn routes() -> Routes {
    Router::new()
        .route("/generations/{id}", get(show))
        .route("/generations/{id}/rerun", post(actions::rerun))
        .route("/generations/{id}/delete", post(actions::delete))
}

/// Which of its pictures is shown.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Shown {
    picture: String,
}

async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    reached: Reached,
    id: Result<Path<Uuid>, PathRejection>,
    shown: Result<Query<Shown>, QueryRejection>,
) -> Result<Page, Problem> {
    let (Path(id), Query(shown)) = (id?, shown?);
    let cat = generations::get(&site.db, id).await?;
    let job = match inspect::job(&site.db, id).await {
        Ok(job) => {
            generations::check_kind(id, &job.kind)?;
            Some(job)
        }
        // Its history may have been pruned; an imported one never had a job.
        Err(failure) if failure.kind() == Kind::NotFound && cat.is_some() => None,
        Err(failure) if failure.kind() == Kind::NotFound => return Err(generations::unknown(id).into()),
        Err(failure) => return Err(failure.into()),
    };
    match (cat, job) {
        (Some(cat), job) => {
            let base = reached.site(&site.config.http);
            ready(&site, &visitor, &cat, job.as_ref(), &shown.picture, &base).await
        }
        (None, Some(job)) => {
            let (steps, attempts) = tokio::try_join!(steps::of_job(&site.db, id), attempts::of_job(&site.db, id))?;
            // Behind the rest: who has ended meanwhile has nothing before it.
            let forecast = site.lookout.look(id).await?.map(|sight| sight.forecast).unwrap_or_default();
            Ok(making::show(&visitor, &job, &steps, &attempts, &forecast))
        }
        (None, None) => Err(generations::unknown(id).into()),
    }
}

/// The page of a cat that is there. `base` is this site's address.
async fn ready(
    site: &Site,
    visitor: &Visitor,
    cat: &Generation,
    job: Option<&JobRow>,
    picture: &str,
    base: &str,
) -> Result<Page, Problem> {
    let past = past::of(&site.db, cat).await?;
    let stored = cat.analysis_data.clone().and_then(|data| serde_json::from_value::<Analysis>(data).ok());
    let content = html! {
        div data-stage="ready" hidden {}
        p.lead { "A " (portrait(cat)) "." }
        div.showcase {
            (picture::card(cat, picture))
            div.stack {
                (about(cat, job, visitor))
                @if let Some(story) = &cat.story { (card("Its story", &html! { p.story { (story) } })) }
                (actions::card(visitor, cat))
            }
        }
        (why::cards(cat))
        @if let Some(stored) = &stored { (analysis::cards(stored)) }
        @else { (card("Analysis", &html! { p.muted { "What is stored was written by another program: see the raw data." } })) }
        (past::card(cat, &past, visitor))
        (embed(site, cat, base))
    };
    Ok(page(&name(cat), Nav::Gallery, visitor, &content))
}

fn about(cat: &Generation, job: Option<&JobRow>, visitor: &Visitor) -> Markup {
    let score = cat.code_quality_score.filter(|score| !score.is_nan());
    let mut pairs = vec![
        (
            "Score",
            html! {
                @match score {
                    Some(score) => { strong.big { (format!("{score:.1}")) } " of 10" }
                    None => { "none: see why below" }
                }
            },
        ),
        (
            "Repository",
            html! {
                @if cat.github_url.starts_with("https://") {
                    a href=(cat.github_url) rel="noreferrer noopener" { (cat.github_url.trim_start_matches("https://")) }
                } @else { (cat.github_url) }
            },
        ),
        ("Language", html! { (cat.primary_language.as_deref().unwrap_or("none")) }),
        ("Painted", time::ago(cat.created_at, visitor.now)),
    ];
    if let Some(commit) = &cat.commit_oid {
        pairs.push(("Commit", html! { code title=(commit) { (commit.get(..12).unwrap_or(commit)) } }));
    }
    if let Some(job) = job {
        pairs.push(("Job", html! { a href={ "/jobs/" (job.id) } { "attempts, log, payload" } }));
        pairs.push((
            "Took",
            html! { (time::lasting(job.ran_seconds)) ", after " (time::lasting(job.waited_seconds)) " in line" },
        ));
    }
    if cat.degraded {
        pairs.push(("Quality", badge::badge(badge::Tone::Warn, "a fall-back stood in")));
    }
    card("At a glance", &facts(pairs))
}

/// What to put into a README, and where the data is.
fn embed(site: &Site, cat: &Generation, base: &str) -> Markup {
    let settings = &site.config.http;
    let (Some(owner), Some(name)) = (&cat.repo_owner, &cat.repo_name) else { return html! {} };
    let snippet = format!("[![{owner}/{name} as a cat]({base}/{owner}/{name}.png)]({base}/generations/{})", cat.id);
    card(
        "Show it elsewhere",
        &html! {
            p { "Markdown for a README; the picture is always that of the last generation:" }
            (copyable("embed", &snippet))
            @if !settings.public_pictures {
                p.small.muted { "Pictures are shown to those with a token only. Set " code { "http.public_pictures = true" } " so that READMEs on other sites can show them." }
            }
            @if settings.public_url.is_empty() {
                p.small.muted { "Set " code { "http.public_url" } " to the address by which others reach this service." }
            }
            p { a href={ "/v1/generations/" (cat.id) } { "The raw data as JSON" } }
        },
    )
}
