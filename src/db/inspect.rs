//! Looking at jobs, wherever they are: live in `queue.jobs`, finished in `queue.history`.
//!
//! A list goes back through the ids, which are made in the order of time, and costs the same however many jobs there are:
//! what no index leads to is looked for among the next [`reach`](Filter::reach) jobs, and the page says how far that was.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::Db;
use crate::db::session::{Session, Transaction};
use crate::model::failure::{ErrorClass, Failure, Kind, Result};
use crate::model::job::JobState;
use crate::model::webhook::serialize_shown;

/// How many jobs a page looks at, at most.
pub const REACH: i64 = 10_000;
/// The same where the errors of each are looked up, too.
const TEXT_REACH: i64 = 3000;

/// A job, live or finished.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Job)]
pub struct JobRow {
    /// Identity.
    pub id: Uuid,
    /// What sort of work.
    pub kind: String,
    /// Where it stands.
    pub state: String,
    /// Why it is parked.
    pub parked_because: Option<String>,
    /// A point is worth 6 seconds of waiting.
    pub priority: i16,
    /// Not before this time.
    pub run_at: DateTime<Utc>,
    /// Not to be started after this time.
    pub deadline: Option<DateTime<Utc>>,
    /// How long one attempt may take, in seconds.
    pub timeout_seconds: Option<i32>,
    /// What to do. Of the address of a webhook's receiver the host is shown.
    #[serde(serialize_with = "serialize_shown")]
    pub payload: Value,
    /// When it was enqueued.
    pub created_at: DateTime<Utc>,
    /// How often it was claimed.
    pub claims: i32,
    /// Attempts that ran and failed.
    pub attempts: i16,
    /// Attempts before it is discarded.
    pub max_attempts: i16,
    /// How often its worker was lost.
    pub deaths: i16,
    /// Who holds it or finished it.
    pub worker_id: Option<Uuid>,
    /// Its name: host and process.
    pub worker: Option<String>,
    /// When it was last claimed.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How long it was due before it was last claimed, in seconds.
    pub waited_seconds: Option<f64>,
    /// How long the attempt took that finished it, or takes that runs, in seconds.
    pub ran_seconds: Option<f64>,
    /// Its unique key.
    pub unique_key: Option<String>,
    /// What limits go by.
    pub limit_key: Option<String>,
    /// Words to find it by.
    pub tags: Vec<String>,
    /// Who asked for it.
    pub user_id: Option<Uuid>,
    /// The trace of who enqueued it.
    pub traceparent: Option<String>,
    /// The finished job that it does again.
    pub rerun_of: Option<Uuid>,
}

impl JobRow {
    /// Where it stands.
    pub fn state(&self) -> Result<JobState> {
        JobState::from_name(&self.state)
    }

    /// What it is about, in a few words: the repository, the backup, the database. A webhook is about what the generation
    /// was asked for whose end it tells.
    #[must_use]
    pub fn subject(&self) -> String {
        let asked = self.payload.get("request").unwrap_or(&self.payload);
        let text = |key: &str| asked.get(key).and_then(Value::as_str);
        if let Some(subject) = text("backup").or_else(|| text("database")) {
            return subject.to_owned();
        }
        let url = text("github_url").unwrap_or("-");
        text("ref").map_or_else(|| url.to_owned(), |reference| format!("{url} at {reference}"))
    }
}

/// Which jobs. What is left out leaves all in.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In one of these states.
    pub states: Vec<JobState>,
    /// Of this kind.
    pub kind: Option<String>,
    /// This user's.
    pub user: Option<Uuid>,
    /// With this tag.
    pub tag: Option<String>,
    /// With this text in the payload, but for the address of a webhook's receiver, in an error or in why it is parked, in
    /// any case of letters.
    pub text: Option<String>,
    /// Enqueued at this time or later, as its id tells.
    pub since: Option<DateTime<Utc>>,
    /// Enqueued before this time, as its id tells.
    pub until: Option<DateTime<Utc>>,
    /// Ended at this time or later.
    pub ended_since: Option<DateTime<Utc>>,
    /// Whose last attempt that failed failed for this.
    pub error_class: Option<ErrorClass>,
    /// Whose last attempt took, or takes, longer.
    pub longer_than: Option<Duration>,
    /// Whose last attempt took, or takes, not so long.
    pub shorter_than: Option<Duration>,
}

