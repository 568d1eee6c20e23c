//! `/backups`: which there are, how they grow, what they hold, and whether they come back.

mod actions;
mod chart;
mod diff;
mod drill;
mod list;
mod show;
mod standing;

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use maud::{Markup, html};
use tokio::time::timeout;

use super::Routes;
use super::parts::badge::{Tone, badge};
use super::parts::link::segment;
use crate::model::backup::Verdict;
use crate::model::failure::{Failure, Kind, Result};

/// How long a page waits for the store, which may be far away.
const PATIENCE: Duration = Duration::from_secs(10);

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

/// What the store answers, if it does in time.
async fn in_time<T>(asking: impl Future<Output = Result<T>>) -> Result<T> {
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| {
        Err(Failure::new(Kind::Unavailable, "the backup store does not answer in time").hint("look at backup.store"))
    })
}

/// A size, where it is known.
fn size(bytes: Option<i64>) -> Markup {
    html! { @if let Some(bytes) = bytes { (crate::model::amount::bytes(bytes.unsigned_abs())) } @else { "–" } }
}
