//! The last hours: how many jobs ended when, how long they had waited, and why those failed that did.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Utc};

use super::{Amount, begin_reading};
use crate::db::{Db, error};
use crate::model::failure::Result;

/// Parts that the time is told in.
const PARTS: i32 = 24;
/// Length of a part in seconds.
const SECONDS: i32 = 900;
/// Finished jobs that are read of each part, at most.
const READ: i64 = 500;
/// Discarded jobs that are looked at for their errors, at most.
const DISCARDED: i64 = 500;

/// A part of the last hours.
#[derive(Debug, Clone)]
pub struct Part {
    /// When it began.
    pub since: DateTime<Utc>,
    /// How long it is, or has been going on, in seconds.
    pub seconds: f64,
    /// Completed in it.
    pub completed: Amount,
    /// Discarded in it.
    pub discarded: Amount,
    /// How long half of the completed ones had been due at most when they were claimed, in seconds.
    pub wait_p50: Option<f64>,
    /// How long 19 of 20 had.
    pub wait_p95: Option<f64>,
}

/// Parts that are over, of which nothing changes any more.
#[derive(Debug, Default)]
pub struct Past(Mutex<BTreeMap<DateTime<Utc>, Part>>);

impl Past {
    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<DateTime<Utc>, Part>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many jobs failed for one sort of reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The class of the error of the last attempt, by the names of [`ErrorClass`](crate::model::failure::ErrorClass).
    pub class: String,
    /// Jobs.
    pub jobs: u64,
    /// One of those errors: the latest.
    pub example: Option<String>,
}

/// The last six hours in quarters, the oldest first. None where that takes too long: under a flood the index on time may
/// lag behind. What is in `past` is not read again, and what is over goes there.
#[allow(clippy::similar_names)]
pub async fn trend(db: &Db, past: &Past) -> Result<Option<Vec<Part>>> {
    let known: Vec<DateTime<Utc>> = past.lock().keys().copied().collect();
    let mut reading = begin_reading(db).await?;
    let rows = sqlx::query!(
        r#"WITH part AS MATERIALIZED (
             SELECT nth, now, since, since + make_interval(secs => $2) AS until
             FROM queue.now() AS now, generate_series(0, $1 - 1) AS nth,
                  LATERAL (SELECT date_bin(make_interval(secs => $2), now, 'epoch') - make_interval(secs => $2) * ($1 - 1 - nth)
                           AS since) AS begun
             WHERE since <> ALL ($4)
           ), ended AS MATERIALIZED (
             SELECT part.nth, wanted.state, job.finished_at, job.wait
             FROM part, (VALUES ('completed'), ('discarded')) AS wanted (state), LATERAL (
               SELECT finished_at, extract(epoch FROM started_at - run_at)::float8 AS wait FROM queue.history AS job
               WHERE job.state = wanted.state AND job.finished_at >= part.since AND job.finished_at < part.until LIMIT $3) AS job
           )
           SELECT since AS "since!", until + interval '1 minute' < now AS "is_over!", extract(epoch FROM least(now, until) - since)::float8 AS "seconds!",
             count(*) FILTER (WHERE state = 'completed') AS "completed!",
             extract(epoch FROM max(finished_at) FILTER (WHERE state = 'completed') - since)::float8 AS completed_within,
             count(*) FILTER (WHERE state = 'discarded') AS "discarded!",
             extract(epoch FROM max(finished_at) FILTER (WHERE state = 'discarded') - since)::float8 AS discarded_within,
             percentile_cont(0.5) WITHIN GROUP (ORDER BY wait) FILTER (WHERE state = 'completed') AS wait_p50,
             percentile_cont(0.95) WITHIN GROUP (ORDER BY wait) FILTER (WHERE state = 'completed') AS wait_p95
           FROM part LEFT JOIN ended USING (nth) GROUP BY nth, now, since, until ORDER BY since"#,
        PARTS,
        f64::from(SECONDS),
        READ,
        &known
    )
    .fetch_all(&mut *reading)
    .await;
    let rows = match rows {
        Err(error) if error::is_timeout(&error) => return Ok(None),
        rows => rows?,
    };
    reading.commit().await?;
    let mut kept = past.lock();
    let mut parts = kept.clone();
    for row in rows {
        let part = Part {
            since: row.since,
            seconds: row.seconds,
            completed: stretched(row.completed, row.completed_within, row.seconds),
            discarded: stretched(row.discarded, row.discarded_within, row.seconds),
            wait_p50: row.wait_p50,
            wait_p95: row.wait_p95,
        };
        if row.is_over {
            kept.insert(row.since, part.clone());
        }
        parts.insert(row.since, part);
    }
    // The first ones have become older than six hours.
    for parts in [&mut *kept, &mut parts] {
        while parts.len() > PARTS as usize {
            parts.pop_first();
        }
    }
    Ok(Some(parts.into_values().collect()))
}

/// Jobs of a part: as counted, or, where the count was cut short, as many as its pace makes of the whole part.
fn stretched(counted: i64, within: Option<f64>, seconds: f64) -> Amount {
    if counted < READ {
        return Amount { jobs: counted.unsigned_abs(), exact: true };
    }
    let pace = counted as f64 / within.unwrap_or(seconds).clamp(0.001, seconds.max(0.001));
    Amount { jobs: (pace * seconds).round() as u64, exact: false }
}

/// Why those of the last 500 discarded jobs failed that ended in the last day, most of one reason first.
pub async fn faults(db: &Db) -> Result<Vec<Fault>> {
    let mut reading = begin_reading(db).await?;
    let rows = sqlx::query!(
        r#"WITH gone AS MATERIALIZED (
             SELECT id, finished_at FROM queue.history AS job WHERE state = 'discarded' ORDER BY id DESC LIMIT $1
           ), told AS MATERIALIZED (
             SELECT gone.finished_at, coalesce(attempt.error_class, 'none') AS class, attempt.error
             FROM gone LEFT JOIN LATERAL (
               SELECT error_class, error FROM queue.attempts AS attempt WHERE attempt.job_id = gone.id
               ORDER BY claim DESC LIMIT 1) AS attempt ON true
             WHERE gone.finished_at >= queue.now() - interval '1 day'
           )
           SELECT class AS "class!", count(*) AS "jobs!", (array_agg(error ORDER BY finished_at DESC))[1] AS example
           FROM told GROUP BY class ORDER BY count(*) DESC, class"#,
        DISCARDED
    )
    .fetch_all(&mut *reading)
    .await?;
    reading.commit().await?;
    let fault =
        rows.into_iter().map(|row| Fault { class: row.class, jobs: row.jobs.unsigned_abs(), example: row.example });
    Ok(fault.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_was_cut_short_goes_on_at_its_pace() {
        assert_eq!(stretched(7, Some(3.0), 900.0), Amount { jobs: 7, exact: true });
        assert_eq!(stretched(READ, Some(90.0), 900.0), Amount { jobs: 5000, exact: false });
        assert_eq!(stretched(READ, Some(0.0), 0.0), Amount { jobs: 0, exact: false });
    }
}
