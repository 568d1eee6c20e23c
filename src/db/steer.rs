//! Steering jobs, many at once: retry, cancel, discard, reprioritise, reschedule.
//!
//! Each batch is one statement and changes each of its jobs once, or finds that it has gone on by itself. It waits for no
//! lock, so that no worker and it wait for each other; jobs that a worker is just writing are tried again.

mod selection;
mod waiting;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::db::inspect::{self, Filter};
use crate::db::listener::CONTROL;
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::JobState;
use crate::model::when::LONGEST_WAIT_DAYS;
pub use selection::{Done, Selection};

/// Jobs that one statement changes, at most.
pub const BATCH: usize = 1000;
/// Parts of the queue that are counted, at most, before they are changed; each is a [`Filter::reach`] long.
pub const COUNTED: usize = 10;
/// How often a job is tried that somebody else is writing, and the pause before the next time.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// What to do with jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Run them again: reopen what was discarded or cancelled, with all attempts; make available what waits.
    Retry,
    /// End them. Of running ones the workers are told; what they still write is refused.
    Cancel,
    /// End them as dead letters.
    Discard,
    /// Give them this priority.
    Reprioritize(i16),
    /// Start them at this time, or at once where it has passed.
    Reschedule(DateTime<Utc>),
}

impl Change {
    /// The states that it applies to.
    #[must_use]
    pub const fn states(self) -> &'static [JobState] {
        use JobState::{Available, Cancelled, Discarded, Parked, Running, Scheduled};
        match self {
            Self::Retry => &[Discarded, Cancelled, Parked, Scheduled],
            Self::Cancel | Self::Discard => &[Scheduled, Available, Running, Parked],
            Self::Reprioritize(_) => &[Scheduled, Available, Parked],
            Self::Reschedule(_) => &[Scheduled, Available],
        }
    }

    /// The states that are meant where none is named: what people cancelled, or put off, is not brought back unasked.
    #[must_use]
    pub const fn default_states(self) -> &'static [JobState] {
        if let Self::Retry = self { &[JobState::Discarded] } else { self.states() }
    }

    /// What the audit log calls it.
    #[must_use]
    pub const fn deed(self) -> &'static str {
        match self {
            Self::Retry => "jobs.retry",
            Self::Cancel => "jobs.cancel",
            Self::Discard => "jobs.discard",
            Self::Reprioritize(_) => "jobs.reprioritize",
            Self::Reschedule(_) => "jobs.reschedule",
        }
    }

    /// What it gives to jobs, for the audit log.
    #[must_use]
    pub fn gives(self) -> Option<Value> {
        match self {
            Self::Reprioritize(priority) => Some(json!({"priority": priority})),
            Self::Reschedule(run_at) => Some(json!({"run_at": run_at})),
            Self::Retry | Self::Cancel | Self::Discard => None,
        }
    }

    /// Fails where no job can be given what it says.
    pub fn check(self) -> Result<()> {
        let refused = |what: String, hint: &str| Err(Failure::new(Kind::Invalid, what).hint(hint));
        match self {
            Self::Reprioritize(priority) if !(-100..=100).contains(&priority) => {
                refused(format!("priority {priority} is out of range"), "priorities go from -100 to 100")
            }
            Self::Reschedule(at) if at > Utc::now() + TimeDelta::days(LONGEST_WAIT_DAYS) => {
                refused("the start is more than ten years ahead".to_owned(), "name a time within ten years")
            }
            Self::Reschedule(at) if at < DateTime::UNIX_EPOCH => refused(
                "the start is before 1970".to_owned(),
                "leave it to now: a time that has passed starts them at once",
            ),
            _ => Ok(()),
        }
    }

    /// What is done to a job by it.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Retry => "retried",
            Self::Cancel => "cancelled",
            Self::Discard => "discarded",
            Self::Reprioritize(_) => "reprioritized",
            Self::Reschedule(_) => "rescheduled",
        }
    }
}

