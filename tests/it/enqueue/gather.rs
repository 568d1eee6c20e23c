//! Jobs that callers bring one by one share transactions, and nothing else.

use std::collections::BTreeSet;

use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::job::{JobKind, NewJob};
use repo_to_cat::model::unique::Unique;
use repo_to_cat::queue::gather::Gathering;
use serde_json::json;
use tokio::task::JoinSet;

use crate::queue::bed::Bed;

fn probe(number: usize) -> NewJob {
    NewJob::new(JobKind::Probe, json!({ "n": number }))
}

/// Brings jobs at once, each by a caller of its own.
async fn bring(bed: &Bed, jobs: Vec<NewJob>) -> Vec<Result<uuid::Uuid, Kind>> {
    let gathering = Gathering::begin(bed.db.clone());
    let mut callers = JoinSet::new();
    for (at, job) in jobs.into_iter().enumerate() {
        let gathering = gathering.clone();
        callers.spawn(async move { (at, gathering.enqueue(job).await) });
    }
    let mut answers = callers.join_all().await;
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer.map(|job| job.id).map_err(|failure| failure.kind())).collect()
}

#[tokio::test]
async fn many_callers_share_few_transactions_and_each_gets_its_own_id() {
    let bed = Bed::make().await;
    let ids = bring(&bed, (0..1000).map(probe).collect()).await;
    let ids: Vec<_> = ids.into_iter().map(Result::unwrap).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 1000);
    let query = "SELECT count(*) FROM unnest($1::uuid[]) WITH ORDINALITY AS given (id, n)
                 JOIN queue.jobs AS job ON job.id = given.id AND (job.payload->>'n')::int = n - 1";
    let own: i64 = sqlx::query_scalar(query).bind(&ids).fetch_one(&bed.gate.pool).await.unwrap();
    assert_eq!(own, 1000, "each caller has the id of its own job");
    let shared: i64 = sqlx::query_scalar("SELECT count(DISTINCT xmin::text) FROM queue.jobs")
        .fetch_one(&bed.gate.pool)
        .await
        .unwrap();
    assert!(shared < 100, "1,000 jobs took {shared} transactions");
}

#[tokio::test]
async fn one_that_is_refused_takes_no_other_with_it() {
    let bed = Bed::make().await;
    // What no check of ours sees: the server refuses the character in JSON.
    let refused = NewJob::new(JobKind::Probe, json!({"text": "a\u{0}b"}));
    let mut jobs: Vec<NewJob> = (0..20).map(probe).collect();
    jobs.insert(7, refused);
    jobs.push(NewJob { priority: 101, ..probe(0) });
    let keyed = || NewJob { unique: Some(Unique::key("one")), ..probe(0) };
    jobs.extend([keyed(), keyed()]);
    let answers = bring(&bed, jobs).await;
    assert!(answers[7].is_err() && answers[21] == Err(Kind::Invalid), "{answers:?}");
    assert_eq!(answers[22], answers[23], "a key is kept");
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 22);
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM queue.jobs").fetch_one(&bed.gate.pool).await.unwrap();
    assert_eq!(jobs, 21);
}
