//! Admins, of whom one must be left: what takes the last one's way in is refused to those who ask from afar. Whoever sits
//! at the command line can make another, and is asked nothing.

use uuid::Uuid;

use crate::db::Db;
use crate::db::session::{Session, Transaction};
use crate::model::failure::{Failure, Kind, Result};

/// The advisory lock of whoever takes a way in: two at once would each count on the other's admin.
const LOCK: i64 = 0x7274_635f_6164_6d69;

/// Whether an admin has a token that works.
pub(super) async fn is_there(session: &mut Session<'_>) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT FROM public.tokens AS token JOIN public.users AS person ON person.id = token.user_id
             WHERE 'admin' = ANY (scopes) AND revoked_at IS NULL AND disabled_at IS NULL
               AND coalesce(expires_at > queue.now(), true)) AS "has!""#
    )
    .fetch_one(session)
    .await?)
}

/// Revokes a token; whether it was not revoked yet. Fails (`Conflict`) where no admin could get in any more.
pub async fn revoke_token(db: &Db, id: Uuid) -> Result<bool> {
    let mut transaction = begin(db).await?;
    let had_one = is_there(&mut transaction).await?;
    let revoked =
        sqlx::query!("UPDATE public.tokens SET revoked_at = queue.now() WHERE id = $1 AND revoked_at IS NULL", id)
            .execute(&mut *transaction)
            .await?;
    end(transaction, had_one).await?;
    Ok(revoked.rows_affected() == 1)
}

/// Disables a user; whether it was not disabled yet. Fails (`Conflict`) where no admin could get in any more.
pub async fn disable_user(db: &Db, id: Uuid) -> Result<bool> {
    let mut transaction = begin(db).await?;
    let had_one = is_there(&mut transaction).await?;
    let disabled = sqlx::query!(
        "UPDATE public.users SET disabled_at = queue.now(), updated_at = queue.now() AT TIME ZONE 'utc'
         WHERE id = $1 AND disabled_at IS NULL",
        id
    )
    .execute(&mut *transaction)
    .await?;
    end(transaction, had_one).await?;
    Ok(disabled.rows_affected() == 1)
}

async fn begin(db: &Db) -> Result<Transaction<'static>> {
    let mut transaction = db.pool().begin().await?;
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", LOCK).execute(&mut *transaction).await?;
    Ok(transaction)
}

/// Commits, unless that took the last admin's way in.
async fn end(mut transaction: Transaction<'static>, had_one: bool) -> Result<()> {
    if had_one && !is_there(&mut transaction).await? {
        return Err(Failure::new(Kind::Conflict, "no admin could get in any more")
            .hint("give another admin a token first; or do it on the command line, with repo-to-cat users"));
    }
    Ok(transaction.commit().await?)
}
