//! The list of jobs, and the form that narrows it down.

use axum::extract::{RawQuery, State};
use maud::{Markup, html};
use url::form_urlencoded;
use uuid::Uuid;

use super::wanted::Wanted;
use crate::dashboard::flash::alert;
use crate::dashboard::forms::csrf_field;
use crate::dashboard::held;
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::empty::empty;
use crate::dashboard::parts::link::{href, short};
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{badge, field, pager, time};
use crate::dashboard::visitor::Visitor;
use crate::db::inspect::{self, JobRow};
use crate::http::{Problem, Site};
use crate::model::failure::ErrorClass;
use crate::model::job::{JobKind, JobState};

/// Jobs of one page.
const PAGE: i64 = 50;

/// Parts of the list that people ask for most.
const TABS: [(&str, &[JobState]); 6] = [
    ("All", &[]),
    ("Waiting", &[JobState::Scheduled, JobState::Available]),
    ("Running", &[JobState::Running]),
    ("Parked", &[JobState::Parked]),
    ("Failed", &[JobState::Discarded]),
    ("Completed", &[JobState::Completed]),
];

/// The page.
pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Page, Problem> {
    let query = query.unwrap_or_default();
    let (wanted, after) = (Wanted::of_query(&query), after(&query));
    let found = match wanted.filter(&site.db, visitor.now).await {
        Ok(filter) => Ok(inspect::list(&site.db, &filter, after, PAGE).await?),
        Err(problem) if problem.status().is_server_error() => return Err(problem),
        // It is said beside the form, which keeps what was typed.
        Err(problem) => Err(problem),
    };
    let content = html! {
        (held::banner(&site.db, &visitor).await?)
        (tabs(&wanted))
        (form(&wanted))
        @match &found {
            Ok(page) => (list(page, &wanted, after.is_some(), &visitor)),
            Err(problem) => (alert(problem)),
        }
    };
    let page = page("Jobs", Nav::Jobs, &visitor, &content);
    Ok(match found {
        Ok(_) => page,
        Err(problem) => page.with_status(problem.status()),
    })
}

/// Where a page of the list begins.
fn after(query: &str) -> Option<Uuid> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "after")?.1.parse().ok()
}

fn tabs(wanted: &Wanted) -> Markup {
    html! {
        nav.tabs aria-label="By state" {
            @for (name, states) in TABS {
                @let states: Vec<String> = states.iter().map(|state| state.name().to_owned()).collect();
                @let is_current = states == wanted.states;
                @let there = Wanted { states, ..wanted.clone() };
                a href=(there.address(None)) aria-current=[is_current.then_some("page")] { (name) }
            }
        }
    }
}

fn form(wanted: &Wanted) -> Markup {
    let kinds: Vec<(String, String)> = std::iter::once((String::new(), "any".to_owned()))
        .chain(JobKind::ALL.map(|kind| (kind.name().to_owned(), kind.name().to_owned())))
        .collect();
    let classes: Vec<(String, String)> = std::iter::once((String::new(), "anything".to_owned()))
        .chain(ErrorClass::names().map(|name| (name.to_owned(), name.replace('_', " "))))
        .collect();
    let has_more = wanted.texts().iter().any(|(name, text)| !text.is_empty() && !matches!(*name, "text" | "kind"));
    html! {
        form.filter.card method="get" action="/jobs" role="search" {
            div.filters {
                (field::text("text", "Text", &wanted.text, "in the payload or an error"))
                (field::choice("kind", "Kind", &wanted.kind, &kinds))
                div.actions {
                    button.primary type="submit" { "Filter" }
                    @if *wanted != Wanted::default() { a.button.quiet href="/jobs" { "Clear" } }
                }
            }
            details open[has_more] {
                summary { "More to filter by" }
                fieldset.choices {
                    legend { "States" }
                    @for state in JobState::ALL {
                        @let is_wanted = wanted.states.iter().any(|name| name == state.name());
                        label { input type="checkbox" name="state" value=(state.name()) checked[is_wanted]; " " (state.name()) }
                    }
                }
                div.filters {
                    (field::text("user", "User", &wanted.user, "name, address or id"))
                    (field::text("tag", "Tag", &wanted.tag, ""))
                    (field::text("since", "Enqueued since", &wanted.since, "2h, or 2027-01-31T09:00:00Z"))
                    (field::text("until", "Enqueued before", &wanted.until, "10m"))
                    (field::text("ended_since", "Ended since", &wanted.ended_since, "1h"))
                    (field::choice("error_class", "Failed last for", &wanted.error_class, &classes))
                    (field::text("longer_than", "Ran longer than", &wanted.longer_than, "90s"))
                    (field::text("shorter_than", "Ran shorter than", &wanted.shorter_than, "500ms"))
                }
            }
        }
    }
}

