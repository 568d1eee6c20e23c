//! Enqueueing by COPY: as fast as rows get into `PostgreSQL`.
//!
//! Rows are sent in its binary form, which it reads fastest. What only the server knows, its time and the numbers of the
//! lanes, is asked for first.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::postgres::{PgConnection, PgCopyIn};
use uuid::Uuid;

use crate::db::enqueue::{attempts, tags};
use crate::db::{Session, Transaction};
use crate::model::failure::{Failure, Kind, Result};
use crate::model::job::{NewJob, Start};

const COPY: &str = "COPY queue.jobs (id, kind, state, created_at, run_at, rank, due_at, deadline, lane, timeout_seconds, \
                    priority, max_attempts, user_id, rerun_of, limit_key, tags, traceparent, payload) \
                    FROM STDIN (FORMAT binary)";
const COLUMNS: i16 = 18;
/// Signature, flags and length of the header's extension, as `PostgreSQL`'s documentation of COPY has them.
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
/// Jobs that are sent at once.
const PIECE: usize = 250;
/// Jobs of one COPY. They are held in memory until they are sent.
pub const CHUNK: usize = 10_000;
/// What a point of priority is worth: as `queue.rank` has it.
const PRIORITY_SECONDS: i64 = 6;

/// What a lane is for.
type LaneKey = (&'static str, Option<String>, Option<Uuid>);

/// An enqueue by COPY, under way. What was sent is taken back unless it is finished.
pub struct Copying<'c> {
    /// A savepoint where the caller has begun a transaction.
    transaction: Transaction<'c>,
    sheet: Sheet,
}

