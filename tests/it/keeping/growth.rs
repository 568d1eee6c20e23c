//! Nothing grows with the jobs that went through: neither what a claim costs while somebody holds a snapshot, nor the
//! tables under a steady load.

use std::collections::HashMap;
use std::time::Duration;

use repo_to_cat::db::{Db, Session, claims, outcomes, workers};
use repo_to_cat::model::job::{JobKind, NewJob};
use repo_to_cat::queue::enqueue::enqueue_all;
use repo_to_cat::queue::ring::Ring;
use rustix::process::Signal;
use serde_json::json;
use sqlx::postgres::PgTransaction;
use uuid::Uuid;

use super::yard::Yard;
use crate::support::cli::Shell;
use crate::support::gate::{eventually, settings};
use crate::support::postgres::PrivateCluster;

const LEASE: Duration = Duration::from_hours(1);

fn is_large() -> bool {
    std::env::var_os("TEST_LARGE").is_some()
}

/// Jobs of a round.
fn jobs() -> i64 {
    if is_large() { 100_000 } else { 4000 }
}

fn probes() -> Vec<NewJob> {
    vec![NewJob::new(JobKind::Probe, json!({})); usize::try_from(jobs()).unwrap()]
}

/// Half of them make room, the other half uses it again.
fn rounds() -> i64 {
    if is_large() { 8 } else { 4 }
}

/// Enqueues a round of jobs and waits until they are done.
async fn round(yard: &Yard, number: i64) {
    enqueue_all(&yard.db, &probes()).await.unwrap();
    let done = "SELECT count(*) = $1 FROM queue.history WHERE state = 'completed'";
    eventually_so(yard, done, number).await;
}

/// Waits until the server has counted what was done up to a round. Each session tells what it read together with what it
/// wrote, once it has been idle for some seconds.
async fn counted(yard: &Yard, number: i64) {
    let counted = "SELECT n_tup_ins >= $1 AND n_tup_upd >= $1 AND n_tup_del >= $1 FROM pg_stat_user_tables
                   WHERE relid = 'queue.jobs'::regclass";
    eventually_so(yard, counted, number).await;
}

async fn eventually_so(yard: &Yard, condition: &'static str, number: i64) {
    let all = jobs() * number;
    eventually("a round to be done", async || {
        sqlx::query_scalar(condition).bind(all).fetch_one(&yard.pool).await.unwrap()
    })
    .await;
}

/// Buffers of the live jobs and their indexes that were looked at so far.
async fn buffers(yard: &Yard) -> f64 {
    let buffers = "SELECT (heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::float8
                   FROM pg_statio_user_tables WHERE relid = 'queue.jobs'::regclass";
    sqlx::query_scalar(buffers).fetch_one(&yard.pool).await.unwrap()
}

/// A snapshot of the moment, for as long as the transaction is open.
async fn hold(yard: &Yard) -> PgTransaction<'static> {
    let mut holder = yard.pool.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM queue.workers")
        .execute(&mut *holder)
        .await
        .unwrap();
    holder
}

async fn assert_nothing_could_be_cleaned_up(yard: &Yard) {
    let dead = "SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = 'queue.jobs'::regclass";
    let dead: i64 = sqlx::query_scalar(dead).fetch_one(&yard.pool).await.unwrap();
    assert!(dead >= jobs(), "nothing could be cleaned up: {dead}");
}

/// The share of updates that touched no index, and stayed within their pages.
async fn share_of_light_updates(yard: &Yard) -> f64 {
    let share =
        "SELECT n_tup_hot_upd::float8 / n_tup_upd FROM pg_stat_user_tables WHERE relid = 'queue.jobs'::regclass";
    sqlx::query_scalar(share).fetch_one(&yard.pool).await.unwrap()
}

/// Takes what waits as the fetcher does, `at_once` jobs by each claim, and completes it; returns how many there were.
async fn drain(connection: &mut Session<'_>, worker: Uuid, at_once: usize) -> i64 {
    let kinds = [JobKind::Probe.name().to_owned()];
    let mut ring = Ring::default();
    ring.refill(claims::lanes(&mut *connection, &kinds, i64::MIN, 64).await.unwrap());
    let mut drained = 0;
    while !ring.is_empty() {
        let shares = ring.shares(&HashMap::from([(kinds[0].clone(), at_once)]));
        let taken = claims::claim(&mut *connection, worker, &shares, None, false).await.unwrap();
        ring.claimed(&shares, taken.iter().map(|taken| (taken.lane, taken.rank)));
        let jobs: Vec<_> = taken.iter().map(|taken| &taken.job).collect();
        drained += i64::try_from(outcomes::complete(connection, worker, &jobs).await.unwrap().len()).unwrap();
    }
    drained
}

