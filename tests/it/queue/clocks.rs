//! All times are the database's: a host whose clock is off does no harm.

use std::time::Duration;

use chrono::{Duration as Span, Utc};
use repo_to_cat::model::job::{NewJob, Start};
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;

use super::bed::{Bed, plain_job};
use crate::support::gate::database_with_gate;

/// Every time that the queue has noted, wherever.
const TIMES: &str = "
    SELECT unnest(ARRAY[created_at, run_at, rank, due_at, started_at]) FROM queue.jobs
    UNION ALL SELECT unnest(ARRAY[created_at, run_at, started_at, finished_at]) FROM queue.history
    UNION ALL SELECT unnest(ARRAY[started_at, finished_at]) FROM queue.attempts
    UNION ALL SELECT unnest(ARRAY[started_at, heartbeat_at, lease_until]) FROM queue.workers
    UNION ALL SELECT created_at FROM queue.unique_keys";

#[tokio::test]
async fn no_time_comes_from_the_host() {
    let url = database_with_gate("clocks");
    let options: PgConnectOptions = url.parse().unwrap();
    let offset = format!("ALTER DATABASE {} SET queue.clock_offset = '-30 days'", options.get_database().unwrap());
    let mut connection = options.connect().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(offset)).execute(&mut connection).await.unwrap();

    let bed = Bed::at(url).await;
    let later = Start::After(Duration::from_hours(1));
    let keyed = NewJob { start: later, unique_key: Some("key".to_owned()), ..plain_job() };
    let later = bed.enqueue(keyed).await;
    assert_eq!(bed.state(later).await, "scheduled", "by the database's clock it is an hour ahead");
    // By the host's clock this one is long past; by the database's it is not due yet.
    let soon = bed.enqueue(NewJob { start: Start::At(Utc::now() - Span::days(29)), ..plain_job() }).await;
    assert_eq!(bed.state(soon).await, "scheduled");
    assert_eq!(bed.pulse().await, (0, vec![]));

    let (job, worker) = bed.running().await;
    assert!(bed.retry_later(&job, Duration::from_mins(1)).await);
    let (job, _) = bed.running().await;
    assert!(bed.complete(&job).await);
    bed.beat(worker, &[]).await;
    bed.running().await;
    bed.lapse(worker).await;
    bed.rescue(5).await;
    let latest: Vec<Option<chrono::DateTime<Utc>>> = sqlx::query_scalar(TIMES).fetch_all(&bed.gate.pool).await.unwrap();
    let latest = latest.into_iter().flatten().max().unwrap();
    assert!(latest < Utc::now() - Span::days(28), "{latest}");
}
