//! What a fetcher hands out: the one job that it is there for, and in time what has become due.

use std::time::Duration;

use chrono::{Duration as Span, Utc};
use repo_to_cat::db::{jobs, outcomes};
use repo_to_cat::model::job::{JobKind, NewJob};
use repo_to_cat::queue::fetcher::Fetcher;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::bed::{Bed, plain_job};
use super::loops::{fetcher, lease, next};

#[tokio::test]
async fn a_fetcher_for_one_job_claims_no_other() {
    let bed = Bed::make().await;
    let other = bed.enqueue(plain_job()).await;
    let lease = lease(&bed.db).await;
    let job = jobs::enqueue_claimed(&bed.db, lease.worker_id(), &plain_job()).await.unwrap();
    let (assign, mut assigned) = mpsc::channel(4);
    let poll = Duration::from_millis(10);
    let fetcher = Fetcher::new(bed.db.clone(), lease, 4, poll, [(JobKind::Generation, assign)]).only(job.clone());
    let stop = CancellationToken::new();
    tokio::spawn(fetcher.run(stop.clone()));
    let first = next(&mut assigned).await.job;
    assert_eq!((first.id, first.claim), (job.id, 1));
    // All its attempts are this fetcher's; by the time of another claim the other job would have been taken.
    assert!(outcomes::hand_back(&bed.db, &first).await.unwrap());
    let second = next(&mut assigned).await.job;
    assert_eq!((second.id, second.claim), (job.id, 2));
    assert_eq!(bed.state(other).await, "available");
    stop.cancel();
}

#[tokio::test]
async fn a_job_that_has_become_due_does_not_wait_for_the_backlog() {
    let bed = Bed::make().await;
    let urgent = NewJob { priority: 5, run_at: Some(Utc::now() + Span::hours(1)), ..plain_job() };
    let urgent = bed.enqueue(urgent).await;
    sqlx::query("UPDATE queue.jobs SET run_at = queue.now()").execute(&bed.gate.pool).await.unwrap();
    for _ in 0..3 {
        bed.enqueue(plain_job()).await;
    }
    // Its time to look has come after every claim, and every claim fills its one slot.
    let (mut assigned, stop) = fetcher(&bed, 1, Duration::ZERO).await;
    assert_ne!(next(&mut assigned).await.job.id, urgent, "nobody has seen yet that it is due");
    let second = next(&mut assigned).await;
    assert_eq!(second.job.id, urgent, "it is due, and goes before the backlog");
    assert_eq!(bed.rows("queue.jobs WHERE state = 'available'").await, 2);
    stop.cancel();
}
