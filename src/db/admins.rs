//! Admins, of whom one must be left: what takes the last one's way in is refused to those who ask from afar. Whoever sits
//! at the command line can make another, and is asked nothing. Where there is none yet, the first gets a token.

use uuid::Uuid;

use crate::db::session::{Session, Transaction};
use crate::db::{Db, randomness, tokens, users};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::token::Token;

/// The user whose token is made where no admin has one.
pub const FIRST: &str = "admin";
/// The advisory lock of whoever makes or takes a way in: two at once would each count on the other's admin, and hosts that
/// start at once would each make a first one.
const LOCK: i64 = 0x7274_635f_6164_6d69;

/// Whether an admin has a token that works.
pub async fn is_there(db: &Db) -> Result<bool> {
    is_left(&mut db.pool().acquire().await?).await
}

async fn is_left(session: &mut Session<'_>) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM public.tokens AS token JOIN public.users AS person ON person.id = token.user_id
             WHERE 'admin' = ANY (scopes) AND revoked_at IS NULL AND disabled_at IS NULL
               AND coalesce(expires_at > queue.now(), true)) AS "has!""#
    )
    .fetch_one(session)
    .await?)
}

/// Makes the first token that may do everything, of the user [`FIRST`], where no admin has one that works; whether it did.
/// `keep` puts it where it will be found, before it works: who cannot keep it makes none.
pub async fn make_first(db: &Db, keep: impl FnOnce(&Token) -> Result<()>) -> Result<bool> {
    let mut transaction = begin(db).await?;
    if is_left(&mut transaction).await? {
        return Ok(false);
    }
    sqlx::query!("INSERT INTO public.users (username) VALUES ($1) ON CONFLICT DO NOTHING", FIRST)
        .execute(&mut *transaction)
        .await?;
    let token = Token::from_random(randomness::fill)?;
    let hash = token.hash();
    let made = sqlx::query!(
        "INSERT INTO public.tokens (user_id, name, prefix, hash, scopes)
         SELECT id, 'first', $2, $3, '{admin}' FROM public.users WHERE username = $1 AND disabled_at IS NULL",
        FIRST,
        token.prefix(),
        hash.as_slice()
    )
    .execute(&mut *transaction)
    .await?;
    if made.rows_affected() == 0 {
        return Err(Failure::new(Kind::Refused, format!("the user `{FIRST}` is disabled, and no admin has a token"))
            .hint(format!("type: repo-to-cat users enable {FIRST}; or give another user a token of scope admin")));
    }
    keep(&token)?;
    transaction.commit().await?;
    Ok(true)
}

/// Revokes a token; whether it was not revoked yet. Fails (`Conflict`) where no admin could get in any more.
pub async fn revoke_token(db: &Db, id: Uuid) -> Result<bool> {
    let mut transaction = begin(db).await?;
    let had_one = is_left(&mut transaction).await?;
    let is_new = tokens::revoke_in(&mut transaction, id).await?;
    end(transaction, had_one).await?;
    Ok(is_new)
}

/// Disables a user; whether it was not disabled yet. Fails (`Conflict`) where no admin could get in any more.
pub async fn disable_user(db: &Db, id: Uuid) -> Result<bool> {
    let mut transaction = begin(db).await?;
    let had_one = is_left(&mut transaction).await?;
    let is_new = users::set_disabled_in(&mut transaction, id, true).await?;
    end(transaction, had_one).await?;
    Ok(is_new)
}

async fn begin(db: &Db) -> Result<Transaction<'static>> {
    let mut transaction = db.pool().begin().await?;
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Commits, unless that took the last admin's way in.
async fn end(mut transaction: Transaction<'static>, had_one: bool) -> Result<()> {
    if had_one && !is_left(&mut transaction).await? {
        return Err(Failure::new(Kind::Conflict, "no admin could get in any more")
            .hint("give another admin a token first; or do it on the command line, with repo-to-cat users"));
    }
    Ok(transaction.commit().await?)
}
