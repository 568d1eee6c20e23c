//! `public.tokens`: what users prove who they are with. A token itself never gets here, only its hash: not into a table,
//! a statement's text or a server's log.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{Db, Session, randomness};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::{self, API_TOKEN, Scopes, Token, TokenState};
use crate::model::user::check_name;
use crate::model::when::When;

/// A token as it stands in the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Token)]
pub struct TokenRow {
    /// Identity.
    pub id: Uuid,
    /// Whose it is.
    pub user_id: Uuid,
    /// That user's name, else the address.
    pub user: Option<String>,
    /// What it is for.
    pub name: String,
    /// How it begins.
    pub prefix: String,
    /// What it allows.
    pub scopes: Scopes,
    /// Whether it works.
    pub state: TokenState,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// From when on it does not work.
    pub expires_at: Option<DateTime<Utc>>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
    /// Since when it is revoked.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Who asks, as a token proved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authenticated {
    /// The user.
    pub user_id: Uuid,
    /// The user's name; an adopted user may have none.
    pub username: Option<String>,
    /// What may be done.
    pub scopes: Scopes,
    /// The token that proved it.
    pub token_id: Uuid,
}

/// Which tokens to read.
#[derive(Debug, Clone, Copy, Default)]
struct Wanted<'a> {
    user: Option<Uuid>,
    /// A prefix, or an id.
    called: Option<&'a str>,
    hash: Option<&'a [u8]>,
    after: Option<Uuid>,
    limit: i64,
}

/// Who presents this token; notes, at most once a minute, that it was used.
///
/// Fails with [`Kind::Unauthorized`] where it is not known, revoked, expired, or its user is disabled. What is compared is
/// a hash, by an index, so that the time it takes tells nothing about any token.
pub async fn authenticate(db: &Db, presented: &str) -> Result<Authenticated> {
    let hash = token::hash(presented);
    let row = sqlx::query!(
        r#"WITH presented AS (
             SELECT token.id, token.user_id, token.scopes, person.username, token.revoked_at IS NOT NULL AS is_revoked,
                    coalesce(token.expires_at <= queue.now(), false) AS is_expired,
                    person.disabled_at IS NOT NULL AS is_disabled
             FROM public.tokens AS token JOIN public.users AS person ON person.id = token.user_id
             WHERE token.hash = $1
           ), stale AS (
             -- Whoever else notes its use just now does so for all.
             SELECT token.id FROM public.tokens AS token JOIN presented ON presented.id = token.id
             WHERE token.hash = $1 AND NOT is_revoked AND NOT is_expired AND NOT is_disabled
               AND coalesce(token.last_used_at <= queue.now() - interval '1 minute', true)
             FOR UPDATE OF token SKIP LOCKED
           ), noted AS (
             UPDATE public.tokens SET last_used_at = queue.now() WHERE id = (SELECT id FROM stale)
           )
           SELECT id, user_id, scopes, username, is_revoked AS "is_revoked!", is_expired AS "is_expired!",
                  is_disabled AS "is_disabled!"
           FROM presented"#,
        hash.as_slice()
    )
    .fetch_optional(db.pool())
    .await?
    .ok_or_else(unknown)?;
    TokenState::of(row.is_revoked, row.is_expired, row.is_disabled).require_works()?;
    Ok(Authenticated {
        user_id: row.user_id,
        username: row.username,
        scopes: Scopes::from_names(&row.scopes)?,
        token_id: row.id,
    })
}

/// Makes a token for a user. It is returned with its row and can never be had again. `expires` is counted from the
/// database's now; none: it works until it is revoked.
pub async fn create(
    db: &Db,
    user: Uuid,
    name: &str,
    scopes: &Scopes,
    expires: Option<When>,
) -> Result<(Token, TokenRow)> {
    check_name("the token's name", name)?;
    if name == API_TOKEN {
        return Err(Failure::new(Kind::Invalid, format!("the name `{API_TOKEN}` is kept for users.{API_TOKEN}"))
            .hint("take a name that says what the token is for"));
    }
    let token = Token::from_random(randomness::fill)?;
    let hash = token.hash();
    let (at, after) = match expires {
        Some(When::At(time)) => (Some(time), None),
        Some(When::In(wait)) => (None, Some(wait.as_seconds_f64())),
        None => (None, None),
    };
    let id = sqlx::query_scalar!(
        "INSERT INTO public.tokens (user_id, name, prefix, hash, scopes, expires_at)
         SELECT $1, $2, $3, $4, $5, expiry
         FROM (SELECT coalesce($6::timestamptz, queue.now() + make_interval(secs => $7)) AS expiry) AS given
         WHERE coalesce(expiry > queue.now(), true) RETURNING id",
        user,
        name,
        token.prefix(),
        hash.as_slice(),
        &scopes.names(),
        at,
        after
    )
    .fetch_optional(db.pool())
    .await?;
    let Some(id) = id else {
        return Err(Failure::new(Kind::Invalid, "the token would have expired already")
            .hint("give a time to come, as in --expires 90d or --expires 2030-01-31, or --expires never"));
    };
    Ok((token, find(db, &id.to_string()).await?))
}

