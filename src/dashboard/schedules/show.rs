//! One schedule: what it does, when next, and what became of its last slots.

use axum::extract::{Path, State};
use maud::{Markup, html};
use serde_json::Value;

use super::own;
use crate::dashboard::deed::button;
use crate::dashboard::held;
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::card::{card, facts};
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{badge, time};
use crate::dashboard::visitor::Visitor;
use crate::db::schedules::ScheduleRow;
use crate::http::{Problem, Site};
use crate::model::schedule::{Missed, State as Firing};
use crate::schedule::outlook::{self, Outlook};

/// Slots to come that are told.
const NEXT: usize = 10;

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> Result<Page, Problem> {
    let mut outlook = outlook::show(&site.db, &name, NEXT).await?;
    outlook.schedule = outlook.schedule.without_receiver();
    let row = &outlook.schedule;
    let content = html! {
        (held::banner(&site.db, &visitor).await?)
        @if let Some(problem) = &row.problem { div.flash.bad role="alert" { p { "It cannot be read, and does not fire: " (problem) } } }
        @if visitor.is_admin() { (buttons(row, &visitor)) }
        div.grid {
            (card("What it does", &what(row, &visitor)))
            (card(if row.state == Firing::Active { "Next times" } else { "Next times, if it were active" }, &next(&outlook, &visitor)))
        }
        section #slots.card data-live="10" { h2 { "Last slots" } (slots(&outlook, &visitor)) }
        details.card { summary { "Payload" } pre tabindex="0" { code { (pretty(row)) } } }
    };
    Ok(page(&name, Nav::Schedules, &visitor, &content))
}

fn buttons(row: &ScheduleRow, visitor: &Visitor) -> Markup {
    let own = own(&row.name);
    html! {
        div.actions {
            (button(visitor, &format!("{own}/run"), "Run now", "primary"))
            @if row.state == Firing::Active { (button(visitor, &format!("{own}/pause"), "Pause", "")) }
            @else { (button(visitor, &format!("{own}/resume"), "Resume", "")) }
            a.button href={ (own) "/edit" } { "Edit" }
            (button(visitor, &format!("{own}/delete"), "Delete", "danger"))
        }
    }
}

fn what(row: &ScheduleRow, visitor: &Visitor) -> Markup {
    let spec = &row.spec;
    let mut pairs = vec![
        ("State", badge::state(row.state.name())),
        ("When", html! { code { (spec.cron) } " in " (spec.zone) }),
        ("Job", html! { (spec.subject()) }),
        ("Priority", html! { (spec.priority) }),
    ];
    if spec.jitter_seconds > 0 {
        pairs.push(("Jitter", html! { "up to " (spec.jitter_seconds) " s" }));
    }
    if let Some(attempts) = spec.max_attempts {
        pairs.push(("Attempts", html! { (attempts) }));
    }
    if let Some(prefix) = &spec.key_prefix {
        pairs.push(("Unique keys", html! { code { (prefix) "TIME" } }));
    }
    let missed = html! { (spec.missed.name()) @if spec.missed == Missed::All { ", up to " (spec.missed_limit) } };
    pairs.push(("Missed slots", missed));
    pairs.push(("While the last job runs", html! { (spec.overlap.name()) }));
    pairs.push(("Declared", html! { @if row.declared.is_some() { "in the configuration" } @else { "no" } }));
    pairs.push(("Changed", time::ago(row.updated_at, visitor.now)));
    facts(pairs)
}

fn next(outlook: &Outlook, visitor: &Visitor) -> Markup {
    html! {
        @if outlook.next.is_empty() { p.note { "There is none." } }
        ol.times { @for (local, moment) in outlook.next.iter().zip(&outlook.moments) {
            li { code { (local) } " " span.muted { (time::ago(*moment, visitor.now)) } }
        } }
    }
}

fn slots(outlook: &Outlook, visitor: &Visitor) -> Markup {
    if outlook.slots.is_empty() {
        return html! { p.note { "It has not fired yet." } };
    }
    let columns = [
        Column::text("Slot"),
        Column::text("Outcome"),
        Column::text("Job"),
        Column::text("Noted"),
        Column::text("Note"),
    ];
    let rows = outlook.slots.iter().map(|slot| {
        vec![
            html! { (outlook.timing.as_ref().map_or_else(|| slot.due_at.to_rfc3339(), |timing| timing.on_the_clock(slot.due_at))) },
            badge::state(&slot.outcome),
            html! {
                @if let Some(id) = slot.job_id { a href={ "/jobs/" (id) } {
                    @if let Some(state) = &slot.job_state { (badge::state(state)) } @else { "gone" }
                } } @else { "–" }
            },
            time::ago(slot.noted_at, visitor.now),
            html! { (slot.note.as_deref().unwrap_or("–")) },
        ]
    });
    table("Last slots", &columns, rows)
}

fn pretty(row: &ScheduleRow) -> String {
    serde_json::to_string_pretty(&Value::Object(row.spec.payload.clone())).unwrap_or_default()
}
