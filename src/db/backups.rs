//! `backup.backups` and `backup.drills`: the history of backups. The store is the truth about which there are.

use chrono::{DateTime, Utc};
use serde::Serialize;
use sqlx::postgres::types::PgInterval;
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{Db, Session};
use crate::model::backup::name::AHEAD;
use crate::model::backup::trend::Measured;
use crate::model::backup::verdict::Difference;
use crate::model::backup::{BackupName, DrillReport, Manifest, Selection, Standing};
use crate::model::failure::Result;

/// A backup, as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Backup)]
pub struct BackupRow {
    /// Its name.
    pub name: String,
    /// The job that made it.
    pub job_id: Option<Uuid>,
    /// The database that it is of.
    pub database: String,
    /// Where it was put.
    pub store: String,
    /// When it was begun.
    pub started_at: DateTime<Utc>,
    /// How long it took.
    pub seconds: f64,
    /// Its size in the store.
    pub bytes: i64,
    /// Its size before compression and encryption.
    pub raw_bytes: i64,
    /// Tables whose rows are in it.
    pub tables: i64,
    /// Rows of all tables.
    pub rows: i64,
    /// What its last drill found.
    pub verdict: String,
    /// How long restoring it took.
    pub restore_seconds: Option<f64>,
    /// When its last drill ended.
    pub drilled_at: Option<DateTime<Utc>>,
    /// How it is unlike the last verified one before it, in sentences.
    pub alarms: Vec<String>,
    /// How it is laid out.
    pub format: String,
    /// How it is compressed.
    pub compression: String,
    /// Whether it is encrypted.
    pub encrypted: bool,
    /// The server that it is of, as `server_version_num`.
    pub server_version: i32,
    /// When retention removed it.
    pub pruned_at: Option<DateTime<Utc>>,
}

/// Records a backup that is in the store; false where it was recorded before.
pub async fn record(session: &mut Session<'_>, manifest: &Manifest, store: &str, alarms: &[String]) -> Result<bool> {
    let inserted = sqlx::query!(
        "INSERT INTO backup.backups (name, job_id, database, store, format, compression, encrypted, started_at, seconds,
                                     bytes, raw_bytes, tables, rows, server_version, selection, alarms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
         ON CONFLICT (name) DO NOTHING",
        manifest.name.as_str(),
        manifest.job,
        manifest.name.database(),
        store,
        manifest.format.name(),
        manifest.compression.name(),
        !manifest.recipients.is_empty(),
        manifest.name.moment(),
        manifest.seconds(),
        whole(manifest.bytes()),
        whole(manifest.raw_bytes()),
        whole(manifest.tables.len() as u64),
        whole(manifest.rows()),
        i32::try_from(manifest.source.server_version).unwrap_or_default(),
        Json(&manifest.selection) as Json<&Selection>,
        alarms
    )
    .execute(session)
    .await?;
    Ok(inserted.rows_affected() == 1)
}

/// Records what a drill found; nothing where it was recorded before. `id` is its job's. The times are the database's, so
/// that a machine whose clock is wrong writes no history of the future. That one machine could not try a backup takes
/// nothing from what another has proven: such a drill is in the history only.
pub async fn record_drill(session: &mut Session<'_>, id: Uuid, report: &DrillReport, alarms: &[String]) -> Result<()> {
    sqlx::query!(
        "WITH drill AS (
           INSERT INTO backup.drills (id, backup, started_at, finished_at, verdict, reason, differences, tables, rows,
                                      images, fetched_bytes, scratch_bytes, restore_seconds, server_version)
           VALUES ($1, $2, queue.now() - make_interval(secs => $3), queue.now(), $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
           ON CONFLICT (id) DO NOTHING
           RETURNING backup, verdict, finished_at, restore_seconds
         )
         UPDATE backup.backups AS made
         SET verdict = drill.verdict, drilled_at = drill.finished_at, alarms = $14,
             restore_seconds = coalesce(drill.restore_seconds, made.restore_seconds)
         FROM drill WHERE made.name = drill.backup AND NOT (drill.verdict = 'unverifiable' AND made.verdict = 'verified')",
        id,
        report.backup.as_str(),
        (report.finished_at - report.started_at).as_seconds_f64().max(0.0),
        report.verdict.name(),
        report.reason,
        Json(&report.differences) as Json<&Vec<Difference>>,
        whole(report.tables),
        whole(report.rows),
        whole(report.images),
        whole(report.fetched_bytes),
        whole(report.scratch_bytes),
        report.restore_seconds,
        report.server_version.and_then(|version| i32::try_from(version).ok()),
        alarms
    )
    .execute(session)
    .await?;
    Ok(())
}

