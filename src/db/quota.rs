//! Claims of kinds that are limited: one after the other over all hosts, each with what the limits leave.
//!
//! What runs is counted, not noted: an index holds the running jobs of limited kinds, and a job that ends, however it
//! does, leaves it. So no counter can drift.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::db::Session;
use crate::db::claims::{self, Share, Taken};
use crate::model::failure::Result;
use crate::model::limits::{Limit, Scope, Usage, allow, binding};

/// What a limited claim brought.
#[derive(Debug, Default)]
pub struct Limited {
    /// The jobs.
    pub taken: Vec<Taken>,
    /// What was asked of each lane in the end, without those that the limits leave nothing.
    pub shares: Vec<Share>,
    /// The lanes that the limits leave nothing, and when it is worth to ask again where that is known.
    pub held_back: Vec<(i64, Option<Duration>)>,
}

/// Claims within the limits. `keys` has the limit key of each share.
pub async fn claim(
    connection: &mut Session<'_>,
    worker_id: Uuid,
    shares: &[Share],
    keys: &[Option<String>],
    renew: Option<Duration>,
) -> Result<Limited> {
    let mut transaction = connection.begin().await?;
    // A process that is frozen in between must not keep others waiting.
    sqlx::query!("SET LOCAL idle_in_transaction_session_timeout = '5s'").execute(&mut *transaction).await?;
    let mut kinds: Vec<String> = shares.iter().map(|share| share.kind.clone()).collect();
    kinds.sort();
    kinds.dedup();
    // Who claims of these kinds waits here. What follows has snapshots of its own and sees what the one before did.
    let rules = sqlx::query_as!(
        Limit,
        "SELECT kind, limit_key, max_running, rate_count, rate_seconds FROM queue.limits
         WHERE kind = ANY ($1) ORDER BY kind, limit_key FOR UPDATE",
        &kinds
    )
    .fetch_all(&mut *transaction)
    .await?;
    let usage = usage(&mut transaction, &kinds).await?;
    let wishes: Vec<_> = shares
        .iter()
        .zip(keys)
        .map(|(share, key)| (share.kind.as_str(), key.as_deref(), i64::from(share.quota)))
        .collect();
    let mut limited = Limited::default();
    for (share, (jobs, again_in)) in shares.iter().zip(allow(&rules, &usage, &wishes)) {
        if jobs == 0 {
            limited.held_back.push((share.lane, again_in));
        } else {
            limited.shares.push(Share { quota: i32::try_from(jobs).unwrap_or(i32::MAX), ..share.clone() });
        }
    }
    if !limited.shares.is_empty() {
        limited.taken = claims::claim(&mut *transaction, worker_id, &limited.shares, renew, true).await?;
        let mut started: HashMap<Scope, (&Limit, i64)> = HashMap::new();
        for (share, key) in shares.iter().zip(keys) {
            let count = limited.taken.iter().filter(|taken| taken.lane == share.lane).count();
            for (rule, scope) in binding(&rules, &share.kind, key.as_deref()) {
                started.entry(scope).or_insert((rule, 0)).1 += i64::try_from(count).unwrap_or(0);
            }
        }
        for (scope, (rule, count)) in started.into_iter().filter(|(_, (_, count))| *count > 0) {
            let used = usage.get(&scope).copied().unwrap_or(Usage { running: 0, tokens: None });
            if let Some(tokens) = rule.tokens(used) {
                take_tokens(&mut transaction, &scope, tokens - count as f64).await?;
            }
        }
    }
    transaction.commit().await?;
    Ok(limited)
}

async fn usage(connection: &mut Session<'_>, kinds: &[String]) -> Result<HashMap<Scope, Usage>> {
    let mut usage: HashMap<Scope, Usage> = HashMap::new();
    let running = sqlx::query!(
        r#"SELECT kind AS "kind!", limit_key, count(*) AS "count!" FROM queue.jobs
           WHERE limited AND kind = ANY ($1) GROUP BY kind, limit_key"#,
        kinds
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in running {
        let mut count =
            |scope: Scope| usage.entry(scope).or_insert(Usage { running: 0, tokens: None }).running += row.count;
        if row.limit_key.is_some() {
            count((row.kind.clone(), row.limit_key));
        }
        count((row.kind, None));
    }
    let buckets = sqlx::query!(
        r#"SELECT kind, limit_key, tokens, extract(epoch FROM queue.now() - filled_at)::float8 AS "since!"
           FROM queue.buckets WHERE kind = ANY ($1)"#,
        kinds
    )
    .fetch_all(connection)
    .await?;
    for row in buckets {
        let key = Some(row.limit_key).filter(|key| !key.is_empty());
        let entry = usage.entry((row.kind, key)).or_insert(Usage { running: 0, tokens: None });
        entry.tokens = Some((row.tokens, row.since));
    }
    Ok(usage)
}

async fn take_tokens(connection: &mut Session<'_>, scope: &Scope, left: f64) -> Result<()> {
    sqlx::query!(
        "INSERT INTO queue.buckets (kind, limit_key, tokens) VALUES ($1, $2, $3)
         ON CONFLICT (kind, limit_key) DO UPDATE SET tokens = excluded.tokens, filled_at = queue.now()",
        scope.0,
        scope.1.as_deref().unwrap_or(""),
        left
    )
    .execute(connection)
    .await?;
    Ok(())
}
