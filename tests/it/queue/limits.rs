//! Limits over all hosts: whoever claims, and however many at once.

use std::sync::Arc;

use repo_to_cat::db::claims::{self, Share};
use repo_to_cat::db::limits;
use repo_to_cat::db::quota;
use repo_to_cat::model::job::{ClaimedJob, NewJob};
use repo_to_cat::model::limits::{EACH, Limit};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::bed::{Bed, probe};

fn limit(limit_key: &str, max_running: Option<i32>, rate: Option<(i32, i32)>) -> Limit {
    Limit {
        kind: "probe".into(),
        limit_key: limit_key.into(),
        max_running,
        rate_count: rate.map(|rate| rate.0),
        rate_seconds: rate.map(|rate| rate.1),
    }
}

/// What a host claims within the limits that wants ten jobs of each lane.
async fn claim(bed: &Bed, worker: Uuid) -> Vec<ClaimedJob> {
    let mut session = bed.connection().await;
    let lanes = claims::lanes(&mut session, &["probe".to_owned()], i64::MIN, 100).await.unwrap();
    assert!(lanes.iter().all(|lane| lane.is_limited));
    let keys: Vec<_> = lanes.iter().map(|lane| lane.limit_key.clone()).collect();
    let shares: Vec<_> = lanes
        .into_iter()
        .map(|lane| Share { lane: lane.lane, kind: lane.kind, since: lane.since, quota: 10 })
        .collect();
    let limited = quota::claim(&mut session, worker, &shares, &keys, None).await.unwrap();
    limited.taken.into_iter().map(|taken| taken.job).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_runs_at_once_is_limited_over_all_hosts() {
    let bed = Arc::new(Bed::make().await);
    limits::set(&bed.db, &limit("", Some(3), None)).await.unwrap();
    for _ in 0..30 {
        bed.enqueue(probe()).await;
    }
    let mut hosts = JoinSet::new();
    for _ in 0..6 {
        let bed = Arc::clone(&bed);
        hosts.spawn(async move { claim(&bed, bed.worker().await).await });
    }
    let running: Vec<ClaimedJob> = hosts.join_all().await.into_iter().flatten().collect();
    assert_eq!(running.len(), 3);
    let host = bed.worker().await;
    assert!(claim(&bed, host).await.is_empty());
    assert!(bed.hand_back(&running[0]).await, "a job that stops running, however it does, makes room");
    assert_eq!(claim(&bed, host).await.len(), 1);
}

#[tokio::test]
async fn each_key_has_its_limit_and_what_runs_already_counts() {
    let bed = Bed::make().await;
    for key in ["a", "b"] {
        for _ in 0..5 {
            bed.enqueue(NewJob { limit_key: Some(key.into()), ..probe() }).await;
        }
    }
    let host = bed.worker().await;
    let before = bed.claim_up_to(host, 1).await;
    limits::set(&bed.db, &limit(EACH, Some(2), None)).await.unwrap();
    let claimed = claim(&bed, host).await;
    assert_eq!((before.len(), claimed.len()), (1, 3), "two of each key");
    // A host that has not heard of the limit yet claims nothing beside it.
    assert!(bed.claim_up_to(host, 5).await.is_empty());
}

#[tokio::test]
async fn a_rate_gives_out_its_tokens_and_fills_up_with_the_databases_time() {
    let bed = Bed::make().await;
    limits::set(&bed.db, &limit("", None, Some((4, 3600)))).await.unwrap();
    for _ in 0..30 {
        bed.enqueue(probe()).await;
    }
    let host = bed.worker().await;
    let counts = [claim(&bed, host).await.len(), claim(&bed, host).await.len()];
    assert_eq!(counts, [4, 0]);
    bed.execute("UPDATE queue.buckets SET filled_at = filled_at - interval '30 minutes'").await;
    assert_eq!(claim(&bed, host).await.len(), 2);
    assert_eq!(bed.rows("queue.jobs WHERE limited").await, 6);
}