/// Why a job was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "why", content = "state")]
pub enum Refusal {
    /// There is none with that id.
    Unknown,
    /// It stands where the change does not apply.
    State(JobState),
    /// Its unique key is in use by another job.
    KeyInUse,
    /// Its deadline would pass before.
    Deadline,
    /// Somebody was writing it all the time.
    Busy,
}

impl Refusal {
    /// The same for whoever named the job.
    #[must_use]
    pub fn failure(self, change: Change, id: Uuid) -> Failure {
        let verb = change.verb();
        let conflict = |what: String| Failure::new(Kind::Conflict, format!("job {id} {what}"));
        match self {
            Self::Unknown => inspect::unknown(id),
            Self::State(JobState::Completed) => conflict(format!("is completed and cannot be {verb}"))
                .hint("enqueue its repository again: a re-run is a new job"),
            Self::State(state) => conflict(format!("is {state} and cannot be {verb}")),
            Self::KeyInUse => conflict("cannot be reopened: its unique key is in use again".to_owned())
                .hint("cancel the job that holds the key first, or enqueue a new one"),
            Self::Deadline => conflict("cannot be rescheduled: its deadline is not after that time".to_owned())
                .hint("name an earlier time, or enqueue it again with another deadline"),
            Self::Busy => conflict("was being written all the time".to_owned()).hint("try again in a moment"),
        }
    }
}

/// What became of jobs that were to be changed.
#[derive(Debug, Default)]
pub struct Steered {
    /// Those that were.
    pub changed: Vec<Uuid>,
    /// Those that were not.
    pub refused: Vec<(Uuid, Refusal)>,
}

/// What became of the jobs of a filter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Tally {
    /// Jobs that were changed.
    pub changed: u64,
    /// Jobs that went on by themselves before their turn came, or are gone.
    pub went_on: u64,
    /// Jobs whose unique key is in use by another.
    pub key_in_use: u64,
    /// Jobs whose deadline would pass before their new time.
    pub deadline: u64,
    /// Jobs that somebody was writing all the time.
    pub busy: u64,
}

impl Tally {
    /// Counts them.
    #[must_use]
    pub fn of(steered: &Steered) -> Self {
        let mut tally = Self::default();
        tally.add(steered);
        tally
    }

    fn add(&mut self, steered: &Steered) {
        self.changed += steered.changed.len() as u64;
        for (_, refusal) in &steered.refused {
            *match refusal {
                Refusal::Unknown | Refusal::State(_) => &mut self.went_on,
                Refusal::KeyInUse => &mut self.key_in_use,
                Refusal::Deadline => &mut self.deadline,
                Refusal::Busy => &mut self.busy,
            } += 1;
        }
    }
}

/// Changes the jobs that a filter lets in, each at most once; those that are enqueued meanwhile are left alone.
pub async fn by_filter(db: &Db, change: Change, filter: &Filter) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut after = None;
    loop {
        let page = inspect::ids(db, filter, after, i64::try_from(BATCH).unwrap_or(i64::MAX)).await?;
        tally.add(&by_id(db, change, &page.ids, &filter.states).await?);
        let Some(next) = page.next else { return Ok(tally) };
        after = Some(next);
    }
}

/// Counts the jobs that a filter lets in, so far as that takes no longer than a person waits: how many there are at least,
/// and whether there may be more.
pub async fn count(db: &Db, filter: &Filter) -> Result<(u64, bool)> {
    let (mut jobs, mut after) = (0, None);
    for _ in 0..COUNTED {
        let counted = inspect::count(db, filter, after).await?;
        jobs += counted.jobs;
        let Some(next) = counted.next else { return Ok((jobs, false)) };
        after = Some(next);
    }
    Ok((jobs, true))
}

