//! Whether the service is well.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::Shared;
use super::error::Problem;
use crate::db::migrate;

/// The process answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The database answers and has this program's schema.
pub(super) async fn ready(State(shared): State<Shared>) -> Result<Json<Value>, Problem> {
    let schema = migrate::state(&shared.db).await?;
    schema.require_current()?;
    Ok(Json(json!({"status": "ok", "schema": schema.current})))
}