/// Notes that `removed` are gone from the store, and all others of the database but `left`: somebody else has removed
/// those. Younger ones than an hour may have come since the store was listed. What is `left` and was noted as gone is there
/// again, as in a folder that was not mounted meanwhile.
pub async fn note_gone(
    db: &Db,
    store: &str,
    database: &str,
    removed: &[BackupName],
    left: &[&BackupName],
) -> Result<()> {
    let removed: Vec<&str> = removed.iter().map(BackupName::as_str).collect();
    let left: Vec<&str> = left.iter().map(|name| name.as_str()).collect();
    sqlx::query!(
        "UPDATE backup.backups SET pruned_at = CASE WHEN name = ANY ($4) THEN NULL ELSE queue.now() END
         WHERE store = $1 AND database = $2
           AND CASE WHEN pruned_at IS NOT NULL THEN name = ANY ($4)
                    ELSE name = ANY ($3) OR name <> ALL ($4) AND recorded_at < queue.now() - interval '1 hour' END",
        store,
        database,
        &removed as &[&str],
        &left as &[&str]
    )
    .execute(db.pool())
    .await?;
    Ok(())
}

/// Whether backups are in this store, as far as is recorded.
pub async fn are_in(db: &Db, store: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM backup.backups WHERE store = $1 AND pruned_at IS NULL) AS "are_there!""#,
        store
    )
    .fetch_one(db.pool())
    .await?)
}

/// The backup that a job made, if it is recorded.
pub async fn made_by(db: &Db, job_id: Uuid) -> Result<Option<BackupRow>> {
    Ok(sqlx::query_as!(
        BackupRow,
        "SELECT name, job_id, database, store, started_at, seconds, bytes, raw_bytes, tables, rows, verdict,
                restore_seconds, drilled_at, alarms, format, compression, encrypted, server_version, pruned_at
         FROM backup.backups WHERE job_id = $1",
        job_id
    )
    .fetch_optional(db.pool())
    .await?)
}

/// The history of backups, of one database or of all, the last begun first: those before the backup `after`, at most
/// `limit`. Those that were removed are left out, unless they are wanted, too.
pub async fn list(
    db: &Db,
    database: Option<&str>,
    with_removed: bool,
    after: Option<&BackupName>,
    limit: i64,
) -> Result<Vec<BackupRow>> {
    Ok(sqlx::query_as!(
        BackupRow,
        "SELECT name, job_id, database, store, started_at, seconds, bytes, raw_bytes, tables, rows, verdict,
                restore_seconds, drilled_at, alarms, format, compression, encrypted, server_version, pruned_at
         FROM backup.backups
         WHERE ($1::text IS NULL OR database = $1) AND ($2 OR pruned_at IS NULL)
           AND ($3::timestamptz IS NULL OR (started_at, name) < ($3, $4))
         ORDER BY started_at DESC, name DESC LIMIT $5",
        database,
        with_removed,
        after.map(BackupName::moment),
        after.map(BackupName::as_str),
        limit
    )
    .fetch_all(db.pool())
    .await?)
}

/// A backup, if it is recorded.
pub async fn find(db: &Db, name: &BackupName) -> Result<Option<BackupRow>> {
    Ok(sqlx::query_as!(
        BackupRow,
        "SELECT name, job_id, database, store, started_at, seconds, bytes, raw_bytes, tables, rows, verdict,
                restore_seconds, drilled_at, alarms, format, compression, encrypted, server_version, pruned_at
         FROM backup.backups WHERE name = $1",
        name.as_str()
    )
    .fetch_optional(db.pool())
    .await?)
}

/// A drill, as recorded.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Drill)]
pub struct DrillRow {
    /// Its job.
    pub id: Uuid,
    /// Which backup was tried.
    pub backup: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// What it found.
    pub verdict: String,
    /// Why, where that is not verified.
    pub reason: Option<String>,
    /// What came back otherwise; at most 100 are told.
    #[schema(value_type = Vec<Difference>)]
    pub differences: Json<Vec<Difference>>,
    /// Tables that were compared.
    pub tables: i64,
    /// Rows that were compared.
    pub rows: i64,
    /// How long the restoring alone took.
    pub restore_seconds: Option<f64>,
}

/// The drill that a job was, if it is recorded.
pub async fn drilled_by(db: &Db, job_id: Uuid) -> Result<Option<DrillRow>> {
    Ok(sqlx::query_as!(
        DrillRow,
        r#"SELECT id, backup, started_at, finished_at, verdict, reason, differences AS "differences: Json<Vec<Difference>>",
                  tables, rows, restore_seconds
           FROM backup.drills WHERE id = $1"#,
        job_id
    )
    .fetch_optional(db.pool())
    .await?)
}

