//! `/queues`: the kinds of jobs, how much there is of each, their limits, and the workers.

mod actions;
mod show;

use axum::Router;
use axum::routing::{get, post};

use super::Routes;

pub(super) fn routes() -> Routes {
    Router::new()
        .route("/queues", get(show::show))
        .route("/queues/limits", post(actions::limit))
        .route("/queues/unlimit", post(actions::unlimit))
        .route("/queues/release", post(actions::release))
        .route("/queues/{kind}/pause", post(actions::pause))
        .route("/queues/{kind}/resume", post(actions::resume))
}
