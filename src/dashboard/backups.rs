//! `/backups`: which there are, how they grow, what they hold, and whether they come back.

mod actions;
mod chart;
mod diff;
mod drill;
mod list;
mod show;
mod standing;
mod unmade;

use axum::Router;
use axum::routing::{get, post};
use maud::{Markup, html};

use super::Routes;
use super::parts::badge::{Tone, badge};
use super::parts::link::segment;
use crate::model::backup::Verdict;
pub(super) use standing::freshness;

pub(super) fn routes() -> Routes {
    Router::new()
        .route("/backups", get(list::show).post(actions::make))
        .route("/backups/{name}", get(show::show))
        .route("/backups/{name}/verify", post(actions::verify))
}

/// Where one is.
fn own(name: &str) -> String {
    format!("/backups/{}", segment(name))
}

/// What its last drill found. Nothing but a backup that came back as it was is green.
fn verdict(verdict: Verdict) -> Markup {
    let tone = match verdict {
        Verdict::Verified => Tone::Good,
        Verdict::Failed => Tone::Bad,
        Verdict::Unverified | Verdict::Unverifiable => Tone::Warn,
    };
    badge(tone, verdict.name())
}

/// The same, as it is recorded; what this program does not know is not green either.
fn recorded(name: &str) -> Markup {
    Verdict::from_name(name).map_or_else(|| badge(Tone::Warn, name), verdict)
}

/// A size, where it is known.
fn size(bytes: Option<i64>) -> Markup {
    html! { @if let Some(bytes) = bytes { (crate::model::amount::bytes(bytes.unsigned_abs())) } @else { "–" } }
}
