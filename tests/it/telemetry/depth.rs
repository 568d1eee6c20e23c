//! How much there is in the queue: exact while it is small, estimated from a bounded sample when it is large.

use repo_to_cat::db::depth;

use super::Database;

async fn execute(database: &Database, statement: &'static str) {
    sqlx::query(statement).execute(&database.pool).await.unwrap();
}

#[tokio::test]
async fn a_small_queue_is_counted() {
    let database = Database::make().await;
    let empty = depth::look(&database.db).await.unwrap();
    assert_eq!((empty.jobs.as_slice(), empty.sampled, empty.workers), ([].as_slice(), 1.0, 0));

    execute(
        &database,
        "INSERT INTO queue.jobs (id, kind, state, run_at, payload)
         SELECT gen_random_uuid(), kind, state, queue.now() + at, '{}' FROM (VALUES
           ('generation', 'available', interval '-2 hours'), ('generation', 'available', '-1 hour'),
           ('generation', 'scheduled', '1 hour'), ('backup', 'available', '-3 hours'), ('backup', 'parked', '-4 hours')
         ) AS job (kind, state, at)",
    )
    .await;
    execute(
        &database,
        "INSERT INTO queue.workers (id, name, lease_until)
         VALUES (gen_random_uuid(), 'alive', queue.now() + interval '1 hour'), (gen_random_uuid(), 'dead', queue.now())",
    )
    .await;

    let depth = depth::look(&database.db).await.unwrap();
    assert_eq!((depth.sampled, depth.workers), (1.0, 1));
    let hours = |seconds: Option<f64>| seconds.map(|seconds| (seconds / 3600.0).floor());
    let told: Vec<_> = depth
        .jobs
        .iter()
        .map(|standing| (&*standing.kind, &*standing.state, standing.jobs, hours(standing.oldest_seconds)))
        .collect();
    let expected = [
        ("backup", "available", 1.0, Some(3.0)),
        ("backup", "parked", 1.0, None),
        ("generation", "available", 2.0, Some(2.0)),
        ("generation", "scheduled", 1.0, None),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_large_queue_is_estimated_from_a_part_of_it() {
    let database = Database::make().await;
    execute(
        &database,
        "INSERT INTO queue.jobs (id, kind, state, payload)
         SELECT gen_random_uuid(), 'generation', CASE WHEN n % 4 = 0 THEN 'parked' ELSE 'available' END,
                jsonb_build_object('filler', repeat('x', 200)) FROM generate_series(1, 100000) AS n",
    )
    .await;
    let size: i64 =
        sqlx::query_scalar("SELECT pg_relation_size('queue.jobs')").fetch_one(&database.pool).await.unwrap();
    let depth = depth::look(&database.db).await.unwrap();
    // 1,000 pages of 8 KB, however large the table.
    assert!((depth.sampled - 8_192_000.0 / size as f64).abs() < 1e-9, "{} of {size}", depth.sampled);
    assert!(depth.sampled < 0.5, "{}", depth.sampled);
    for standing in &depth.jobs {
        let truth = if standing.state == "parked" { 25_000.0 } else { 75_000.0 };
        // Many times the deviation that chance gives to a sample of a thousand pages.
        assert!((standing.jobs / truth - 1.0).abs() < 0.25, "{standing:?}");
    }
    assert_eq!(depth.jobs.len(), 2);
}