/// Tokens, of one user or of all, the newest first; those after `after`, at most `limit`.
pub async fn list(db: &Db, user: Option<Uuid>, after: Option<Uuid>, limit: i64) -> Result<Vec<TokenRow>> {
    read(db, Wanted { user, after, limit, ..Wanted::default() }).await
}

/// The token with this prefix or id.
pub async fn find(db: &Db, called: &str) -> Result<TokenRow> {
    let mut found = read(db, Wanted { called: Some(called), limit: 10, ..Wanted::default() }).await?;
    match (found.pop(), found.as_slice()) {
        (Some(token), []) => Ok(token),
        (Some(token), others) => {
            let ids: Vec<_> = others.iter().chain([&token]).map(|token| token.id.to_string()).collect();
            Err(Failure::new(Kind::Conflict, format!("{} tokens begin with `{called}`", ids.len()))
                .hint(format!("say which by the id: {}", ids.join(", "))))
        }
        (None, _) => Err(Failure::new(Kind::NotFound, format!("there is no token `{called}`"))
            .hint("give the whole prefix or the id, as in: repo-to-cat users token list")),
    }
}

/// The row of a token that somebody presents, whether it works or not. That is no use of it.
pub async fn look_up(db: &Db, presented: &str) -> Result<TokenRow> {
    let hash = token::hash(presented);
    let found = read(db, Wanted { hash: Some(&hash), limit: 1, ..Wanted::default() }).await?;
    found.into_iter().next().ok_or_else(unknown)
}

/// Revokes a token; whether it was not revoked yet.
pub async fn revoke(db: &Db, id: Uuid) -> Result<bool> {
    revoke_in(&mut db.pool().acquire().await?, id).await
}

/// The same as part of a transaction.
pub(super) async fn revoke_in(session: &mut Session<'_>, id: Uuid) -> Result<bool> {
    let revoked =
        sqlx::query!("UPDATE public.tokens SET revoked_at = queue.now() WHERE id = $1 AND revoked_at IS NULL", id)
            .execute(session)
            .await?;
    Ok(revoked.rows_affected() == 1)
}

async fn read(db: &Db, wanted: Wanted<'_>) -> Result<Vec<TokenRow>> {
    let rows = sqlx::query!(
        r#"SELECT token.id, user_id, coalesce(username, email) AS "user", name, prefix, scopes, token.created_at,
                  expires_at, last_used_at, revoked_at, disabled_at IS NOT NULL AS "is_disabled!",
                  coalesce(expires_at <= queue.now(), false) AS "is_expired!"
           FROM public.tokens AS token JOIN public.users AS person ON person.id = user_id
           WHERE ($1::uuid IS NULL OR user_id = $1) AND ($2::text IS NULL OR prefix = $2 OR token.id = $3)
             AND ($4::bytea IS NULL OR hash = $4)
             AND ($5::uuid IS NULL
                  OR (token.created_at, token.id) < (SELECT created_at, id FROM public.tokens WHERE id = $5))
           ORDER BY token.created_at DESC, token.id DESC LIMIT $6"#,
        wanted.user,
        wanted.called,
        wanted.called.and_then(|called| called.parse::<Uuid>().ok()),
        wanted.hash,
        wanted.after,
        wanted.limit
    )
    .fetch_all(db.pool())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(TokenRow {
                id: row.id,
                user_id: row.user_id,
                user: row.user,
                name: row.name,
                prefix: row.prefix,
                scopes: Scopes::from_names(&row.scopes)?,
                state: TokenState::of(row.revoked_at.is_some(), row.is_expired, row.is_disabled),
                created_at: row.created_at,
                expires_at: row.expires_at,
                last_used_at: row.last_used_at,
                revoked_at: row.revoked_at,
            })
        })
        .collect()
}

fn unknown() -> Failure {
    Failure::new(Kind::Unauthorized, "the token is not known").hint("is it whole, and of this database?")
}
