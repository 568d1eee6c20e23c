//! `queue.history`: finished jobs, by state and week. Here its weeks are made; [`retention`](crate::db::retention) takes
//! old ones away.

use chrono::{Datelike, Days, IsoWeek, NaiveDate};
use sqlx::PgConnection;

use crate::db::Db;
use crate::db::retention::LOCK;
use crate::model::failure::Result;

/// Each state in which a job ends has partitions of its own, so that each can be kept for its own time.
pub const ENDS: [&str; 3] = ["completed", "discarded", "cancelled"];
/// Weeks that are prepared, this one included.
const WEEKS: u64 = 5;
/// More rows are not moved out of a default partition: workers that finish jobs wait meanwhile.
const MOVABLE: u32 = 200_000;

/// Makes the partitions that will be needed soon; see [`ensure_partitions`].
pub async fn prepare(db: &Db) -> Result<()> {
    ensure_partitions(db.connect_directly().await?.connection()).await
}

/// Makes the partitions of this week and the next four, where they are missing. Rows of such a week that lie in the
/// default partition move to it.
///
/// A week that cannot be made now, because a long transaction uses history or too much lies in the default partition,
/// is left for the next time: its rows go to the default partition.
pub async fn ensure_partitions(connection: &mut PgConnection) -> Result<()> {
    let today: NaiveDate = sqlx::query_scalar!(r#"SELECT (queue.now() AT TIME ZONE 'utc')::date AS "today!""#)
        .fetch_one(&mut *connection)
        .await?;
    let mut missing = Vec::new();
    for (end, from) in weeks(today) {
        let name = name(end, from.iso_week());
        if !is_there(connection, &name).await? {
            make_week(connection, end, &name, from).await?;
            if !is_there(connection, &name).await? {
                missing.push(name);
            }
        }
    }
    if !missing.is_empty() {
        let missing = missing.join(", ");
        tracing::warn!(
            missing,
            "weeks of history could not be made yet: a long transaction uses it, or its default partition is too full; \
             jobs that finish meanwhile go to the default partition"
        );
    }
    Ok(())
}

/// The same for a schema that may have no history: one that is migrated.
pub(super) async fn ensure_partitions_if_any(connection: &mut PgConnection) -> Result<()> {
    let any = "SELECT to_regclass('queue.history') IS NOT NULL";
    if sqlx::query_scalar(any).fetch_one(&mut *connection).await? {
        ensure_partitions(connection).await?;
    }
    Ok(())
}

/// The statements of [`ensure_partitions`], for scripts.
pub(super) fn weeks_in_sql(today: NaiveDate) -> impl Iterator<Item = String> {
    weeks(today).map(|(end, from)| week_in_sql(end, &name(end, from.iso_week()), from))
}

/// The weeks that are prepared, by the states that they are of and their Mondays.
fn weeks(today: NaiveDate) -> impl Iterator<Item = (&'static str, NaiveDate)> {
    let monday = today - Days::new(today.weekday().num_days_from_monday().into());
    (0..WEEKS).flat_map(move |week| ENDS.map(|end| (end, monday + Days::new(7 * week))))
}

/// The partition of a state and a week.
fn name(end: &str, week: IsoWeek) -> String {
    format!("history_{end}_{}_w{:02}", week.year(), week.week())
}

async fn is_there(connection: &mut PgConnection, name: &str) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT to_regclass('queue.' || $1) IS NOT NULL AS "there!""#, name)
        .fetch_one(connection)
        .await?)
}

/// Made beside history and attached then, which locks neither readers nor writers of other partitions out. They wait for
/// the default partition only, and not for long: whoever holds it for longer makes this one give up.
async fn make_week(connection: &mut PgConnection, end: &str, name: &str, from: NaiveDate) -> Result<()> {
    // The names and the bounds are made of our own words and of dates; DDL takes no parameters.
    sqlx::raw_sql(sqlx::AssertSqlSafe(week_in_sql(end, name, from))).execute(connection).await?;
    Ok(())
}

fn week_in_sql(end: &str, name: &str, from: NaiveDate) -> String {
    let (parent, default) = (format!("queue.history_{end}"), format!("queue.history_{end}_default"));
    let to = from + Days::new(7);
    let of_week = format!("finished_at >= '{from} 00:00Z' AND finished_at < '{to} 00:00Z'");
    format!(
        "DO $$ BEGIN
           PERFORM set_config('lock_timeout', '1s', true), pg_advisory_xact_lock({LOCK});
           IF to_regclass('queue.{name}') IS NOT NULL THEN RETURN; END IF;
           LOCK TABLE {default} IN ACCESS EXCLUSIVE MODE;
           IF (SELECT count(*) FROM (SELECT FROM {default} WHERE {of_week} LIMIT {MOVABLE} + 1) AS rows) > {MOVABLE} THEN
             RETURN;
           END IF;
           CREATE TABLE queue.{name} (LIKE {parent} INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
           WITH moved AS (DELETE FROM {default} WHERE {of_week} RETURNING *)
           INSERT INTO queue.{name} SELECT * FROM moved;
           ALTER TABLE {parent} ATTACH PARTITION queue.{name} FOR VALUES FROM ('{from} 00:00Z') TO ('{to} 00:00Z');
           COMMENT ON TABLE queue.{name} IS 'Jobs {end} in the week from {from}.';
         EXCEPTION WHEN lock_not_available OR deadlock_detected THEN NULL;
         END $$"
    )
}