impl Filter {
    /// Whether it leaves out anything.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.states.is_empty()
            && self.kind.is_none()
            && self.user.is_none()
            && self.tag.is_none()
            && self.text.is_none()
            && self.since.is_none()
            && self.until.is_none()
            && self.ended_since.is_none()
            && self.error_class.is_none()
            && self.longer_than.is_none()
            && self.shorter_than.is_none()
    }

    fn names(&self) -> Vec<String> {
        self.states.iter().map(|state| state.name().to_owned()).collect()
    }

    /// The states whose jobs are looked at: history lies apart by state, live jobs do not.
    fn scope(&self) -> Vec<String> {
        let live = self.states.iter().any(|state| !state.is_final());
        let is_looked_at = |state: &JobState| self.states.contains(state) || (live && !state.is_final());
        JobState::ALL.iter().filter(|state| is_looked_at(state)).map(|state| state.name().to_owned()).collect()
    }

    /// How many jobs a page looks at, at most.
    #[must_use]
    pub fn reach(&self) -> i64 {
        let has_failed = |state: &JobState| matches!(state, JobState::Discarded | JobState::Cancelled);
        let is_about_errors = (self.text.is_some() || self.error_class.is_some())
            && !self.states.is_empty()
            && self.states.iter().all(has_failed);
        if is_about_errors { TEXT_REACH } else { REACH }
    }

    fn is_only(&self, state: JobState) -> bool {
        self.states == [state]
    }
}

/// A part of a list, the last enqueued first.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = JobPage)]
pub struct Page {
    /// The jobs.
    pub jobs: Vec<JobRow>,
    /// After which id to go on; none at the end of the list.
    pub next: Option<Uuid>,
    /// Where the page ends early, because so many jobs were looked at: when the last of them was enqueued.
    pub looked_back_to: Option<DateTime<Utc>>,
}

/// How many jobs there are in a part of the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Jobs.
    pub jobs: u64,
    /// After which id to go on; none where all was looked at.
    pub next: Option<Uuid>,
}

/// One job, live or finished.
pub async fn job(db: &Db, id: Uuid) -> Result<JobRow> {
    jobs_by_id(&mut db.pool().acquire().await?, &[id]).await?.pop().ok_or_else(|| unknown(id))
}

/// There is no job with that id.
#[must_use]
pub fn unknown(id: Uuid) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no job {id}")).hint("see them with: repo-to-cat jobs list")
}

/// These jobs, the last enqueued first; those that do not exist are left out.
async fn jobs_by_id(session: &mut Session<'_>, ids: &[Uuid]) -> Result<Vec<JobRow>> {
    Ok(sqlx::query_as!(
        JobRow,
        r#"SELECT id AS "id!", kind AS "kind!", state AS "state!", parked_because, priority AS "priority!",
                  run_at AS "run_at!", deadline, timeout_seconds, payload AS "payload!", created_at AS "created_at!",
                  claims AS "claims!", attempts AS "attempts!", max_attempts AS "max_attempts!", deaths AS "deaths!",
                  worker_id, (SELECT name FROM queue.worker_names AS worker WHERE worker.id = job.worker_id) AS worker,
                  started_at, finished_at,
                  CASE WHEN started_at >= run_at THEN extract(epoch FROM started_at - run_at)::float8 END AS waited_seconds,
                  CASE WHEN worker_id IS NOT NULL
                       THEN extract(epoch FROM coalesce(finished_at, queue.now()) - started_at)::float8 END AS ran_seconds,
                  unique_key, limit_key, coalesce(tags, '{}') AS "tags!", user_id, traceparent, rerun_of
           FROM queue.all_jobs AS job WHERE id = ANY ($1) ORDER BY id DESC"#,
        ids
    )
    .fetch_all(session)
    .await?)
}

