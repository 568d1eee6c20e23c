//! `/audit`: who did what. For admins.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use maud::{Markup, html};
use serde::Deserialize;

use super::Routes;
use super::page::{Nav, Page, page};
use super::parts::badge::{Tone, badge};
use super::parts::empty::empty;
use super::parts::link::{href, segment};
use super::parts::table::{Column, table};
use super::parts::{field, pager, time};
use super::visitor::Visitor;
use crate::db::audit::{self, Audited, Filter};
use crate::http::{Problem, Site};
use crate::model::token::Scope;

/// Deeds of one page.
const PAGE: i64 = 100;

pub(super) fn routes() -> Routes {
    Router::new().route("/audit", get(show))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Asked {
    who: String,
    action: String,
    target: String,
    after: String,
}

impl Asked {
    fn filter(&self) -> Filter {
        let given = |text: &String| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        Filter { who: given(&self.who), action: given(&self.action), target: given(&self.target) }
    }

    fn address(&self, after: &str) -> String {
        href("/audit", &[("who", &self.who), ("action", &self.action), ("target", &self.target), ("after", after)])
    }
}

async fn show(State(site): State<Site>, visitor: Visitor, Query(asked): Query<Asked>) -> Result<Page, Problem> {
    visitor.caller.require(Scope::Admin)?;
    let after = asked.after.parse().ok();
    let audit::Page { deeds, next } = audit::list(&site.db, &asked.filter(), after, PAGE).await?;
    let older = next.map(|next| asked.address(&next.to_string()));
    let newest = asked.address("");
    let content = html! {
        form.card method="get" action="/audit" role="search" {
            div.filters {
                (field::text("who", "Who", &asked.who, "a name"))
                (field::text("action", "What", &asked.action, "jobs.cancel, or jobs. for all of these"))
                (field::text("target", "To what", &asked.target, "an id or a name"))
                div.actions {
                    button.primary type="submit" { "Filter" }
                    @if newest != "/audit" { a.button.quiet href="/audit" { "Clear" } }
                }
            }
        }
        section.card {
            @if deeds.is_empty() && older.is_some() { p.note { "None of the last ones is like that; there may be some before." } }
            @else if deeds.is_empty() { (empty("Nothing was done yet.", &html! { "Whatever is changed here or over HTTP is written down." })) }
            @else { (list(&deeds, &visitor)) }
            (pager::pager(after.map(|_| newest.as_str()), older.as_deref()))
        }
    };
    Ok(page("Audit", Nav::Audit, &visitor, &content))
}

fn list(deeds: &[Audited], visitor: &Visitor) -> Markup {
    let columns = [
        Column::text("When"),
        Column::text("Who"),
        Column::text("What"),
        Column::text("To what"),
        Column::text("Outcome"),
        Column::text("How"),
    ];
    let row = |deed: &Audited| {
        vec![
            time::ago(deed.at, visitor.now),
            html! { a href=(href("/audit", &[("who", &deed.who)])) { (deed.who) } " " span.muted.small { (deed.via) } },
            html! { a href=(href("/audit", &[("action", &deed.action)])) { code { (deed.action) } } },
            target(deed),
            outcome(deed),
            html! { @if let Some(detail) = &deed.detail { code.small { (detail) } } @else { "–" } },
        ]
    };
    table("What was done, the last first", &columns, deeds.iter().map(row))
}

/// What it was done to, as a link where there is a page of it.
fn target(deed: &Audited) -> Markup {
    let Some(target) = &deed.target else { return html! { "–" } };
    let place = match deed.action.split('.').next().unwrap_or_default() {
        "jobs" => Some("/jobs"),
        "generations" => Some("/generations"),
        "schedules" => Some("/schedules"),
        "users" => Some("/users"),
        _ => None,
    };
    html! { @if let Some(place) = place { a href={ (place) "/" (segment(target)) } { (target) } } @else { (target) } }
}

fn outcome(deed: &Audited) -> Markup {
    match deed.outcome.as_deref() {
        Some("done") => badge(Tone::Good, "done"),
        Some(why) => html! { (badge(Tone::Bad, "refused")) " " (why) },
        None => badge(Tone::Warn, "under way, or broken off"),
    }
}
