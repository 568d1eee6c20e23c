//! Who comes next: users in turn, and of one user's jobs no one for ever last.

use chrono::{Duration as Span, Utc};
use repo_to_cat::model::job::{NewJob, Start};
use repo_to_cat::queue::enqueue::enqueue_all;
use uuid::Uuid;

use super::bed::{Bed, plain_job, probe};
use super::station::Station;

#[tokio::test]
async fn users_with_one_job_do_not_wait_for_one_with_thousands() {
    const SLOTS: usize = 4;
    let bed = Bed::make().await;
    let of = |user: u128| NewJob { user_id: Some(Uuid::from_u128(user)), ..probe() };
    enqueue_all(&bed.db, &vec![of(1); 2000]).await.unwrap();
    let mut others = Vec::new();
    for user in 2..=6 {
        others.push(bed.enqueue(of(user)).await);
    }
    let mut station = Station::start(&bed, SLOTS).await;
    let mut started = 0;
    while !others.is_empty() {
        let next = station.next().await;
        others.retain(|id| *id != next.job.id);
        started += 1;
        // As many rounds as there are users, of as many jobs as there are slots.
        assert!(started <= 6 * SLOTS, "{} users still wait", others.len());
    }
}

#[tokio::test]
async fn the_least_urgent_job_waits_for_twenty_minutes_of_the_most_urgent_ones() {
    let bed = Bed::make().await;
    let now = Utc::now();
    let job =
        |priority, minutes_ago| NewJob { priority, start: Start::At(now - Span::minutes(minutes_ago)), ..plain_job() };
    let least = bed.enqueue(job(-100, 40)).await;
    // Enqueued for an hour, all more urgent than it: those of its first twenty minutes go first, and no others.
    let urgent: Vec<_> = (1..40).filter(|minutes| *minutes != 20).map(|minutes| job(100, minutes)).collect();
    enqueue_all(&bed.db, &urgent).await.unwrap();
    let worker = bed.worker().await;
    let mut before = 0;
    while bed.claim_up_to(worker, 1).await.pop().expect("it comes").id != least {
        before += 1;
    }
    assert_eq!(before, 19, "those of 21 to 39 minutes ago");
}
