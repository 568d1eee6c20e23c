//! What `queue stats` is made of.

use std::time::Duration;

use repo_to_cat::db::limits;
use repo_to_cat::db::stats::{self, Amount, KindStats};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::job::{NewJob, Start};
use repo_to_cat::model::limits::{EACH, Limit};

use crate::queue::bed::{Bed, plain_job, probe};

const fn exactly(jobs: u64) -> Amount {
    Amount { jobs, exact: true }
}

async fn of_kind(bed: &Bed, kind: &str) -> KindStats {
    let mut stats = stats::stats(&bed.db, Some(kind)).await.unwrap();
    assert_eq!(stats.kinds.len(), 1, "{stats:?}");
    stats.kinds.remove(0)
}

#[tokio::test]
async fn a_small_queue_is_counted() {
    let bed = Bed::make().await;
    assert!(stats::stats(&bed.db, None).await.unwrap().kinds.is_empty());
    let worker = bed.worker().await;
    for _ in 0..4 {
        bed.enqueue(probe()).await;
    }
    for job in bed.claim_up_to(worker, 4).await.into_iter().skip(1) {
        assert!(bed.complete(&job).await);
    }
    bed.enqueue(NewJob { start: Start::After(Duration::from_hours(1)), ..probe() }).await;
    bed.enqueue(probe()).await;
    bed.enqueue(plain_job()).await;
    bed.execute(
        "UPDATE queue.history SET run_at = queue.now() - interval '30 s', started_at = queue.now() - interval '20 s',
                                  finished_at = queue.now() - interval '10 s'",
    )
    .await;
    bed.execute("UPDATE queue.jobs SET run_at = queue.now() - interval '1 hour' WHERE state = 'available'").await;
    limits::pause(&bed.db, "generation", Some("the disk is full")).await.unwrap();

    let probes = of_kind(&bed, "probe").await;
    let depth = (probes.available, probes.running, probes.scheduled, probes.parked);
    assert_eq!(depth, (exactly(1), exactly(1), exactly(1), exactly(0)));
    assert!(probes.oldest_seconds.unwrap() >= 3600.0, "{probes:?}");
    let recent = probes.recent.unwrap();
    assert_eq!((recent.completed_last_minute, recent.completed_last_hour), (exactly(3), exactly(3)));
    assert_eq!(recent.discarded_last_hour, exactly(0));
    let (wait, run) = (recent.wait_seconds.unwrap(), recent.run_seconds.unwrap());
    assert_eq!(([wait.p50, wait.p95, wait.p99], [run.p50, run.p99]), ([10.0; 3], [10.0; 2]));
    assert_eq!(probes.empty_in_seconds, Some(20.0), "three a minute");

    let generations = of_kind(&bed, "generation").await;
    assert_eq!((generations.available, generations.empty_in_seconds), (exactly(1), None));
    assert_eq!(generations.paused.unwrap().because.as_deref(), Some("the disk is full"));
    let workers = stats::registered(&bed.db).await.unwrap();
    assert_eq!((workers[0].id, workers[0].holding, workers[0].lapsed), (worker, exactly(1), false));
}

/// 85 MB of rows: above what is counted.
#[tokio::test]
async fn a_large_queue_is_estimated_and_says_so() {
    let bed = Bed::make().await;
    let worker = bed.worker().await;
    let busy: Vec<_> = [bed.enqueue(plain_job()).await, bed.enqueue(plain_job()).await].into();
    assert_eq!(bed.claim_up_to(worker, 2).await.len(), busy.len());
    bed.execute(
        "INSERT INTO queue.jobs (id, kind, payload, lane)
         SELECT gen_random_uuid(), 'generation', jsonb_build_object('github_url', repeat('x', 1500)), queue.lane('generation', NULL, NULL)
         FROM generate_series(1, 24000)",
    )
    .await;
    bed.enqueue(NewJob { start: Start::After(Duration::from_hours(1)), ..plain_job() }).await;
    let stats = of_kind(&bed, "generation").await;
    assert!(!stats.available.exact, "{stats:?}");
    assert!((20_000..28_000).contains(&stats.available.jobs), "{stats:?}");
    assert_eq!(stats.running, Amount { jobs: 2, exact: false });
    assert_eq!(stats.scheduled, exactly(1), "an index leads to these");
    let workers = stats::registered(&bed.db).await.unwrap();
    assert_eq!(workers[0].holding, Amount { jobs: 2, exact: false });
}

#[tokio::test]
async fn a_flood_of_ends_is_estimated_by_its_pace() {
    let bed = Bed::make().await;
    bed.execute(
        "INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts,
                                    attempts, deaths, kind, state, payload)
         SELECT gen_random_uuid(), at, at, at, at, 1, 0, 5, 0, 0, 'probe', 'completed', '{}'
         FROM (SELECT queue.now() - interval '59 s' * (1 - n / 20000.0) AS at FROM generate_series(1, 20000) AS n) AS times",
    )
    .await;
    let recent = of_kind(&bed, "probe").await.recent.unwrap();
    for pace in [recent.completed_last_minute, recent.completed_last_hour] {
        assert!(!pace.exact && pace.jobs > 5000, "{recent:?}");
    }
    assert!((17_000..23_000).contains(&recent.completed_last_minute.jobs), "{recent:?}");
}

#[tokio::test]
async fn limits_show_what_is_used_of_them() {
    let bed = Bed::make().await;
    let limit = |key: &str, max_running, rate: Option<(i32, i32)>| {
        let (rate_count, rate_seconds) = rate.unzip();
        Limit { kind: "probe".into(), limit_key: key.into(), max_running, rate_count, rate_seconds }
    };
    limits::set(&bed.db, &limit("", Some(3), None)).await.unwrap();
    limits::set(&bed.db, &limit(EACH, None, Some((10, 60)))).await.unwrap();
    limits::set(&bed.db, &limit("", Some(5), None)).await.unwrap();
    let uses = stats::limits_in_use(&bed.db).await.unwrap();
    assert_eq!(uses.len(), 2, "a limit takes the place of the one before");
    assert_eq!((uses[0].limit.max_running, uses[0].running, uses[0].startable), (Some(5), 0, None));
    assert_eq!((uses[1].limit.limit_key.as_str(), uses[1].startable), (EACH, Some(10.0)));
    bed.execute(
        "INSERT INTO queue.jobs (id, kind, payload, limit_key, limited)
         SELECT gen_random_uuid(), 'probe', '{}', CASE WHEN n < 3 THEN 'a' ELSE 'b' END, true FROM generate_series(1, 3) AS n",
    )
    .await;
    let uses = stats::limits_in_use(&bed.db).await.unwrap();
    assert_eq!((uses[0].running, uses[1].running), (3, 2), "of each key the one with most");
    limits::remove(&bed.db, "probe", EACH).await.unwrap();
    assert_eq!(limits::remove(&bed.db, "probe", EACH).await.unwrap_err().kind(), Kind::NotFound);
    assert_eq!(stats::limits_in_use(&bed.db).await.unwrap().len(), 1);
}
