//! The dashboard: pages for people, made on the server, which work without JavaScript.

use axum::Router;

use crate::http::Site;

/// The pages.
pub fn pages() -> Router<Site> {
    Router::new()
}
