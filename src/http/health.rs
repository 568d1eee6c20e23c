//! Whether the service is well.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::error::Problem;
use crate::db::migrate;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready))
}

/// The process answers.
#[utoipa::path(get, path = "/health/live", tag = "health", responses((status = OK)))]
async fn live() -> Json<Value> {
    Json(json!({"status": "ok"}))
}

/// The database answers and has this program's schema.
#[utoipa::path(get, path = "/health/ready", tag = "health", responses((status = OK), (status = SERVICE_UNAVAILABLE)))]
async fn ready(State(site): State<Site>) -> Result<Json<Value>, Problem> {
    let schema = migrate::state(&site.db).await?;
    schema.require_current()?;
    Ok(Json(json!({"status": "ok", "schema": schema.current})))
}
