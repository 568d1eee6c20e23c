//! `web.audit`: who did what by HTTP or at the dashboard.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::model::failure::Result;

/// Deeds that a page looks at for a filter, at most, about.
const REACH: i64 = 50_000;
/// Deeds that are forgotten at once.
const BATCH: i64 = 5000;

/// Something that somebody is about to do.
#[derive(Debug, Clone, Default)]
pub struct Deed<'a> {
    /// Who; none where nobody is asked who they are.
    pub user_id: Option<Uuid>,
    /// With which token.
    pub token_id: Option<Uuid>,
    /// The name.
    pub who: &'a str,
    /// `http` or `dashboard`.
    pub via: &'a str,
    /// What, such as `jobs.cancel`.
    pub action: &'a str,
    /// To what.
    pub target: Option<&'a str>,
    /// How.
    pub detail: Option<&'a Value>,
    /// The request.
    pub request_id: Option<&'a str>,
}

/// Something that somebody did.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct Audited {
    /// Identity, in the order of time.
    pub id: i64,
    /// When it was begun.
    pub at: DateTime<Utc>,
    /// Who.
    pub who: String,
    /// Who, if anybody was asked.
    pub user_id: Option<Uuid>,
    /// With which token.
    pub token_id: Option<Uuid>,
    /// `http` or `dashboard`.
    pub via: String,
    /// What, such as `jobs.cancel`.
    pub action: String,
    /// To what.
    pub target: Option<String>,
    /// How.
    pub detail: Option<Value>,
    /// `done`, or why it failed; none: it is under way, or its process ended.
    pub outcome: Option<String>,
    /// The request.
    pub request_id: Option<String>,
}

/// Writes down what is about to be done; returns where.
pub async fn begin(db: &Db, deed: &Deed<'_>) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        "INSERT INTO web.audit (user_id, token_id, who, via, action, target, detail, request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        deed.user_id,
        deed.token_id,
        deed.who,
        deed.via,
        deed.action,
        deed.target,
        deed.detail,
        deed.request_id
    )
    .fetch_one(db.pool())
    .await?)
}

/// Forgets what was done more than so many days ago, the first first, at most [`BATCH`] at once; returns how much. Any
/// number of processes may do so at once: what another forgets just now is passed over.
pub async fn forget(db: &Db, days: u16) -> Result<u64> {
    let forgotten = sqlx::query!(
        "DELETE FROM web.audit WHERE id = ANY (ARRAY (
           SELECT id FROM web.audit WHERE at < queue.now() - make_interval(days => $1)
           ORDER BY at LIMIT $2 FOR UPDATE SKIP LOCKED))",
        i32::from(days),
        BATCH
    );
    Ok(forgotten.execute(db.pool()).await?.rows_affected())
}

/// Writes down how it went.
pub async fn end(db: &Db, id: i64, outcome: &str) -> Result<()> {
    sqlx::query!("UPDATE web.audit SET outcome = $2 WHERE id = $1", id, outcome).execute(db.pool()).await?;
    Ok(())
}

/// Which of what was done. What is left out leaves all in.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// By whoever has this name.
    pub who: Option<String>,
    /// What, such as `jobs.cancel`, or `jobs.` for all that was done to jobs.
    pub action: Option<String>,
    /// To this.
    pub target: Option<String>,
}

impl Filter {
    const fn is_empty(&self) -> bool {
        self.who.is_none() && self.action.is_none() && self.target.is_none()
    }
}

/// A part of what was done.
#[derive(Debug)]
pub struct Page {
    /// The last first.
    pub deeds: Vec<Audited>,
    /// Before which one to go on; none at the end. Where the page is not full, so many were looked at.
    pub next: Option<i64>,
}

/// What was done, the last first: before `before`, at most `limit`. No index leads to what a filter lets in, so that is
/// looked for among so many only.
pub async fn list(db: &Db, filter: &Filter, before: Option<i64>, limit: i64) -> Result<Page> {
    let newest = sqlx::query_scalar!("SELECT max(id) FROM web.audit").fetch_one(db.pool()).await?.unwrap_or(0);
    let before = before.unwrap_or(i64::MAX).min(newest.saturating_add(1));
    let floor = if filter.is_empty() { i64::MIN } else { before.saturating_sub(REACH) };
    let deeds = sqlx::query_as!(
        Audited,
        "SELECT id, at, who, user_id, token_id, via, action, target, detail, outcome, request_id FROM web.audit
         WHERE id < $1 AND id >= $6 AND ($3::text IS NULL OR who = $3)
           AND ($4::text IS NULL OR starts_with(action, $4)) AND ($5::text IS NULL OR target = $5)
         ORDER BY id DESC LIMIT $2",
        before,
        limit,
        filter.who,
        filter.action,
        filter.target,
        floor
    )
    .fetch_all(db.pool())
    .await?;
    let last = deeds.last().filter(|_| i64::try_from(deeds.len()).is_ok_and(|deeds| deeds >= limit));
    let next = match last {
        Some(last) => Some(last.id),
        None => {
            sqlx::query_scalar!("SELECT max(id) + 1 FROM web.audit WHERE id < $1", floor).fetch_one(db.pool()).await?
        }
    };
    Ok(Page { deeds, next })
}