#[tokio::test]
async fn a_snapshot_that_somebody_holds_makes_claims_no_dearer() {
    let yard = Yard::make().await;
    let holder = hold(&yard).await;
    let worker = Uuid::now_v7();
    let mut costs = Vec::new();
    for number in 1..=rounds() {
        // A session tells at its end at the latest what it read.
        let db = Db::connect(&settings(&yard.url)).await.unwrap();
        enqueue_all(&db, &probes()).await.unwrap();
        db.close().await;
        eventually_so(
            &yard,
            "SELECT n_tup_ins >= $1 FROM pg_stat_user_tables WHERE relid = 'queue.jobs'::regclass",
            number,
        )
        .await;
        let before = buffers(&yard).await;
        let line = yard.db.line();
        let mut held = line.take().await.unwrap();
        workers::register(held.connection(), worker, "test", 1, LEASE).await.unwrap();
        assert_eq!(drain(held.connection(), worker, 100).await, jobs());
        held.give_back();
        line.close().await;
        counted(&yard, number).await;
        costs.push((buffers(&yard).await - before) / jobs() as f64);
    }
    println!("buffers for each job, by round: {costs:.2?}");
    assert_nothing_could_be_cleaned_up(&yard).await;
    let light = share_of_light_updates(&yard).await;
    assert!(light > 0.8, "claims rewrite rows where they are, unless their pages are full: {light}");
    // Two looks a round wade through what is dead, however many claims there are in between.
    assert!(costs[costs.len() - 1] < 1.25 * costs[0], "{costs:?}");
    holder.rollback().await.unwrap();
}

#[tokio::test]
async fn a_service_is_hardly_dearer_while_somebody_holds_a_snapshot() {
    // With few jobs the looks that it makes by the clock are most of what it costs, the more the slower the machine.
    if !is_large() {
        return;
    }
    let yard = Yard::make().await;
    let service = Shell::on(&yard.url).service("worker");
    let holder = hold(&yard).await;
    let mut costs = Vec::new();
    let mut before = buffers(&yard).await;
    for number in 1..=rounds() {
        round(&yard, number).await;
        counted(&yard, number).await;
        let now = buffers(&yard).await;
        costs.push((now - before) / jobs() as f64);
        before = now;
    }
    println!("buffers for each job, by round: {costs:.1?}");
    assert_nothing_could_be_cleaned_up(&yard).await;
    // The median: now and then a worker looks at a lane from its beginning, which costs one wade through what is dead.
    let mut sorted = costs.clone();
    sorted.sort_by(f64::total_cmp);
    assert!(sorted[sorted.len() / 2] < 2.0 * costs[0], "{costs:?}");
    holder.rollback().await.unwrap();
    service.stop(Signal::TERM);
}

#[tokio::test]
async fn tables_do_not_grow_under_a_steady_load() {
    const TABLES: [&str; 3] = ["queue.jobs", "queue.workers", "queue.sleepers"];
    // Pages of an index are used again once no transaction of the whole server is older.
    let private = PrivateCluster::start();
    let yard = Yard::at(private.cluster.url()).await;
    let service = Shell::on(&yard.url).service("worker");
    let mut sizes = Vec::new();
    for number in 1..=rounds() {
        round(&yard, number).await;
        let mut size = 0_i64;
        for table in TABLES {
            yard.run(format!("VACUUM {table}")).await;
            let total = "SELECT pg_total_relation_size($1::regclass)";
            size += sqlx::query_scalar::<_, i64>(total).bind(table).fetch_one(&yard.pool).await.unwrap();
        }
        sizes.push(size);
    }
    println!("bytes, by round: {sizes:?}");
    let half = sizes[sizes.len() / 2 - 1];
    assert!(sizes[sizes.len() - 1] <= half + half / 4, "{sizes:?}");
    service.stop(Signal::TERM);
}
