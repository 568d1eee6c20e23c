//! `queue.schedules` and `queue.slots`: what is enqueued by the clock, and what became of it.
//!
//! Whoever fires or changes a schedule holds its row ([`Held`]), so that one does so at a time over all hosts.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::PgExecutor;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::listener::Ear;
use crate::db::{Db, Session, Transaction};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::schedule::due::{KEPT_SLOTS, Turn};
use crate::model::schedule::{Missed, Overlap, SlotOutcome, Spec, State};
use crate::model::webhook::hide_receiver;

/// Where changes of schedules are announced.
const CHANNEL: &str = "queue_schedules";

/// A schedule as it stands in the database.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub struct ScheduleRow {
    /// Its name.
    pub name: String,
    /// What it does.
    #[serde(flatten)]
    pub spec: Spec,
    /// Whether it fires.
    pub state: State,
    /// The first slot that is not done with.
    pub next_at: Option<DateTime<Utc>>,
    /// When that one fires: its time and its jitter.
    pub fires_at: Option<DateTime<Utc>>,
    /// Why this program cannot read it; the one that wrote it may.
    pub problem: Option<String>,
    /// The declaration as it was last applied.
    pub declared: Option<Value>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

impl ScheduleRow {
    /// The same for those who may look but not change anything: of the address of a webhook's receiver the host.
    #[must_use]
    pub fn without_receiver(mut self) -> Self {
        hide_receiver(&mut self.spec.payload);
        let declared = self.declared.as_mut().and_then(|declared| declared.get_mut("payload")?.as_object_mut());
        declared.into_iter().for_each(hide_receiver);
        self
    }
}

/// A slot that is done with.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Slot)]
pub struct SlotRow {
    /// The slot.
    pub due_at: DateTime<Utc>,
    /// What became of it: see [`SlotOutcome`].
    pub outcome: String,
    /// Its job.
    pub job_id: Option<Uuid>,
    /// Where its job stands; absent where it is gone.
    pub job_state: Option<String>,
    /// More about it.
    pub note: Option<String>,
    /// When it was done with.
    pub noted_at: DateTime<Utc>,
}

/// All schedules, by name.
pub async fn list(db: &Db) -> Result<Vec<ScheduleRow>> {
    read(db.pool(), None).await
}

/// One schedule.
pub async fn get(db: &Db, name: &str) -> Result<ScheduleRow> {
    read(db.pool(), Some(name)).await?.pop().ok_or_else(|| unknown(name))
}

async fn read(executor: impl PgExecutor<'_>, name: Option<&str>) -> Result<Vec<ScheduleRow>> {
    let rows = sqlx::query!(
        "SELECT name, cron, zone, kind, payload, priority, max_attempts, key_prefix, missed, missed_limit, overlap,
                jitter_seconds, state, next_at, fires_at, declared, created_at, updated_at
         FROM queue.schedules WHERE $1::text IS NULL OR name = $1 ORDER BY name",
        name
    )
    .fetch_all(executor)
    .await?;
    rows.into_iter()
        .map(|row| {
            let strange = |what: &str, word: &str| {
                Failure::new(
                    Kind::Schema,
                    format!("schedule {} has {what} `{word}`, which this program does not know", row.name),
                )
                .hint("a newer program wrote it: use that one")
            };
            let payload = match row.payload {
                Value::Object(payload) => payload,
                _ => Map::new(),
            };
            let spec = Spec {
                cron: row.cron,
                zone: row.zone,
                kind: row.kind,
                payload,
                priority: row.priority,
                max_attempts: row.max_attempts.map(i16::unsigned_abs),
                key_prefix: row.key_prefix,
                missed: Missed::from_name(&row.missed).ok_or_else(|| strange("missed", &row.missed))?,
                missed_limit: row.missed_limit.unsigned_abs(),
                overlap: Overlap::from_name(&row.overlap).ok_or_else(|| strange("overlap", &row.overlap))?,
                jitter_seconds: row.jitter_seconds.unsigned_abs(),
            };
            Ok(ScheduleRow {
                problem: spec.check().err().map(|failure| failure.what().to_owned()),
                spec,
                state: State::from_name(&row.state).ok_or_else(|| strange("state", &row.state))?,
                next_at: row.next_at,
                fires_at: row.fires_at,
                declared: row.declared,
                created_at: row.created_at,
                updated_at: row.updated_at,
                name: row.name,
            })
        })
        .collect()
}