/// The last drills of a backup, the newest first.
pub async fn drills_of(db: &Db, name: &BackupName, limit: i64) -> Result<Vec<DrillRow>> {
    Ok(sqlx::query_as!(
        DrillRow,
        r#"SELECT id, backup, started_at, finished_at, verdict, reason, differences AS "differences: Json<Vec<Difference>>",
                  tables, rows, restore_seconds
           FROM backup.drills WHERE backup = $1 ORDER BY finished_at DESC LIMIT $2"#,
        name.as_str(),
        limit
    )
    .fetch_all(db.pool())
    .await?)
}

/// What the last verified backup before `name` amounted to, of the same part of the same database; those that were removed
/// since count.
pub async fn verified_before(db: &Db, name: &BackupName, selection: &Selection) -> Result<Option<Measured>> {
    let row = sqlx::query!(
        "SELECT bytes, rows, seconds, restore_seconds FROM backup.backups
         WHERE database = $1 AND started_at < $2 AND verdict = 'verified' AND selection = $3
         ORDER BY started_at DESC LIMIT 1",
        name.database(),
        name.moment(),
        Json(selection) as Json<&Selection>
    )
    .fetch_optional(db.pool())
    .await?;
    Ok(row.map(|row| Measured {
        bytes: row.bytes.unsigned_abs(),
        rows: row.rows.unsigned_abs(),
        seconds: row.seconds,
        restore_seconds: row.restore_seconds,
    }))
}

/// How the backups of each database stand: of those that should have some, and of those that have. Backups of a part of a
/// database count for nothing here, nor do those of the future.
pub async fn standings(db: &Db) -> Result<Vec<Standing>> {
    let mut reading = db.pool().begin().await?;
    // Compiling it would take a hundred times as long as running it.
    sqlx::query!("SET LOCAL jit = off").execute(&mut *reading).await?;
    let standings = sqlx::query_as!(
        Standing,
        r#"WITH watched AS (
             SELECT current_database()::text AS database
             UNION
             SELECT coalesce(payload ->> 'database', current_database()) FROM queue.schedules
             WHERE kind = 'backup' AND state = 'active'
           ), known AS (
             SELECT database FROM watched UNION SELECT database FROM backup.backups WHERE pruned_at IS NULL
           )
           SELECT known.database AS "database!", EXISTS (SELECT FROM watched WHERE watched.database = known.database) AS "is_watched!",
                  queue.now() AS "now!", (SELECT min(at) FROM backup.beginning) AS "since!",
                  last.name AS "last?", last.started_at AS "last_at?", last.seconds AS "last_seconds?",
                  last.bytes AS "last_bytes?", last.rows AS "last_rows?", last.verdict AS "last_verdict?",
                  coalesce(last.alarms, '{}') AS "alarms!",
                  verified.name AS "verified?", verified.started_at AS "verified_at?",
                  verified.restore_seconds AS "restore_seconds?", future.name AS "of_the_future?",
                  counts.unverified AS "unverified_count!", counts.verified AS "verified_count!",
                  counts.failed AS "failed_count!", counts.unverifiable AS "unverifiable_count!"
           FROM known
           LEFT JOIN LATERAL (
             SELECT * FROM backup.backups AS made
             WHERE made.database = known.database AND selection = '{}' AND started_at <= queue.now() + $1
             ORDER BY started_at DESC LIMIT 1
           ) AS last ON true
           LEFT JOIN LATERAL (
             SELECT * FROM backup.backups AS made
             WHERE made.database = known.database AND selection = '{}' AND started_at <= queue.now() + $1
               AND verdict = 'verified' AND pruned_at IS NULL
             ORDER BY started_at DESC LIMIT 1
           ) AS verified ON true
           LEFT JOIN LATERAL (
             SELECT * FROM backup.backups AS made
             WHERE made.database = known.database AND started_at > queue.now() + $1 AND pruned_at IS NULL
             ORDER BY started_at DESC LIMIT 1
           ) AS future ON true
           CROSS JOIN LATERAL (
             SELECT count(*) FILTER (WHERE verdict = 'unverified') AS unverified,
                    count(*) FILTER (WHERE verdict = 'verified') AS verified,
                    count(*) FILTER (WHERE verdict = 'failed') AS failed,
                    count(*) FILTER (WHERE verdict = 'unverifiable') AS unverifiable
             FROM backup.backups AS made
             WHERE made.database = known.database AND selection = '{}' AND started_at <= queue.now() + $1
               AND pruned_at IS NULL
           ) AS counts
           ORDER BY known.database"#,
        PgInterval::try_from(AHEAD).unwrap_or_default()
    )
    .fetch_all(&mut *reading)
    .await?;
    reading.commit().await?;
    Ok(standings)
}

/// As a column holds it.
fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
