//! Unique keys: scope, window, what becomes of who asks, and many who ask at once.

use std::time::Duration;

use chrono::{DateTime, Utc};
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::job::{Enqueued, NewJob, Start};
use repo_to_cat::model::unique::{OnConflict, Scope, Unique};
use repo_to_cat::queue::enqueue::enqueue_all;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::queue::bed::{Bed, plain_job};

fn with(unique: Unique) -> NewJob {
    NewJob { unique: Some(unique), ..plain_job() }
}

fn open(on_conflict: OnConflict) -> Unique {
    Unique { scope: Scope::Open, on_conflict, ..Unique::key("k") }
}

async fn ask(bed: &Bed, job: &NewJob) -> Enqueued {
    enqueue_all(&bed.db, std::slice::from_ref(job)).await.unwrap()[0]
}

async fn payload(bed: &Bed, id: Uuid) -> Value {
    sqlx::query_scalar("SELECT payload FROM queue.jobs WHERE id = $1").bind(id).fetch_one(&bed.gate.pool).await.unwrap()
}

#[tokio::test]
async fn an_open_key_is_given_back_at_any_end_and_a_kept_one_on_failure_only() {
    let bed = Bed::make().await;
    let worker = bed.worker().await;
    for scope in Scope::ALL {
        let job = with(Unique { scope, ..Unique::key(scope.name()) });
        let first = ask(&bed, &job).await;
        assert!(first.is_new && ask(&bed, &job).await == Enqueued { id: first.id, is_new: false });
        assert!(bed.complete(&bed.claim(worker).await).await);
        assert_eq!(ask(&bed, &job).await.is_new, scope == Scope::Open);
        bed.execute("DELETE FROM queue.jobs").await;
    }
}

#[tokio::test]
async fn a_reopened_job_holds_its_key_as_it_did() {
    let bed = Bed::make().await;
    let worker = bed.worker().await;
    for scope in Scope::ALL {
        let job = with(Unique { scope, window: Some(Duration::from_hours(1)), ..Unique::key(scope.name()) });
        let id = ask(&bed, &job).await.id;
        let window = "SELECT expires_at FROM queue.unique_keys";
        let was: DateTime<Utc> = sqlx::query_scalar(window).fetch_one(&bed.gate.pool).await.unwrap();
        for again in 0..3 {
            match again {
                0 => steer::one(&bed.db, Change::Cancel, id).await.unwrap(),
                1 => assert!(bed.discard(&bed.claim(worker).await).await),
                _ => steer::one(&bed.db, Change::Discard, id).await.unwrap(),
            }
            assert_eq!((bed.rows("queue.unique_keys").await, bed.rows("queue.returned_keys").await), (0, 1));
            steer::one(&bed.db, Change::Retry, id).await.unwrap();
            assert_eq!((bed.rows("queue.unique_keys").await, bed.rows("queue.returned_keys").await), (1, 0));
            let is: DateTime<Utc> = sqlx::query_scalar(window).fetch_one(&bed.gate.pool).await.unwrap();
            assert_eq!(is, was);
        }
        assert!(bed.complete(&bed.claim(worker).await).await);
        assert_eq!(ask(&bed, &job).await.is_new, scope == Scope::Open);
        for table in ["DELETE FROM queue.jobs", "DELETE FROM queue.unique_keys"] {
            bed.execute(table).await;
        }
    }
}

#[tokio::test]
async fn a_key_whose_window_is_over_keeps_nobody_from_being_reopened() {
    let bed = Bed::make().await;
    let job = with(Unique { window: Some(Duration::from_hours(1)), ..Unique::key("k") });
    let first = ask(&bed, &job).await;
    steer::one(&bed.db, Change::Cancel, first.id).await.unwrap();
    let second = ask(&bed, &job).await;
    assert!(second.is_new);
    assert_eq!(steer::one(&bed.db, Change::Retry, first.id).await.unwrap_err().kind(), Kind::Conflict);
    bed.execute("UPDATE queue.unique_keys SET expires_at = queue.now()").await;
    steer::one(&bed.db, Change::Retry, first.id).await.unwrap();
    assert_eq!(ask(&bed, &job).await, Enqueued { id: first.id, is_new: false });
}

