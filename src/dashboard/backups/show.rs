//! One backup: what it holds, what its drills found, how it differs from the one before, how to restore it.

use std::cmp::Reverse;

use axum::extract::{Path, State};
use maud::{Markup, html};

use super::{diff, drill, verdict};
use crate::backup::restore::command;
use crate::backup::shelf::{self, Shelved};
use crate::dashboard::deed::button;
use crate::dashboard::page::{Nav, Page, page};
use crate::dashboard::parts::badge::{Tone, badge};
use crate::dashboard::parts::card::{card, copyable, facts};
use crate::dashboard::parts::table::{Column, table};
use crate::dashboard::parts::time;
use crate::dashboard::visitor::Visitor;
use crate::db::backups::{self, BackupRow};
use crate::http::{Problem, Site};
use crate::model::amount::bytes;
use crate::model::backup::{BackupName, Diff, Manifest, Selection};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::figures::{counted, grouped};
use crate::providers::vault::Vault;

/// Drills that are told.
const DRILLS: i64 = 20;
/// Tables that are told, the largest.
const TABLES: usize = 200;

/// What the store has of it.
struct Stored {
    place: String,
    this: Shelved,
    /// The one before it, of the same database.
    before: Option<Shelved>,
}

pub(super) async fn show(
    State(site): State<Site>,
    visitor: Visitor,
    Path(name): Path<String>,
) -> std::result::Result<Page, Problem> {
    let name = BackupName::parse(&name)?;
    let row = backups::find(&site.db, &name).await?;
    let drills = backups::drills_of(&site.db, &name, DRILLS).await?;
    let stored = site.in_store(async |vault| read(&vault, &name).await).await;
    if let (None, Ok(stored)) = (&row, &stored)
        && stored.this.manifest.is_none()
        && stored.this.drill.is_none()
    {
        let why = site.in_store(async |vault| shelf::manifest(&vault, &name).await).await.err();
        let unread = || Failure::new(Kind::NotFound, format!("there is no backup {name}"));
        return Err(why.unwrap_or_else(unread).into());
    }
    let content = html! {
        @if let Some(row) = &row { (alarms(row)) }
        @match &stored {
            Ok(stored) => (whole(stored, row.as_ref(), &visitor)),
            Err(failure) => {
                div.flash.bad role="alert" { p { "The backup store cannot be read: " (failure.what()) } }
                @if let Some(row) = &row { (card("As it is recorded", &recorded(row))) }
            }
        }
        @if !drills.is_empty() { (card("Drills", &drill::history(&drills, &visitor))) }
    };
    Ok(page(name.as_str(), Nav::Backups, &visitor, &content))
}

async fn read(vault: &Vault, name: &BackupName) -> Result<Stored> {
    let this = shelf::one(vault, name).await?;
    let names = vault.list().await?;
    let is_before = |other: &&BackupName| other.database() == name.database() && other.moment() < name.moment();
    let before = match names.iter().filter(is_before).max_by_key(|other| other.moment()) {
        Some(before) => Some(shelf::one(vault, before).await?),
        None => None,
    };
    Ok(Stored { place: vault.place(), this, before })
}

fn alarms(row: &BackupRow) -> Markup {
    html! {
        @if let Some(at) = row.pruned_at { div.flash.warn { p { "It was removed from the store " (time::at(at)) ". This is what is recorded of it." } } }
        @if !row.alarms.is_empty() {
            section.card.alarm role="alert" {
                h2 { "Unlike the last verified one before it" }
                ul { @for alarm in &row.alarms { li { (alarm) } } }
            }
        }
    }
}

fn whole(stored: &Stored, row: Option<&BackupRow>, visitor: &Visitor) -> Markup {
    let Stored { place, this, before } = stored;
    let name = this.name.as_str();
    html! {
        div.actions {
            (verdict(this.verdict()))
            @if let Some(reason) = this.drill.as_ref().and_then(|drill| drill.reason.as_ref()) { span { (reason) } }
            @if visitor.is_admin() && this.manifest.is_some() {
                (button(visitor, &format!("{}/verify", super::own(name)), "Try whether it restores", "primary"))
            }
        }
        @if let Some(problem) = &this.problem { div.flash.bad role="alert" { p { (problem) } } }
        @if this.manifest.is_some() {
            (card("Restore it", &html! {
                p.note { "Into a new database beside the old one; restoring is done on the command line, where somebody watches." }
                (copyable("restore", &command::of(&this.name).beside))
            }))
        }
        @match &this.manifest {
            Some(manifest) => (card("What it is", &what(manifest, place, visitor))),
            None => { @if let Some(row) = row { (card("As it is recorded", &recorded(row))) } }
        }
        @if let Some(report) = &this.drill { (drill::report(report, visitor)) }
        @if let (Some(manifest), Some(before)) = (&this.manifest, before) {
            (card("Since the one before", &html! {
                @match &before.manifest {
                    Some(earlier) => (diff::between(&Diff::between(earlier, manifest))),
                    None => { p.note { (before.name) " cannot be read." } }
                }
            }))
        }
        @if let Some(manifest) = &this.manifest {
            (card("Tables", &tables(manifest)))
            details.card { summary { "Files" } (files(manifest)) }
        }
    }
}

