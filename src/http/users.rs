//! `/v1/users`: people and services that ask for cats. Passwords are not for HTTP.

use axum::Json;
use axum::extract::{OriginalUri, State};
use axum::http::{StatusCode, header};
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
use crate::db::users::{self, UserRow};

/// Tokens that are told with their user.
const SHOWN_TOKENS: i64 = 100;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Site> {
    OpenApiRouter::new()
        .routes(routes!(list, add))
        .routes(routes!(show))
        .routes(routes!(disable))
        .routes(routes!(enable))
}

/// A part of the users, the newest first.
#[derive(Debug, Serialize, ToSchema)]
struct UserPage {
    users: Vec<UserRow>,
    /// After which to go on; null at the end of the list.
    next: Option<Uuid>,
}

/// Users, the newest first.
#[utoipa::path(get, path = "/v1/users", tag = "users", operation_id = "users_list", params(page::Wanted), security(("token" = ["admin"])),
    responses((status = OK, body = UserPage, headers(("link" = String, description = "The next page, with rel=\"next\"."))), OfFinding))]
async fn list(
    State(site): State<Site>,
    _: Admin,
    OriginalUri(uri): OriginalUri,
    Params(wanted): Params<page::Wanted>,
) -> Result<Response, Problem> {
    let limit = page::limit(wanted.limit)?;
    if let Some(cursor) = wanted.after {
        // After one that is gone there would be nothing, which would look like the end.
        users::find(&site.db, &cursor.to_string()).await?;
    }
    let users = users::list(&site.db, wanted.after, limit).await?;
    let next = page::next(&users, limit, |last| last.id);
    Ok(page::answer(&uri, next.as_ref(), UserPage { users, next }))
}

/// A user to add.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewUser {
    /// Name, unique.
    #[schema(min_length = 1, max_length = 255)]
    name: String,
    /// E-mail address, unique.
    email: Option<String>,
}

/// Adds a user, who has no token yet.
#[utoipa::path(post, path = "/v1/users", tag = "users", operation_id = "users_add", request_body = NewUser, security(("token" = ["admin"])),
    responses((status = CREATED, body = UserRow, headers(("location" = String))), OfChanging))]
async fn add(State(site): State<Site>, Admin(who): Admin, Body(new): Body<NewUser>) -> Result<Response, Problem> {
    let detail = Some(json!({"email": new.email}));
    let act = Act { caller: &who, via: Via::Http, action: "users.add", target: Some(&new.name), detail };
    let user = site.perform(act, users::add(&site.db, &new.name, new.email.as_deref())).await?;
    let location = format!("/v1/users/{}", user.id);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(user)).into_response())
}

/// A user with what belongs to it.
#[derive(Debug, Serialize, ToSchema)]
struct UserShown {
    user: UserRow,
    /// The newest 100 tokens.
    tokens: Vec<TokenRow>,
    /// How many cats, up to 10,000.
    generations: i64,
}

/// A user, by name, address or id, with tokens and the number of cats.
#[utoipa::path(get, path = "/v1/users/{user}", tag = "users", operation_id = "users_show", params(("user" = String, Path, description = "Name, address or id.")),
    security(("token" = ["admin"])), responses((status = OK, body = UserShown), OfFinding))]
async fn show(State(site): State<Site>, _: Admin, Name(called): Name) -> Result<Json<UserShown>, Problem> {
    let user = users::find(&site.db, &called).await?;
    let tokens = tokens::list(&site.db, Some(user.id), None, SHOWN_TOKENS).await?;
    let generations = users::generations(&site.db, user.id).await?;
    Ok(Json(UserShown { user, tokens, generations }))
}

/// Whether a user is disabled now.
#[derive(Debug, Serialize, ToSchema)]
struct UserSwitched {
    id: Uuid,
    username: Option<String>,
    disabled: bool,
    /// Whether that was otherwise before.
    changed: bool,
}

/// Disables a user, whose tokens and logins do not work from then on. The last admin cannot be disabled.
#[utoipa::path(post, path = "/v1/users/{user}/disable", tag = "users", operation_id = "users_disable", params(("user" = String, Path, description = "Name, address or id.")),
    security(("token" = ["admin"])), responses((status = OK, body = UserSwitched), OfChanging))]
async fn disable(
    State(site): State<Site>,
    Admin(who): Admin,
    Name(called): Name,
) -> Result<Json<UserSwitched>, Problem> {
    let user = users::find(&site.db, &called).await?;
    let (target, detail) = (user.id.to_string(), Some(json!({"user": user.called()})));
    let act = Act { caller: &who, via: Via::Http, action: "users.disable", target: Some(&target), detail };
    let changed = site.perform(act, site.disable_user(user.id)).await?;
    Ok(Json(UserSwitched { id: user.id, username: user.username, disabled: true, changed }))
}

/// Lets a disabled user in again.
#[utoipa::path(post, path = "/v1/users/{user}/enable", tag = "users", operation_id = "users_enable", params(("user" = String, Path, description = "Name, address or id.")),
    security(("token" = ["admin"])), responses((status = OK, body = UserSwitched), OfChanging))]
async fn enable(
    State(site): State<Site>,
    Admin(who): Admin,
    Name(called): Name,
) -> Result<Json<UserSwitched>, Problem> {
    let user = users::find(&site.db, &called).await?;
    let (target, detail) = (user.id.to_string(), Some(json!({"user": user.called()})));
    let act = Act { caller: &who, via: Via::Http, action: "users.enable", target: Some(&target), detail };
    let changed = site.perform(act, users::set_disabled(&site.db, user.id, false)).await?;
    Ok(Json(UserSwitched { id: user.id, username: user.username, disabled: false, changed }))
}
