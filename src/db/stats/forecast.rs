//! What a job that is not finished has before it: its place in the queue, and the time that is left.
//!
//! Workers go round the lanes, so a job has before it what waits in its own lane, and of each other lane as many. That is
//! looked at as far as the bounds below go, however much waits.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::begin_reading;
use crate::db::inspect::JobRow;
use crate::db::session::Session;
use crate::db::{Db, limits};
use crate::model::failure::Result;
use crate::model::job::{JobKind, JobState};

/// Jobs that are counted in a job's own lane, at most.
const OWN: i64 = 1000;
/// Other lanes that are looked at, at most.
const LANES: i32 = 200;
/// Jobs that are counted in each of them, at most.
const OTHERS: i64 = 50;
/// Generations by which the time of one is told.
const SAMPLE: i64 = 50;

/// What a job has before it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, ToSchema)]
pub struct Forecast {
    /// Its place among those that wait for a worker; none where it waits for none.
    pub position: Option<Position>,
    /// Estimate of the seconds until its end, by how long others took; none where nobody can tell.
    pub eta_seconds: Option<f64>,
}

/// A place among those that wait.
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

/// What a generation has before it that is not finished.
pub async fn forecast(db: &Db, job: &JobRow) -> Result<Forecast> {
    const NOTHING: Forecast = Forecast { position: None, eta_seconds: None };
    let state = job.state()?;
    if state.is_final() || state == JobState::Parked || job.kind != JobKind::Generation.name() {
        return Ok(NOTHING);
    }
    let mut reading = begin_reading(db).await?;
    let position = if state == JobState::Available { position(&mut reading, job.id).await? } else { None };
    let is_paused = limits::paused(&mut reading).await?.iter().any(|paused| paused.kind == job.kind);
    let pace = pace(&mut reading, job.id).await?;
    reading.commit().await?;
    let pace = pace.filter(|pace| pace.slots > 0 && (!is_paused || state == JobState::Running));
    let eta_seconds = pace.and_then(|pace| match (state, position) {
        (JobState::Running, _) => Some((pace.seconds - job.ran_seconds.unwrap_or(0.0)).max(0.0)),
        (JobState::Scheduled, _) => Some(pace.due_in.max(0.0) + pace.seconds),
        (_, Some(Position { place, precision: Precision::Exact | Precision::Estimate })) => {
            Some((place.div_ceil(pace.slots)) as f64 * pace.seconds)
        }
        _ => None,
    });
    Ok(Forecast { position, eta_seconds })
}

async fn position(session: &mut Session<'_>, id: Uuid) -> Result<Option<Position>> {
    let found = sqlx::query!(
        r#"WITH RECURSIVE mine AS MATERIALIZED (
             SELECT kind, lane, rank FROM queue.jobs WHERE id = $1 AND state = 'available' AND rank IS NOT NULL
           ), ahead AS MATERIALIZED (
             SELECT count(*) AS jobs FROM (
               SELECT FROM mine, queue.jobs AS job
               WHERE job.lane = mine.lane AND job.rank < mine.rank AND job.state = 'available' LIMIT $2) AS job
           ), ring AS (
             (SELECT lane, 1 AS nth FROM queue.jobs WHERE rank IS NOT NULL ORDER BY lane LIMIT 1)
             UNION ALL
             SELECT next.lane, nth + 1 FROM ring, LATERAL (
               SELECT lane FROM queue.jobs AS job WHERE rank IS NOT NULL AND job.lane > ring.lane ORDER BY lane LIMIT 1) AS next
             WHERE nth < $3
           ), other AS (
             SELECT waiting.jobs, waiting.jobs >= $4 AND ahead.jobs >= $4 AS is_cut
             FROM mine, ahead, ring, LATERAL (
               -- A lane is of one kind.
               SELECT count(*) FILTER (WHERE job.kind = mine.kind) AS jobs FROM (
                 SELECT kind FROM queue.jobs AS job
                 WHERE job.lane = ring.lane AND job.rank IS NOT NULL AND job.state = 'available'
                 LIMIT least(ahead.jobs + 1, $4)) AS job) AS waiting
             WHERE ring.lane <> mine.lane
           )
           SELECT ahead.jobs AS "ahead!", coalesce(sum(other.jobs), 0)::bigint AS "others!",
                  coalesce(bool_or(other.is_cut), false) OR ahead.jobs >= $2 OR count(*) >= $3 - 1 AS "is_cut!"
           FROM mine, ahead LEFT JOIN other ON true GROUP BY ahead.jobs"#,
        id,
        OWN,
        LANES,
        OTHERS
    )
    .fetch_optional(session)
    .await?;
    Ok(found.map(|found| Position {
        place: 1 + found.ahead.unsigned_abs() + found.others.unsigned_abs(),
        precision: match (found.is_cut, found.others) {
            (true, _) => Precision::AtLeast,
            (false, 0) => Precision::Exact,
            (false, _) => Precision::Estimate,
        },
    }))
}

#[derive(Clone, Copy)]
struct Pace {
    /// Seconds that half of the newest generations did not exceed.
    seconds: f64,
    /// Jobs that the workers run at once.
    slots: u64,
    /// Seconds until the job is due.
    due_in: f64,
}

async fn pace(session: &mut Session<'_>, id: Uuid) -> Result<Option<Pace>> {
    let found = sqlx::query!(
        r#"SELECT (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FROM (
                     SELECT (SELECT sum(CASE jsonb_typeof(value) WHEN 'number' THEN value::float8 END)
                             FROM jsonb_each(CASE jsonb_typeof(step_seconds) WHEN 'object' THEN step_seconds END)) AS seconds
                     FROM public.generations ORDER BY created_at DESC, id DESC LIMIT $2) AS cat) AS seconds,
                  (SELECT coalesce(sum(slots), 0) FROM queue.workers WHERE lease_until > queue.now())::bigint AS "slots!",
                  coalesce((SELECT extract(epoch FROM run_at - queue.now()) FROM queue.jobs WHERE id = $1), 0)::float8 AS "due_in!""#,
        id,
        SAMPLE
    )
    .fetch_one(session)
    .await?;
    Ok(found.seconds.map(|seconds| Pace { seconds, slots: found.slots.unsigned_abs(), due_in: found.due_in }))
}
