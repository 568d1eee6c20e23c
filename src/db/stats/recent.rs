//! What ended lately: the pace, how long jobs waited and how long they ran.

use chrono::TimeDelta;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Amount, begin_reading};
use crate::db::{Db, error};
use crate::model::failure::Result;

/// Finished jobs that are read of the last minute, at most: how fast the queue is depends on it.
const OF_THE_LAST_MINUTE: i64 = 5000;
/// Finished jobs that are read of each other part of the last hour, at most; so many of each part tell how long jobs took.
const OF_A_PART: i64 = 1000;

/// What ended lately.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Recent {
    /// Completed in the last minute.
    pub completed_last_minute: Amount,
    /// Completed in the last hour.
    pub completed_last_hour: Amount,
    /// Discarded in the last hour.
    pub discarded_last_hour: Amount,
    /// How long jobs completed in the last hour had been due when they were claimed.
    pub wait_seconds: Option<Percentiles>,
    /// How long they ran.
    pub run_seconds: Option<Percentiles>,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            completed_last_minute: Amount::NONE,
            completed_last_hour: Amount::NONE,
            discarded_last_hour: Amount::NONE,
            wait_seconds: None,
            run_seconds: None,
        }
    }
}

/// What half, 19 of 20, 99 of 100 do not exceed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Percentiles {
    /// Half.
    pub p50: f64,
    /// 19 of 20.
    pub p95: f64,
    /// 99 of 100.
    pub p99: f64,
}

impl Percentiles {
    fn of(values: Option<&[f64]>) -> Option<Self> {
        match values {
            Some(&[p50, p95, p99]) => Some(Self { p50, p95, p99 }),
            _ => None,
        }
    }
}

/// What ended lately, by kind: the first jobs of the last minute, of the four before it, and of each five minutes before those.
/// More parts would cost more: the index on time leads to a stretch of pages, all of which are looked at. None where that
/// takes too long: under a flood the index may lag behind.
pub(super) async fn look(db: &Db) -> Result<Option<Vec<(String, Recent)>>> {
    let mut reading = begin_reading(db).await?;
    let at = sqlx::query_scalar!(r#"SELECT queue.now() AS "now!""#).fetch_one(&mut *reading).await?;
    let rows = sqlx::query!(
        r#"WITH part AS MATERIALIZED (
             SELECT nth, extract(epoch FROM until - since)::float8 AS seconds, since, until, most
             FROM generate_series(0, 12) AS nth, LATERAL (
               SELECT $3::timestamptz - make_interval(mins => CASE nth WHEN 0 THEN 1 ELSE 5 * nth END) AS since,
                      $3::timestamptz - make_interval(mins => CASE nth WHEN 0 THEN 0 WHEN 1 THEN 1 ELSE 5 * (nth - 1) END) AS until,
                      CASE nth WHEN 0 THEN $1::bigint ELSE $2 END AS most) AS bounds
           ), ended AS MATERIALIZED (
             SELECT part.nth, part.seconds, part.since, part.most, job.* FROM part, (VALUES ('completed'), ('discarded')) AS wanted (state), LATERAL (
               SELECT kind, state, finished_at, extract(epoch FROM started_at - run_at)::float8 AS wait,
                      extract(epoch FROM finished_at - started_at)::float8 AS run, row_number() OVER () AS number
               FROM queue.history AS job
               WHERE job.state = wanted.state AND job.finished_at >= part.since AND job.finished_at < part.until
                 -- Known when it is planned: older weeks are not even opened.
                 AND job.state IN ('completed', 'discarded') AND job.finished_at >= $4
               LIMIT part.most) AS job
           ), weight AS (
             -- A part that was cut short stands for its whole time at the pace of what was read.
             SELECT nth, state, count(*) >= min(most) AS is_cut,
                    CASE WHEN count(*) < min(most) THEN 1
                         ELSE min(seconds) / greatest(extract(epoch FROM max(finished_at) - min(since)), 0.001) END::float8 AS weight
             FROM ended GROUP BY nth, state
           )
           SELECT kind AS "kind!",
             coalesce(sum(weight) FILTER (WHERE nth = 0 AND state = 'completed'), 0) AS "minute!",
             coalesce(bool_or(is_cut) FILTER (WHERE nth = 0 AND state = 'completed'), false) AS "minute_is_cut!",
             coalesce(sum(weight) FILTER (WHERE state = 'completed'), 0) AS "hour!",
             coalesce(bool_or(is_cut) FILTER (WHERE state = 'completed'), false) AS "hour_is_cut!",
             coalesce(sum(weight) FILTER (WHERE state = 'discarded'), 0) AS "discarded!",
             coalesce(bool_or(is_cut) FILTER (WHERE state = 'discarded'), false) AS "discarded_is_cut!",
             percentile_cont(ARRAY[0.5, 0.95, 0.99]::float8[]) WITHIN GROUP (ORDER BY wait)
               FILTER (WHERE state = 'completed' AND number <= $2) AS wait,
             percentile_cont(ARRAY[0.5, 0.95, 0.99]::float8[]) WITHIN GROUP (ORDER BY run)
               FILTER (WHERE state = 'completed' AND number <= $2) AS run
           FROM ended JOIN weight USING (nth, state) GROUP BY kind"#,
        OF_THE_LAST_MINUTE,
        OF_A_PART,
        at,
        at - TimeDelta::hours(1)
    )
    .fetch_all(&mut *reading)
    .await;
    let rows = match rows {
        Err(error) if error::is_timeout(&error) => return Ok(None),
        rows => rows?,
    };
    reading.commit().await?;
    let amount = |jobs: f64, is_cut: bool| Amount { jobs: jobs.round() as u64, exact: !is_cut };
    let recent = rows.into_iter().map(|row| {
        let recent = Recent {
            completed_last_minute: amount(row.minute, row.minute_is_cut),
            completed_last_hour: amount(row.hour, row.hour_is_cut),
            discarded_last_hour: amount(row.discarded, row.discarded_is_cut),
            wait_seconds: Percentiles::of(row.wait.as_deref()),
            run_seconds: Percentiles::of(row.run.as_deref()),
        };
        (row.kind, recent)
    });
    Ok(Some(recent.collect()))
}