/// The latest slots of a schedule, the newest first.
pub async fn slots(db: &Db, name: &str, limit: i64) -> Result<Vec<SlotRow>> {
    Ok(sqlx::query_as!(
        SlotRow,
        r#"SELECT due_at, outcome, job_id, note, noted_at, coalesce(
             (SELECT state FROM queue.jobs WHERE id = slot.job_id),
             (SELECT state FROM queue.history WHERE id = slot.job_id LIMIT 1)) AS job_state
           FROM queue.slots AS slot WHERE schedule = $1 ORDER BY due_at DESC LIMIT $2"#,
        name,
        limit
    )
    .fetch_all(db.pool())
    .await?)
}

/// The latest slot of each of these schedules that had one. Its job ended after it was due: that leaves most weeks of
/// history unread.
pub async fn latest_slots(db: &Db, names: &[&str]) -> Result<BTreeMap<String, SlotRow>> {
    let rows = sqlx::query!(
        r#"SELECT name AS "name!", slot.*, coalesce(
             (SELECT state FROM queue.jobs WHERE id = slot.job_id),
             (SELECT state FROM queue.history WHERE id = slot.job_id AND finished_at >= slot.due_at LIMIT 1)) AS job_state
           FROM unnest($1::text[]) AS name, LATERAL (
             SELECT due_at, outcome, job_id, note, noted_at FROM queue.slots
             WHERE schedule = name ORDER BY due_at DESC LIMIT 1) AS slot"#,
        names as &[&str]
    )
    .fetch_all(db.pool())
    .await?;
    let slots = rows.into_iter().map(|row| {
        let slot = SlotRow {
            due_at: row.due_at,
            outcome: row.outcome,
            job_id: row.job_id,
            job_state: row.job_state,
            note: row.note,
            noted_at: row.noted_at,
        };
        (row.name, slot)
    });
    Ok(slots.collect())
}

/// The time that schedules go by.
pub async fn now(db: &Db) -> Result<DateTime<Utc>> {
    now_on(db.pool()).await
}

async fn now_on(executor: impl PgExecutor<'_>) -> Result<DateTime<Utc>> {
    Ok(sqlx::query_scalar!(r#"SELECT queue.now() AS "now!""#).fetch_one(executor).await?)
}

/// In how many seconds the next slot fires, over all schedules but some; less than none where one is due. None fires while
/// the queue is held.
pub async fn seconds_to_next(db: &Db, but: &[String]) -> Result<Option<f64>> {
    Ok(sqlx::query_scalar!(
        "SELECT extract(epoch FROM min(fires_at) - queue.now())::float8 FROM queue.schedules
         WHERE state = 'active' AND name <> ALL ($1) AND NOT queue.is_held()",
        but
    )
    .fetch_one(db.pool())
    .await?)
}

/// Adds a schedule; false where there is one of that name.
pub async fn insert(
    db: &Db,
    name: &str,
    spec: &Spec,
    state: State,
    next: Option<Turn>,
    declared: Option<&Value>,
) -> Result<bool> {
    let added = sqlx::query!(
        "WITH added AS (
           INSERT INTO queue.schedules (name, cron, zone, kind, payload, priority, max_attempts, key_prefix, missed,
                                        missed_limit, overlap, jitter_seconds, state, next_at, fires_at, declared)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
           ON CONFLICT (name) DO NOTHING RETURNING name)
         SELECT pg_notify($17, '') FROM added",
        name,
        spec.cron,
        spec.zone,
        spec.kind,
        Value::Object(spec.payload.clone()),
        spec.priority,
        spec.max_attempts.map(u16::cast_signed),
        spec.key_prefix,
        spec.missed.name(),
        spec.missed_limit.cast_signed(),
        spec.overlap.name(),
        spec.jitter_seconds.cast_signed(),
        state.name(),
        next.map(|turn| turn.due_at),
        next.map(|turn| turn.fires_at),
        declared,
        CHANNEL
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(added.is_some())
}

/// Deletes a schedule with its slots; its jobs stay.
pub async fn delete(db: &Db, name: &str) -> Result<()> {
    let deleted = sqlx::query!("DELETE FROM queue.schedules WHERE name = $1", name).execute(db.pool()).await?;
    if deleted.rows_affected() == 1 { Ok(()) } else { Err(unknown(name)) }
}

/// Stops the schedules that were declared and are none of `declared` any more; returns their names.
pub async fn withdraw_others(db: &Db, declared: &[String]) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar!(
        "UPDATE queue.schedules SET state = 'withdrawn', declared = NULL, updated_at = queue.now()
         WHERE declared IS NOT NULL AND name <> ALL ($1) RETURNING name",
        declared
    )
    .fetch_all(db.pool())
    .await?)
}