/// A statement over the next so many jobs before an id: what to select of them, and what comes after. Of each it knows
/// which in turn it is and whether the filter lets it in. What an index leads to narrows down the jobs that are looked at.
macro_rules! look {
    ($row:ident, $select:literal, $rest:literal, $filter:ident, $before:expr $(, $more:expr)*) => {
        sqlx::query_as!(
            $row,
            $select
                + r#" FROM (
               SELECT id, created_at, row_number() OVER (ORDER BY id DESC) AS nth,
                 (cardinality($7::text[]) = 0 OR state = ANY ($7)) AND ($8::text IS NULL OR kind = $8)
                 AND ($9::text IS NULL OR coalesce(tags @> ARRAY[$9], false))
                 AND ($10::text IS NULL
                      -- What is shown, see model::webhook: who could search for the rest would find it out.
                      OR strpos(lower((CASE WHEN jsonb_typeof(payload) <> 'object' THEN payload
                                            WHEN payload ? 'event_id' THEN payload - '{webhook_url,url}'::text[]
                                            ELSE payload - 'webhook_url' END)::text), lower($10)) > 0
                      OR coalesce(strpos(lower(parked_because), lower($10)) > 0, false)
                      -- Most jobs never failed; those are not looked up.
                      OR ((attempts > 0 OR deaths > 0 OR state IN ('discarded', 'cancelled')) AND EXISTS (
                        SELECT FROM queue.attempts AS attempt
                        WHERE attempt.job_id = job.id AND strpos(lower(attempt.error), lower($10)) > 0)))
                 AND ($11::float8 IS NULL OR coalesce(worker_id IS NOT NULL
                      AND coalesce(finished_at, queue.now()) - started_at > make_interval(secs => $11), false))
                 AND ($12::float8 IS NULL OR coalesce(worker_id IS NOT NULL
                      AND coalesce(finished_at, queue.now()) - started_at < make_interval(secs => $12), false))
                 AND ($13::timestamptz IS NULL OR coalesce(finished_at >= $13, false))
                 AND ($14::text IS NULL OR ((attempts > 0 OR deaths > 0 OR state IN ('discarded', 'cancelled'))
                      AND $14 = coalesce((SELECT error_class FROM queue.attempts AS attempt WHERE attempt.job_id = job.id
                                          ORDER BY claim DESC LIMIT 1), 'none')))
                 AS matches
               -- Not queue.all_jobs, whose halves differ in type: all rows would be put together before they are sorted.
               FROM (SELECT true AS is_live, id, created_at, kind::text, state::text, tags, payload, parked_because, attempts, deaths, worker_id,
                            started_at, NULL::timestamptz AS finished_at, user_id, due_at
                     FROM queue.jobs
                     UNION ALL
                     SELECT false, id, created_at, kind, state, tags, payload, NULL::text, attempts, deaths, worker_id,
                            started_at, finished_at, user_id, NULL::timestamptz
                     FROM queue.history) AS job
               WHERE id < $1 AND id >= $2
                 AND (cardinality($3::text[]) = 0 OR state = ANY ($3) AND ('available' = ANY ($3) OR NOT is_live))
                 AND ($4::uuid IS NULL OR user_id = $4)
                 AND (NOT $5::bool OR parked_because IS NOT NULL) AND (NOT $6::bool OR due_at IS NOT NULL)
                 -- By weeks, as history lies: of what is looked at in one, not all is let in.
                 AND ($13::timestamptz IS NULL
                      OR finished_at >= date_trunc('week', $13::timestamptz AT TIME ZONE 'UTC') AT TIME ZONE 'UTC')
               ORDER BY id DESC LIMIT $15) AS job "#
                + $rest,
            $filter.until.map_or($before, |until| first_at(until).min($before)),
            $filter.since.map_or(Uuid::nil(), first_at),
            &$filter.scope(),
            $filter.user,
            $filter.is_only(JobState::Parked),
            $filter.is_only(JobState::Scheduled),
            &$filter.names(),
            $filter.kind.as_deref(),
            $filter.tag.as_deref(),
            $filter.text.as_deref(),
            $filter.longer_than.map(|time| time.as_secs_f64()),
            $filter.shorter_than.map(|time| time.as_secs_f64()),
            $filter.ended_since,
            $filter.error_class.map(ErrorClass::name),
            $filter.reach()
            $(, $more)*
        )
    };
}

/// The ids of a part of a list.
#[derive(Debug)]
pub struct Ids {
    /// Ids, the last enqueued first.
    pub ids: Vec<Uuid>,
    /// After which id to go on; none at the end of the list.
    pub next: Option<Uuid>,
    looked_back_to: Option<DateTime<Utc>>,
}

/// Up to `limit` jobs that were enqueued before `after`, the last enqueued first.
pub async fn list(db: &Db, filter: &Filter, after: Option<Uuid>, limit: i64) -> Result<Page> {
    let mut reading = begin_reading(db).await?;
    let found = find(&mut reading, filter, after, limit).await?;
    sqlx::query!("SET LOCAL enable_sort = on").execute(&mut *reading).await?;
    let jobs = jobs_by_id(&mut reading, &found.ids).await?;
    reading.commit().await?;
    Ok(Page { jobs, next: found.next, looked_back_to: found.looked_back_to })
}

