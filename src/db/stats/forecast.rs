//! What a job that is not finished has before it: its place in the queue, and the time that is left.
//!
//! Workers go round the lanes, so a job has before it what waits in its own lane, and of each other lane as many. That is
//! looked at as far as the bounds below go, however much waits. [`Lookout`](crate::queue::lookout::Lookout) puts together
//! what is read here.

// What is counted here is bounded by small constants.
#![allow(clippy::cast_possible_wrap)]

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::inspect::JobRow;
use crate::db::session::Session;
use crate::model::failure::Result;
use crate::model::job::{JobKind, JobState};

/// Jobs that are counted in a job's own lane, at most.
pub const OWN: usize = 200;
/// Other lanes that are looked at, at most.
pub const LANES: usize = 200;
/// Jobs that are counted in each of them, at most.
pub const OTHERS: u64 = 50;
/// Generations by which the time of one is told.
const SAMPLE: i64 = 50;

/// What a job has before it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, ToSchema)]
pub struct Forecast {
    /// Its place among those that wait for a worker; none where it waits for none.
    pub position: Option<Position>,
    /// Estimate of the seconds until its end, by how long others took; none where nobody can tell.
    pub eta_seconds: Option<f64>,
}

/// A place among those that wait. Where it is a far one it may be that of up to a second ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Position {
    /// 1 is the next.
    pub place: u64,
    /// How well it is known.
    pub precision: Precision,
}

/// How well a place is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
    /// It was counted.
    Exact,
    /// Workers take turns between those who ask and hosts, and what is said of the others' turn is an estimate.
    Estimate,
    /// More is before it than was counted.
    AtLeast,
}

/// A job that is not finished.
#[derive(Debug, Clone)]
pub struct LiveJob {
    /// The job.
    pub job: JobRow,
    /// Its lane.
    pub lane: i64,
    /// Its place there; none where it waits for no worker.
    pub rank: Option<DateTime<Utc>>,
    /// Seconds until it is due; negative after.
    pub due_in: f64,
    /// Whether it was claimed ever, or begins with steps that another one has done.
    pub has_begun: bool,
}

impl LiveJob {
    /// Its lane and rank, where it has a place in the queue.
    #[must_use]
    pub fn spot(&self) -> Option<(i64, DateTime<Utc>)> {
        let waits = self.job.state == JobState::Available.name() && self.job.kind == JobKind::Generation.name();
        self.rank.filter(|_| waits).map(|rank| (self.lane, rank))
    }
}

/// Those of these jobs that are not finished.
pub async fn live(session: &mut Session<'_>, ids: &[Uuid]) -> Result<Vec<LiveJob>> {
    let rows = sqlx::query!(
        r#"SELECT id, kind, state, parked_because, priority, run_at, deadline, timeout_seconds, payload, created_at, claims,
                  attempts, max_attempts, deaths, worker_id,
                  (SELECT name FROM queue.worker_names AS worker WHERE worker.id = job.worker_id) AS worker, started_at,
                  CASE WHEN started_at >= run_at THEN extract(epoch FROM started_at - run_at)::float8 END AS waited_seconds,
                  CASE WHEN worker_id IS NOT NULL THEN extract(epoch FROM queue.now() - started_at)::float8 END AS ran_seconds,
                  unique_key, limit_key, coalesce(tags, '{}') AS "tags!", user_id, traceparent, rerun_of, lane, rank,
                  extract(epoch FROM run_at - queue.now())::float8 AS "due_in!",
                  claims > 0 OR EXISTS (SELECT FROM queue.steps WHERE job_id = job.id) AS "has_begun!"
           FROM queue.jobs AS job WHERE id = ANY ($1)"#,
        ids
    )
    .fetch_all(session)
    .await?;
    let live = rows.into_iter().map(|row| LiveJob {
        lane: row.lane,
        rank: row.rank,
        due_in: row.due_in,
        has_begun: row.has_begun,
        job: JobRow {
            id: row.id,
            kind: row.kind,
            state: row.state,
            parked_because: row.parked_because,
            priority: row.priority,
            run_at: row.run_at,
            deadline: row.deadline,
            timeout_seconds: row.timeout_seconds,
            payload: row.payload,
            created_at: row.created_at,
            claims: row.claims,
            attempts: row.attempts,
            max_attempts: row.max_attempts,
            deaths: row.deaths,
            worker_id: row.worker_id,
            worker: row.worker,
            started_at: row.started_at,
            finished_at: None,
            waited_seconds: row.waited_seconds,
            ran_seconds: row.ran_seconds,
            unique_key: row.unique_key,
            limit_key: row.limit_key,
            tags: row.tags,
            user_id: row.user_id,
            traceparent: row.traceparent,
            rerun_of: row.rerun_of,
        },
    });
    Ok(live.collect())
}

