//! Steering many jobs at once, while workers work.

use std::collections::HashSet;
use std::time::Duration;

use repo_to_cat::db::inspect::{self, Filter};
use repo_to_cat::db::outcomes::PutBack;
use repo_to_cat::db::steer::{self, Change, Refusal, Selection, Tally};
use repo_to_cat::db::{attempts, limits};
use repo_to_cat::model::job::{JobState, NewJob, Start};
use repo_to_cat::model::unique::Unique;
use sqlx::postgres::PgListener;
use uuid::Uuid;

use crate::queue::bed::{Bed, plain_job, probe};

fn filter(states: &[JobState]) -> Filter {
    Filter { states: states.to_vec(), ..Filter::default() }
}

async fn changed(bed: &Bed, change: Change) -> u64 {
    steer::by_filter(&bed.db, change, &filter(change.default_states())).await.unwrap().changed
}

#[tokio::test]
async fn a_running_job_that_is_discarded_is_lost_to_its_worker_who_is_told() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    let waiting = bed.enqueue(probe()).await;
    let mut told = PgListener::connect_with(&bed.gate.pool).await.unwrap();
    told.listen("queue_control").await.unwrap();
    assert_eq!(changed(&bed, Change::Discard).await, 2);
    assert_eq!(told.recv().await.unwrap().payload(), worker.to_string());
    assert!(!bed.complete(&job).await, "the late result is refused");
    assert_eq!((bed.state(job.id).await, bed.state(waiting).await), ("discarded".into(), "discarded".into()));
    let attempts = attempts::of_job(&bed.db, job.id).await.unwrap();
    assert_eq!((attempts[0].outcome.as_str(), attempts[0].worker.as_deref()), ("discarded", Some("test")));
    assert_eq!(attempts[0].error.as_deref(), Some("discarded by a person"));
}

#[tokio::test]
async fn retry_reopens_the_dead_and_frees_those_that_wait_for_their_time() {
    let bed = Bed::make().await;
    let (job, _) = bed.running().await;
    assert!(bed.discard(&job).await);
    let later = bed.enqueue(NewJob { start: Start::After(Duration::from_hours(1)), ..probe() }).await;
    assert_eq!(changed(&bed, Change::Retry).await, 1, "those that wait are not meant unless somebody says so");
    assert_eq!((bed.state(job.id).await, bed.state(later).await), ("available".into(), "scheduled".into()));
    let all = steer::by_id(&bed.db, Change::Retry, &[job.id, later], Change::Retry.states()).await.unwrap();
    assert_eq!(all.changed, [later]);
    assert_eq!(all.refused, [(job.id, Refusal::State(JobState::Available))]);
    let worker = bed.worker().await;
    let again = bed.claim_up_to(worker, 10).await;
    assert_eq!(again.len(), 2, "both are in line");
    let job = again.iter().find(|again| again.id == job.id).unwrap();
    assert_eq!((job.claim, job.attempts), (2, 0));
}

#[tokio::test]
async fn a_key_that_another_took_keeps_its_job_dead_and_no_other() {
    let bed = Bed::make().await;
    let keyed = |key: &str| NewJob { unique: Some(Unique::key(key)), ..plain_job() };
    let (taken, free) = (bed.enqueue(keyed("taken")).await, bed.enqueue(keyed("free")).await);
    assert_eq!(changed(&bed, Change::Discard).await, 2);
    bed.enqueue(keyed("taken")).await;
    let tally = steer::by_filter(&bed.db, Change::Retry, &filter(&[JobState::Discarded])).await.unwrap();
    assert_eq!(tally, Tally { changed: 1, key_in_use: 1, ..Tally::default() });
    assert_eq!((bed.state(taken).await, bed.state(free).await), ("discarded".into(), "available".into()));
    assert_eq!(bed.enqueue(keyed("free")).await, free, "a reopened job has its key again");
}

#[tokio::test]
async fn another_priority_is_another_place_in_line() {
    let bed = Bed::make().await;
    let (first, second) = (bed.enqueue(plain_job()).await, bed.enqueue(plain_job()).await);
    let later = bed.enqueue(NewJob { start: Start::After(Duration::from_hours(1)), ..plain_job() }).await;
    let change = Change::Reprioritize(50);
    let steered = steer::by_id(&bed.db, change, &[second, later, Uuid::nil()], change.states()).await.unwrap();
    assert_eq!(steered.changed, [second, later]);
    assert_eq!(steered.refused, [(Uuid::nil(), Refusal::Unknown)]);
    let worker = bed.worker().await;
    let order: Vec<Uuid> = bed.claim_up_to(worker, 10).await.iter().map(|job| job.id).collect();
    assert_eq!(order, [second, first]);
    assert_eq!(inspect::job(&bed.db, later).await.unwrap().priority, 50);
    let running = steer::by_id(&bed.db, change, &[first], change.states()).await.unwrap();
    assert_eq!(running.refused, [(first, Refusal::State(JobState::Running))]);
}

