//! Ends that are not completions, and ways back from them.

use std::time::Duration;

use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::db::{attempts, inspect};
use repo_to_cat::model::failure::Kind;

use super::bed::{Bed, REFUSED, plain_job};

#[tokio::test]
async fn a_waiting_job_can_be_cancelled_and_reopened_under_its_id() {
    let bed = Bed::make().await;
    let id = bed.enqueue(plain_job()).await;
    steer::one(&bed.db, Change::Cancel, id).await.unwrap();
    assert_eq!(bed.state(id).await, "cancelled");
    assert_eq!(steer::one(&bed.db, Change::Cancel, id).await.unwrap_err().kind(), Kind::Conflict);
    steer::one(&bed.db, Change::Retry, id).await.unwrap();
    let worker = bed.worker().await;
    let job = bed.claim(worker).await;
    assert_eq!(job.id, id);
    assert!(bed.complete(&job).await);
    assert_eq!(
        steer::one(&bed.db, Change::Retry, id).await.unwrap_err().kind(),
        Kind::Conflict,
        "completed is for ever"
    );
    assert_eq!(steer::one(&bed.db, Change::Cancel, id).await.unwrap_err().kind(), Kind::Conflict);
    assert_eq!(steer::one(&bed.db, Change::Retry, uuid::Uuid::now_v7()).await.unwrap_err().kind(), Kind::NotFound);
}

#[tokio::test]
async fn what_a_cancelled_job_still_writes_is_refused() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    steer::one(&bed.db, Change::Cancel, job.id).await.unwrap();
    assert_eq!(bed.late_writes(&job).await, REFUSED);
    assert_eq!(bed.endings(job.id).await, ["cancelled"]);
    steer::one(&bed.db, Change::Retry, job.id).await.unwrap();
    let again = bed.claim(worker).await;
    assert_eq!(bed.late_writes(&job).await, REFUSED, "it runs again, as another claim");
    assert!(bed.complete(&again).await);
}

#[tokio::test]
async fn a_failed_attempt_is_put_off_and_counted() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    assert!(bed.retry_later(&job, Duration::from_hours(1)).await);
    let row = inspect::job(&bed.db, job.id).await.unwrap();
    assert_eq!((row.state.as_str(), row.attempts), ("scheduled", 1));
    steer::one(&bed.db, Change::Retry, job.id).await.unwrap();
    let again = bed.claim(worker).await;
    assert_eq!((again.attempts, again.claim), (1, 2));
    assert!(bed.discard(&again).await);
    let listed = attempts::of_job(&bed.db, job.id).await.unwrap();
    let classes: Vec<_> = listed.iter().map(|attempt| attempt.error_class.as_deref().unwrap()).collect();
    assert_eq!(classes, ["unavailable", "not_found"]);
    assert_eq!(inspect::job(&bed.db, job.id).await.unwrap().attempts, 2);
    steer::one(&bed.db, Change::Retry, job.id).await.unwrap();
    assert_eq!(bed.claim(worker).await.attempts, 0, "reopened with all its attempts");
}

#[tokio::test]
async fn a_hand_back_spends_no_attempt() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    assert!(bed.hand_back(&job).await);
    let row = inspect::job(&bed.db, job.id).await.unwrap();
    assert_eq!((row.state.as_str(), row.attempts, row.deaths), ("available", 0, 0));
    assert_eq!(bed.endings(job.id).await, ["handed_back"]);
    assert_eq!(bed.claim(worker).await.attempts, 0);
}