/// The ranks of those that wait first in each of these lanes, [`OWN`] at most, the first first.
pub async fn fronts(session: &mut Session<'_>, lanes: &[i64]) -> Result<HashMap<i64, Vec<DateTime<Utc>>>> {
    let mut fronts: HashMap<i64, Vec<DateTime<Utc>>> = lanes.iter().map(|lane| (*lane, Vec::new())).collect();
    let rows = sqlx::query!(
        r#"SELECT front.lane, front.rank AS "rank!" FROM unnest($1::bigint[]) AS wanted (lane), LATERAL (
             SELECT lane, rank FROM queue.jobs AS job
             WHERE job.lane = wanted.lane AND rank IS NOT NULL AND state = 'available' ORDER BY rank LIMIT (SELECT $2::bigint)) AS front"#,
        lanes,
        OWN as i64
    )
    .fetch_all(session)
    .await?;
    for row in rows {
        fronts.entry(row.lane).or_default().push(row.rank);
    }
    Ok(fronts)
}

/// How many generations wait in each lane, as far as [`OTHERS`] and [`LANES`] go. Lanes of other kinds have none.
pub async fn lanes(session: &mut Session<'_>) -> Result<HashMap<i64, u64>> {
    let rows = sqlx::query!(
        r#"WITH RECURSIVE ring AS (
             (SELECT lane, 1 AS nth FROM queue.jobs WHERE rank IS NOT NULL ORDER BY lane LIMIT 1)
             UNION ALL
             SELECT next.lane, nth + 1 FROM ring, LATERAL (
               SELECT lane FROM queue.jobs AS job WHERE rank IS NOT NULL AND job.lane > ring.lane ORDER BY lane LIMIT 1) AS next
             WHERE nth < $1
           )
           SELECT ring.lane AS "lane!", waiting.jobs AS "waiting!"
           FROM ring, LATERAL (
             SELECT count(*) FILTER (WHERE kind = $3) AS jobs FROM (
               SELECT kind FROM queue.jobs AS job
               WHERE job.lane = ring.lane AND job.rank IS NOT NULL AND job.state = 'available' LIMIT $2) AS job) AS waiting"#,
        LANES as i32,
        OTHERS as i64,
        JobKind::Generation.name()
    )
    .fetch_all(session)
    .await?;
    Ok(rows.into_iter().map(|row| (row.lane, row.waiting.unsigned_abs())).collect())
}

/// How fast generations are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Seconds that half of the newest generations did not exceed; none where there are none.
    pub seconds: Option<f64>,
    /// Jobs that the workers run at once.
    pub slots: u64,
    /// Whether no other one is begun.
    pub is_paused: bool,
}

/// How fast generations are made now.
pub async fn pace(session: &mut Session<'_>) -> Result<Pace> {
    let found = sqlx::query!(
        r#"SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FROM (
                     SELECT (SELECT sum(CASE jsonb_typeof(value) WHEN 'number' THEN value::float8 END)
                             FROM jsonb_each(CASE jsonb_typeof(step_seconds) WHEN 'object' THEN step_seconds END)) AS seconds
                     FROM public.generations ORDER BY created_at DESC, id DESC LIMIT $1) AS cat) AS seconds,
                  (SELECT coalesce(sum(slots), 0) FROM queue.workers WHERE lease_until > queue.now())::bigint AS "slots!",
                  EXISTS (SELECT FROM queue.kinds WHERE kind = $2 AND paused_at IS NOT NULL) AS "is_paused!""#,
        SAMPLE,
        JobKind::Generation.name()
    )
    .fetch_one(session)
    .await?;
    Ok(Pace { seconds: found.seconds, slots: found.slots.unsigned_abs(), is_paused: found.is_paused })
}