fn what(manifest: &Manifest, place: &str, visitor: &Visitor) -> Markup {
    let Manifest { source, tools, .. } = manifest;
    let ratio = manifest.raw_bytes() as f64 / manifest.bytes().max(1) as f64;
    let mut pairs = vec![
        ("Made", time::ago(manifest.started_at, visitor.now)),
        ("Took", html! { (time::lasting(Some(manifest.seconds()))) }),
        (
            "Size in the store",
            html! { (bytes(manifest.bytes())) " " span.muted { (format!("{ratio:.1}× smaller than the dump")) } },
        ),
        (
            "Rows",
            html! { (grouped(manifest.rows())) " in " (counted(manifest.tables.len() as u64, "table", "tables")) },
        ),
        ("Database", html! { (source.database) ", " (bytes(source.bytes)) " on disk" }),
        ("Server", html! { "PostgreSQL " (version(source.server_version)) }),
        (
            "Layout",
            html! { (manifest.format.name()) ", " (manifest.compression.name()) @if manifest.level > 0 { " " (manifest.level) } },
        ),
        (
            "Encrypted",
            html! {
                @if manifest.recipients.is_empty() { "no" } @else { "to " (counted(manifest.recipients.len() as u64, "key", "keys")) }
            },
        ),
        (
            "Part",
            html! { @if manifest.selection.is_everything() { "all of it" } @else { (badge(Tone::Warn, "a part")) " " (part(&manifest.selection)) } },
        ),
        ("Made by", html! { "repo-to-cat " (tools.repo_to_cat) ", pg_dump " (tools.pg_dump) }),
        ("Where", html! { (place) }),
    ];
    if let Some(images) = manifest.images {
        let copied = if images.copied { "in the backup, too" } else { "in their own store only" };
        pairs.push(("Pictures", html! { (grouped(images.count)) ", " (copied) }));
    }
    if let Some(job) = manifest.job {
        pairs.push(("Job", html! { a href={ "/jobs/" (job) } { (job) } }));
    }
    html! {
        (facts(pairs))
        @if !manifest.stages.is_empty() { (drill::stages("Stages of making it", &manifest.stages)) }
    }
}

fn recorded(row: &BackupRow) -> Markup {
    facts([
        ("Made", time::at(row.started_at)),
        ("Took", html! { (time::lasting(Some(row.seconds))) }),
        ("Size in the store", super::size(Some(row.bytes))),
        (
            "Rows",
            html! { (grouped(row.rows.unsigned_abs())) " in " (counted(row.tables.unsigned_abs(), "table", "tables")) },
        ),
        ("Layout", html! { (row.format) ", " (row.compression) }),
        ("Verdict", super::recorded(&row.verdict)),
        ("Where", html! { (row.store) }),
    ])
}

fn version(number: u32) -> String {
    format!("{}.{}", number / 10_000, number % 10_000)
}

fn part(selection: &Selection) -> String {
    let Selection { tables, exclude_tables, schemas, exclude_schemas } = selection;
    let each =
        [("only", tables), ("without", exclude_tables), ("schemas", schemas), ("without schemas", exclude_schemas)];
    let words =
        each.into_iter().filter(|(_, list)| !list.is_empty()).map(|(word, list)| format!("{word} {}", list.join(", ")));
    words.collect::<Vec<_>>().join("; ")
}

fn tables(manifest: &Manifest) -> Markup {
    let (mut filled, empty): (Vec<_>, Vec<_>) = manifest.tables.iter().partition(|table| table.fingerprint.rows > 0);
    filled.sort_by_key(|table| Reverse(table.fingerprint.bytes));
    let columns =
        [Column::text("Table"), Column::number("Rows"), Column::number("As text"), Column::text("Fingerprint")];
    let rows = filled.iter().take(TABLES).map(|table| {
        vec![
            html! { (table.schema) "." strong { (table.name) } },
            html! { (grouped(table.fingerprint.rows)) },
            html! { (bytes(table.fingerprint.bytes)) },
            html! { code { (format!("{:08x}…", table.fingerprint.hash.0 >> 96)) } },
        ]
    });
    html! {
        (table("Tables, the largest first", &columns, rows))
        @if filled.len() > TABLES { p.muted { "and " (filled.len() - TABLES) " smaller ones" } }
        @if !empty.is_empty() {
            details {
                summary { (counted(empty.len() as u64, "empty table", "empty tables")) }
                ul { @for table in empty.iter().take(TABLES) { li { (table.schema) "." (table.name) } } }
            }
        }
    }
}

fn files(manifest: &Manifest) -> Markup {
    let columns = [Column::text("File"), Column::text("Holds"), Column::number("Size"), Column::text("SHA-256")];
    let rows = manifest.files.iter().map(|file| {
        vec![
            html! { (file.name) },
            html! { (manifest.holds(file)) },
            html! { (bytes(file.bytes)) },
            html! { code title=(file.sha256) { (file.sha256.get(..12).unwrap_or(&file.sha256)) "…" } },
        ]
    });
    table("Files", &columns, rows)
}
