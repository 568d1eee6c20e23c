//! The page.

use std::collections::BTreeSet;

use axum::extract::State;
use maud::{Markup, html};

use crate::dashboard::deed::button;
use crate::dashboard::forms::csrf_field;
use crate::dashboard::held;
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::badge::{self, Tone};
use crate::dashboard::parts::card::{card, progress};
use crate::dashboard::parts::empty::empty;
use crate::dashboard::parts::link::href;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{amount, field, time};
use crate::dashboard::visitor::Visitor;
use crate::db::stats::{self, Amount, KindStats, LimitUse, Percentiles, Stats, Worker};
use crate::http::{Problem, Site};
use crate::model::job::JobKind;
use crate::model::limits::EACH;

pub(super) async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Page, Problem> {
    let stats = stats::stats(&site.db, None).await?;
    let content = html! {
        (held::banner(&site.db, &visitor).await?)
        div #queues.rows data-live="5" {
            (card("Kinds of jobs", &kinds(&stats)))
            (card("The last hour", &recent(&stats.kinds)))
            (card("Workers", &workers(&stats.workers, &visitor)))
        }
        (card("Limits", &limits(&stats.limits, &visitor)))
        @if visitor.is_admin() { (card("Pause and resume", &pauses(&stats, &visitor))) }
    };
    Ok(page("Queues", Nav::Queues, &visitor, &content))
}

fn kinds(stats: &Stats) -> Markup {
    if stats.kinds.is_empty() {
        return empty("Nothing waits, nothing runs, and nothing ended in the last hour.", &html! { "A quiet house." });
    }
    let columns = [
        Column::text("Kind"),
        Column::number("Available"),
        Column::number("Oldest waits"),
        Column::number("Running"),
        Column::number("Scheduled"),
        Column::number("Parked"),
        Column::number("Empty in"),
    ];
    let row = |kind: &KindStats| {
        let link = |jobs: Amount, state: &str| {
            html! { a href=(href("/jobs", &[("state", state), ("kind", &kind.kind)])) { (amount::text(jobs)) } }
        };
        let empty_in = kind.empty_in_seconds.filter(|_| kind.available.jobs > 0);
        vec![
            html! {
                strong { (kind.kind) }
                @if let Some(paused) = &kind.paused {
                    " " (badge::badge(Tone::Warn, "paused")) " "
                    span.muted.small { (time::ago(paused.paused_at, stats.at)) @if let Some(why) = &paused.because { ": " (why) } }
                }
            },
            link(kind.available, "available"),
            html! { (time::lasting(kind.oldest_seconds)) },
            link(kind.running, "running"),
            link(kind.scheduled, "scheduled"),
            link(kind.parked, "parked"),
            html! { @if empty_in.is_some() { "~" } (time::lasting(empty_in)) },
        ]
    };
    html! {
        (table("Live jobs by kind", &columns, stats.kinds.iter().map(row)))
        @if stats.kinds.iter().any(KindStats::is_estimate) { p.muted.small { "~ is an estimate: the queue is too long to be counted." } }
    }
}

fn recent(kinds: &[KindStats]) -> Markup {
    let columns = [
        Column::text("Kind"),
        Column::number("Done in a minute"),
        Column::number("Done in an hour"),
        Column::number("Discarded"),
        Column::number("Waited p50 · p95 · p99"),
        Column::number("Ran p50 · p95 · p99"),
    ];
    let rows: Vec<Vec<Markup>> = kinds
        .iter()
        .filter_map(|kind| {
            let recent = kind.recent.as_ref()?;
            let ended = |state, since, jobs| {
                amount::linked(jobs, &[("state", state), ("kind", &kind.kind), ("ended_since", since)])
            };
            Some(vec![
                html! { strong { (kind.kind) } },
                ended("completed", "1m", recent.completed_last_minute),
                ended("completed", "1h", recent.completed_last_hour),
                ended("discarded", "1h", recent.discarded_last_hour),
                percentiles(recent.wait_seconds),
                percentiles(recent.run_seconds),
            ])
        })
        .collect();
    html! {
        @if kinds.iter().any(|kind| kind.recent.is_none()) {
            p.note { "What ended lately could not be found out in time." }
        } @else if rows.is_empty() {
            p.note { "Nothing ended in the last hour." }
        } @else {
            (table("What ended in the last hour", &columns, rows))
        }
    }
}

fn percentiles(of: Option<Percentiles>) -> Markup {
    html! {
        @if let Some(Percentiles { p50, p95, p99 }) = of {
            (time::lasting(Some(p50))) " · " (time::lasting(Some(p95))) " · " (time::lasting(Some(p99)))
        } @else { "–" }
    }
}

