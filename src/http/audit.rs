//! `/v1/audit`: who did what by HTTP or at the dashboard.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Site;
use super::auth::Admin;
use super::error::Problem;
use super::input::Params;
use super::page;
use crate::db::audit::{self, Audited, Filter};

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(list))
}

/// What to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// By whoever has this name.
    who: Option<String>,
    /// What, such as `jobs.cancel`, or what it begins with, such as `jobs.`.
    action: Option<String>,
    /// To this: an id or a name.
    target: Option<String>,
    /// What was done before this entry.
    after: Option<i64>,
    /// How many.
    #[param(minimum = 1, maximum = 1000, default = 50)]
    limit: Option<u16>,
}

/// A part of what was done, the last first.
#[derive(Debug, Serialize, ToSchema)]
struct AuditPage {
    entries: Vec<Audited>,
    /// After which to go on; null at the end of the list. A page with fewer than `limit` ends where so many were looked at.
    next: Option<i64>,
}

/// What was changed by HTTP or at the dashboard, by whom and how it went; the last first.
#[utoipa::path(get, path = "/v1/audit", tag = "audit", operation_id = "audit_list", params(Wanted), security(("token" = ["admin"])),
    responses((status = OK, body = AuditPage, headers(("link" = String, description = "The next page, with rel=\"next\".")))))]
async fn list(
    State(site): State<Site>,
    _: Admin,
    OriginalUri(uri): OriginalUri,
    Params(wanted): Params<Wanted>,
) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    let filter = Filter { who: wanted.who, action: wanted.action, target: wanted.target };
    let audit::Page { deeds: entries, next } = audit::list(&site.db, &filter, wanted.after, limit).await?;
    Ok(page::answer(&uri, next.as_ref(), AuditPage { entries, next }))
}