/// The ids of up to `limit` jobs that were enqueued before `after`, the last enqueued first.
pub async fn ids(db: &Db, filter: &Filter, after: Option<Uuid>, limit: i64) -> Result<Ids> {
    let mut reading = begin_reading(db).await?;
    let found = find(&mut reading, filter, after, limit).await?;
    reading.commit().await?;
    Ok(found)
}

async fn find(session: &mut Session<'_>, filter: &Filter, after: Option<Uuid>, limit: i64) -> Result<Ids> {
    struct Found {
        id: Uuid,
        created_at: DateTime<Utc>,
        matches: bool,
        is_last: bool,
    }
    // The last job that was looked at comes along even if the filter leaves it out: the next page begins there.
    let found = look!(
        Found,
        r#"SELECT id AS "id!", created_at AS "created_at!", matches AS "matches!", nth = $15 AS "is_last!""#,
        "WHERE matches OR nth = $15 ORDER BY id DESC LIMIT $16",
        filter,
        after.unwrap_or(Uuid::max()),
        limit
    )
    .fetch_all(session)
    .await?;
    let ids: Vec<Uuid> = found.iter().filter(|found| found.matches).map(|found| found.id).collect();
    let is_full = i64::try_from(ids.len()).unwrap_or(i64::MAX) >= limit;
    let last = found.last().filter(|last| is_full || last.is_last);
    let looked_back_to = last.filter(|_| !is_full).map(|last| last.created_at);
    Ok(Ids { ids, next: last.map(|last| last.id), looked_back_to })
}

/// Counts jobs that were enqueued before `after`, of the next [`reach`](Filter::reach).
pub async fn count(db: &Db, filter: &Filter, after: Option<Uuid>) -> Result<Count> {
    struct Counted {
        jobs: i64,
        next: Option<Uuid>,
    }
    let mut reading = begin_reading(db).await?;
    let counted = look!(
        Counted,
        r#"SELECT count(*) FILTER (WHERE matches) AS "jobs!", max(CASE WHEN nth = $15 THEN id::text END)::uuid AS next"#,
        "",
        filter,
        after.unwrap_or(Uuid::max())
    )
    .fetch_one(&mut *reading)
    .await?;
    reading.commit().await?;
    Ok(Count { jobs: counted.jobs.unsigned_abs(), next: counted.next })
}

/// A transaction whose statements walk the indexes. They stop as soon as a page is full, which the planner cannot know: to
/// it, sorting a table may look cheaper.
async fn begin_reading(db: &Db) -> Result<Transaction<'static>> {
    let mut reading = db.pool().begin().await?;
    sqlx::raw_sql(
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL enable_sort = off;
         SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL plan_cache_mode = force_custom_plan",
    )
    .execute(&mut *reading)
    .await?;
    Ok(reading)
}

/// The first id of a moment.
fn first_at(time: DateTime<Utc>) -> Uuid {
    // Ids have 48 bits for it.
    let millis = u64::try_from(time.timestamp_millis()).unwrap_or(0).min((1 << 48) - 1);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_of_a_moment_parts_those_before_from_those_after() {
        let time = DateTime::from_timestamp_millis(1_800_000_000_123).unwrap();
        let made = |millis| uuid::Builder::from_unix_timestamp_millis(millis, &[255; 10]).into_uuid();
        assert!(made(1_800_000_000_122) < first_at(time));
        assert!(first_at(time) < made(1_800_000_000_123));
        assert_eq!(first_at(DateTime::<Utc>::MIN_UTC), first_at(DateTime::UNIX_EPOCH));
    }

    #[test]
    fn history_is_looked_at_by_state_and_live_jobs_as_a_whole() {
        let scope = |states: &[JobState]| Filter { states: states.to_vec(), ..Default::default() }.scope();
        assert_eq!(scope(&[]), Vec::<String>::new());
        assert_eq!(scope(&[JobState::Discarded]), ["discarded"]);
        assert_eq!(
            scope(&[JobState::Parked, JobState::Cancelled]),
            ["scheduled", "available", "running", "parked", "cancelled"]
        );
    }
}
