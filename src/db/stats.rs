//! How the queue does: depth, waits, pace, workers. What it costs does not grow with the queue.
//!
//! A small table is counted. Of a large one a sample is, and each figure says whether it is exact. No index leads to jobs
//! by kind and state, since every claim would have to keep it.

pub mod forecast;
mod live;
mod recent;
mod trend;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::db::hold::{self, Hold};
use crate::db::limits::{self, Paused};
use crate::db::session::{Session, Transaction};
use crate::model::failure::Result;
use crate::model::limits::{EACH, Limit};
pub use forecast::{Forecast, Position, Precision};
use live::Live;
pub use recent::{Percentiles, Recent};
pub use trend::{Fault, Part, Past, faults, trend};

/// How the queue does.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = QueueStats)]
pub struct Stats {
    /// By the database's clock.
    pub at: DateTime<Utc>,
    /// Whether the queue waits for a person after a restore.
    pub held: Option<Hold>,
    /// The kinds that have jobs, or had some that ended in the last hour, or are paused.
    pub kinds: Vec<KindStats>,
    /// Workers that are registered.
    pub workers: Vec<Worker>,
    /// Limits, and what is used of them.
    pub limits: Vec<LimitUse>,
}

/// A number of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Amount {
    /// Jobs.
    pub jobs: u64,
    /// Whether they were counted; else it is an estimate.
    pub exact: bool,
}

impl Amount {
    const NONE: Self = Self { jobs: 0, exact: true };

    fn add(&mut self, other: Self) {
        self.jobs += other.jobs;
        self.exact &= other.exact;
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::NONE, |mut sum, next| {
            sum.add(next);
            sum
        })
    }
}

/// How one kind does.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KindStats {
    /// What sort of work.
    pub kind: String,
    /// Jobs that wait for their time.
    pub scheduled: Amount,
    /// Jobs that wait for a worker.
    pub available: Amount,
    /// Jobs that run.
    pub running: Amount,
    /// Jobs that were put aside.
    pub parked: Amount,
    /// For how long the available job has been due that has waited longest.
    pub oldest_seconds: Option<f64>,
    /// What ended lately; none where it could not be found out in time.
    pub recent: Option<Recent>,
    /// In how long nothing is available any more, at the pace of the last minute, if nothing more comes.
    pub empty_in_seconds: Option<f64>,
    /// Whether it is paused, and why.
    pub paused: Option<Paused>,
}

impl KindStats {
    /// Whether one of the depths is an estimate.
    #[must_use]
    pub fn is_estimate(&self) -> bool {
        [self.available, self.running, self.scheduled, self.parked].iter().any(|amount| !amount.exact)
    }
}

/// A worker that is registered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Worker {
    /// Identity of one life of its process.
    pub id: Uuid,
    /// Host and process.
    pub name: String,
    /// Jobs that it runs at once.
    pub slots: i32,
    /// Jobs that it holds.
    pub holding: Amount,
    /// When it registered.
    pub started_at: DateTime<Utc>,
    /// When it last renewed its lease.
    pub heartbeat_at: DateTime<Utc>,
    /// Until when its jobs are its own.
    pub lease_until: DateTime<Utc>,
    /// Whether that time has passed.
    pub lapsed: bool,
}

/// A limit, and what is used of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LimitUse {
    /// The limit.
    #[serde(flatten)]
    pub limit: Limit,
    /// Jobs that run under it; where it is for each limit key, those of the key with most.
    pub running: i64,
    /// Jobs that may be started now by its rate; where it is for each limit key, of the key with fewest.
    pub startable: Option<f64>,
}

/// How the queue does, of one kind or of all.
pub async fn stats(db: &Db, kind: Option<&str>) -> Result<Stats> {
    let mut kinds = BTreeMap::new();
    let mut reading = begin_reading(db).await?;
    let (at, live) = live::look(&mut reading).await?;
    for live in &live {
        live.add_to(&mut kinds, at);
    }
    for paused in limits::paused(&mut reading).await? {
        let stats = kind_of(&mut kinds, &paused.kind);
        stats.paused = Some(paused);
    }
    let workers = workers(&mut reading, &live).await?;
    let limits = limit_uses(&mut reading).await?;
    reading.commit().await?;
    match recent::look(db).await? {
        Some(recent) => recent.into_iter().for_each(|(kind, recent)| kind_of(&mut kinds, &kind).recent = Some(recent)),
        None => kinds.values_mut().for_each(|stats| stats.recent = None),
    }
    let mut kinds: Vec<KindStats> =
        kinds.into_values().filter(|stats| kind.is_none_or(|kind| stats.kind == kind)).collect();
    kinds.iter_mut().for_each(KindStats::forecast);
    Ok(Stats { at, held: hold::current(db).await?, kinds, workers, limits })
}

