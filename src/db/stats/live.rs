//! The live jobs: counted where they are few, else a sample of them.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{Amount, KindStats, kind_of};
use crate::db::session::Session;
use crate::model::failure::Result;
use crate::model::job::JobState;

/// Pages of `queue.jobs` that are all read: 16 MB.
const COUNTED_PAGES: i64 = 2000;
/// Pages that are read of a larger table, chosen by chance.
const SAMPLED_PAGES: i64 = 500;
/// Lanes whose fronts are read of a larger table: there the running jobs are, and who has waited longest.
const LANES: i64 = 1000;
/// Jobs that are read there, at most.
const FRONT: i64 = 10_000;
/// Scheduled and parked jobs that are counted, each, of a larger table.
const COUNTED_JOBS: i64 = 10_000;
/// Live jobs of one kind in one state, and of one worker where they run.
pub(super) struct Live {
    kind: String,
    state: String,
    pub(super) worker_id: Option<Uuid>,
    pub(super) amount: Amount,
    oldest: Option<DateTime<Utc>>,
}

impl Live {
    /// Adds them to their kind's figures.
    pub(super) fn add_to(&self, kinds: &mut BTreeMap<String, KindStats>, at: DateTime<Utc>) {
        let stats = kind_of(kinds, &self.kind);
        let amount = match JobState::from_name(&self.state) {
            Ok(JobState::Scheduled) => &mut stats.scheduled,
            Ok(JobState::Available) => &mut stats.available,
            Ok(JobState::Running) => &mut stats.running,
            Ok(JobState::Parked) => &mut stats.parked,
            _ => return,
        };
        amount.add(self.amount);
        if self.state == JobState::Available.name()
            && let Some(oldest) = self.oldest
        {
            let seconds = (at - oldest).as_seconds_f64();
            stats.oldest_seconds = Some(stats.oldest_seconds.map_or(seconds, |most| most.max(seconds)));
        }
    }
}

/// The live jobs, counted or estimated, and the time.
pub(super) async fn look(session: &mut Session<'_>) -> Result<(DateTime<Utc>, Vec<Live>)> {
    let size = sqlx::query!(
        r#"SELECT queue.now() AS "at!",
                  pg_relation_size('queue.jobs') / current_setting('block_size')::bigint AS "pages!""#
    )
    .fetch_one(&mut *session)
    .await?;
    if size.pages <= COUNTED_PAGES {
        return Ok((size.at, sampled(session, 1.0).await?));
    }
    let mut live = sampled(session, SAMPLED_PAGES as f64 / size.pages as f64).await?;
    live.retain(|live| live.state == JobState::Available.name());
    live.extend(fronts(session).await?);
    live.extend(set_aside(session).await?);
    Ok((size.at, live))
}

/// The live jobs on this share of the pages, from 0 to 1.
async fn sampled(session: &mut Session<'_>, share: f64) -> Result<Vec<Live>> {
    let rows = sqlx::query!(
        r#"SELECT kind, state, worker_id, count(*) AS "jobs!", min(run_at) AS oldest
           FROM queue.jobs TABLESAMPLE SYSTEM (100 * $1::float8) GROUP BY kind, state, worker_id"#,
        share
    )
    .fetch_all(session)
    .await?;
    let exact = share >= 1.0;
    let live = rows.into_iter().map(|row| Live {
        kind: row.kind,
        state: row.state,
        worker_id: row.worker_id,
        amount: Amount { jobs: (row.jobs as f64 / share).round() as u64, exact },
        oldest: row.oldest,
    });
    Ok(live.collect())
}

/// The jobs at the fronts of the lanes: those that run, and since when the first have waited.
async fn fronts(session: &mut Session<'_>) -> Result<Vec<Live>> {
    let rows = sqlx::query!(
        r#"WITH RECURSIVE ring AS (
             (SELECT lane FROM queue.jobs WHERE rank IS NOT NULL ORDER BY lane LIMIT 1)
             UNION ALL
             SELECT next.lane FROM ring, LATERAL (
               SELECT lane FROM queue.jobs AS job WHERE rank IS NOT NULL AND job.lane > ring.lane ORDER BY lane LIMIT 1) AS next
           ), front AS (
             SELECT job.* FROM (SELECT lane FROM ring LIMIT $1) AS ring, LATERAL (
               SELECT kind, state, worker_id, run_at FROM queue.jobs AS job
               WHERE job.lane = ring.lane AND rank IS NOT NULL ORDER BY rank
               LIMIT (SELECT 100 + 2 * coalesce(sum(slots), 0) FROM queue.workers)) AS job
             LIMIT $2
           )
           SELECT kind, state, worker_id, count(*) FILTER (WHERE state = 'running') AS "jobs!", min(run_at) AS oldest
           FROM front GROUP BY kind, state, worker_id"#,
        LANES,
        FRONT
    )
    .fetch_all(session)
    .await?;
    let live = rows.into_iter().map(|row| Live {
        kind: row.kind,
        state: row.state,
        worker_id: row.worker_id,
        amount: Amount { jobs: row.jobs.unsigned_abs(), exact: false },
        oldest: row.oldest,
    });
    Ok(live.collect())
}

/// The scheduled and parked jobs, which indexes of their own lead to.
async fn set_aside(session: &mut Session<'_>) -> Result<Vec<Live>> {
    let rows = sqlx::query!(
        r#"SELECT kind AS "kind!", state AS "state!", count(*) AS "jobs!",
                  sum(count(*)) OVER (PARTITION BY state) < $1 AS "exact!"
           FROM ((SELECT kind, state FROM queue.jobs WHERE due_at IS NOT NULL ORDER BY id LIMIT $1)
                 UNION ALL
                 (SELECT kind, state FROM queue.jobs WHERE parked_because IS NOT NULL ORDER BY id LIMIT $1)) AS job
           GROUP BY kind, state"#,
        COUNTED_JOBS
    )
    .fetch_all(session)
    .await?;
    let live = rows.into_iter().map(|row| Live {
        kind: row.kind,
        state: row.state,
        worker_id: None,
        amount: Amount { jobs: row.jobs.unsigned_abs(), exact: row.exact },
        oldest: None,
    });
    Ok(live.collect())
}
