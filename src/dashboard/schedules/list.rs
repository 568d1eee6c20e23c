//! All schedules.

use std::collections::BTreeMap;

use axum::extract::State;
use maud::{Markup, html};

use super::{NEW, own};
use crate::dashboard::held;
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::empty::empty;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{badge, time};
use crate::dashboard::visitor::Visitor;
use crate::db::schedules::{self, ScheduleRow, SlotRow};
use crate::http::{Problem, Site};
use crate::model::schedule::State as Firing;

/// Schedules whose last slot is looked up.
const LOOKED_UP: usize = 200;

pub(super) async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Page, Problem> {
    let all: Vec<_> = schedules::list(&site.db).await?.into_iter().map(ScheduleRow::without_receiver).collect();
    let names: Vec<&str> = all.iter().take(LOOKED_UP).map(|row| row.name.as_str()).collect();
    let last = schedules::latest_slots(&site.db, &names).await?;
    let content = html! {
        (held::banner(&site.db, &visitor).await?)
        @if visitor.is_admin() { div.actions { a.button.primary href=(NEW) { "Add a schedule" } } }
        section #schedules.card data-live="10" {
            @if all.is_empty() {
                (empty("Nothing is enqueued by the clock.", &html! { "Declare schedules in the configuration, or add one here." }))
            } @else {
                (list(&all, &last, &visitor))
            }
        }
    };
    Ok(page("Schedules", Nav::Schedules, &visitor, &content))
}

fn list(all: &[ScheduleRow], last: &BTreeMap<String, SlotRow>, visitor: &Visitor) -> Markup {
    let columns = [
        Column::text("Schedule"),
        Column::text("State"),
        Column::text("When"),
        Column::text("Job"),
        Column::text("Next"),
        Column::text("Last"),
    ];
    let rows = all.iter().map(|row| {
        vec![
            html! { a href=(own(&row.name)) { strong { (row.name) } } },
            badge::state(row.state.name()),
            html! { code { (row.spec.cron) } br; span.muted.small { (row.spec.zone) } },
            html! { (row.spec.subject()) },
            next(row, visitor),
            html! { @if let Some(last) = last.get(&row.name) { (slot(last, visitor)) } @else { "–" } },
        ]
    });
    table("Schedules", &columns, rows)
}

fn next(row: &ScheduleRow, visitor: &Visitor) -> Markup {
    html! {
        @match (&row.problem, row.fires_at) {
            (Some(problem), _) => { span.bad { "cannot be read: " (problem) } }
            (None, Some(fires_at)) if row.state == Firing::Active => { (time::ago(fires_at, visitor.now)) }
            _ => { "–" }
        }
    }
}

/// What became of a slot, and where its job is.
fn slot(slot: &SlotRow, visitor: &Visitor) -> Markup {
    html! {
        (time::ago(slot.due_at, visitor.now)) " "
        @match (slot.job_id, &slot.job_state) {
            (Some(id), Some(state)) => { a href={ "/jobs/" (id) } { (badge::state(state)) } }
            _ => { (badge::state(&slot.outcome)) }
        }
    }
}
