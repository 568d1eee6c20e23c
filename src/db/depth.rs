//! How much there is in the queue, at a cost that does not grow with it.

use crate::db::Db;
use crate::model::failure::Result;

/// Pages of `queue.jobs` that are read at most, about. A smaller table is read as a whole.
const PAGES: f64 = 1000.0;

/// What there is in the queue.
#[derive(Debug, Clone, PartialEq)]
pub struct Depth {
    /// Live jobs by kind and state; estimates where `sampled` is below 1.
    pub jobs: Vec<Standing>,
    /// The share of the table that was looked at, from 0 to 1.
    pub sampled: f64,
    /// Workers whose lease is good.
    pub workers: i64,
}

/// The live jobs of one kind in one state.
#[derive(Debug, Clone, PartialEq)]
pub struct Standing {
    /// What sort of work.
    pub kind: String,
    /// scheduled, available, running or parked.
    pub state: String,
    /// How many.
    pub jobs: f64,
    /// For how many seconds the one that has waited longest has been due; none where none is.
    pub oldest_seconds: Option<f64>,
}

/// Looks at the queue: at all of it while it is small, then at a random sample of its pages. An index by kind and state
/// would make this exact, but each claim would have to maintain it.
pub async fn look(db: &Db) -> Result<Depth> {
    let size = sqlx::query!(
        r#"SELECT least(1, $1 * current_setting('block_size')::float8 / greatest(1, pg_relation_size('queue.jobs')))
                    AS "sampled!",
                  (SELECT count(*) FROM queue.workers WHERE lease_until > queue.now()) AS "workers!""#,
        PAGES
    )
    .fetch_one(db.pool())
    .await?;
    let sampled = size.sampled;
    let rows = sqlx::query!(
        r#"SELECT kind, state, count(*) AS "jobs!",
                  extract(epoch FROM (SELECT queue.now()) - min(run_at) FILTER (
                    WHERE state IN ('scheduled', 'available') AND run_at <= (SELECT queue.now())))::float8 AS oldest_seconds
           FROM queue.jobs TABLESAMPLE SYSTEM (100 * $1::float8) GROUP BY kind, state ORDER BY kind, state"#,
        sampled
    )
    .fetch_all(db.pool())
    .await?;
    let jobs = rows
        .into_iter()
        .map(|row| Standing {
            kind: row.kind,
            state: row.state,
            jobs: (row.jobs as f64 / sampled).round(),
            oldest_seconds: row.oldest_seconds,
        })
        .collect();
    Ok(Depth { jobs, sampled, workers: size.workers })
}
