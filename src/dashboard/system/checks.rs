//! What `doctor` finds.

use std::time::Duration;

use axum::extract::State;
use maud::{Markup, html};
use tokio::time::timeout;

use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::badge::{Tone, badge};
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::visitor::Visitor;
use crate::doctor::Doctor;
use crate::http::{Problem, Site};
use crate::model::check::{Check, State as Found};
use crate::model::failure::{Failure, Kind};
use crate::model::token::Scope;

/// How long the checks may take: some ask other programs and stores.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Page, Problem> {
    visitor.caller.require(Scope::Admin)?;
    let doctor = Doctor { loaded: &site.loaded, program: &site.premises.program, db: Ok(&site.db), is_listening: true };
    let checks = timeout(PATIENCE, doctor.checks())
        .await
        .map_err(|_| Failure::new(Kind::Unavailable, "the checks do not come to an end"))?;
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let (failed, warned) = (count(Found::Fail), count(Found::Warn));
    let content = html! {
        p.lead {
            @match (failed, warned) {
                (0, 0) => "All is as it should be.",
                (0, _) => { "It works, but " (warned) " could be better." }
                _ => { (failed) " of " (checks.len()) " checks failed." }
            }
        }
        section.card { (list(&checks)) }
        div.actions { a.button href="/system" { "Back to the system" } a.button href="/system/checks" { "Check again" } }
    };
    Ok(page("Checks", Nav::System, &visitor, &content))
}

/// What is wrong comes first.
fn list(checks: &[Check]) -> Markup {
    let mut checks: Vec<&Check> = checks.iter().collect();
    checks.sort_by_key(|check| std::cmp::Reverse(check.state));
    let columns = [Column::text("Check"), Column::text("State"), Column::text("Found")];
    let rows = checks.into_iter().map(|check| {
        let (tone, word) = match check.state {
            Found::Ok => (Tone::Good, "ok"),
            Found::Warn => (Tone::Warn, "could be better"),
            Found::Fail => (Tone::Bad, "failed"),
        };
        vec![
            html! { strong { (check.name) } },
            badge(tone, word),
            html! { (check.found) @if let Some(todo) = &check.todo { br; span.muted { "→ " (todo) } } },
        ]
    });
    table("Checks", &columns, rows)
}
