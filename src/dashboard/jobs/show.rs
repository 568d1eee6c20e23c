//! One job: what it is, what became of it, what can be done with it.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use maud::{Markup, html};
use uuid::Uuid;

use super::{life, steering};
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::link::{href, segment};
use crate::dashboard::parts::{badge, card, time};
use crate::dashboard::visitor::Visitor;
use crate::db::inspect::JobRow;
use crate::db::{Db, backups};
use crate::http::{Problem, Site};
use crate::model::failure::Result;
use crate::model::job::{JobKind, JobState};
use crate::model::webhook::shown;

/// The page.
pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    id: std::result::Result<Path<Uuid>, PathRejection>,
) -> std::result::Result<Page, Problem> {
    let Path(id) = id?;
    let life = crate::db::life::of_job(&site.db, id).await?;
    let made = made(&site.db, &life.job).await?;
    let (job, now) = (&life.job, visitor.now);
    let is_live = !job.state()?.is_final();
    let content = html! {
        p.lead { (job.subject()) }
        div.rows {
            @if visitor.is_admin() { (steering::show(job, &visitor)?) }
            div #job.rows data-live=[is_live.then_some("")] {
                (card::card("What it is", &html! { (facts(job, made, now)) }))
                (life::steps(job, &life.steps, now))
                (life::attempts(&life.attempts, now))
            }
        }
        details.card { summary { "Payload" } pre tabindex="0" { code { (payload(job)) } } }
    };
    Ok(page(&format!("Job {id}"), Nav::Jobs, &visitor, &content))
}

/// What there is to see of its result.
async fn made(db: &Db, job: &JobRow) -> Result<Option<(String, String)>> {
    let backup = |name: String| (format!("/backups/{}", segment(&name)), name);
    Ok(match JobKind::from_name(&job.kind) {
        Some(JobKind::Generation) if !matches!(job.state()?, JobState::Discarded | JobState::Cancelled) => {
            Some((format!("/generations/{}", job.id), "its cat".to_owned()))
        }
        Some(JobKind::Backup) => backups::made_by(db, job.id).await?.map(|row| backup(row.name)),
        Some(JobKind::Drill) => backups::drilled_by(db, job.id).await?.map(|row| backup(row.backup)),
        _ => None,
    })
}

fn facts(job: &JobRow, made: Option<(String, String)>, now: chrono::DateTime<chrono::Utc>) -> Markup {
    let text = |text: &str| html! { (text) };
    let mut facts: Vec<(&str, Markup)> = vec![
        ("State", html! { (badge::state(&job.state)) @if let Some(why) = &job.parked_because { " " (why) } }),
        ("Kind", html! { a href=(href("/jobs", &[("kind", &job.kind)])) { (job.kind) } }),
        ("Priority", html! { (job.priority) }),
        ("Enqueued", time::ago(job.created_at, now)),
    ];
    if job.finished_at.is_none() {
        facts.push(("Due", time::ago(job.run_at, now)));
    }
    let moments = [("Deadline", job.deadline), ("Claimed", job.started_at), ("Ended", job.finished_at)];
    facts.extend(moments.into_iter().filter_map(|(name, at)| Some((name, time::ago(at?, now)))));
    let spans =
        [("Waited", job.waited_seconds), ("Ran", job.ran_seconds), ("Time limit", job.timeout_seconds.map(f64::from))];
    facts.extend(spans.into_iter().filter_map(|(name, seconds)| Some((name, text(&time::lasting(Some(seconds?)))))));
    facts.push(("Failed", html! { (job.attempts) " of " (job.max_attempts) " attempts" }));
    if job.deaths > 0 {
        facts.push(("Lost its worker", html! { (job.deaths) @if job.deaths == 1 { " time" } @else { " times" } }));
    }
    if let Some((address, name)) = made {
        facts.push(("Makes", html! { a href=(address) { (name) } }));
    }
    if let Some(id) = job.rerun_of {
        facts.push(("Does again", html! { a href={ "/jobs/" (id) } { (id) } }));
    }
    if let Some(id) = job.user_id {
        facts.push(("Asked for by", html! { a href={ "/users/" (id) } { (id) } }));
    }
    if !job.tags.is_empty() {
        facts.push((
            "Tags",
            html! { @for tag in &job.tags { a.tag href=(href("/jobs", &[("tag", tag)])) { (tag) } " " } },
        ));
    }
    let texts = [
        ("Unique key", &job.unique_key),
        ("Limit key", &job.limit_key),
        ("Worker", &job.worker),
        ("Trace", &job.traceparent),
    ];
    facts.extend(texts.into_iter().filter_map(|(name, value)| Some((name, text(value.as_deref()?)))));
    card::facts(facts)
}

fn payload(job: &JobRow) -> String {
    serde_json::to_string_pretty(&shown(&job.payload)).unwrap_or_default()
}
