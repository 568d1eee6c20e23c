//! `/jobs`: the list with its filter, one job with its life, and how both are steered.

mod actions;
mod change;
mod life;
mod list;
mod show;
mod steering;
mod timeline;
mod wanted;

use axum::Router;
use axum::routing::{get, post};

use super::Routes;

pub(super) fn routes() -> Routes {
    Router::new()
        .route("/jobs", get(list::show).post(actions::many))
        .route("/jobs/{id}", get(show::show))
        .route("/jobs/{id}/{action}", post(actions::one))
}
