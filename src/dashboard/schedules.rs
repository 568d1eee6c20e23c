//! `/schedules`: what is enqueued by the clock.

mod actions;
mod edit;
mod entry;
mod list;
mod show;

use axum::Router;
use axum::routing::{get, post};

use super::Routes;

/// No schedule has such a name.
const NEW: &str = "/schedules/.new";

pub(super) fn routes() -> Routes {
    Router::new()
        .route("/schedules", get(list::show).post(edit::add))
        .route(NEW, get(edit::blank))
        .route("/schedules/{name}", get(show::show))
        .route("/schedules/{name}/edit", get(edit::filled).post(edit::save))
        .route("/schedules/{name}/pause", post(actions::pause))
        .route("/schedules/{name}/resume", post(actions::resume))
        .route("/schedules/{name}/run", post(actions::run))
        .route("/schedules/{name}/delete", post(actions::delete))
}

/// Where one is.
fn own(name: &str) -> String {
    format!("/schedules/{}", super::parts::link::segment(name))
}
