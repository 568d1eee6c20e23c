//! `public.users`: people and services that ask for cats. An adopted application may write rows, too.

use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::task::spawn_blocking;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{Db, Session, randomness};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::password::{self, Verdict};
use crate::model::user::{check_email, check_new_name};

/// Generations of a user that [`generations`] counts at most.
pub const COUNTED: i64 = 10_000;

/// A user as it stands in the database, without the password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserRow {
    /// Identity.
    pub id: Uuid,
    /// Name, unique. All that we add have one; of adopted ones it may be missing.
    pub username: Option<String>,
    /// E-mail address, unique.
    pub email: Option<String>,
    /// Whether there is a password.
    pub has_password: bool,
    /// Since when the user is disabled.
    pub disabled_at: Option<DateTime<Utc>>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// Tokens that are neither revoked nor expired.
    pub tokens: i64,
    /// When one of its tokens was used last, to the minute.
    pub last_used_at: Option<DateTime<Utc>>,
}

impl UserRow {
    /// What people call it: its name, else its address, else its id.
    #[must_use]
    pub fn called(&self) -> String {
        self.username.clone().or_else(|| self.email.clone()).unwrap_or_else(|| self.id.to_string())
    }
}

/// Users, the newest first; those after `after`, at most `limit`.
pub async fn list(db: &Db, after: Option<Uuid>, limit: i64) -> Result<Vec<UserRow>> {
    read(db, None, after, limit).await
}

/// The user with this name, address or id.
pub async fn find(db: &Db, who: &str) -> Result<UserRow> {
    // One user may be called as the address of another is.
    let mut found = read(db, Some(who), None, 3).await?;
    match (found.pop(), found.len()) {
        (Some(user), 0) => Ok(user),
        (Some(_), _) => {
            Err(Failure::new(Kind::Conflict, format!("`{who}` is the name of one user and the address of another"))
                .hint("say which by the id: repo-to-cat users list"))
        }
        (None, _) => Err(Failure::new(Kind::NotFound, format!("there is no user `{who}`"))
            .hint("see them with: repo-to-cat users list; add one with: repo-to-cat users add NAME")),
    }
}

/// The id that people mean by the name, address or id of a user. An id may be that of nobody here.
pub async fn id_of(db: &Db, who: &str) -> Result<Uuid> {
    match who.parse() {
        Ok(id) => Ok(id),
        Err(_) => Ok(find(db, who).await?.id),
    }
}

async fn read(db: &Db, who: Option<&str>, after: Option<Uuid>, limit: i64) -> Result<Vec<UserRow>> {
    Ok(sqlx::query_as!(
        UserRow,
        r#"SELECT person.id, username, email, coalesce(password_hash, '') <> '' AS "has_password!", disabled_at,
                  LEAST(GREATEST(person.created_at, '0001-01-01'), '9999-12-31') AT TIME ZONE 'utc' AS "created_at!: DateTime<Utc>",
                  LEAST(GREATEST(updated_at, '0001-01-01'), '9999-12-31') AT TIME ZONE 'utc' AS "updated_at!: DateTime<Utc>",
                  used.tokens AS "tokens!", used.last_used_at
           FROM public.users AS person, LATERAL (
             SELECT count(*) FILTER (WHERE revoked_at IS NULL AND coalesce(expires_at > queue.now(), true)) AS tokens,
                    max(last_used_at) AS last_used_at
             FROM public.tokens WHERE user_id = person.id) AS used
           WHERE ($1::text IS NULL OR username = $1 OR email = $1 OR person.id = $2)
             AND ($3::uuid IS NULL
                  OR (person.created_at, person.id) < (SELECT created_at, id FROM public.users WHERE id = $3))
           ORDER BY person.created_at DESC, person.id DESC LIMIT $4"#,
        who,
        who.and_then(|who| who.parse::<Uuid>().ok()),
        after,
        limit
    )
    .fetch_all(db.pool())
    .await?)
}