fn list(page: &inspect::Page, wanted: &Wanted, is_later: bool, visitor: &Visitor) -> Markup {
    if page.jobs.is_empty() && page.next.is_none() && !is_later {
        return if *wanted == Wanted::default() {
            let next = html! { a href="/gallery" { "Ask for a cat" } ", or in a shell: " code { "repo-to-cat enqueue https://github.com/owner/name" } };
            empty("No jobs yet.", &next)
        } else {
            empty("No job is like that.", &html! { a.button href="/jobs" { "See all jobs" } })
        };
    }
    let columns = [
        Column::of_actions("Select"),
        Column::text("Job"),
        Column::text("What"),
        Column::text("State"),
        Column::number("Attempts"),
        Column::text("Enqueued"),
        Column::number("Ran"),
    ];
    let columns = if visitor.is_admin() { &columns[..] } else { &columns[1..] };
    let rows = page.jobs.iter().map(|job| row(job, visitor));
    let newest = wanted.address(None);
    // Looking again costs as much as looking: only what is cheap is looked at again and again.
    let dear = [&wanted.text, &wanted.error_class, &wanted.longer_than, &wanted.shorter_than];
    let is_live = !is_later && dear.iter().all(|text| text.is_empty());
    let older = page.next.map(|next| wanted.address(Some(next)));
    html! {
        form.card method="post" action="/jobs" {
            (csrf_field(visitor))
            input type="hidden" name="filter" value=(wanted.query());
            @if visitor.is_admin() { (steering(wanted)) }
            div #jobs data-live=[is_live.then_some("")] { (table("Jobs, the last enqueued first", columns, rows)) }
        }
        @if let Some(back_to) = page.looked_back_to {
            p.note {
                "Looked through so many jobs that there may be more: back to " (time::at(back_to)) ". " a href=[older.as_deref()] { "Look further back" }
            }
        }
        (pager::pager(is_later.then_some(newest.as_str()), older.as_deref()))
    }
}

fn row(job: &JobRow, visitor: &Visitor) -> Vec<Markup> {
    let tick = html! { input type="checkbox" name="id" value=(job.id) aria-label={ "Select job " (job.id) }; };
    let cells = [
        html! { a.id href={ "/jobs/" (job.id) } title=(job.id) { (short(job.id)) } " " span.muted { (job.kind) } },
        html! {
            span.subject { (job.subject()) }
            @for tag in &job.tags { " " a.tag href=(href("/jobs", &[("tag", tag)])) { (tag) } }
        },
        badge::state(&job.state),
        html! { (job.attempts) "/" (job.max_attempts) },
        time::ago(job.created_at, visitor.now),
        html! { (time::lasting(job.ran_seconds)) },
    ];
    visitor.is_admin().then_some(tick).into_iter().chain(cells).collect()
}

/// What may be done to many at once; a page asks before it is.
fn steering(wanted: &Wanted) -> Markup {
    let all = if *wanted == Wanted::default() { "all jobs" } else { "all that the filter lets in" };
    html! {
        fieldset.steering {
            legend.heard { "Change many jobs" }
            label.choice data-all="id" hidden { input type="checkbox"; " all of this page" }
            label.choice { input type="radio" name="which" value="selected" checked; " the selected" }
            label.choice { input type="radio" name="which" value="all"; " " (all) }
            span.actions {
                button name="action" value="retry" { "Retry…" }
                button name="action" value="cancel" { "Cancel…" }
                button name="action" value="discard" { "Discard…" }
                span.joined {
                    input type="number" name="priority" min="-100" max="100" value="0" aria-label="Priority";
                    button name="action" value="reprioritize" { "Set priority…" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_after_an_id() {
        let id = Uuid::from_u128(1);
        assert_eq!(after(&format!("tag=x&after={id}")), Some(id));
        assert_eq!((after("after=1"), after("")), (None, None));
    }
}
