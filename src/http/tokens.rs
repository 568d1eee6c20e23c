//! `/v1/tokens`, `/v1/users/{user}/tokens`: what users prove who they are with.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use super::Site;
use super::auth::Admin;
use super::deeds::{Act, Via};
use super::error::Problem;
use super::input::{Body, Name, Params};
use super::page;
use super::refusals::{OfChanging, OfFinding};
use crate::db::tokens::{self, TokenRow};
use crate::db::users;
use crate::model::failure::{Failure, Kind};
use crate::model::token::{Scope, Scopes, prefix_of_whole};
use crate::model::when::When;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(of_user, make)).routes(routes!(revoke))
}

/// A part of the tokens, the newest first.
#[derive(Debug, Serialize, ToSchema)]
struct TokenPage {
    tokens: Vec<TokenRow>,
    /// After which to go on; null at the end of the list.
    next: Option<Uuid>,
}

/// The tokens of all users, the newest first. Of each no more is known than how it begins.
#[utoipa::path(get, path = "/v1/tokens", tag = "users", operation_id = "tokens_list", params(page::Wanted), security(("token" = ["admin"])),
    responses((status = OK, body = TokenPage, headers(("link" = String, description = "The next page, with rel=\"next\"."))), OfFinding))]
async fn list(
    State(site): State<Site>,
    _: Admin,
    OriginalUri(uri): OriginalUri,
    Params(wanted): Params<page::Wanted>,
) -> Result<Response, Problem> {
    answer(&site, &uri, None, &wanted).await
}

/// The tokens of a user, the newest first.
#[utoipa::path(get, path = "/v1/users/{user}/tokens", tag = "users", operation_id = "tokens_of_user",
    params(("user" = String, Path, description = "Name, address or id."), page::Wanted), security(("token" = ["admin"])),
    responses((status = OK, body = TokenPage, headers(("link" = String, description = "The next page, with rel=\"next\"."))), OfFinding))]
async fn of_user(
    State(site): State<Site>,
    _: Admin,
    OriginalUri(uri): OriginalUri,
    Name(called): Name,
    Params(wanted): Params<page::Wanted>,
) -> Result<Response, Problem> {
    let user = users::find(&site.db, &called).await?;
    answer(&site, &uri, Some(user.id), &wanted).await
}

async fn answer(site: &Site, uri: &Uri, user: Option<Uuid>, wanted: &page::Wanted) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    if let Some(cursor) = wanted.after {
        tokens::find(&site.db, &cursor.to_string()).await?;
    }
    let tokens = tokens::list(&site.db, user, wanted.after, limit).await?;
    let next = page::next(&tokens, limit, |last| last.id);
    Ok(page::answer(uri, next.as_ref(), TokenPage { tokens, next }))
}

/// A token to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What it is for.
    #[serde(default = "token")]
    #[schema(min_length = 1, max_length = 255, default = "token")]
    name: String,
    /// What it allows; left out: to enqueue and to read.
    #[serde(default)]
    scopes: Vec<Scope>,
    /// When it stops to work: RFC 3339, or a time from now such as 90d; left out: when it is revoked.
    expires: Option<When>,
}

fn token() -> String {
    "token".to_owned()
}

/// A token that was made.
#[derive(Serialize, ToSchema)]
struct TokenMade {
    #[serde(flatten)]
    row: TokenRow,
    /// The token itself, which is never shown again.
    #[schema(example = "rtc_...")]
    token: String,
}

/// Makes a token for a user. It is in this answer, and can never be had again.
#[utoipa::path(post, path = "/v1/users/{user}/tokens", tag = "users", operation_id = "tokens_make", params(("user" = String, Path, description = "Name, address or id.")),
    request_body = NewToken, security(("token" = ["admin"])),
    responses((status = CREATED, body = TokenMade, headers(("location" = String))), OfChanging))]
async fn make(
    State(site): State<Site>,
    Admin(who): Admin,
    Name(called): Name,
    Body(new): Body<NewToken>,
) -> Result<Response, Problem> {
    let user = users::find(&site.db, &called).await?;
    let scopes = if new.scopes.is_empty() { Scopes::default() } else { new.scopes.into_iter().collect() };
    let target = user.id.to_string();
    let detail = json!({"user": user.called(), "name": new.name, "scopes": scopes, "expires": new.expires});
    let act = Act { caller: &who, via: Via::Http, action: "tokens.new", target: Some(&target), detail: Some(detail) };
    let (token, row) = site.perform(act, tokens::create(&site.db, user.id, &new.name, &scopes, new.expires)).await?;
    let headers =
        [(header::LOCATION, format!("/v1/tokens/{}", row.id)), (header::CACHE_CONTROL, "no-store".to_owned())];
    let made = TokenMade { row, token: token.reveal().to_owned() };
    Ok((StatusCode::CREATED, headers, Json(made)).into_response())
}

/// A token that works no more.
#[derive(Debug, Serialize, ToSchema)]
struct TokenRevoked {
    id: Uuid,
    prefix: String,
    user: Option<String>,
    /// Whether it was not revoked before.
    changed: bool,
}

/// Lets a token work no more, for ever. The last one that works with which an admin gets in cannot be revoked.
#[utoipa::path(delete, path = "/v1/tokens/{token}", tag = "users", operation_id = "tokens_revoke",
    params(("token" = String, Path, description = "Id or prefix, never the token itself.")), security(("token" = ["admin"])),
    responses((status = OK, body = TokenRevoked), OfChanging))]
async fn revoke(
    State(site): State<Site>,
    Admin(who): Admin,
    Name(called): Name,
) -> Result<Json<TokenRevoked>, Problem> {
    if let Some(prefix) = prefix_of_whole(&called) {
        let failure = Failure::new(Kind::Invalid, "that is a whole token, which belongs into no address");
        return Err(Problem::from(failure.hint(format!("its prefix is enough: {prefix}"))).of_field("token"));
    }
    let row = tokens::find(&site.db, &called).await?;
    let target = row.id.to_string();
    let detail = Some(json!({"prefix": row.prefix, "user": row.user}));
    let act = Act { caller: &who, via: Via::Http, action: "tokens.revoke", target: Some(&target), detail };
    let changed = site.perform(act, site.revoke_token(row.id)).await?;
    Ok(Json(TokenRevoked { id: row.id, prefix: row.prefix, user: row.user, changed }))
}
