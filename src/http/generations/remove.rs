//! `DELETE /v1/generations/{id}`.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::Id;
use crate::generation::removal;
use crate::http::auth::Admin;
use crate::http::deeds::{Act, Via};
use crate::http::error::{Details, Refusals};
use crate::http::{Problem, Site};

/// Delete a generation
///
/// And its pictures, where no other one has them; fresh ones are swept later. What its job left is kept.
#[utoipa::path(delete, path = "/v1/generations/{id}", tag = "generations", params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT, description = "It is deleted"),
              (status = NOT_FOUND, body = Details, content_type = "application/problem+json"),
              (status = CONFLICT, body = Details, content_type = "application/problem+json", description = "Its job is not finished"),
              Refusals),
    security(("token" = ["admin"])))]
pub async fn remove(State(site): State<Site>, Admin(caller): Admin, id: Id) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    let target = id.to_string();
    let act =
        Act { caller: &caller, via: Via::Http, action: "generations.delete", target: Some(&target), detail: None };
    site.perform(act, removal::remove(&site.db, &site.pictures, &site.config.worker, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
