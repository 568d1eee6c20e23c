//! The form of a schedule: a new one or one that changes, with the times that come of it before anything is saved.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde_json::json;

use super::entry::Entry;
use super::own;
use crate::dashboard::deed::act;
use crate::dashboard::flash::{Flash, alert};
use crate::dashboard::forms::{AdminForm, back, csrf_field};
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::field;
use crate::dashboard::visitor::Visitor;
use crate::db::schedules;
use crate::http::{Problem, Site};
use crate::model::failure::Result as FailureResult;
use crate::model::job::JobKind;
use crate::model::schedule::{Missed, Overlap, Spec, State as Firing};
use crate::model::token::Scope;
use crate::schedule::job::job;
use crate::schedule::{edit, outlook};

/// Times that a preview tells.
const NEXT: usize = 10;

/// What came of what was typed.
enum Outcome {
    /// Nothing was asked yet.
    Untried,
    /// The next times.
    Preview(Vec<String>),
    /// Why it cannot be.
    Refused(Problem),
}

/// An empty form.
pub(super) async fn blank(visitor: Visitor) -> Result<Page, Problem> {
    visitor.caller.require(Scope::Admin)?;
    Ok(form(&Entry::default(), None, &Outcome::Untried, &visitor))
}

/// The form of one that is there.
pub(super) async fn filled(
    State(site): State<Site>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Page, Problem> {
    visitor.caller.require(Scope::Admin)?;
    let row = schedules::get(&site.db, &name).await?;
    Ok(form(&Entry::of(&name, &row.spec), Some(&name), &Outcome::Untried, &visitor))
}

/// Adds one, or shows when it would fire.
pub(super) async fn add(State(site): State<Site>, AdminForm(sent): AdminForm<Entry>) -> Result<Response, Problem> {
    let (entry, visitor) = (&sent.fields, &sent.visitor);
    let name = entry.name.trim();
    let adding = async |spec: Spec| {
        let state = if entry.paused { Firing::Paused } else { Firing::Active };
        let act = act(visitor, "schedules.add", Some(name), Some(json!(spec)));
        site.perform(act, edit::add(&site.db, name, &spec, state, &site.config)).await
    };
    answer(&site, entry, None, visitor, adding, || back(&own(name), &Flash::done(format!("{name} is added.")))).await
}

/// Changes one, or shows when it would fire.
pub(super) async fn save(
    State(site): State<Site>,
    Path(name): Path<String>,
    AdminForm(sent): AdminForm<Entry>,
) -> Result<Response, Problem> {
    let (entry, visitor) = (&sent.fields, &sent.visitor);
    let saving = async |spec: Spec| {
        let act = act(visitor, "schedules.edit", Some(&name), Some(json!(spec)));
        site.perform(act, edit::put(&site.db, &name, &spec, &site.config)).await
    };
    answer(&site, entry, Some(&name), visitor, saving, || {
        back(&own(&name), &Flash::done(format!("{name} is changed.")))
    })
    .await
}

/// The form again, with what came of it, until it is saved.
async fn answer(
    site: &Site,
    entry: &Entry,
    name: Option<&str>,
    visitor: &Visitor,
    save: impl AsyncFnOnce(Spec) -> FailureResult<()>,
    saved: impl FnOnce() -> Response,
) -> Result<Response, Problem> {
    let outcome = match entry.spec() {
        Err(problem) => Outcome::Refused(problem),
        Ok(spec) if entry.is_preview() => match preview(site, &spec).await {
            Ok(times) => Outcome::Preview(times),
            Err(failure) => Outcome::Refused(failure.into()),
        },
        Ok(spec) => match save(spec).await {
            Ok(()) => return Ok(saved()),
            Err(failure) => Outcome::Refused(failure.into()),
        },
    };
    let status = match &outcome {
        Outcome::Refused(problem) if problem.status().is_client_error() => problem.status(),
        Outcome::Untried | Outcome::Preview(_) => StatusCode::OK,
        Outcome::Refused(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok(form(entry, name, &outcome, visitor).with_status(status).into_response())
}

/// The next times of a schedule that could make a job.
async fn preview(site: &Site, spec: &Spec) -> FailureResult<Vec<String>> {
    let times = outlook::preview(&site.db, spec, NEXT).await?;
    job(spec, None, &site.config)?;
    Ok(times)
}

fn form(entry: &Entry, name: Option<&str>, outcome: &Outcome, visitor: &Visitor) -> Page {
    let title = name.map_or_else(|| "Add a schedule".to_owned(), |name| format!("Edit {name}"));
    let action = name.map_or_else(|| "/schedules".to_owned(), |name| format!("{}/edit", own(name)));
    let cancel = name.map_or_else(|| "/schedules".to_owned(), own);
    let content = html! {
        (told(outcome))
        form.card method="post" action=(action) {
            (csrf_field(visitor))
            (fields(entry, name.is_none()))
            div.actions {
                button type="submit" name="press" value="preview" { "Preview the next times" }
                button.primary type="submit" name="press" value="save" { @if name.is_some() { "Save" } @else { "Add" } }
                a.button.quiet href=(cancel) { "Leave it as it is" }
            }
        }
    };
    page(&title, Nav::Schedules, visitor, &content)
}

fn told(outcome: &Outcome) -> Markup {
    html! {
        @match outcome {
            Outcome::Untried => {}
            Outcome::Preview(times) => {
                section.card role="status" {
                    h2 { "It would fire at" }
                    @if times.is_empty() { p.note { "no time at all" } }
                    ol.times { @for time in times { li { code { (time) } } } }
                    p.muted.small { "Nothing is saved yet." }
                }
            }
            Outcome::Refused(problem) => (alert(problem)),
        }
    }
}

fn fields(entry: &Entry, is_new: bool) -> Markup {
    let words = |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), (*name).to_owned())).collect::<Vec<_>>();
    let missed = words(&Missed::ALL.iter().map(|word| word.name()).collect::<Vec<_>>());
    let overlap = words(&Overlap::ALL.iter().map(|word| word.name()).collect::<Vec<_>>());
    html! {
        div.filters {
            @if is_new { (field::text("name", "Name", &entry.name, "nightly-cat")) }
            (field::text("cron", "When", &entry.cron, "30 2 * * *, @daily, @every 90s"))
            (field::text("zone", "Time zone", &entry.zone, "UTC, Europe/Berlin"))
            (field::choice("kind", "Kind of job", &entry.kind, &words(&JobKind::ALL.map(JobKind::name))))
        }
        div.field {
            label for="f-payload" { "Payload (JSON)" }
            textarea #f-payload name="payload" rows="5" spellcheck="false" { (entry.payload) }
            p.muted.small { "Of a generation: " code { r#"{"github_url": "https://github.com/owner/name", "ref": "main"}"# } ". Of a backup or a drill it may be empty." }
        }
        details open[!is_plain(entry)] {
            summary { "More" }
            div.filters {
                (field::text("priority", "Priority", &entry.priority, "0"))
                (field::text("max_attempts", "Attempts", &entry.max_attempts, "as the worker is set"))
                (field::text("key_prefix", "Unique keys begin with", &entry.key_prefix, "none"))
                (field::choice("missed", "Slots missed while nothing ran", &entry.missed, &missed))
                (field::text("missed_limit", "of them at most", &entry.missed_limit, "10"))
                (field::choice("overlap", "While the last job runs", &entry.overlap, &overlap))
                (field::text("jitter_seconds", "Late by up to (seconds)", &entry.jitter_seconds, "0"))
            }
        }
        @if is_new {
            label.choice { input type="checkbox" name="paused" value="true" checked[entry.paused]; " Add it paused" }
        }
    }
}

/// Whether nothing but what everybody fills in differs from the usual.
fn is_plain(entry: &Entry) -> bool {
    let usual = Entry::default();
    let rare = |entry: &Entry| {
        [
            &entry.priority,
            &entry.max_attempts,
            &entry.key_prefix,
            &entry.missed,
            &entry.missed_limit,
            &entry.overlap,
            &entry.jitter_seconds,
        ]
        .map(Clone::clone)
    };
    rare(entry) == rare(&usual)
}
