//! Nothing grows with the jobs that went through: neither what a claim costs while somebody holds a snapshot, nor the
//! tables under a steady load.

use repo_to_cat::model::job::{JobKind, NewJob};
use repo_to_cat::queue::enqueue::enqueue_all;
use rustix::process::Signal;
use serde_json::json;

use super::yard::Yard;
use crate::support::cli::Shell;
use crate::support::gate::eventually;
use crate::support::postgres::PrivateCluster;

const ROUNDS: i64 = 4;

/// Jobs of a round.
fn jobs() -> i64 {
    if std::env::var_os("TEST_LARGE").is_some() { 100_000 } else { 4000 }
}

/// Enqueues a round of jobs and waits until they are done.
async fn round(yard: &Yard, number: i64) {
    let probe = NewJob::new(JobKind::Probe, json!({}));
    enqueue_all(&yard.db, &vec![probe; usize::try_from(jobs()).unwrap()]).await.unwrap();
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

#[tokio::test]
async fn a_snapshot_that_somebody_holds_makes_claims_no_dearer() {
    let yard = Yard::make().await;
    let service = Shell::on(&yard.url).service("worker");
    let mut holder = yard.pool.begin().await.unwrap();
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM queue.workers")
        .execute(&mut *holder)
        .await
        .unwrap();
    let mut costs = Vec::new();
    let mut before = buffers(&yard).await;
    for number in 1..=ROUNDS {
        round(&yard, number).await;
        counted(&yard, number).await;
        let now = buffers(&yard).await;
        costs.push((now - before) / jobs() as f64);
        before = now;
    }
    println!("buffers for each job, by round: {costs:.1?}");
    let dead: i64 =
        sqlx::query_scalar("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relid = 'queue.jobs'::regclass")
            .fetch_one(&yard.pool)
            .await
            .unwrap();
    assert!(dead >= jobs(), "nothing could be cleaned up: {dead}");
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
    for number in 1..=ROUNDS {
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
    // The first rounds make room; later ones use it again.
    assert!(sizes[sizes.len() - 1] <= sizes[1] + sizes[1] / 4, "{sizes:?}");
    service.stop(Signal::TERM);
}