/// How many cats a user has, up to [`COUNTED`].
pub async fn generations(db: &Db, id: Uuid) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (SELECT FROM public.generations WHERE user_id = $1 LIMIT $2) AS cats"#,
        id,
        COUNTED
    )
    .fetch_one(db.pool())
    .await?)
}

/// Adds a user.
pub async fn add(db: &Db, name: &str, email: Option<&str>) -> Result<UserRow> {
    check_new_name(name)?;
    email.map_or(Ok(()), check_email)?;
    let added = sqlx::query_scalar!(
        "INSERT INTO public.users (username, email) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING id",
        name,
        email
    )
    .fetch_optional(db.pool())
    .await?;
    match added {
        Some(id) => find(db, &id.to_string()).await,
        None => Err(taken(db, name, email).await?),
    }
}

async fn taken(db: &Db, name: &str, email: Option<&str>) -> Result<Failure> {
    let has_name =
        sqlx::query_scalar!(r#"SELECT EXISTS (SELECT FROM public.users WHERE username = $1) AS "there!""#, name)
            .fetch_one(db.pool())
            .await?;
    let what = match email {
        Some(email) if !has_name => format!("there is a user with the address `{email}` already"),
        _ => format!("there is a user `{name}` already"),
    };
    Ok(Failure::new(Kind::Conflict, what).hint("see them with: repo-to-cat users list"))
}

/// Disables a user, whose tokens do not work from then on, or enables it again; whether that changed anything.
pub async fn set_disabled(db: &Db, id: Uuid, disabled: bool) -> Result<bool> {
    set_disabled_in(&mut db.pool().acquire().await?, id, disabled).await
}

/// The same as part of a transaction.
pub(super) async fn set_disabled_in(session: &mut Session<'_>, id: Uuid, disabled: bool) -> Result<bool> {
    let changed = sqlx::query!(
        "UPDATE public.users
         SET disabled_at = CASE WHEN $2 THEN queue.now() END, updated_at = queue.now() AT TIME ZONE 'utc'
         WHERE id = $1 AND (disabled_at IS NOT NULL) <> $2",
        id,
        disabled
    )
    .execute(session)
    .await?;
    Ok(changed.rows_affected() == 1)
}

/// Compares a password with that of a user, who is found as by [`find`]. It takes as long for a user who is not there.
/// That of a disabled user is never right.
pub async fn check_password(db: &Db, who: &str, password: &str) -> Result<Verdict> {
    let found = find(db, who).await;
    let hash = match &found {
        Ok(user) => sqlx::query_scalar!("SELECT password_hash FROM public.users WHERE id = $1", user.id)
            .fetch_optional(db.pool())
            .await?
            .flatten(),
        Err(_) => None,
    };
    let password = password.to_owned();
    let verdict = in_the_background(move || password::verify(&password, hash.as_deref())).await?;
    match found?.disabled_at {
        Some(_) if verdict == Verdict::Right => {
            Err(Failure::new(Kind::Unauthorized, format!("the password is right, but user `{who}` is disabled"))
                .hint(format!("let the user in again with: repo-to-cat users enable {who}")))
        }
        _ => Ok(verdict),
    }
}

/// Gives a user another password.
pub async fn set_password(db: &Db, id: Uuid, password: &str) -> Result<()> {
    let mut salt = [0; 16];
    randomness::fill(&mut salt)?;
    let password = password.to_owned();
    let hash = in_the_background(move || password::hash(&password, salt)).await?;
    sqlx::query!(
        "UPDATE public.users SET password_hash = $2, updated_at = queue.now() AT TIME ZONE 'utc' WHERE id = $1",
        id,
        hash
    )
    .execute(db.pool())
    .await?;
    Ok(())
}

/// Hashing is slow on purpose: it keeps no other task waiting.
async fn in_the_background<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    spawn_blocking(work)
        .await
        .map_err(|error| Failure::new(Kind::Internal, "hashing a password broke").source(error))?
}
