//! `/system`: the program, its database, its settings, and whether all that it needs is there. For admins.

mod checks;
mod settings;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use maud::{Markup, html};

use super::Routes;
use super::page::{Nav, Page, page};
use super::parts::badge::{Tone, badge};
use super::parts::card::{card, facts};
use super::parts::table::{Column, table};
use super::parts::time;
use super::visitor::Visitor;
use crate::db::migrate::{self, SchemaState};
use crate::http::{Problem, Site};
use crate::model::token::Scope;

pub(super) fn routes() -> Routes {
    Router::new().route("/system", get(show)).route("/system/checks", get(checks::show))
}

async fn show(State(site): State<Site>, visitor: Visitor) -> Result<Page, Problem> {
    visitor.caller.require(Scope::Admin)?;
    let schema = migrate::state(&site.db).await?;
    let content = html! {
        div.actions { a.button.primary href="/system/checks" { "Check everything" } a.button href="/docs" { "The HTTP interface" } }
        (card("What runs", &facts([
            ("Program", html! { "repo-to-cat " (env!("CARGO_PKG_VERSION")) }),
            ("Schema", schema_badge(&schema)),
            ("Listens at", html! { (site.config.http.listen) }),
            ("Data folder", html! { (site.config.data.folder.display()) }),
            ("Image store", html! { (site.config.images.store) }),
            ("Backup store", html! { (site.config.backup.store) }),
        ])))
        (settings::list(&site.loaded.settings()))
        details.card { summary { "Migrations" } (migrations(&schema, &visitor)) }
    };
    Ok(page("System", Nav::System, &visitor, &content))
}

fn schema_badge(schema: &SchemaState) -> Markup {
    let (tone, words) = match schema.require_current() {
        Ok(()) => (Tone::Good, "current".to_owned()),
        Err(failure) => (Tone::Bad, failure.what().to_owned()),
    };
    html! { "migration " (schema.current) " of " (schema.head) " " (badge(tone, &words)) }
}

fn migrations(schema: &SchemaState, visitor: &Visitor) -> Markup {
    let columns = [Column::number("Number"), Column::text("Name"), Column::text("Applied"), Column::number("Took")];
    let rows = schema.recorded.iter().rev().map(|(number, recorded)| {
        vec![
            html! { (number) },
            html! { (recorded.name) },
            time::ago(recorded.at, visitor.now),
            html! { (time::lasting(recorded.took.map(|took| took.as_secs_f64()))) },
        ]
    });
    table("Migrations, the last first", &columns, rows)
}
