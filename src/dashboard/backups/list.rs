//! All backups: how they stand, how they grow, and each of them.

use std::collections::{BTreeSet, HashSet};

use axum::extract::{Query, State};
use maud::{Markup, html};
use serde::Deserialize;

use super::{chart, own, recorded, size, standing, unmade};
use crate::dashboard::forms::csrf_field;
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::badge::{Tone, badge};
use crate::dashboard::parts::card::card;
use crate::dashboard::parts::empty::empty;
use crate::dashboard::parts::link::href;
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::{field, pager, time};
use crate::dashboard::visitor::Visitor;
use crate::db::backups::{self, BackupRow};
use crate::http::page::next;
use crate::http::{Problem, Site};
use crate::model::backup::BackupName;
use crate::model::failure::Result;
use crate::model::figures::grouped;

/// Backups of one page.
const PAGE: i64 = 50;
/// Backups that a trend is drawn of.
const DRAWN: i64 = 60;
/// Recorded backups that are compared with those in the store.
const COMPARED: i64 = 5000;
/// Backups that nobody recorded, told by name.
const TOLD: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    database: String,
    after: String,
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Query(asked): Query<Asked>,
) -> std::result::Result<Page, Problem> {
    let db = &site.db;
    let database = Some(asked.database.as_str()).filter(|name| !name.is_empty());
    let after = if asked.after.is_empty() { None } else { Some(BackupName::parse(&asked.after)?) };
    let standings = backups::standings(db).await?;
    let rows = backups::list(db, database, true, after.as_ref(), PAGE).await?;
    let drawn_of = database.or_else(|| standings.iter().find(|one| one.is_watched).map(|one| one.database.as_str()));
    let drawn = backups::list(db, drawn_of, true, None, DRAWN).await?;
    let (unrecorded, unmade) = tokio::join!(unrecorded(&site), unmade::last(db));
    let names: BTreeSet<&str> = standings.iter().map(|standing| standing.database.as_str()).collect();
    let content = html! {
        div #standings.rows data-live="15" {
            (standing::standings(&standings, site.config.backup.fresh_hours, &visitor))
            @if let Some(unmade) = unmade? { (unmade.card(&visitor)) }
        }
        @if visitor.is_admin() { (make(&visitor)) }
        (chart::trends(&drawn))
        section #backups.card data-live="15" {
            h2 { "Backups" }
            @if names.len() > 1 { (databases(&names, database)) }
            @if rows.is_empty() { (empty("No backup was made yet.", &html! { "Make one above, or wait for the schedule " a href="/schedules" { "to do so" } "." })) }
            @else { (list(&rows, &visitor)) }
            (pages(&rows, &asked))
        }
        (others(unrecorded))
    };
    Ok(page("Backups", Nav::Backups, &visitor, &content))
}

fn make(visitor: &Visitor) -> Markup {
    html! {
        form.card method="post" action="/backups" {
            (csrf_field(visitor))
            div.actions {
                button.primary type="submit" { "Back up now" }
                label.choice { input type="checkbox" name="drill" value="true" checked; " and try whether it restores" }
            }
            details { summary { "More" }
                div.filters {
                    (field::text("database", "Database", "", "ours"))
                    label.choice { input type="checkbox" name="with_images" value="true"; " copy the pictures, too" }
                }
            }
        }
    }
}

fn databases(names: &BTreeSet<&str>, current: Option<&str>) -> Markup {
    html! {
        nav.tabs aria-label="Databases" {
            a href="/backups" aria-current=[current.is_none().then_some("page")] { "All" }
            @for name in names {
                a href=(href("/backups", &[("database", name)])) aria-current=[(current == Some(name)).then_some("page")] { (name) }
            }
        }
    }
}

fn list(rows: &[BackupRow], visitor: &Visitor) -> Markup {
    let columns = [
        Column::text("Backup"),
        Column::text("Verdict"),
        Column::text("Made"),
        Column::number("Size"),
        Column::number("Rows"),
        Column::number("Took"),
        Column::number("Restored in"),
    ];
    let row = |row: &BackupRow| {
        vec![
            html! {
                a href=(own(&row.name)) { (row.name) }
                @if row.pruned_at.is_some() { " " (badge(Tone::Plain, "removed")) }
                @if row.encrypted { " " span.muted.small { "encrypted" } }
                @for alarm in &row.alarms { br; span.alarming.small { (alarm) } }
            },
            recorded(&row.verdict),
            time::ago(row.started_at, visitor.now),
            size(Some(row.bytes)),
            html! { (grouped(row.rows.unsigned_abs())) },
            html! { (time::lasting(Some(row.seconds))) },
            html! { (time::lasting(row.restore_seconds)) },
        ]
    };
    table("Backups, the last begun first", &columns, rows.iter().map(row))
}

fn pages(rows: &[BackupRow], asked: &Asked) -> Markup {
    let to = |after: &str| href("/backups", &[("database", &asked.database), ("after", after)]);
    let older = next(rows, PAGE, |last| to(&last.name));
    let newest = to("");
    pager::pager((!asked.after.is_empty()).then_some(newest.as_str()), older.as_deref())
}

/// Backups of the store that no row is about: made without a queue, or by another database.
async fn unrecorded(site: &Site) -> Result<Vec<BackupName>> {
    let stored = site.stored().await?;
    let recorded: HashSet<String> =
        backups::list(&site.db, None, true, None, COMPARED).await?.into_iter().map(|row| row.name).collect();
    Ok(stored.iter().rev().filter(|name| !recorded.contains(name.as_str())).cloned().collect())
}

fn others(unrecorded: Result<Vec<BackupName>>) -> Markup {
    match unrecorded {
        Ok(names) if names.is_empty() => Markup::default(),
        Ok(names) => card(
            "Only in the store",
            &html! {
                p.note { "Made without this database, or before it was restored: they have no history here." }
                ul { @for name in names.iter().take(TOLD) { li { a href=(own(name.as_str())) { (name) } } } }
                @if names.len() > TOLD { p.muted { "and " (names.len() - TOLD) " more" } }
            },
        ),
        Err(failure) => html! {
            div.flash.bad role="alert" { p { "The backup store cannot be read: " (failure.what()) @if let Some(hint) = failure.hint_text() { "; " (hint) } } }
        },
    }
}
