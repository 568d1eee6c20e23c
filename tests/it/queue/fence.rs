//! The fence: who lost a job changes nothing any more.

use std::time::Duration;

use repo_to_cat::db::{outcomes, steps};
use repo_to_cat::model::progress::Step;
use serde_json::json;

use super::bed::{Bed, REFUSED, plain_job, result};

#[tokio::test]
async fn every_late_outcome_is_refused_after_a_rescue() {
    let bed = Bed::make().await;
    let (job, worker) = bed.running().await;
    bed.lapse(worker).await;
    assert_eq!(bed.rescue(5).await, (1, 0));
    assert_eq!(bed.late_writes(&job).await, REFUSED);
    assert_eq!(bed.state(job.id).await, "available");
    assert_eq!(bed.rows("public.generations").await, 0);

    let other = bed.worker().await;
    let again = bed.claim(other).await;
    assert_eq!((again.id, again.claim), (job.id, 2));
    assert_eq!(bed.late_writes(&job).await, REFUSED, "it runs elsewhere");
    assert!(bed.complete(&again).await);
    assert_eq!(bed.late_writes(&job).await, REFUSED, "it is completed");
    assert_eq!(bed.late_writes(&again).await, REFUSED, "completed is for ever");
    assert_eq!((bed.rows("public.generations").await, bed.rows("queue.history").await), (1, 1));
}

#[tokio::test]
async fn an_earlier_claim_of_the_same_worker_is_refused() {
    let bed = Bed::make().await;
    let (first, worker) = bed.running().await;
    assert!(bed.hand_back(&first).await);
    let second = bed.claim(worker).await;
    assert_eq!((second.claim, second.attempts), (2, 0));
    assert_eq!(bed.late_writes(&first).await, REFUSED);
    assert!(bed.complete(&second).await);
}

#[tokio::test]
async fn a_checkpoint_of_another_claim_is_refused() {
    let bed = Bed::make().await;
    let (first, worker) = bed.running().await;
    assert!(steps::advance(&bed.db, &first, None, Some(Step::Fetch)).await.unwrap());
    assert!(bed.hand_back(&first).await);
    let second = bed.claim(worker).await;
    let late = json!("from the first claim");
    let done = steps::Done { step: Step::Fetch, took: Duration::ZERO, output: Some(&late) };
    assert!(!steps::advance(&bed.db, &first, Some(&done), Some(Step::Analyse)).await.unwrap());
    let rows = steps::of_job(&bed.db, first.id).await.unwrap();
    assert!(rows.len() == 1 && rows[0].output.is_none(), "{rows:?}");

    let own = json!("from the second claim");
    let done = steps::Done { step: Step::Fetch, took: Duration::ZERO, output: Some(&own) };
    assert!(steps::advance(&bed.db, &second, Some(&done), Some(Step::Analyse)).await.unwrap());
    let rows = steps::of_job(&bed.db, first.id).await.unwrap();
    assert!(rows.iter().any(|row| row.output.as_ref() == Some(&own)), "{rows:?}");
}

#[tokio::test]
async fn a_completion_has_its_row_its_history_and_no_rest() {
    let bed = Bed::make().await;
    let (job, _) = bed.running().await;
    assert!(steps::advance(&bed.db, &job, None, Some(Step::Fetch)).await.unwrap());
    assert!(bed.complete(&job).await);
    for (table, rows) in [("public.generations", 1), ("queue.history", 1), ("queue.jobs", 0), ("queue.steps", 0)] {
        assert_eq!(bed.rows(table).await, rows, "{table}");
    }
    let generation = repo_to_cat::db::generations::get(&bed.db, job.id).await.unwrap().unwrap();
    assert_eq!(generation.story.as_deref(), Some("A cat."));
    assert!(bed.is_completed_by(job.worker_id, &job).await);
}

#[tokio::test]
async fn of_a_group_only_the_own_jobs_are_completed() {
    let bed = Bed::make().await;
    for _ in 0..3 {
        bed.enqueue(plain_job()).await;
    }
    let worker = bed.worker().await;
    let claimed = bed.claim_up_to(worker, 3).await;
    assert!(bed.retry_later(&claimed[1], Duration::ZERO).await);
    let result = result();
    let group: Vec<_> = claimed.iter().map(|job| (job, &result)).collect();
    let mut done = outcomes::complete_generations(&mut bed.connection().await, worker, &group).await.unwrap();
    done.sort();
    assert_eq!(done, [claimed[0].id, claimed[2].id]);
    assert_eq!((bed.rows("public.generations").await, bed.rows("queue.history").await), (2, 2));
    assert_eq!(bed.state(claimed[1].id).await, "scheduled");
}
