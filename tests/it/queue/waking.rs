//! No wake-up is missed, although only who sleeps is woken and nobody polls.

use std::collections::BTreeSet;
use std::time::Duration;

use repo_to_cat::config;
use repo_to_cat::db::sleepers;
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::queue::enqueue::{enqueue, enqueue_all};
use rustix::process::Signal;
use sqlx::postgres::PgListener;
use tokio::time::timeout;

use super::bed::{Bed, plain_job};
use super::station::{PATIENCE, Station, worker_settings};
use crate::support::gate::{eventually, prepare};
use crate::support::postgres::PrivateCluster;

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
async fn nobody_is_notified_while_no_worker_sleeps() {
    let bed = Bed::make().await;
    let worker = bed.worker().await;
    let mut listener = PgListener::connect_with(&bed.gate.pool).await.unwrap();
    listener.listen("queue_jobs").await.unwrap();
    let kinds = [plain_job().kind.name().to_owned()];
    for is_asleep in [false, true, false] {
        if is_asleep {
            sleepers::lie_down(&mut bed.connection().await, worker, &kinds).await.unwrap();
        } else {
            sleepers::get_up(&mut bed.connection().await, worker).await.unwrap();
        }
        bed.enqueue(plain_job()).await;
        enqueue_all(&bed.db, &vec![plain_job(); 100]).await.unwrap();
        // Notifications come in the order of the commits: what was sent comes before this.
        bed.execute("NOTIFY queue_jobs, 'the end'").await;
        let mut notified = 0;
        while listener.recv().await.unwrap().payload() != "the end" {
            notified += 1;
        }
        assert_eq!(notified, if is_asleep { 2 } else { 0 });
    }
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
    let settings = config::Worker { poll_seconds: 1, ..worker_settings(3600) };
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

#[tokio::test]
async fn a_job_that_is_committed_after_the_worker_lay_down_is_found() {
    let bed = Bed::make().await;
    let mut early = bed.db.pool().begin().await.unwrap();
    let first = enqueue(&mut early, &plain_job()).await.unwrap().id;
    // Its view of the world is as old, and stays so.
    let mut strict = bed.db.pool().begin().await.unwrap();
    sqlx::query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(&mut *strict).await.unwrap();
    sqlx::query("SELECT FROM queue.sleepers").execute(&mut *strict).await.unwrap();

    let mut station = Station::start(&bed, 4).await;
    station.asleep(&bed).await;
    early.commit().await.unwrap();
    assert_eq!(station.next().await.job.id, first, "enqueued when nobody slept yet");

    // Time to lie still. Too short a time makes this an easier test, never a wrong one.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let second = enqueue(&mut strict, &plain_job()).await.unwrap().id;
    strict.commit().await.unwrap();
    assert_eq!(station.next().await.job.id, second, "enqueued by who could not see that somebody sleeps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_woken_after_its_server_has_restarted() {
    let server = PrivateCluster::start();
    let url = server.cluster.url();
    prepare(&url);
    let bed = Bed::at(url).await;
    let mut station = Station::start(&bed, 4).await;
    // A crash empties the table of sleepers, a stop does not.
    for signal in [Signal::INT, Signal::KILL] {
        station.asleep(&bed).await;
        server.restart(signal);
        let mut id = None;
        eventually("the server to take a job", async || {
            id = enqueue_all(&bed.db, &[plain_job()]).await.ok().map(|enqueued| enqueued[0].id);
            id.is_some()
        })
        .await;
        assert_eq!(station.next().await.job.id, id.unwrap(), "after {signal:?}");
    }
}

#[tokio::test]
async fn a_cancelled_job_is_stopped_at_once() {
    let bed = Bed::make().await;
    let seldom = config::Worker { heartbeat_seconds: 3600, ..worker_settings(4 * 3600) };
    let mut station = Station::set(&bed.db, 4, &seldom).await;
    station.asleep(&bed).await;
    let (cancelled, _) = (bed.enqueue(plain_job()).await, bed.enqueue(plain_job()).await);
    let running = [station.next().await, station.next().await];
    let (stopped, kept) = if running[0].job.id == cancelled { (0, 1) } else { (1, 0) };
    steer::one(&bed.db, Change::Cancel, cancelled).await.unwrap();
    timeout(PATIENCE, running[stopped].cancel.cancelled()).await.expect("it waits for no heartbeat");
    assert!(!running[kept].cancel.is_cancelled());
}
