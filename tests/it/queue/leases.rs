//! Leases: a good one is never touched, a lapsed one gives everything back.

use std::time::Duration;

use repo_to_cat::db::inspect;
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::db::workers::{self, Heartbeat};
use repo_to_cat::model::unique::Unique;

use super::bed::{Bed, REFUSED, plain_job};

#[tokio::test]
async fn a_rescue_never_touches_a_live_workers_job() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    // However long it has been running.
    bed.execute("UPDATE queue.jobs SET started_at = started_at - interval '1 year'").await;
    assert_eq!(bed.rescue(1).await, (0, 0));
    assert_eq!(bed.state(job.id).await, "running");
    bed.lapse(worker).await;
    assert_eq!(bed.rescue(5).await, (1, 0));
    assert_eq!(bed.endings(job.id).await, ["worker_lost"]);
}

#[tokio::test]
async fn who_has_no_good_lease_claims_nothing() {
    let bed = Bed::make().await;
    bed.enqueue(plain_job()).await;
    let worker = bed.worker().await;
    bed.lapse(worker).await;
    assert!(bed.claim_up_to(worker, 1).await.is_empty(), "lapsed");
    bed.rescue(5).await;
    assert!(bed.claim_up_to(worker, 1).await.is_empty(), "taken away");
    assert!(bed.claim_up_to(uuid::Uuid::now_v7(), 1).await.is_empty(), "never had one");
}

#[tokio::test]
async fn a_heartbeat_names_the_jobs_that_are_lost() {
    let bed = Bed::make().await;
    let first = bed.enqueue(plain_job()).await;
    let second = bed.enqueue(plain_job()).await;
    let worker = bed.worker().await;
    let claimed = bed.claim_up_to(worker, 2).await;
    let held: Vec<_> = claimed.iter().collect();
    assert_eq!(bed.beat(worker, &held).await, Heartbeat::Renewed { lost: vec![] });
    steer::one(&bed.db, Change::Cancel, first).await.unwrap();
    assert_eq!(bed.beat(worker, &held).await, Heartbeat::Renewed { lost: vec![first] });
    assert_eq!(bed.state(second).await, "running");
}

#[tokio::test]
async fn a_heartbeat_does_not_revive_a_lease_that_was_taken_away() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    bed.lapse(worker).await;
    let renewed = Heartbeat::Renewed { lost: vec![] };
    assert_eq!(bed.beat(worker, &[&job]).await, renewed, "lapsed, but nobody took it away");
    assert_eq!(bed.rescue(5).await, (0, 0), "it holds again");
    bed.lapse(worker).await;
    assert_eq!(bed.rescue(5).await, (1, 0));
    assert_eq!(bed.beat(worker, &[&job]).await, Heartbeat::Lapsed);
    assert_eq!(bed.rows("queue.workers").await, 0);
}

#[tokio::test]
async fn what_a_lost_claim_brought_is_given_back() {
    const AGE: Duration = Duration::from_hours(2);
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    assert_eq!(bed.give_back_strays(worker, AGE, &[]).await, 0, "the answer may still be on its way");
    bed.execute("UPDATE queue.jobs SET started_at = started_at - interval '3 hours'").await;
    assert_eq!(bed.give_back_strays(worker, AGE, &[&job]).await, 0, "a long job is no stray");
    let other = bed.worker().await;
    assert_eq!(bed.give_back_strays(other, AGE, &[]).await, 0, "it is another's");
    assert_eq!(bed.give_back_strays(worker, AGE, &[]).await, 1);
    let row = inspect::job(&bed.db, job.id).await.unwrap();
    assert_eq!((row.state.as_str(), row.attempts, row.deaths), ("available", 0, 0));
    assert_eq!(bed.endings(job.id).await, ["handed_back"]);
    assert_eq!(bed.late_writes(&job).await, REFUSED);
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_quarantined_and_can_be_reopened() {
    let bed = Bed::make().await;
    let mut job = plain_job();
    job.unique = Some(Unique::key("k"));
    let id = bed.enqueue(job).await;
    for death in 1..=3 {
        let worker = bed.worker().await;
        assert_eq!(bed.claim(worker).await.claim, death);
        bed.lapse(worker).await;
        assert_eq!(bed.rescue(3).await, if death < 3 { (1, 0) } else { (0, 1) });
    }
    assert_eq!(bed.state(id).await, "discarded");
    assert_eq!(bed.endings(id).await, ["worker_lost"; 3]);
    assert_eq!(bed.rows("queue.unique_keys").await, 0);
    steer::one(&bed.db, Change::Retry, id).await.unwrap();
    let worker = bed.worker().await;
    let again = bed.claim(worker).await;
    assert_eq!((again.id, again.claim), (id, 4));
    assert!(bed.complete(&again).await);
}

#[tokio::test]
async fn a_rescue_and_a_claim_at_the_same_time_lose_no_job() {
    let bed = Bed::make().await;
    for _ in 0..40 {
        bed.enqueue(plain_job()).await;
    }
    let mut completed = 0;
    while completed < 40 {
        let worker = bed.worker().await;
        let claims = async { bed.claim_up_to(worker, 8).await };
        let lapse = async {
            bed.lapse(worker).await;
            bed.rescue(1000).await
        };
        let (claimed, _) = tokio::join!(claims, lapse);
        for job in claimed {
            completed += i32::from(bed.complete(&job).await);
        }
        // Whatever lapsed in between is free after one more look: nothing hangs.
        bed.rescue(1000).await;
        let stuck: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM queue.jobs AS job WHERE state = 'running'
             AND NOT EXISTS (SELECT FROM queue.workers WHERE id = job.worker_id)",
        )
        .fetch_one(&bed.gate.pool)
        .await
        .unwrap();
        assert_eq!(stuck, 0);
        let patient = bed.worker().await;
        for job in bed.claim_up_to(patient, 1).await {
            completed += i32::from(bed.complete(&job).await);
        }
    }
    assert_eq!((bed.rows("queue.history").await, bed.rows("public.generations").await), (40, 40));
}

#[tokio::test]
async fn a_lease_that_is_ended_frees_its_jobs_at_once() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    workers::unregister(&mut bed.connection().await, worker, true).await.unwrap();
    assert_eq!((bed.state(job.id).await.as_str(), bed.rows("queue.workers").await), ("available", 0));
    assert_eq!(bed.endings(job.id).await, ["handed_back"]);
    assert_eq!(bed.rescue(5).await, (0, 0), "nobody else is needed for that");
    bed.register(worker).await;
    assert_eq!(bed.late_writes(&job).await, REFUSED, "the same id, registered again, is no way back");
}
