//! The loops around the statements: fetcher, completer, lease.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use repo_to_cat::config;
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::db::{Db, workers};
use repo_to_cat::model::job::{ClaimedJob, Outcome};
use repo_to_cat::queue::Settled;
use repo_to_cat::queue::completer::Completer;
use repo_to_cat::queue::enqueue::enqueue_all;
use repo_to_cat::queue::lease::Lease;
use repo_to_cat::queue::watch::Clock;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::bed::{Bed, passing, plain_job, result};
use super::station::{PATIENCE, Station, lease, worker_settings};
use crate::support::gate::{eventually, prepare, settings};
use crate::support::postgres::PrivateCluster;
use crate::support::proxy::Proxy;

/// A completer at work: what is sent is committed; it ends when the sender goes.
fn completer(db: &Db, lease: &Lease) -> (mpsc::Sender<Settled>, JoinHandle<()>) {
    let (outcomes, settled) = mpsc::channel(100);
    (
        outcomes,
        tokio::spawn(Completer::new(db.clone(), lease.clone(), Clock::default(), &worker_settings(3600)).run(settled)),
    )
}

fn settled(job: &ClaimedJob, outcome: Outcome) -> Settled {
    Settled { job: Arc::new(job.clone()), outcome, log: None }
}

fn completed(job: &ClaimedJob) -> Settled {
    settled(job, Outcome::Completed(Some(Box::new(result()))))
}

#[tokio::test]
async fn one_bad_outcome_of_a_thousand_fails_alone() {
    const GROUP: usize = 1000;
    let bed = Bed::make().await;
    enqueue_all(&bed.db, &vec![plain_job(); GROUP]).await.unwrap();
    let lease = lease(&bed.db).await;
    let claimed = bed.claim_up_to(lease.worker_id(), GROUP).await;
    // Its row is there already, so that persisting it must fail.
    sqlx::query("INSERT INTO public.generations (id, github_url) VALUES ($1, 'x')")
        .bind(claimed[7].id)
        .execute(&bed.gate.pool)
        .await
        .unwrap();
    let (outcomes, settled) = mpsc::channel(GROUP);
    for job in &claimed {
        outcomes.send(completed(job)).await.unwrap();
    }
    drop(outcomes);
    // All of them are there when it begins: they are one group.
    Completer::new(bed.db.clone(), lease, Clock::default(), &worker_settings(3600)).run(settled).await;
    assert_eq!((bed.rows("queue.history").await, bed.rows("public.generations").await), (GROUP - 1, GROUP));
    assert_eq!(bed.state(claimed[7].id).await, "scheduled");
    assert_eq!(bed.endings(claimed[7].id).await, ["retried"]);
}

#[tokio::test]
async fn a_completion_whose_answer_was_lost_counts_once() {
    let mut bed = Bed::make().await;
    let proxy = Proxy::to(&bed.url);
    let db = Db::connect(&settings(proxy.url())).await.unwrap();
    let lease = lease(&db).await;
    bed.enqueue(plain_job()).await;
    let job = bed.claim(lease.worker_id()).await;
    bed.gate.close_at("commit").await;
    let (outcomes, completer) = completer(&db, &lease);
    outcomes.send(completed(&job)).await.unwrap();
    drop(outcomes);
    bed.gate.caught().await;
    proxy.mute();
    bed.gate.open().await;
    eventually("the commit", async || bed.rows("queue.history").await == 1).await;
    proxy.cut();
    timeout(PATIENCE, completer).await.expect("it finds its own completion").unwrap();
    assert_eq!((bed.rows("queue.history").await, bed.rows("public.generations").await), (1, 1));
    assert!(bed.endings(job.id).await.is_empty());
}

#[tokio::test]
async fn an_outcome_waits_for_no_silent_connection() {
    let mut bed = Bed::make().await;
    let proxy = Proxy::to(&bed.url);
    let quick = config::Database { connect_seconds: 2, ..settings(proxy.url()) };
    let db = Db::connect(&quick).await.unwrap();
    let short = worker_settings(2);
    let lease = Lease::take(&db, "test".into(), &short).await.unwrap();
    bed.enqueue(plain_job()).await;
    let job = bed.claim(lease.worker_id()).await;
    bed.gate.close_at("commit").await;
    let (outcomes, settled) = mpsc::channel(1);
    let completer = tokio::spawn(Completer::new(db, lease, Clock::default(), &short).run(settled));
    outcomes.send(completed(&job)).await.unwrap();
    drop(outcomes);
    bed.gate.caught().await;
    proxy.strand();
    bed.gate.open().await;
    timeout(PATIENCE, completer).await.expect("it tries another connection").unwrap();
    assert_eq!((bed.rows("queue.history").await, bed.rows("public.generations").await), (1, 1));
}

