//! `queue.history`: finished jobs, by month.

use chrono::{Datelike, Months, NaiveDate, Utc};
use sqlx::PgConnection;

use crate::db::Db;
use crate::model::failure::Result;

/// Makes the partitions that will be needed soon; see [`ensure_partitions`].
pub async fn prepare(db: &Db) -> Result<()> {
    ensure_partitions(db.connect_directly().await?.connection()).await
}

/// Makes the partitions of this month and the next two, where they are missing. A month of which rows already lie in
/// the default partition stays there.
pub async fn ensure_partitions(connection: &mut PgConnection) -> Result<()> {
    let today: NaiveDate = sqlx::query_scalar!(r#"SELECT (queue.now() AT TIME ZONE 'utc')::date AS "today!""#)
        .fetch_one(&mut *connection)
        .await?;
    let month = today.with_day(1).unwrap_or_else(|| Utc::now().date_naive());
    for ahead in 0..3 {
        let (Some(from), Some(to)) =
            (month.checked_add_months(Months::new(ahead)), month.checked_add_months(Months::new(ahead + 1)))
        else {
            break;
        };
        ensure_month(connection, from, to).await?;
    }
    Ok(())
}

async fn ensure_month(connection: &mut PgConnection, from: NaiveDate, to: NaiveDate) -> Result<()> {
    let name = format!("history_{}", from.format("%Y_%m"));
    let make = format!(
        "DO $$ BEGIN
           IF to_regclass('queue.{name}') IS NULL THEN
             CREATE TABLE queue.{name} PARTITION OF queue.history FOR VALUES FROM ('{from} 00:00Z') TO ('{to} 00:00Z');
             COMMENT ON TABLE queue.{name} IS 'Finished jobs of one month.';
           END IF;
         EXCEPTION WHEN check_violation OR duplicate_table OR unique_violation THEN
           RAISE NOTICE 'partition {name} was not made: %', SQLERRM;
         END $$"
    );
    // The name and the bounds are dates that we made ourselves; DDL takes no parameters.
    sqlx::raw_sql(sqlx::AssertSqlSafe(make)).execute(connection).await?;
    Ok(())
}
