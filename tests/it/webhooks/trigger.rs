//! The database makes the webhook with the end of its generation.

use chrono::{TimeDelta, Utc};
use repo_to_cat::db::{hold, inspect, outcomes, pulse};
use repo_to_cat::model::job::{JobKind, NewJob};
use repo_to_cat::model::webhook::Ended;
use repo_to_cat::queue::enqueue::enqueue_all;
use serde_json::json;
use sqlx::{Executor, Row};

use crate::queue::bed::{Bed, plain_job, result};

fn telling() -> NewJob {
    NewJob {
        payload: json!({"github_url": "https://github.com/cat/cat", "webhook_url": "https://Example.org:8/x"}),
        ..plain_job()
    }
}

async fn webhooks(bed: &Bed) -> Vec<inspect::JobRow> {
    let filter = inspect::Filter { kind: Some("webhook".to_owned()), ..inspect::Filter::default() };
    inspect::list(&bed.db, &filter, None, 1000).await.unwrap().jobs
}

#[tokio::test]
async fn of_a_drained_group_of_a_thousand_one_asked_to_be_told() {
    let bed = Bed::make().await;
    let mut jobs = vec![plain_job(); 1000];
    jobs[500] = telling();
    let ids = enqueue_all(&bed.db, &jobs).await.unwrap();
    let worker = bed.worker().await;
    let claimed = bed.claim_up_to(worker, 1000).await;
    let result = result();
    let done: Vec<_> = claimed.iter().map(|job| (job, &result)).collect();
    let ended = outcomes::complete_generations(&mut bed.connection().await, worker, &done).await.unwrap();
    assert_eq!(ended.len(), 1000);
    let webhooks = webhooks(&bed).await;
    assert_eq!(webhooks.len(), 1);
    let event: Ended = serde_json::from_value(webhooks[0].payload.clone()).unwrap();
    assert_eq!((event.generation_id, event.state.as_str()), (ids[500].id, "completed"));
    assert_eq!(
        (webhooks[0].limit_key.as_deref(), event.url.as_str()),
        (Some("example.org"), "https://Example.org:8/x")
    );
    assert_eq!(event.request, json!({"github_url": "https://github.com/cat/cat"}));
}

#[tokio::test]
async fn an_end_that_is_taken_back_tells_nothing_and_a_refused_one_neither() {
    let bed = Bed::make().await;
    bed.enqueue(telling()).await;
    let worker = bed.worker().await;
    let job = bed.claim(worker).await;
    {
        let mut transaction = bed.db.pool().begin().await.unwrap();
        let done = outcomes::complete_generations(&mut transaction, worker, &[(&job, &result())]).await.unwrap();
        assert_eq!(done.len(), 1);
        transaction.rollback().await.unwrap();
    }
    assert!(webhooks(&bed).await.is_empty());
    assert!(bed.complete(&job).await);
    assert!(!bed.complete(&job).await && !bed.discard(&job).await);
    assert_eq!(webhooks(&bed).await.len(), 1);
}

#[tokio::test]
async fn after_a_restore_webhooks_are_parked_with_the_rest() {
    let bed = Bed::make().await;
    bed.enqueue(telling()).await;
    let worker = bed.worker().await;
    assert!(bed.discard(&bed.claim(worker).await).await);
    bed.execute("SELECT queue.hold('restored from a test')").await;
    let webhook = webhooks(&bed).await.remove(0);
    assert_eq!(webhook.state, "parked");
    hold::release(&bed.db, false).await.unwrap();
    assert_eq!(bed.state(webhook.id).await, "available");
    assert_eq!(webhook.kind, JobKind::Webhook.name());
}

#[tokio::test]
async fn what_ends_in_a_restored_copy_before_somebody_says_go_is_not_told() {
    let bed = Bed::make().await;
    let late = NewJob { deadline: Some(Utc::now() + TimeDelta::hours(1)), ..telling() };
    enqueue_all(&bed.db, &[telling(), late]).await.unwrap();
    bed.execute("SELECT queue.hold('restored from a test')").await;
    bed.execute("UPDATE queue.jobs SET deadline = '2020-01-01' WHERE deadline IS NOT NULL").await;
    let after = bed.enqueue(telling()).await;
    assert_eq!(pulse::discard_expired(&bed.db).await.unwrap().len(), 1);
    assert_eq!(hold::release(&bed.db, true).await.unwrap().cancelled, 1);
    assert!(webhooks(&bed).await.is_empty(), "production tells how they end");
    assert_eq!(bed.state(after).await, "available", "what was asked for since is this copy's own");
    assert!(bed.discard(&bed.claim(bed.worker().await).await).await);
    assert_eq!(webhooks(&bed).await.len(), 1);
}

#[tokio::test]
async fn in_sql_who_asks_may_add_a_receiver_in_the_same_transaction() {
    let bed = Bed::make().await;
    let mut connection = bed.gate.pool.acquire().await.unwrap().detach();
    connection.execute("SET ROLE repo_to_cat_enqueuer").await.unwrap();
    let ask = "SELECT id, queue.add_webhook(id, 'https://example.org/hook'), queue.add_webhook(id, 'https://example.org/other')
               FROM queue.enqueue_generation('https://github.com/o/r')";
    let row = connection.fetch_one(ask).await.unwrap();
    assert_eq!((row.get::<bool, _>(1), row.get::<bool, _>(2)), (true, false), "another receiver takes no one's place");
    let id: uuid::Uuid = row.get(0);
    assert_eq!(inspect::job(&bed.db, id).await.unwrap().payload["webhook_url"], "https://example.org/hook");
    for wrong in ["'ftp://example.org'", "'https://u:p@example.org/'", "'https://a b/'", "NULL", "'https://'"] {
        let ask = format!("SELECT queue.add_webhook('{id}', {wrong})");
        let failed = connection.execute(sqlx::AssertSqlSafe(ask)).await.unwrap_err();
        assert_eq!(failed.into_database_error().unwrap().code().as_deref(), Some("RC003"), "{wrong}");
    }
    let worker = bed.worker().await;
    assert!(bed.complete(&bed.claim(worker).await).await);
    assert_eq!(webhooks(&bed).await.len(), 1);
}