/// Changes these jobs, so far as they are in one of `states`.
pub async fn by_id(db: &Db, change: Change, ids: &[Uuid], states: &[JobState]) -> Result<Steered> {
    let mut steered = Steered::default();
    for batch in ids.chunks(BATCH) {
        let mut left = batch.to_vec();
        for last in (0..TRIES).rev() {
            let changed = once(db, change, &left, states).await?;
            left.retain(|id| !changed.contains(id));
            steered.changed.extend(changed);
            let refused = why_not(db, change, &left, states).await?;
            let is_over = |refusal: Refusal| last == 0 || refusal != Refusal::Busy;
            left.retain(|id| !refused.get(id).copied().is_some_and(is_over));
            steered.refused.extend(refused.into_iter().filter(|(_, refusal)| is_over(*refusal)));
            if left.is_empty() {
                break;
            }
            sleep(PAUSE).await;
        }
    }
    steered.changed.sort_unstable();
    steered.refused.sort_unstable_by_key(|(id, _)| *id);
    Ok(steered)
}

/// Changes this job, wherever the change applies.
pub async fn one(db: &Db, change: Change, id: Uuid) -> Result<()> {
    let steered = by_id(db, change, &[id], change.states()).await?;
    steered.refused.first().map_or(Ok(()), |(_, refusal)| Err(refusal.failure(change, id)))
}

/// What [`by_id`] would do.
pub async fn rehearse(db: &Db, change: Change, ids: &[Uuid], states: &[JobState]) -> Result<Steered> {
    let (changed, refused) =
        why_not(db, change, ids, states).await?.into_iter().partition::<Vec<_>, _>(|(_, why)| *why == Refusal::Busy);
    Ok(Steered { changed: changed.into_iter().map(|(id, _)| id).collect(), refused })
}

/// Tries once; returns the ids of those that were changed.
async fn once(db: &Db, change: Change, ids: &[Uuid], states: &[JobState]) -> Result<HashSet<Uuid>> {
    let states: Vec<String> = states.iter().map(|state| state.name().to_owned()).collect();
    let changed = match change {
        Change::Cancel => end(db, ids, &states, JobState::Cancelled).await?,
        Change::Discard => end(db, ids, &states, JobState::Discarded).await?,
        Change::Reprioritize(priority) => waiting::reprioritize(db, ids, &states, priority).await?,
        Change::Reschedule(run_at) => waiting::reschedule(db, ids, &states, run_at).await?,
        Change::Retry => {
            let mut changed = waiting::make_available(db, ids, &states).await?;
            changed.extend(reopen(db, ids, &states).await?);
            changed
        }
    };
    Ok(changed.into_iter().collect())
}

/// Moves live jobs to history. The workers of running ones are told, and what they still write is refused.
async fn end(db: &Db, ids: &[Uuid], states: &[String], end: JobState) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "WITH gone AS (
           DELETE FROM queue.jobs AS job WHERE id = ANY (ARRAY (
             SELECT id FROM queue.jobs WHERE id = ANY ($1) AND state = ANY ($2) FOR UPDATE SKIP LOCKED))
           RETURNING job.*
         ), keys AS (
           DELETE FROM queue.unique_keys WHERE job_id = ANY (ARRAY (SELECT id FROM gone WHERE unique_key IS NOT NULL))
           RETURNING *
         ), kept AS (
           INSERT INTO queue.returned_keys SELECT * FROM keys
         ), attempts AS (
           INSERT INTO queue.attempts (job_id, claim, worker_id, started_at, outcome, error_class, error)
           SELECT id, claims, worker_id, started_at, $3, 'cancelled', $3 || ' by a person' FROM gone WHERE state = 'running'
         ), told AS (
           SELECT pg_notify($4, worker_id::text) FROM (SELECT DISTINCT worker_id FROM gone WHERE state = 'running') AS workers
         )
         INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, deadline, timeout_seconds, claims,
                                    priority, max_attempts, attempts, deaths, user_id, rerun_of, kind, state, limit_key,
                                    unique_key, tags, traceparent, payload)
         SELECT id, created_at, run_at, started_at, queue.now(), deadline, timeout_seconds, claims,
                priority, max_attempts, attempts, deaths, user_id, rerun_of, kind, $3, limit_key,
                unique_key, tags, traceparent, payload
         FROM gone WHERE (SELECT count(*) FROM told) >= 0
         RETURNING id",
        ids,
        states,
        end.name(),
        CONTROL
    )
    .fetch_all(db.pool())
    .await?)
}