#[tokio::test]
async fn a_window_ends_whatever_became_of_the_job() {
    let bed = Bed::make().await;
    let job = with(Unique { window: Some(Duration::from_hours(1)), ..Unique::key("k") });
    let first = ask(&bed, &job).await;
    assert!(!ask(&bed, &job).await.is_new);
    bed.execute("UPDATE queue.unique_keys SET expires_at = queue.now()").await;
    let second = ask(&bed, &job).await;
    assert!(second.is_new && second.id != first.id);
    steer::one(&bed.db, Change::Cancel, first.id).await.unwrap();
    assert_eq!(
        ask(&bed, &job).await,
        Enqueued { id: second.id, is_new: false },
        "the end of the first gives nothing back"
    );
}

#[tokio::test]
async fn what_waits_is_replaced_and_rescheduled() {
    let bed = Bed::make().await;
    let later = Start::After(Duration::from_hours(1));
    let first = ask(&bed, &NewJob { start: later, ..with(open(OnConflict::Keep)) }).await;
    let second =
        NewJob { payload: json!({"n": 2}), priority: 7, tags: vec!["x".into()], ..with(open(OnConflict::Keep)) };
    assert_eq!(ask(&bed, &second).await, Enqueued { id: first.id, is_new: false });
    assert_ne!(payload(&bed, first.id).await, json!({"n": 2}));

    let replace = NewJob { unique: Some(open(OnConflict::Replace)), ..second };
    assert_eq!(ask(&bed, &replace).await, Enqueued { id: first.id, is_new: false });
    assert_eq!((payload(&bed, first.id).await, bed.state(first.id).await.as_str()), (json!({"n": 2}), "scheduled"));

    let reschedule = NewJob { unique: Some(open(OnConflict::Reschedule)), payload: json!({"n": 3}), ..replace };
    assert_eq!(ask(&bed, &reschedule).await, Enqueued { id: first.id, is_new: false });
    assert_eq!((payload(&bed, first.id).await, bed.state(first.id).await.as_str()), (json!({"n": 3}), "available"));
    let postponed = NewJob { start: later, ..reschedule };
    ask(&bed, &postponed).await;
    assert_eq!(bed.state(first.id).await, "scheduled");
    assert_eq!(bed.rows("queue.jobs").await, 1);
}

#[tokio::test]
async fn what_started_is_left_alone_and_an_open_key_goes_to_a_follower() {
    let bed = Bed::make().await;
    let worker = bed.worker().await;
    let first = ask(&bed, &with(open(OnConflict::Replace))).await;
    let running = bed.claim(worker).await;
    assert!(!ask(&bed, &with(open(OnConflict::Keep))).await.is_new);
    let follower = ask(&bed, &with(open(OnConflict::Replace))).await;
    assert!(follower.is_new && follower.id != first.id, "its change would be lost on a job that has started");
    assert!(bed.complete(&running).await);
    assert_eq!(ask(&bed, &with(open(OnConflict::Keep))).await.id, follower.id);

    let kept = |on_conflict| with(Unique { on_conflict, ..Unique::key("kept") });
    bed.execute("DELETE FROM queue.jobs").await;
    let first = ask(&bed, &kept(OnConflict::Replace)).await;
    let running = bed.claim(worker).await;
    assert_eq!(ask(&bed, &kept(OnConflict::Replace)).await, Enqueued { id: first.id, is_new: false });
    assert!(bed.complete(&running).await);
    assert_eq!(ask(&bed, &kept(OnConflict::Reschedule)).await, Enqueued { id: first.id, is_new: false });
}

#[tokio::test]
async fn a_key_that_stands_for_a_request_is_refused_to_another() {
    let bed = Bed::make().await;
    let request = |print: &str| with(Unique { fingerprint: Some(print.into()), ..Unique::key("k") });
    let first = ask(&bed, &request("a")).await;
    assert_eq!(ask(&bed, &request("a")).await, Enqueued { id: first.id, is_new: false });
    let refused = enqueue_all(&bed.db, &[request("b")]).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Conflict, "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn however_many_ask_in_whatever_way_there_is_one_job() {
    let bed = Bed::make().await;
    let mut asking = JoinSet::new();
    for number in 0..24 {
        let (db, on_conflict) = (bed.db.clone(), OnConflict::ALL[number % 3]);
        asking.spawn(async move {
            let lists = [with(open(on_conflict)), with(Unique { on_conflict, ..Unique::key("other") })];
            enqueue_all(&db, &lists).await.unwrap()
        });
    }
    let answers = asking.join_all().await;
    for at in 0..2 {
        assert!(answers.iter().all(|answer| answer[at].id == answers[0][at].id));
        assert_eq!(answers.iter().filter(|answer| answer[at].is_new).count(), 1);
    }
    assert_eq!(bed.rows("queue.jobs").await, 2);
}