fn workers(workers: &[Worker], visitor: &Visitor) -> Markup {
    if workers.is_empty() {
        return empty("No worker is there, so nothing runs.", &html! { "Start one: " code { "repo-to-cat run" } });
    }
    let columns = [
        Column::text("Worker"),
        Column::text("State"),
        Column::number("Busy slots"),
        Column::text("Since"),
        Column::text("Heartbeat"),
    ];
    let row = |worker: &Worker| {
        let share = worker.holding.jobs as f64 / f64::from(worker.slots.max(1));
        vec![
            html! { span title=(worker.id) { (worker.name) } },
            if worker.lapsed { badge::badge(Tone::Bad, "lapsed") } else { badge::badge(Tone::Good, "alive") },
            html! { span.meter { (progress("Busy slots", Some(share))) " " (amount::text(worker.holding)) " of " (worker.slots) } },
            time::ago(worker.started_at, visitor.now),
            time::ago(worker.heartbeat_at, visitor.now),
        ]
    };
    table("Workers", &columns, workers.iter().map(row))
}

fn limits(limits: &[LimitUse], visitor: &Visitor) -> Markup {
    let columns = [
        Column::text("Kind"),
        Column::text("Key"),
        Column::number("Running"),
        Column::number("At most"),
        Column::text("Rate"),
        Column::number("Startable now"),
        Column::of_actions("Change"),
    ];
    let row = |LimitUse { limit, running, startable }: &LimitUse| {
        let number = |number: Option<i32>| html! { @if let Some(number) = number { (number) } @else { "–" } };
        vec![
            html! { strong { (limit.kind) } },
            match limit.limit_key.as_str() {
                "" => html! { "all together" },
                EACH => html! { "each key" },
                key => html! { code { (key) } },
            },
            html! { (running) },
            number(limit.max_running),
            html! { @if let (Some(count), Some(seconds)) = (limit.rate_count, limit.rate_seconds) { (count) " in " (seconds) " s" } @else { "–" } },
            html! { @if let Some(startable) = startable { (format!("{:.0}", startable.floor())) } @else { "–" } },
            html! {
                @if visitor.is_admin() {
                    form.inline method="post" action="/queues/unlimit" {
                        (csrf_field(visitor))
                        input type="hidden" name="kind" value=(limit.kind);
                        input type="hidden" name="key" value=(limit.limit_key);
                        button.quiet type="submit" { "Remove" }
                    }
                }
            },
        ]
    };
    html! {
        @if limits.is_empty() { p.note { "Nothing is limited." } }
        @else { (table("Limits", &columns, limits.iter().map(row))) }
        @if visitor.is_admin() {
            details { summary { "Set a limit" }
                form.filters method="post" action="/queues/limits" {
                    (csrf_field(visitor))
                    (field::choice("kind", "Kind", "generation", &kind_choices()))
                    (field::text("key", "Limit key", "", "empty: all together; *: each"))
                    (field::text("max_running", "At most running", "", "4"))
                    (field::text("rate_count", "Starts", "", "10"))
                    (field::text("rate_seconds", "in so many seconds", "", "60"))
                    div.actions { button.primary type="submit" { "Set" } }
                }
            }
        }
    }
}

fn kind_choices() -> Vec<(String, String)> {
    JobKind::ALL.map(|kind| (kind.name().to_owned(), kind.name().to_owned())).to_vec()
}

/// Each kind that this program knows, and those that others have enqueued.
fn pauses(stats: &Stats, visitor: &Visitor) -> Markup {
    let mut names: BTreeSet<&str> = JobKind::ALL.iter().map(|kind| kind.name()).collect();
    names.extend(stats.kinds.iter().map(|kind| kind.kind.as_str()));
    let paused = |name: &str| stats.kinds.iter().any(|kind| kind.kind == name && kind.paused.is_some());
    html! {
        p.note { "Of a paused kind no job is started; those that run go on." }
        ul.pauses {
            @for name in names {
                li {
                    strong { (name) }
                    @if paused(name) {
                        (badge::badge(Tone::Warn, "paused"))
                        (button(visitor, &format!("/queues/{name}/resume"), "Resume", "primary"))
                    } @else {
                        form.inline method="post" action={ "/queues/" (name) "/pause" } {
                            (csrf_field(visitor))
                            input type="text" name="because" maxlength="500" placeholder="why (others will read it)"
                                aria-label={ "Why " (name) " is paused" };
                            button type="submit" { "Pause" }
                        }
                    }
                }
            }
        }
    }
}
