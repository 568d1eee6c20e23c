//! `web.sessions`: logins at the dashboard. What the browser holds never gets here, only its hash.

use uuid::Uuid;

use crate::db::tokens::Authenticated;
use crate::db::{Db, randomness};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::{Scopes, Token, TokenState, hash};

/// Begins a login with a token for so many hours; returns what the browser is to hold.
pub async fn begin(db: &Db, token: Uuid, hours: i32) -> Result<Token> {
    let secret = Token::from_random(randomness::fill)?;
    let hash = secret.hash();
    sqlx::query!(
        "WITH over AS (DELETE FROM web.sessions WHERE expires_at <= queue.now())
         INSERT INTO web.sessions (hash, token_id, expires_at)
         VALUES ($1, $2, queue.now() + make_interval(hours => $3))",
        hash.as_slice(),
        token,
        hours
    )
    .execute(db.pool())
    .await?;
    Ok(secret)
}

/// Who logged in and got this. Fails with [`Kind::Unauthorized`] where the login is over, or its token does not work any
/// more.
pub async fn find(db: &Db, presented: &str) -> Result<Authenticated> {
    let over = || Failure::new(Kind::Unauthorized, "the login is over").hint("log in again");
    let hash = hash(presented);
    let row = sqlx::query!(
        r#"SELECT token.id, token.user_id, token.scopes, coalesce(username, email) AS username,
                  token.revoked_at IS NOT NULL AS "is_revoked!",
                  coalesce(token.expires_at <= queue.now(), false) AS "is_expired!",
                  person.disabled_at IS NOT NULL AS "is_disabled!"
           FROM web.sessions AS session JOIN public.tokens AS token ON token.id = session.token_id
             JOIN public.users AS person ON person.id = token.user_id
           WHERE session.hash = $1 AND session.expires_at > queue.now()"#,
        hash.as_slice()
    )
    .fetch_optional(db.pool())
    .await?
    .ok_or_else(over)?;
    TokenState::of(row.is_revoked, row.is_expired, row.is_disabled).require_works()?;
    Ok(Authenticated {
        user_id: row.user_id,
        username: row.username,
        scopes: Scopes::from_names(&row.scopes)?,
        token_id: row.id,
    })
}

/// Ends a login.
pub async fn end(db: &Db, presented: &str) -> Result<()> {
    let hash = hash(presented);
    sqlx::query!("DELETE FROM web.sessions WHERE hash = $1", hash.as_slice()).execute(db.pool()).await?;
    Ok(())
}