impl<'c> Copying<'c> {
    /// Begins.
    pub async fn begin(session: &'c mut Session<'_>) -> Result<Self> {
        let mut transaction = session.begin().await?;
        let now = sqlx::query_scalar!(r#"SELECT queue.now() AS "now!""#).fetch_one(&mut *transaction).await?;
        let sheet = Sheet { now, lanes: HashMap::new(), rows: Vec::new(), ids: Vec::new(), awake: Awake::default() };
        Ok(Self { transaction, sheet })
    }

    /// Sends jobs without keys, in their order; [`CHUNK`] of them is a good number.
    pub async fn send(&mut self, jobs: &[&NewJob]) -> Result<()> {
        let Self { transaction, sheet } = self;
        sheet.learn_lanes(transaction, jobs).await?;
        let mut copying = transaction.connection().copy_in_raw(COPY).await?;
        if let Err(failure) = sheet.send(&mut copying, jobs).await {
            copying.abort("the rows could not be sent").await?;
            return Err(failure);
        }
        copying.finish().await?;
        Ok(())
    }

    /// Ends it; returns the ids in the order of the jobs.
    pub async fn finish(self) -> Result<Vec<Uuid>> {
        let Self { mut transaction, sheet } = self;
        let kinds: Vec<&str> = sheet.awake.kinds.into_iter().collect();
        sqlx::query!(
            "SELECT queue.wake(kind) FROM unnest($1::text[]) AS kind UNION ALL SELECT queue.wake_clock() WHERE $2",
            &kinds as &[&str],
            sheet.awake.clock
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(sheet.ids)
    }
}

/// Who is to be woken in the end.
#[derive(Default)]
struct Awake {
    kinds: BTreeSet<&'static str>,
    clock: bool,
}

/// Rows as COPY wants them, and what is needed to write them.
struct Sheet {
    now: DateTime<Utc>,
    lanes: HashMap<LaneKey, i64>,
    rows: Vec<u8>,
    ids: Vec<Uuid>,
    awake: Awake,
}

impl Sheet {
    /// Asks for the numbers of the lanes that are new.
    async fn learn_lanes(&mut self, session: &mut Session<'_>, jobs: &[&NewJob]) -> Result<()> {
        let mut new: Vec<LaneKey> = jobs.iter().map(|job| lane_key(job)).collect();
        new.sort_unstable();
        new.dedup();
        new.retain(|key| !self.lanes.contains_key(key));
        if new.is_empty() {
            return Ok(());
        }
        let kinds: Vec<&str> = new.iter().map(|(kind, _, _)| *kind).collect();
        let limit_keys: Vec<Option<&str>> = new.iter().map(|(_, key, _)| key.as_deref()).collect();
        let users: Vec<Option<Uuid>> = new.iter().map(|(_, _, user)| *user).collect();
        let numbers = sqlx::query_scalar!(
            r#"SELECT queue.lane(kind, limit_key, user_id) AS "lane!"
               FROM unnest($1::text[], $2::text[], $3::uuid[]) WITH ORDINALITY AS given (kind, limit_key, user_id, place)
               ORDER BY place"#,
            &kinds as &[&str],
            &limit_keys as &[Option<&str>],
            &users as &[Option<Uuid>]
        )
        .fetch_all(session)
        .await?;
        self.lanes.extend(new.into_iter().zip(numbers));
        Ok(())
    }

    /// Piece by piece: while the server reads one, the next is written.
    async fn send(&mut self, copying: &mut PgCopyIn<&mut PgConnection>, jobs: &[&NewJob]) -> Result<()> {
        self.rows.clear();
        self.rows.extend_from_slice(HEADER);
        for piece in jobs.chunks(PIECE) {
            for job in piece {
                self.write(job)?;
            }
            copying.send(self.rows.as_slice()).await?;
            self.rows.clear();
        }
        copying.send(TRAILER.to_be_bytes().as_slice()).await?;
        Ok(())
    }

    fn write(&mut self, job: &NewJob) -> Result<()> {
        let id = Uuid::now_v7();
        let run_at = match job.start {
            Start::Now => self.now,
            Start::At(at) => at,
            Start::After(wait) => self.now + TimeDelta::from_std(wait).unwrap_or(TimeDelta::MAX),
        };
        let is_later = run_at > self.now;
        // A microsecond for each, so that they keep their order and share no place in line.
        let place = run_at + TimeDelta::microseconds(i64::try_from(self.ids.len()).unwrap_or(0));
        let rank = place - TimeDelta::seconds(i64::from(job.priority) * PRIORITY_SECONDS);
        let lane = self.lanes.get(&lane_key(job)).copied().unwrap_or_default();
        self.ids.push(id);
        self.rows.extend_from_slice(&COLUMNS.to_be_bytes());
        self.field(id.as_bytes());
        self.field(job.kind.name().as_bytes());
        self.field(if is_later { b"scheduled" } else { b"available" });
        self.time(Some(self.now));
        self.time(Some(if is_later { place } else { run_at }));
        self.time((!is_later).then_some(rank));
        self.time(is_later.then_some(place));
        self.time(job.deadline);
        self.field(&lane.to_be_bytes());
        self.optional(job.timeout_seconds.map(i32::to_be_bytes));
        self.field(&job.priority.to_be_bytes());
        self.field(&attempts(job).to_be_bytes());
        self.optional(job.user_id.map(Uuid::into_bytes));
        self.optional(job.rerun_of.map(Uuid::into_bytes));
        self.optional(job.limit_key.as_deref());
        self.words(tags(job));
        self.optional(job.traceparent.as_deref());
        self.json(&job.payload)?;
        if is_later {
            self.awake.clock = true;
        } else {
            self.awake.kinds.insert(job.kind.name());
        }
        Ok(())
    }

    fn field(&mut self, value: &[u8]) {
        self.length(value.len());
        self.rows.extend_from_slice(value);
    }

    fn optional(&mut self, value: Option<impl AsRef<[u8]>>) {
        match value {
            Some(value) => self.field(value.as_ref()),
            None => self.rows.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }

    /// Microseconds since the year 2000.
    fn time(&mut self, time: Option<DateTime<Utc>>) {
        self.optional(time.map(|time| (time.timestamp_micros() - 946_684_800_000_000).to_be_bytes()));
    }

    /// An array of one dimension: its number of dimensions, no nulls, the type (text), the length, the first subscript.
    fn words(&mut self, words: Option<&[String]>) {
        let Some(words) = words else { return self.optional(None::<&[u8]>) };
        self.within(|sheet| {
            for number in [1, 0, 25, i32::try_from(words.len()).unwrap_or(i32::MAX), 1] {
                sheet.rows.extend_from_slice(&number.to_be_bytes());
            }
            for word in words {
                sheet.field(word.as_bytes());
            }
            Ok(())
        })
        .unwrap_or_default();
    }

    /// The version of the form, which is 1, and the text.
    fn json(&mut self, value: &serde_json::Value) -> Result<()> {
        self.within(|sheet| {
            sheet.rows.push(1);
            serde_json::to_writer(&mut sheet.rows, value)
                .map_err(|error| Failure::new(Kind::Internal, "a payload cannot be written").source(error))
        })
    }

    /// A field whose length is known once it is written.
    fn within(&mut self, write: impl FnOnce(&mut Self) -> Result<()>) -> Result<()> {
        let start = self.rows.len();
        self.length(0);
        write(self)?;
        let length = i32::try_from(self.rows.len() - start - 4).unwrap_or(i32::MAX);
        self.rows[start..start + 4].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    fn length(&mut self, length: usize) {
        self.rows.extend_from_slice(&i32::try_from(length).unwrap_or(i32::MAX).to_be_bytes());
    }
}

fn lane_key(job: &NewJob) -> LaneKey {
    (job.kind.name(), job.limit_key.clone(), job.user_id)
}
