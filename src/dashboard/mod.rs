//! The dashboard: pages for people, made on the server, which work without JavaScript.

mod jobs;
mod schedules;

use axum::Router;

use crate::http::Site;

/// The pages.
#[must_use]
pub fn pages() -> Router<Site> {
    Router::new()
}