/// The place of a job with this rank behind those that wait first in its lane; `lanes` is what waits in each lane.
#[must_use]
#[allow(clippy::implicit_hasher)]
pub fn position(lane: i64, rank: DateTime<Utc>, front: &[DateTime<Utc>], lanes: &HashMap<i64, u64>) -> Position {
    let ahead = front.partition_point(|other| *other < rank) as u64;
    let turns = lanes.iter().filter(|(other, _)| **other != lane).map(|(_, waiting)| *waiting);
    let others: u64 = turns.clone().map(|waiting| waiting.min(ahead + 1)).sum();
    let is_cut = ahead >= OWN as u64
        || lanes.len() >= LANES
        || ahead >= OTHERS && turns.into_iter().any(|waiting| waiting >= OTHERS);
    Position {
        place: 1 + ahead + others,
        precision: match (is_cut, others) {
            (true, _) => Precision::AtLeast,
            (false, 0) => Precision::Exact,
            (false, _) => Precision::Estimate,
        },
    }
}

/// What a job has before it, at this pace.
pub fn forecast(live: &LiveJob, position: Option<Position>, pace: Pace) -> Result<Forecast> {
    let state = live.job.state()?;
    let known = pace.seconds.filter(|_| {
        let is_one = live.job.kind == JobKind::Generation.name();
        is_one && pace.slots > 0 && (!pace.is_paused || state == JobState::Running)
    });
    let eta_seconds = known.and_then(|seconds| match (state, position) {
        (JobState::Running, _) => Some((seconds - live.job.ran_seconds.unwrap_or(0.0)).max(0.0)),
        (JobState::Scheduled, _) => Some(live.due_in.max(0.0) + seconds),
        (_, Some(Position { place, precision: Precision::Exact | Precision::Estimate })) => {
            Some(place.div_ceil(pace.slots) as f64 * seconds)
        }
        _ => None,
    });
    Ok(Forecast { position, eta_seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn a_place_is_behind_those_of_the_lane_and_as_many_of_each_other() {
        let front = [at(1), at(2), at(3)];
        let place = |rank, lanes: &[(i64, u64)]| {
            let position = position(7, at(rank), &front, &lanes.iter().copied().collect());
            (position.place, position.precision)
        };
        assert_eq!(place(1, &[(7, 3)]), (1, Precision::Exact));
        assert_eq!(place(3, &[(7, 3), (8, 0)]), (3, Precision::Exact), "lanes of other kinds have none");
        assert_eq!(place(1, &[(7, 3), (8, 50), (9, 1)]), (3, Precision::Estimate));
        assert_eq!(place(3, &[(7, 3), (8, 50), (9, 1)]), (7, Precision::Estimate));
    }

    #[test]
    fn what_was_not_counted_to_its_end_is_said_to_be_more() {
        let front: Vec<_> = (0..OWN as i64).map(at).collect();
        let precision =
            |rank, lanes: Vec<(i64, u64)>| position(0, at(rank), &front, &lanes.into_iter().collect()).precision;
        assert_eq!(precision(OWN as i64, vec![(0, 50)]), Precision::AtLeast);
        assert_eq!(precision(OWN as i64 - 1, vec![(0, 50)]), Precision::Exact);
        assert_eq!(precision(OTHERS as i64, vec![(1, OTHERS)]), Precision::AtLeast);
        assert_eq!(precision(OTHERS as i64 - 1, vec![(1, OTHERS)]), Precision::Estimate);
        assert_eq!(precision(0, (0..LANES as i64).map(|lane| (lane, 0)).collect()), Precision::AtLeast);
    }
}
