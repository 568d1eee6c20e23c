//! `queue.job_logs`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use repo_to_cat::db::logs;
use repo_to_cat::telemetry::joblog::{JobLog, LogLine};
use uuid::Uuid;

use super::Database;

fn log(job: u128, claim: i32, messages: &[&str]) -> JobLog {
    let line = |message: &&str| LogLine {
        at: DateTime::<Utc>::from_timestamp(1_800_000_000, 123_456_000).unwrap(),
        level: "INFO".into(),
        target: "repo_to_cat::generation".into(),
        message: (*message).to_owned(),
    };
    JobLog { job_id: Uuid::from_u128(job), claim, lines: messages.iter().map(line).collect(), dropped: 3 }
}

#[tokio::test]
async fn logs_are_kept_by_attempt_and_once() {
    let database = Database::make().await;
    let kept =
        [log(1, 1, &["fetching", "\"quoted\" \\ 猫 \u{fffd}\n\u{7f}"]), log(2, 1, &["else"]), log(1, 2, &["again"])];
    logs::append(&database.db, &kept).await.unwrap();
    logs::append(&database.db, &[]).await.unwrap();
    // The answer to the first try was lost: the second brings the same, and what is new.
    logs::append(&database.db, &[log(1, 1, &["other"]), log(3, 1, &["new"])]).await.unwrap();

    let of = async |job| logs::of_job(&database.db, Uuid::from_u128(job)).await.unwrap();
    assert_eq!(of(1).await, [kept[0].clone(), kept[2].clone()]);
    assert_eq!(of(2).await, [kept[1].clone()]);
    assert_eq!(of(3).await, [log(3, 1, &["new"])]);
    assert_eq!(of(4).await, []);
}

#[tokio::test]
async fn old_logs_are_forgotten_a_few_at_a_time() {
    let database = Database::make().await;
    let all: Vec<_> = (0..5).map(|job| log(job, 1, &["x"])).collect();
    logs::append(&database.db, &all).await.unwrap();
    sqlx::query("UPDATE queue.job_logs SET created_at = created_at - interval '2 days' WHERE job_id <> $1")
        .bind(Uuid::from_u128(4))
        .execute(&database.pool)
        .await
        .unwrap();
    let day = Duration::from_hours(24);
    assert_eq!(logs::forget(&database.db, day, 3).await.unwrap(), 3);
    assert_eq!(logs::forget(&database.db, day, 3).await.unwrap(), 1);
    assert_eq!(logs::forget(&database.db, day, 3).await.unwrap(), 0);
    assert_eq!(logs::of_job(&database.db, Uuid::from_u128(4)).await.unwrap(), [log(4, 1, &["x"])]);
}
