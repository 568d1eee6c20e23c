//! `queue.history`: finished jobs, by state and week.

use chrono::{Datelike, Days, IsoWeek, NaiveDate};
use sqlx::PgConnection;

use crate::db::Db;
use crate::model::failure::Result;

/// Each state in which a job ends has partitions of its own, so that each can be kept for its own time.
const ENDS: [&str; 3] = ["completed", "discarded", "cancelled"];
/// Weeks that are prepared, this one included.
const WEEKS: u64 = 5;

/// Makes the partitions that will be needed soon; see [`ensure_partitions`].
pub async fn prepare(db: &Db) -> Result<()> {
    ensure_partitions(db.connect_directly().await?.connection()).await
}

/// Makes the partitions of this week and the next four, where they are missing. A week of which rows already lie in the
/// default partition stays there.
pub async fn ensure_partitions(connection: &mut PgConnection) -> Result<()> {
    let today: NaiveDate = sqlx::query_scalar!(r#"SELECT (queue.now() AT TIME ZONE 'utc')::date AS "today!""#)
        .fetch_one(&mut *connection)
        .await?;
    let monday = today - Days::new(today.weekday().num_days_from_monday().into());
    for from in (0..WEEKS).map(|week| monday + Days::new(7 * week)) {
        for end in ENDS {
            ensure_week(connection, end, from).await?;
        }
    }
    Ok(())
}

/// The partition of a state and a week.
fn name(end: &str, week: IsoWeek) -> String {
    format!("history_{end}_{}_w{:02}", week.year(), week.week())
}

async fn ensure_week(connection: &mut PgConnection, end: &str, from: NaiveDate) -> Result<()> {
    let (name, to) = (name(end, from.iso_week()), from + Days::new(7));
    let make = format!(
        "DO $$ BEGIN
           IF to_regclass('queue.{name}') IS NULL THEN
             CREATE TABLE queue.{name} PARTITION OF queue.history_{end}
               FOR VALUES FROM ('{from} 00:00Z') TO ('{to} 00:00Z');
             COMMENT ON TABLE queue.{name} IS 'Jobs {end} in the week from {from}.';
           END IF;
         EXCEPTION WHEN check_violation OR duplicate_table OR unique_violation THEN
           RAISE NOTICE 'partition {name} was not made: %', SQLERRM;
         END $$"
    );
    // The name and the bounds are made of our own words and of dates; DDL takes no parameters.
    sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(connection).await?;
    Ok(())
}