/// A schedule in a transaction that keeps everybody else from firing and changing it. Dropped, it leaves it as it was.
#[derive(Debug)]
pub struct Held {
    transaction: Transaction<'static>,
    /// The schedule.
    pub row: ScheduleRow,
    /// The database's time.
    pub now: DateTime<Utc>,
}

/// Holds the schedule that has been due for longest and that nobody else is firing; none of some, and none while the queue
/// is held.
pub async fn hold_due(db: &Db, but: &[String]) -> Result<Option<Held>> {
    let mut transaction = begin(db).await?;
    let due = sqlx::query_scalar!(
        "SELECT name FROM queue.schedules WHERE state = 'active' AND fires_at <= queue.now() AND name <> ALL ($1)
           AND NOT queue.is_held()
         ORDER BY fires_at LIMIT 1 FOR UPDATE SKIP LOCKED",
        but
    )
    .fetch_optional(&mut *transaction)
    .await?;
    match due {
        Some(name) => Held::of(transaction, &name).await.map(Some),
        None => Ok(None),
    }
}

/// Holds a schedule; waits for others that do.
pub async fn hold(db: &Db, name: &str) -> Result<Held> {
    let mut transaction = begin(db).await?;
    sqlx::query!("SELECT FROM queue.schedules WHERE name = $1 FOR UPDATE", name).execute(&mut *transaction).await?;
    Held::of(transaction, name).await
}

/// A process that is frozen in between must not keep others from a schedule: the server takes its transaction back.
async fn begin(db: &Db) -> Result<Transaction<'static>> {
    let mut transaction = db.pool().begin().await?;
    sqlx::query!("SET LOCAL idle_in_transaction_session_timeout = '5s'").execute(&mut *transaction).await?;
    Ok(transaction)
}

impl Held {
    async fn of(mut transaction: Transaction<'static>, name: &str) -> Result<Self> {
        let row = read(&mut *transaction, Some(name)).await?.pop().ok_or_else(|| unknown(name))?;
        let now = now_on(&mut *transaction).await?;
        Ok(Self { transaction, row, now })
    }

    /// Whether a slot is done with, and whether the job of any is not finished.
    pub async fn look_at(&mut self, due_at: DateTime<Utc>) -> Result<(bool, bool)> {
        let seen = sqlx::query!(
            r#"SELECT EXISTS (SELECT FROM queue.slots WHERE schedule = $1 AND due_at = $2) AS "is_done!",
                      EXISTS (SELECT FROM queue.slots AS slot JOIN queue.jobs AS job ON job.id = slot.job_id
                              WHERE slot.schedule = $1) AS "is_busy!""#,
            self.row.name,
            due_at
        )
        .fetch_one(&mut *self.transaction)
        .await?;
        Ok((seen.is_done, seen.is_busy))
    }

