//! What a fetcher hands out: the one job that it is there for, no more than can start, in time what has become due.

use std::time::Duration;

use chrono::{Duration as Span, Utc};
use repo_to_cat::db::claims;
use repo_to_cat::model::job::{JobKind, NewJob, Start};
use repo_to_cat::queue::fetcher::{Desk, Fetcher};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::bed::{Bed, plain_job};
use super::station::{Station, lease, next};
use crate::support::gate::eventually;

#[tokio::test]
async fn a_fetcher_for_one_job_claims_no_other() {
    let bed = Bed::make().await;
    let other = bed.enqueue(plain_job()).await;
    let lease = lease(&bed.db).await;
    let job = claims::enqueue_claimed(&bed.db, lease.worker_id(), &plain_job()).await.unwrap();
    let (assign, mut assigned) = mpsc::channel(4);
    let fetcher = Fetcher::new(&bed.db, lease, [Desk::new(JobKind::Generation, 4, assign)]);
    let stop = CancellationToken::new();
    tokio::spawn(fetcher.run_only(job.clone(), stop.clone()));
    let first = next(&mut assigned).await.job;
    assert_eq!((first.id, first.claim), (job.id, 1));
    // All its attempts are this fetcher's; by the time of another claim the other job would have been taken.
    assert!(bed.hand_back(&first).await);
    let second = next(&mut assigned).await.job;
    assert_eq!((second.id, second.claim), (job.id, 2));
    assert_eq!(bed.state(other).await, "available");
    stop.cancel();
}

#[tokio::test]
async fn a_job_that_has_become_due_does_not_wait_for_the_backlog() {
    let bed = Bed::make().await;
    let urgent = NewJob { priority: 50, start: Start::At(Utc::now() + Span::hours(1)), ..plain_job() };
    let urgent = bed.enqueue(urgent).await;
    for _ in 0..200 {
        bed.enqueue(plain_job()).await;
    }
    let mut station = Station::start(&bed, 1).await;
    assert_ne!(station.next().await.job.id, urgent, "it is not due yet");
    bed.execute("UPDATE queue.jobs SET run_at = queue.now(), due_at = queue.now() WHERE state = 'scheduled'").await;
    station.clock.due_in(Duration::ZERO);
    eventually("it to become available", async || bed.state(urgent).await == "available").await;
    // The lanes are looked at ten times a second: a job that takes a fiftieth is passed by some of the others only.
    let mut before = 0;
    while station.next().await.job.id != urgent {
        before += 1;
        assert!(before < 150, "it is due, and goes before the backlog");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_fetcher_claims_no_more_than_can_start() {
    let bed = Bed::make().await;
    for _ in 0..5 {
        bed.enqueue(plain_job()).await;
    }
    let mut station = Station::start(&bed, 2).await;
    let first = station.next().await;
    let _second = station.next().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let running = "queue.jobs WHERE state = 'running'";
    assert_eq!(bed.rows(running).await, 2);
    drop(first);
    let _third = station.next().await;
    assert_eq!(bed.rows(running).await, 3);
}
