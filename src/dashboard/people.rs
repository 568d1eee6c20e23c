//! `/users`: people and services that ask for cats, and the tokens that they prove it with. For admins.

mod actions;
mod show;
mod tokens;

use axum::Router;
use axum::routing::{get, post};

use super::Routes;

pub(super) fn routes() -> Routes {
    Router::new()
        .route("/users", get(show::list).post(actions::add))
        .route("/users/{who}", get(show::one))
        .route("/users/{who}/disable", post(actions::disable))
        .route("/users/{who}/enable", post(actions::enable))
        .route("/users/{who}/tokens", post(tokens::new))
        .route("/users/{who}/tokens/{token}/revoke", post(tokens::revoke))
}

/// Where a user is.
fn own(id: uuid::Uuid) -> String {
    format!("/users/{id}")
}
