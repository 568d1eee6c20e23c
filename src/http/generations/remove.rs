//! `DELETE /v1/generations/{id}`.

use axum::extract::State;
use axum::http::StatusCode;

use crate::generation::removal;
use crate::http::auth::Admin;
use crate::http::deeds::{Act, Via};
use crate::http::error::Details;
use crate::http::input::Id;
use crate::http::refusals::OfFinding;
use crate::http::{Problem, Site};

/// Delete a generation
///
/// And its pictures, where no other one has them; fresh ones are swept later. What its job left is kept.
#[utoipa::path(delete, path = "/v1/generations/{id}", tag = "generations", operation_id = "generations_delete", params(("id" = Uuid, Path)),
    responses((status = NO_CONTENT, description = "It is deleted"), OfFinding,
              (status = CONFLICT, body = Details, content_type = "application/problem+json", description = "Its job is not finished")),
    security(("token" = ["admin"])))]
pub async fn remove(State(site): State<Site>, Admin(caller): Admin, Id(id): Id) -> Result<StatusCode, Problem> {
    let target = id.to_string();
    let act =
        Act { caller: &caller, via: Via::Http, action: "generations.delete", target: Some(&target), detail: None };
    let removing = removal::remove(&site.db, &site.pictures, &site.config.worker, id);
    site.perform(act, removing).await?;
    Ok(StatusCode::NO_CONTENT)
}
