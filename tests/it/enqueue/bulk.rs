//! Many at once: in order, all or none, the same rows in whichever way they come.

use std::time::Duration;

use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::job::{JobKind, NewJob, Start};
use repo_to_cat::model::unique::Unique;
use repo_to_cat::queue::enqueue::{enqueue, enqueue_all, enqueue_copy};
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

use crate::queue::bed::Bed;

fn probe(number: i64) -> NewJob {
    NewJob::new(JobKind::Probe, json!({"n": number, "text": "\u{1f408} \" \\ \n"}))
}

/// One of each sort, again and again.
fn varied(number: i64) -> NewJob {
    let plain = probe(number);
    match number % 5 {
        0 => plain,
        1 => NewJob { priority: -9, tags: vec!["a".into(), "b, \"c\"".into()], ..plain },
        2 => NewJob { user_id: Some(Uuid::from_u128(7)), limit_key: Some("host".into()), max_attempts: 2, ..plain },
        3 => NewJob { start: Start::After(Duration::from_hours(2)), timeout_seconds: Some(9), ..plain },
        _ => NewJob {
            start: Start::At("2020-01-01T00:00:00Z".parse().unwrap()),
            deadline: Some("2099-01-01T00:00:00Z".parse().unwrap()),
            traceparent: Some(format!("00-{:032x}-{:016x}-01", 1, 1)),
            rerun_of: Some(Uuid::from_u128(9)),
            ..plain
        },
    }
}

/// What there is of the jobs, but for ids and the very time.
async fn rows(bed: &Bed) -> Vec<Value> {
    let query = "SELECT to_jsonb(job) - 'id' - 'created_at' - 'run_at' - 'rank' - 'due_at'
                   || jsonb_build_object('due', due_at IS NOT NULL, 'ranked', rank IS NOT NULL, 'old', run_at < '2021-01-01',
                        'behind', round(extract(epoch FROM run_at - rank) / 6), 'lane_is_right', lane = queue.lane(kind, limit_key, user_id))
                 FROM queue.jobs AS job ORDER BY id";
    sqlx::query_scalar(query).fetch_all(&bed.gate.pool).await.unwrap()
}

#[tokio::test]
async fn one_by_one_in_a_list_and_by_copy_give_the_same_rows_in_order() {
    let bed = Bed::make().await;
    let jobs: Vec<NewJob> = (0..500).map(varied).collect();
    let mut transaction = bed.gate.pool.begin().await.unwrap();
    let mut ids = Vec::new();
    for job in &jobs {
        ids.push(enqueue(&mut transaction, job).await.unwrap().id);
    }
    transaction.commit().await.unwrap();
    let singly = rows(&bed).await;
    assert!(singly.iter().zip(0..).all(|(row, number)| row["payload"]["n"] == number && row["lane_is_right"] == true));
    for chunk in [100, 500] {
        bed.execute("DELETE FROM queue.jobs").await;
        for jobs in jobs.chunks(chunk) {
            let enqueued = enqueue_all(&bed.db, jobs).await.unwrap();
            assert!(enqueued.iter().all(|job| job.is_new) && enqueued.is_sorted_by_key(|job| job.id));
        }
        assert_eq!(rows(&bed).await, singly, "{chunk} at once");
    }
    let places = "SELECT count(*) = count(DISTINCT rank) FROM queue.jobs WHERE rank > queue.now() - interval '1 hour'";
    assert!(
        sqlx::query(places).fetch_one(&bed.gate.pool).await.unwrap().get::<bool, _>(0),
        "none share a place in line"
    );
}

#[tokio::test]
async fn a_copy_is_part_of_the_callers_transaction_and_all_or_none() {
    let bed = Bed::make().await;
    let mut transaction = bed.gate.pool.begin().await.unwrap();
    assert_eq!(enqueue_copy(&mut transaction, (0..25_000).map(probe)).await.unwrap().len(), 25_000);
    let keyed = |number| NewJob { unique: (number == 15_000).then(|| Unique::key("k")), ..probe(number) };
    let refused = enqueue_copy(&mut transaction, (0..20_000).map(keyed)).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    let count = "SELECT count(*) FROM queue.jobs";
    let there: i64 = sqlx::query_scalar(count).fetch_one(&mut *transaction).await.unwrap();
    assert_eq!(there, 25_000, "what went before is still there, and nothing of what was refused");
    transaction.rollback().await.unwrap();
    assert_eq!(bed.rows("queue.jobs").await, 0);
}

#[tokio::test]
async fn a_batch_in_sql_keeps_its_order_its_places_and_its_keys() {
    let bed = Bed::make().await;
    let batch = "SELECT * FROM queue.enqueue_jobs('probe',
                   (SELECT array_agg(jsonb_build_object('n', n) ORDER BY n) FROM generate_series(0, 2999) AS n),
                   priorities => (SELECT array_agg(CASE WHEN n % 2 = 0 THEN NULL ELSE 3 END ORDER BY n) FROM generate_series(0, 2999) AS n))";
    let ids: Vec<Uuid> =
        sqlx::query(batch).fetch_all(&bed.gate.pool).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert!(ids.is_sorted() && ids.iter().all(|id| id.get_version_num() == 7));
    let check =
        "SELECT count(DISTINCT rank) = 3000 AND bool_and((payload ->> 'n')::int = n) AND count(DISTINCT lane) = 1
                 FROM (SELECT *, row_number() OVER (ORDER BY id) - 1 AS n FROM queue.jobs) AS job";
    assert!(sqlx::query(check).fetch_one(&bed.gate.pool).await.unwrap().get::<bool, _>(0));
    let keyed = "SELECT is_new FROM queue.enqueue_jobs('probe', ARRAY['1', '2', '3', '4']::jsonb[],
                   unique_keys => ARRAY['b', 'a', NULL, 'b'])";
    let new: Vec<bool> = sqlx::query_scalar(keyed).fetch_all(&bed.gate.pool).await.unwrap();
    assert_eq!(new, [true, true, true, false]);
    for bad in ["priorities => ARRAY[1, 2]", "priorities => ARRAY[-101]"] {
        let sql = format!("SELECT queue.enqueue_jobs('probe', ARRAY['1']::jsonb[], {bad})");
        let raised = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&bed.gate.pool).await.unwrap_err();
        assert_eq!(raised.into_database_error().unwrap().code().as_deref(), Some("RC003"), "{bad}");
    }
}
