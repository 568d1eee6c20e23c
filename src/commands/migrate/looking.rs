//! `migrate current`, `history`, `heads`, `show`, `check`.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::json;

use super::{named, told};
use crate::commands::Output;
use crate::commands::view::table::Table;
use crate::db::migrate::{Goal, Revision, Revisions, SchemaState};
use crate::model::failure::{Failure, Kind, Result};

/// Runs `migrate current`.
pub fn current(state: &SchemaState, output: &Output) -> Result<()> {
    let pending = state.pending.iter().map(|(version, name)| (*version, name.as_str()));
    let data = json!({
        "current": state.current,
        "revision": state.label(state.current),
        "head": state.head,
        "pending": told(pending),
        "unknown": state.unknown,
        "edited": state.edited,
        "broken_off": state.broken().collect::<Vec<_>>(),
        "oldest_program": state.oldest_program,
    });
    output.data(&data, |_| {
        let mut text = state.label(state.current);
        if state.pending.is_empty() {
            text += if state.unknown.is_empty() { " (head)" } else { " (of a newer program)" };
        }
        text += "\n";
        for (versions, what) in [
            (&state.unknown, "is not known to this program"),
            (&state.edited, "was edited since it was applied"),
            (&state.broken().collect(), "was begun and is not done"),
        ] {
            for version in versions {
                _ = writeln!(text, "{} {what}", state.label(*version));
            }
        }
        text
    })
}

/// Runs `migrate history`.
pub fn history(state: &SchemaState, verbose: bool, output: &Output) -> Result<()> {
    let revisions = Revisions::ours();
    let ours = revisions.iter().map(|revision| revision.version);
    let all: BTreeSet<i64> = ours.chain(state.recorded.keys().copied()).collect();
    let rows: Vec<_> = all
        .into_iter()
        .rev()
        .map(|version| {
            let (recorded, ours) = (state.recorded.get(&version), revisions.get(version));
            json!({
                "version": version,
                "revision": state.label(version),
                "state": standing(state, version),
                "applied_at": recorded.filter(|recorded| recorded.is_whole).map(|recorded| recorded.at),
                "seconds": recorded.and_then(|recorded| recorded.took).map(|took| took.as_secs_f64()),
                "transaction": ours.map(Revision::is_transactional),
                "summary": ours.map(Revision::summary),
            })
        })
        .collect();
    output.data(&rows, |look| {
        let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
        let at = |row| text(row, "applied_at").get(..19).map_or_else(String::new, |at| at.replace('T', " "));
        let took =
            |row: &serde_json::Value| row["seconds"].as_f64().map_or_else(String::new, |it| format!("{it:.3} s"));
        let mut table = Table::new(["Revision", "State", "Applied at (UTC)", "Took"]).whole(0).numbers(3);
        let mut verbose_table = Table::new(["Revision", "State", "Applied at (UTC)", "Took", "What it is for"])
            .whole(0)
            .whole(2)
            .numbers(3);
        for row in &rows {
            let cells = [text(row, "revision"), text(row, "state"), at(row), took(row)];
            if verbose {
                let [revision, state, at, took] = cells;
                verbose_table.row([revision, state, at, took, text(row, "summary")]);
            } else {
                table.row(cells);
            }
        }
        if verbose { verbose_table.render(look) } else { table.render(look) }
    })
}

fn standing(state: &SchemaState, version: i64) -> &'static str {
    let is_in = |versions: &[i64]| versions.contains(&version);
    match state.recorded.get(&version) {
        None if version < state.current => "missing",
        None => "pending",
        Some(recorded) if !recorded.is_whole => "broken off",
        Some(_) if is_in(&state.unknown) => "unknown",
        Some(_) if is_in(&state.edited) => "edited",
        Some(_) => "applied",
    }
}

/// Runs `migrate heads`.
pub fn heads(output: &Output) -> Result<()> {
    let head = Revisions::ours().iter().next_back();
    output.data(&told(head.map(named)), |_| head.map(|head| format!("{head} (head)\n")).unwrap_or_default())
}

/// Runs `migrate show`.
pub fn show(revision: &str, output: &Output) -> Result<()> {
    let revisions = Revisions::ours();
    let version = Goal::read(revision, revisions)?.version(revisions);
    let revision = version.and_then(|version| revisions.get(version)).ok_or_else(|| {
        Failure::new(Kind::Invalid, format!("{revision:?} is not one revision")).hint("name one, or head")
    })?;
    let (up, down) = (revision.up_script(), revision.down_script());
    let data = json!({
        "version": revision.version,
        "revision": revision.to_string(),
        "summary": revision.summary(),
        "transaction": revision.is_transactional(),
        "up": up,
        "down": down,
    });
    output.data(&data, |look| {
        let way = if revision.is_transactional() { "in one transaction" } else { "without a transaction" };
        let [title, above, below] =
            [format!("{revision}, {way}"), "-- up".to_owned(), "-- down".to_owned()].map(|text| look.heading(&text));
        format!("{title}\n\n{above}\n{}\n\n{below}\n{}\n", up.trim_end(), down.unwrap_or_default().trim_end())
    })
}

/// Runs `migrate check`.
pub fn check(state: &SchemaState, output: &Output) -> Result<()> {
    state.require_current()?;
    output.data(&json!({"current": state.current, "pending": []}), |_| {
        let newer = if state.is_newer() { ", of a newer program that goes on serving this one" } else { "" };
        format!("nothing is pending: the schema is at {}{newer}\n", state.label(state.current))
    })
}
