//! No wake-up is missed, although only who sleeps is woken and nobody polls.

use std::collections::BTreeSet;

use super::bed::{Bed, plain_job};
use super::station::{Station, worker_settings};

#[tokio::test]
async fn an_idle_worker_is_woken_by_an_enqueue() {
    let bed = Bed::make().await;
    let mut station = Station::start(&bed, 4).await;
    station.asleep(&bed).await;
    let id = bed.enqueue(plain_job()).await;
    assert_eq!(station.next().await.job.id, id);

    bed.gate.cut_all().await;
    let (second, third) = (bed.enqueue(plain_job()).await, bed.enqueue(plain_job()).await);
    let found = BTreeSet::from([station.next().await.job.id, station.next().await.job.id]);
    assert_eq!(found, BTreeSet::from([second, third]), "what was announced while nobody listened");
}

#[tokio::test]
async fn an_idle_worker_is_woken_by_a_rescue() {
    let bed = Bed::make().await;
    let (job, dead) = bed.running().await;
    let mut station = Station::start(&bed, 4).await;
    station.asleep(&bed).await;
    bed.lapse(dead).await;
    assert_eq!(bed.rescue(5).await, (1, 0));
    assert_eq!(station.next().await.job.id, job.id);
}

#[tokio::test]
async fn an_idle_worker_finds_by_itself_what_nobody_announced() {
    let bed = Bed::make().await;
    let settings = repo_to_cat::config::Worker { poll_seconds: 1, ..worker_settings(3600) };
    let mut station = Station::set(&bed.db, 4, &settings).await;
    station.asleep(&bed).await;
    bed.execute(
        "INSERT INTO queue.jobs (id, kind, lane, payload)
         VALUES (gen_random_uuid(), 'generation', queue.lane('generation', NULL, NULL), '{}')",
    )
    .await;
    drop(station.next().await);
    bed.execute(
        "INSERT INTO queue.jobs (id, kind, lane, payload, state, rank, run_at, due_at)
         SELECT gen_random_uuid(), 'generation', queue.lane('generation', NULL, NULL), '{}', 'scheduled', NULL, at, at
         FROM (SELECT queue.now() + interval '1 second' AS at) AS soon",
    )
    .await;
    drop(station.next().await);
}
