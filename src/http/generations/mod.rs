//! `/v1/generations`: ask for a cat, follow it, look at it, take it away.

mod create;
mod links;
mod list;
mod pictures;
mod remove;
mod request;
mod show;

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
pub(super) use create::{Asked, REPLAYED, ask, marked, traceparent};
pub(super) use links::Links;
pub(super) use request::{KEY, Wanted, idempotency_key};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(create::create, list::list))
        .routes(routes!(create::create_many))
        .routes(routes!(show::show, remove::remove))
        .routes(routes!(create::rerun))
        .routes(routes!(pictures::image))
        .routes(routes!(pictures::original))
}