    /// The connection of this transaction, for enqueueing in it. What goes wrong there can be taken back with
    /// [`Held::undo_enqueue`].
    pub async fn to_enqueue(&mut self) -> Result<&mut Session<'static>> {
        sqlx::query!("SAVEPOINT enqueue").execute(&mut *self.transaction).await?;
        Ok(&mut self.transaction)
    }

    /// Goes back to where [`Held::to_enqueue`] was called.
    pub async fn undo_enqueue(&mut self) -> Result<()> {
        sqlx::query!("ROLLBACK TO SAVEPOINT enqueue").execute(&mut *self.transaction).await?;
        Ok(())
    }

    /// Notes what became of a slot.
    pub async fn note(
        &mut self,
        due_at: DateTime<Utc>,
        outcome: SlotOutcome,
        job: Option<Uuid>,
        note: Option<&str>,
    ) -> Result<()> {
        sqlx::query!(
            "INSERT INTO queue.slots (schedule, due_at, outcome, job_id, note) VALUES ($1, $2, $3, $4, $5)",
            self.row.name,
            due_at,
            outcome.name(),
            job,
            note
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Notes slots as missed, where they are not done with.
    pub async fn note_missed(&mut self, slots: &[DateTime<Utc>]) -> Result<()> {
        sqlx::query!(
            "INSERT INTO queue.slots (schedule, due_at, outcome)
             SELECT $1, due_at, 'missed' FROM unnest($2::timestamptz[]) AS due_at ON CONFLICT DO NOTHING",
            self.row.name,
            slots
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(())
    }

    /// Goes on to the next slot and commits; slots that are too old to be kept are removed.
    pub async fn advance(mut self, next: Option<Turn>) -> Result<()> {
        sqlx::query!(
            "WITH old AS (
               DELETE FROM queue.slots WHERE schedule = $1 AND due_at <= (
                 SELECT due_at FROM queue.slots WHERE schedule = $1 ORDER BY due_at DESC OFFSET $4 LIMIT 1))
             UPDATE queue.schedules SET next_at = $2, fires_at = $3 WHERE name = $1",
            self.row.name,
            next.map(|turn| turn.due_at),
            next.map(|turn| turn.fires_at),
            i64::try_from(KEPT_SLOTS).unwrap_or(i64::MAX)
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(self.transaction.commit().await?)
    }

    /// Replaces what it does, whether it fires, and when next; tells the schedulers, and commits.
    pub async fn save(mut self, spec: &Spec, state: State, next: Option<Turn>, declared: Option<&Value>) -> Result<()> {
        sqlx::query!(
            "WITH saved AS (
               UPDATE queue.schedules
               SET cron = $2, zone = $3, kind = $4, payload = $5, priority = $6, max_attempts = $7, key_prefix = $8,
                   missed = $9, missed_limit = $10, overlap = $11, jitter_seconds = $12, state = $13, next_at = $14,
                   fires_at = $15, declared = $16, updated_at = queue.now()
               WHERE name = $1)
             SELECT pg_notify($17, '')",
            self.row.name,
            spec.cron,
            spec.zone,
            spec.kind,
            Value::Object(spec.payload.clone()),
            spec.priority,
            spec.max_attempts.map(u16::cast_signed),
            spec.key_prefix,
            spec.missed.name(),
            spec.missed_limit.cast_signed(),
            spec.overlap.name(),
            spec.jitter_seconds.cast_signed(),
            state.name(),
            next.map(|turn| turn.due_at),
            next.map(|turn| turn.fires_at),
            declared,
            CHANNEL
        )
        .execute(&mut *self.transaction)
        .await?;
        Ok(self.transaction.commit().await?)
    }
}

/// Hears of changed schedules, on a connection of its own.
#[derive(Debug)]
pub struct ScheduleListener(Ear);

impl ScheduleListener {
    /// Begins to listen.
    pub async fn start(db: &Db) -> Result<Self> {
        Ear::open(db, &[CHANNEL]).await.map(Self)
    }

    /// Waits until somebody changed a schedule. An error means that word may have been missed.
    pub async fn heard(&mut self) -> Result<()> {
        self.0.heard().await.map(drop)
    }
}

/// There is no schedule with that name.
fn unknown(name: &str) -> Failure {
    Failure::new(Kind::NotFound, format!("there is no schedule `{name}`"))
        .hint("see them with: repo-to-cat schedules list")
}