/// The workers that are registered, the longest-lived first.
pub async fn registered(db: &Db) -> Result<Vec<Worker>> {
    let mut reading = begin_reading(db).await?;
    let (_, live) = live::look(&mut reading).await?;
    let workers = workers(&mut reading, &live).await?;
    reading.commit().await?;
    Ok(workers)
}

impl KindStats {
    fn forecast(&mut self) {
        let Some(recent) = &self.recent else { return };
        let (minute, hour) = (recent.completed_last_minute.jobs, recent.completed_last_hour.jobs);
        let pace = if minute > 0 { minute as f64 / 60.0 } else { hour as f64 / 3600.0 };
        self.empty_in_seconds = (pace > 0.0 && self.paused.is_none()).then(|| self.available.jobs as f64 / pace);
    }
}

fn kind_of<'a>(kinds: &'a mut BTreeMap<String, KindStats>, kind: &str) -> &'a mut KindStats {
    kinds.entry(kind.to_owned()).or_insert_with(|| KindStats {
        kind: kind.to_owned(),
        scheduled: Amount::NONE,
        available: Amount::NONE,
        running: Amount::NONE,
        parked: Amount::NONE,
        oldest_seconds: None,
        recent: Some(Recent::default()),
        empty_in_seconds: None,
        paused: None,
    })
}

/// A transaction in which all is seen at one moment. History is to be read by its index on time, however it is planned.
async fn begin_reading(db: &Db) -> Result<Transaction<'static>> {
    let mut reading = db.pool().begin().await?;
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_seqscan = off; SET LOCAL jit = off;
         SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL statement_timeout = '5s'",
    )
    .execute(&mut *reading)
    .await?;
    Ok(reading)
}

async fn workers(session: &mut Session<'_>, live: &[Live]) -> Result<Vec<Worker>> {
    let rows = sqlx::query!(
        r#"SELECT id, name, slots, started_at, heartbeat_at, lease_until, lease_until <= queue.now() AS "lapsed!"
           FROM queue.workers ORDER BY started_at, id"#
    )
    .fetch_all(session)
    .await?;
    let workers = rows.into_iter().map(|row| {
        // What a count did not find is not there; of a sample that is not sure.
        let mut holding = Amount { jobs: 0, exact: live.iter().all(|live| live.amount.exact) };
        live.iter().filter(|live| live.worker_id == Some(row.id)).for_each(|live| holding.add(live.amount));
        Worker {
            id: row.id,
            name: row.name,
            slots: row.slots,
            holding,
            started_at: row.started_at,
            heartbeat_at: row.heartbeat_at,
            lease_until: row.lease_until,
            lapsed: row.lapsed,
        }
    });
    Ok(workers.collect())
}

/// The limits, and what is used of them.
pub async fn limits_in_use(db: &Db) -> Result<Vec<LimitUse>> {
    limit_uses(&mut db.pool().acquire().await?).await
}

async fn limit_uses(session: &mut Session<'_>) -> Result<Vec<LimitUse>> {
    let rows = sqlx::query!(
        r#"SELECT of.kind, of.limit_key, of.max_running, of.rate_count, of.rate_seconds,
             coalesce((SELECT max(running) FROM (
               SELECT count(*) AS running FROM queue.jobs AS job
               WHERE job.limited AND job.kind = of.kind
                 AND (of.limit_key = '' OR job.limit_key = of.limit_key OR (of.limit_key = $1 AND job.limit_key IS NOT NULL))
               GROUP BY CASE WHEN of.limit_key <> '' THEN job.limit_key END) AS keys), 0) AS "running!",
             CASE WHEN of.rate_count IS NOT NULL THEN coalesce((
               SELECT min(least(of.rate_count, tokens + extract(epoch FROM queue.now() - filled_at)::float8
                                               * of.rate_count / of.rate_seconds))
               FROM queue.buckets AS bucket
               WHERE bucket.kind = of.kind
                 AND (bucket.limit_key = of.limit_key OR (of.limit_key = $1 AND bucket.limit_key <> ''))),
               of.rate_count) END::float8 AS startable
           FROM queue.limits AS of ORDER BY of.kind, of.limit_key"#,
        EACH
    )
    .fetch_all(session)
    .await?;
    let uses = rows.into_iter().map(|row| LimitUse {
        limit: Limit {
            kind: row.kind,
            limit_key: row.limit_key,
            max_running: row.max_running,
            rate_count: row.rate_count,
            rate_seconds: row.rate_seconds,
        },
        running: row.running,
        startable: row.startable,
    });
    Ok(uses.collect())
}
