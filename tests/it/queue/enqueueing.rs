//! Enqueueing: keys, order, time.

use chrono::{Duration as Span, Utc};
use repo_to_cat::db::pulse;
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::job::{NewJob, Start};
use repo_to_cat::model::unique::Unique;
use repo_to_cat::queue::enqueue::{enqueue, enqueue_all};
use tokio::task::JoinSet;

use super::bed::{Bed, plain_job};

fn keyed(key: &str) -> NewJob {
    NewJob { unique: Some(Unique::key(key)), ..plain_job() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_key_gives_one_job_however_many_ask() {
    let bed = Bed::make().await;
    let mut asking = JoinSet::new();
    for _ in 0..16 {
        let db = bed.db.clone();
        asking.spawn(async move { enqueue_all(&db, &[keyed("one")]).await.unwrap()[0] });
    }
    let answers = asking.join_all().await;
    assert!(answers.iter().all(|answer| answer.id == answers[0].id), "{answers:?}");
    assert_eq!(answers.iter().filter(|answer| answer.is_new).count(), 1);
    assert_eq!(bed.rows("queue.jobs").await, 1);
}

#[tokio::test]
async fn a_key_is_kept_on_completion_and_given_back_on_discard_and_cancel() {
    let bed = Bed::make().await;
    let worker = bed.worker().await;
    let completed = bed.enqueue(keyed("completed")).await;
    assert!(bed.complete(&bed.claim(worker).await).await);
    let again = enqueue_all(&bed.db, &[keyed("completed")]).await.unwrap()[0];
    assert!(again.id == completed && !again.is_new);

    let discarded = bed.enqueue(keyed("discarded")).await;
    assert!(bed.discard(&bed.claim(worker).await).await);
    let other = enqueue_all(&bed.db, &[keyed("discarded")]).await.unwrap()[0];
    assert!(other.id != discarded && other.is_new);
    let conflict = steer::one(&bed.db, Change::Retry, discarded).await.unwrap_err();
    assert_eq!(conflict.kind(), Kind::Conflict, "the key is another's now");
    assert_eq!(bed.state(discarded).await, "discarded", "and nothing was changed");

    steer::one(&bed.db, Change::Cancel, other.id).await.unwrap();
    steer::one(&bed.db, Change::Retry, discarded).await.unwrap();
    let holder = enqueue_all(&bed.db, &[keyed("discarded")]).await.unwrap()[0];
    assert!(holder.id == discarded && !holder.is_new, "a reopened job has its key again");
}

#[tokio::test]
async fn a_job_exists_when_its_transaction_commits_and_not_before() {
    let bed = Bed::make().await;
    let mut transaction = bed.db.pool().begin().await.unwrap();
    enqueue(&mut transaction, &keyed("k")).await.unwrap();
    assert_eq!(bed.rows("queue.jobs").await, 0);
    transaction.rollback().await.unwrap();
    assert_eq!(bed.rows("queue.jobs").await + bed.rows("queue.unique_keys").await, 0);
}

#[tokio::test]
async fn a_list_with_one_bad_job_enqueues_none() {
    let bed = Bed::make().await;
    let mut bad = plain_job();
    bad.priority = 101;
    let refused = enqueue_all(&bed.db, &[plain_job(), bad]).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Invalid);
    assert_eq!(bed.rows("queue.jobs").await, 0);
}

#[tokio::test]
async fn a_point_of_priority_is_worth_six_seconds_of_waiting() {
    let bed = Bed::make().await;
    let now = Utc::now();
    let mut ids = Vec::new();
    for (priority, seconds_ago) in [(0, 60), (0, 180), (11, 0), (-5, 3600), (5, 120), (9, 0)] {
        let start = Start::At(now - Span::seconds(seconds_ago));
        ids.push(bed.enqueue(NewJob { priority, start, ..plain_job() }).await);
    }
    let worker = bed.worker().await;
    let mut order = Vec::new();
    while let Some(job) = bed.claim_up_to(worker, 1).await.pop() {
        order.push(job.id);
    }
    assert_eq!(order, [3, 1, 4, 2, 0, 5].map(|index: usize| ids[index]));
}

#[tokio::test]
async fn a_scheduled_job_waits_for_its_time() {
    let bed = Bed::make().await;
    let mut later = plain_job();
    later.start = Start::At(Utc::now() + Span::hours(1));
    let id = bed.enqueue(later).await;
    let worker = bed.worker().await;
    assert_eq!(bed.state(id).await, "scheduled");
    let look = pulse::look(bed.db.pool()).await.unwrap();
    assert!(look.due_in.is_some_and(|next| (3000.0..=3600.0).contains(&next)), "{look:?}");
    assert_eq!(bed.pulse().await, (0, vec![]));
    assert!(bed.claim_up_to(worker, 1).await.is_empty());
    bed.execute("UPDATE queue.jobs SET run_at = queue.now(), due_at = queue.now()").await;
    assert_eq!(bed.pulse().await, (1, vec![]));
    assert_eq!(pulse::look(bed.db.pool()).await.unwrap().due_in, None);
    assert_eq!(bed.claim(worker).await.id, id);
}