#[tokio::test]
async fn a_job_that_somebody_is_writing_is_waited_for_without_a_lock() {
    let bed = Bed::make().await;
    let (held, free) = (bed.enqueue(probe()).await, bed.enqueue(probe()).await);
    let mut writing = bed.gate.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM queue.jobs WHERE id = $1 FOR UPDATE").bind(held).execute(&mut *writing).await.unwrap();
    let steered = steer::by_id(&bed.db, Change::Cancel, &[held, free], Change::Cancel.states()).await.unwrap();
    assert_eq!((steered.changed, steered.refused), (vec![free], vec![(held, Refusal::Busy)]));
    writing.rollback().await.unwrap();
    let steered = steer::by_id(&bed.db, Change::Cancel, &[held], Change::Cancel.states()).await.unwrap();
    assert_eq!(steered.changed, [held]);
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_workers_every_job_ends_once() {
    const JOBS: usize = 3000;
    let bed = Bed::make().await;
    bed.execute(
        "INSERT INTO queue.jobs (id, kind, payload, lane)
         SELECT gen_random_uuid(), 'probe', '{}', queue.lane('probe', NULL, NULL) FROM generate_series(1, 3000)",
    )
    .await;
    let working = async {
        let worker = bed.worker().await;
        let mut completed = HashSet::new();
        loop {
            let claimed = bed.claim_up_to(worker, 100).await;
            if claimed.is_empty() {
                return completed;
            }
            for (n, job) in claimed.iter().enumerate() {
                if n % 10 == 0 {
                    bed.put_back(job, PutBack::HandBack).await;
                } else if bed.complete(job).await {
                    completed.insert(job.id);
                }
            }
        }
    };
    let cancel = filter(Change::Cancel.default_states());
    let (completed, cancelled) = tokio::join!(working, steer::by_filter(&bed.db, Change::Cancel, &cancel));
    let cancelled = cancelled.unwrap();
    assert_eq!(completed.len() as u64 + cancelled.changed, JOBS as u64, "{cancelled:?}");
    assert_eq!((bed.rows("queue.jobs").await, bed.rows("queue.history").await), (0, JOBS));
}

#[tokio::test]
async fn a_paused_kind_is_not_claimed_until_it_is_resumed() {
    let bed = Bed::make().await;
    bed.enqueue(probe()).await;
    let generation = bed.enqueue(plain_job()).await;
    let mut told = PgListener::connect_with(&bed.gate.pool).await.unwrap();
    told.listen("queue_control").await.unwrap();
    limits::pause(&bed.db, "probe", Some("why not")).await.unwrap();
    assert_eq!(told.recv().await.unwrap().payload(), "steered");
    let worker = bed.worker().await;
    assert_eq!(bed.claim(worker).await.id, generation);
    assert!(limits::resume(&bed.db, "probe").await.unwrap() && !limits::resume(&bed.db, "probe").await.unwrap());
    assert_eq!(bed.claim(worker).await.kind, "probe");
}

#[tokio::test]
async fn before_a_change_so_many_are_counted_and_no_more() {
    let bed = Bed::make().await;
    bed.execute(
        "INSERT INTO queue.history (id, created_at, run_at, finished_at, claims, priority, max_attempts, attempts, deaths,
                                    kind, state, payload)
         SELECT ('0000' || lpad(to_hex(n), 28, '0'))::uuid, at, at, at, 1, 0, 5, 1, 0, 'probe', 'discarded', '{\"like\": \"a cat\"}'
         FROM generate_series(1, 30005) AS n, queue.now() AS at",
    )
    .await;
    bed.execute("ANALYZE queue.history").await;
    let would = async |filter: Filter| {
        let selection = Selection::of(Change::Retry, Vec::new(), filter, true).unwrap();
        let done = selection.steer(&bed.db, Change::Retry, true).await.unwrap();
        (done.tally.changed, done.more)
    };
    // Of 3,000 jobs at once the errors are looked through.
    let text = |text: &str| Filter { text: Some(text.to_owned()), ..Filter::default() };
    assert_eq!(would(text("a cat")).await, (30_000, true));
    assert_eq!(would(text("a dog")).await, (0, true));
    assert_eq!(would(Filter::default()).await, (30_005, false));
}