/// Makes live jobs of dead ones, under their ids and with all their attempts, unless another job took the unique key.
/// Keys are asked for in their order, as far as one statement can, since enqueuers wait for them.
async fn reopen(db: &Db, ids: &[Uuid], states: &[String]) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"WITH dead AS MATERIALIZED (
             SELECT id, kind, unique_key FROM queue.history
             WHERE id = ANY ($1) AND state = ANY ($2) AND state IN ('discarded', 'cancelled') FOR UPDATE SKIP LOCKED
           ), keys AS (
             INSERT INTO queue.unique_keys AS held (kind, key, job_id, until_done, expires_at, fingerprint)
             SELECT DISTINCT ON (dead.kind, unique_key) dead.kind, unique_key, id, coalesce(until_done, false), expires_at,
                    fingerprint
             FROM dead LEFT JOIN queue.returned_keys ON job_id = id WHERE unique_key IS NOT NULL
             ORDER BY dead.kind, unique_key, id DESC
             ON CONFLICT (kind, key) DO UPDATE
             SET job_id = excluded.job_id, created_at = excluded.created_at, until_done = excluded.until_done,
                 expires_at = excluded.expires_at, fingerprint = excluded.fingerprint
             WHERE held.expires_at <= queue.now() RETURNING job_id
           ), asked AS (
             DELETE FROM queue.returned_keys WHERE job_id IN (SELECT job_id FROM keys)
           ), gone AS (
             DELETE FROM queue.history
             WHERE state IN ('discarded', 'cancelled') AND id = ANY (ARRAY (
               SELECT id FROM dead WHERE unique_key IS NULL UNION ALL SELECT job_id FROM keys))
             RETURNING *
           ), reopened AS (
             INSERT INTO queue.jobs (id, kind, priority, payload, created_at, run_at, rank, lane, claims, max_attempts,
                                     timeout_seconds, limit_key, unique_key, user_id, tags, traceparent, rerun_of)
             SELECT id, kind, priority, payload, created_at, queue.now(), queue.rank(queue.now(), priority),
                    queue.lane(kind, limit_key, user_id), claims, max_attempts,
                    timeout_seconds, limit_key, unique_key, user_id, tags, traceparent, rerun_of
             FROM gone RETURNING id, kind
           ), woken AS (SELECT queue.wake(kind) FROM (SELECT DISTINCT kind FROM reopened) AS kinds)
           SELECT id AS "id!" FROM reopened WHERE (SELECT count(*) FROM woken) >= 0"#,
        ids,
        states
    )
    .fetch_all(db.pool())
    .await?)
}

/// Why these jobs were not changed: what is in the way, or nothing but that somebody was writing them.
async fn why_not(db: &Db, change: Change, ids: &[Uuid], states: &[JobState]) -> Result<HashMap<Uuid, Refusal>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let run_at = if let Change::Reschedule(at) = change { Some(at) } else { None };
    let rows = sqlx::query!(
        r#"SELECT id AS "id!", state AS "state!", finished_at IS NOT NULL AND EXISTS (
             SELECT FROM queue.unique_keys AS held
             WHERE held.kind = job.kind AND held.key = job.unique_key AND held.job_id <> job.id
               AND (held.expires_at IS NULL OR held.expires_at > queue.now())) AS "key_in_use!",
             coalesce(deadline <= $2, false) AS "is_too_late!"
           FROM queue.all_jobs AS job WHERE id = ANY ($1)"#,
        ids,
        run_at
    )
    .fetch_all(db.pool())
    .await?;
    let mut refusals: HashMap<_, _> = ids.iter().map(|id| (*id, Refusal::Unknown)).collect();
    for row in rows {
        let state = JobState::from_name(&row.state)?;
        let refusal = if !states.contains(&state) {
            Refusal::State(state)
        } else if row.key_in_use {
            Refusal::KeyInUse
        } else if row.is_too_late {
            Refusal::Deadline
        } else {
            Refusal::Busy
        };
        refusals.insert(row.id, refusal);
    }
    Ok(refusals)
}