#[tokio::test]
async fn a_silent_connection_gives_its_place_in_the_pool_back() {
    let bed = Bed::make().await;
    let proxy = Proxy::to(&bed.url);
    let single = config::Database { connect_seconds: 2, max_connections: 1, ..settings(proxy.url()) };
    let db = Db::connect(&single).await.unwrap();
    let only = db.pool().acquire().await.unwrap();
    proxy.strand();
    drop(only);
    eventually("its place to be free", async || workers::alive(&db).await.is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_outlive_an_outage() {
    let mut server = PrivateCluster::start();
    let url = server.cluster.url();
    prepare(&url);
    let bed = Bed::at(url).await;
    let lease = lease(&bed.db).await;
    for _ in 0..3 {
        bed.enqueue(plain_job()).await;
    }
    let claimed = bed.claim_up_to(lease.worker_id(), 3).await;
    server.begin_outage();
    let (outcomes, completer) = completer(&bed.db, &lease);
    outcomes.send(settled(&claimed[1], Outcome::Failed(passing()))).await.unwrap();
    outcomes.send(completed(&claimed[0])).await.unwrap();
    outcomes.send(settled(&claimed[2], Outcome::HandedBack)).await.unwrap();
    drop(outcomes);
    // The first outcome is being tried by now, or soon: either way nothing may be lost.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!completer.is_finished());
    server.end_outage();
    timeout(PATIENCE, completer).await.expect("all are committed").unwrap();
    let mut states = Vec::new();
    for job in &claimed {
        states.push(bed.state(job.id).await);
    }
    assert_eq!(states, ["completed", "scheduled", "available"]);
    assert_eq!(bed.rows("public.generations").await, 1);
}

#[tokio::test]
async fn a_lost_lease_stops_its_jobs_and_begins_anew() {
    let bed = Bed::make().await;
    let lease = lease(&bed.db).await;
    bed.enqueue(plain_job()).await;
    let first = lease.worker_id();
    let job = bed.claim(first).await;
    let cancel = lease.hold(&job);
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(lease.clone().keep(stop.clone()));
    bed.lapse(first).await;
    // Renewed or rescued, whoever comes first; in the end it is lost.
    eventually("the lease to be lost", async || {
        bed.lapse(first).await;
        bed.rescue(1000).await;
        cancel.is_cancelled()
    })
    .await;
    eventually("another lease", async || lease.worker_id() != first).await;
    assert!(!bed.is_completed_by(first, &job).await);
    assert_eq!(bed.claim(lease.worker_id()).await.id, job.id);
    stop.cancel();
    timeout(PATIENCE, keeping).await.unwrap().unwrap();
    assert_eq!(bed.rows("queue.workers").await, 0, "the lease is ended");
}

#[tokio::test]
async fn a_heartbeat_waits_for_no_work() {
    let bed = Bed::make().await;
    let lease = lease(&bed.db).await;
    let mut busy = Vec::new();
    for _ in 0..8 {
        busy.push(bed.db.pool().acquire().await.unwrap());
    }
    assert!(bed.db.pool().try_acquire().is_none(), "the pool has no place left");
    bed.lapse(lease.worker_id()).await;
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(lease.keep(stop.clone()));
    eventually("the lease to be renewed", async || {
        bed.rows("queue.workers WHERE lease_until > queue.now()").await == 1
    })
    .await;
    stop.cancel();
    timeout(PATIENCE, keeping).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_cancelled_job_is_stopped_by_the_next_heartbeat() {
    let bed = Bed::make().await;
    let lease = lease(&bed.db).await;
    let (cancelled, kept) = (bed.enqueue(plain_job()).await, bed.enqueue(plain_job()).await);
    let claimed = bed.claim_up_to(lease.worker_id(), 2).await;
    let tokens: Vec<_> = claimed.iter().map(|job| (job.id, lease.hold(job))).collect();
    let token = |id| tokens.iter().find(|(held, _)| *held == id).unwrap().1.clone();
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(lease.keep(stop.clone()));
    steer::one(&bed.db, Change::Cancel, cancelled).await.unwrap();
    timeout(PATIENCE, token(cancelled).cancelled()).await.expect("it is stopped");
    assert!(!token(kept).is_cancelled());
    stop.cancel();
    keeping.await.unwrap();
}

#[tokio::test]
async fn what_is_claimed_after_the_grace_time_is_stopped() {
    let bed = Bed::make().await;
    let lease = lease(&bed.db).await;
    bed.enqueue(plain_job()).await;
    let job = bed.claim(lease.worker_id()).await;
    let first = lease.hold(&job);
    let second = lease.hold(&ClaimedJob { claim: 2, ..job.clone() });
    assert!(first.is_cancelled() && !second.is_cancelled(), "a job is held once");
    lease.close();
    assert!(second.is_cancelled());
    assert!(lease.hold(&ClaimedJob { claim: 3, ..job }).is_cancelled(), "its claim was under way");
}

#[tokio::test]
async fn a_claim_waits_for_no_other_claim() {
    let bed = Bed::make().await;
    let first = bed.enqueue(plain_job()).await;
    let second = bed.enqueue(plain_job()).await;
    let mut other = bed.gate.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM queue.jobs WHERE id = $1 FOR UPDATE").bind(first).execute(&mut *other).await.unwrap();
    let worker = bed.worker().await;
    let claimed = timeout(PATIENCE, bed.claim_up_to(worker, 1)).await.expect("it passes by what another one holds");
    assert_eq!(claimed[0].id, second);
    other.rollback().await.unwrap();
    assert_eq!(bed.claim(worker).await.id, first);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_workers_never_run_a_job_twice_at_once() {
    const JOBS: usize = 300;
    let bed = Arc::new(Bed::make().await);
    enqueue_all(&bed.db, &vec![plain_job(); JOBS]).await.unwrap();
    let running = Arc::new(Mutex::new(BTreeSet::new()));
    let mut workers = JoinSet::new();
    for number in 0..6_u64 {
        let (bed, running) = (Arc::clone(&bed), Arc::clone(&running));
        workers.spawn(async move {
            let worker = bed.worker().await;
            let mut done = 0;
            loop {
                let claimed = bed.claim_up_to(worker, 7).await;
                if claimed.is_empty() {
                    return done;
                }
                for job in &claimed {
                    assert!(running.lock().unwrap().insert(job.id), "{} runs twice", job.id);
                }
                tokio::time::sleep(Duration::from_millis(number)).await;
                for job in &claimed {
                    assert!(running.lock().unwrap().remove(&job.id));
                    // Some are given back and run again, here or elsewhere.
                    if job.claim == 1 && job.id.as_bytes()[15] % 4 == 0 {
                        assert!(bed.hand_back(job).await);
                    } else {
                        assert!(bed.complete(job).await);
                        done += 1;
                    }
                }
            }
        });
    }
    assert_eq!(workers.join_all().await.into_iter().sum::<usize>(), JOBS);
    assert_eq!((bed.rows("queue.history").await, bed.rows("public.generations").await), (JOBS, JOBS));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_falls_silent_stops_no_worker() {
    let bed = Bed::make().await;
    let proxy = Proxy::to(&bed.url);
    let quick = config::Database { connect_seconds: 2, max_connections: 5, ..settings(proxy.url()) };
    let db = Db::connect(&quick).await.unwrap();
    let short = worker_settings(3);
    let mut station = Station::set(&db, 4, &config::Worker { poll_seconds: 1, ..short.clone() }).await;
    let (outcomes, settled) = mpsc::channel(100);
    let completer = Completer::new(db, station.lease.clone(), station.clock.clone(), &short);
    let completer = tokio::spawn(completer.run(settled));
    // A connection that the server leaves in the very moment of its test by the pool is lost; no other may be.
    for _ in 0..4 {
        proxy.strand();
        bed.enqueue(plain_job()).await;
        let assignment = station.next().await;
        proxy.strand();
        outcomes.send(completed(&assignment.job)).await.unwrap();
    }
    drop(outcomes);
    timeout(PATIENCE, completer).await.expect("it tries other connections").unwrap();
}
