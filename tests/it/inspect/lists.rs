//! Lists: filters, pages, and how far back a page looks.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use repo_to_cat::db::inspect::{self, Filter, REACH};
use repo_to_cat::db::outcomes::PutBack;
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::model::job::{JobState, NewJob, Start};
use serde_json::json;
use uuid::Uuid;

use crate::queue::bed::{Bed, plain_job, probe};

async fn found(bed: &Bed, filter: &Filter) -> Vec<Uuid> {
    let page = inspect::list(&bed.db, filter, None, 1000).await.unwrap();
    assert_eq!((page.next, page.looked_back_to), (None, None), "{filter:?}");
    assert_eq!(inspect::count(&bed.db, filter, None).await.unwrap().jobs, page.jobs.len() as u64, "{filter:?}");
    page.jobs.iter().map(|job| job.id).collect()
}

fn in_state(state: JobState) -> Filter {
    Filter { states: vec![state], ..Filter::default() }
}

#[tokio::test]
async fn each_filter_lets_in_what_it_names() {
    let bed = Bed::make().await;
    let user = Uuid::now_v7();
    let tagged = bed.enqueue(NewJob { tags: vec!["nightly".into(), "b".into()], ..probe() }).await;
    let of_user = bed.enqueue(NewJob { user_id: Some(user), ..plain_job() }).await;
    let worded =
        bed.enqueue(NewJob { payload: json!({"github_url": "https://github.com/Some/Where"}), ..plain_job() }).await;
    let later = bed.enqueue(NewJob { start: Start::After(Duration::from_hours(1)), ..probe() }).await;
    let parked = bed.enqueue(NewJob { priority: 100, ..probe() }).await;
    let worker = bed.worker().await;
    let claimed = bed.claim_up_to(worker, 100).await;
    let of = |id| claimed.iter().find(|job| job.id == id).unwrap();
    assert!(bed.put_back(of(parked), PutBack::Park("no Budget left")).await);
    assert!(bed.discard(of(tagged)).await);
    assert!(bed.complete(of(of_user)).await);

    let any = Filter::default();
    assert_eq!(found(&bed, &any).await, [parked, later, worded, of_user, tagged], "the last enqueued first");
    assert_eq!(found(&bed, &in_state(JobState::Scheduled)).await, [later]);
    assert_eq!(found(&bed, &in_state(JobState::Parked)).await, [parked]);
    assert_eq!(found(&bed, &in_state(JobState::Running)).await, [worded]);
    assert_eq!(found(&bed, &in_state(JobState::Discarded)).await, [tagged]);
    assert_eq!(found(&bed, &in_state(JobState::Completed)).await, [of_user]);
    assert!(found(&bed, &in_state(JobState::Cancelled)).await.is_empty());
    let mixed = Filter { states: vec![JobState::Running, JobState::Discarded], ..any.clone() };
    assert_eq!(found(&bed, &mixed).await, [worded, tagged]);
    assert_eq!(found(&bed, &Filter { kind: Some("generation".into()), ..any.clone() }).await, [worded, of_user]);
    assert_eq!(found(&bed, &Filter { user: Some(user), ..any.clone() }).await, [of_user]);
    assert_eq!(found(&bed, &Filter { tag: Some("nightly".into()), ..any.clone() }).await, [tagged]);
    let text = |text: &str| Filter { text: Some(text.into()), ..Filter::default() };
    assert_eq!(found(&bed, &text("some/where")).await, [worded], "in any case of letters");
    assert_eq!(found(&bed, &text("no such repository")).await, [tagged], "in an error");
    assert_eq!(found(&bed, &text("budget")).await, [parked], "in why it is parked");
    assert!(found(&bed, &text("%")).await.is_empty(), "text is no pattern");
}

#[tokio::test]
async fn times_are_those_of_ids_and_durations_those_of_the_last_attempt() {
    let bed = Bed::make().await;
    let (first, worker) = bed.running().await;
    assert!(bed.complete(&first).await);
    bed.execute("UPDATE queue.history SET started_at = finished_at - interval '90 seconds'").await;
    let waiting = bed.enqueue(probe()).await;

    let age = |seconds| Some(Utc::now() + TimeDelta::seconds(seconds));
    let any = Filter::default();
    assert_eq!(found(&bed, &Filter { since: age(-3600), ..any.clone() }).await, [waiting, first.id]);
    assert!(found(&bed, &Filter { since: age(3600), ..any.clone() }).await.is_empty());
    assert!(found(&bed, &Filter { until: age(-3600), ..any.clone() }).await.is_empty());
    let longer = |seconds| Filter { longer_than: Some(Duration::from_secs(seconds)), ..Filter::default() };
    let shorter = |seconds| Filter { shorter_than: Some(Duration::from_secs(seconds)), ..Filter::default() };
    assert_eq!(found(&bed, &longer(80)).await, [first.id]);
    assert!(found(&bed, &longer(100)).await.is_empty());
    assert_eq!(found(&bed, &shorter(100)).await, [first.id], "one that never ran has no duration");
    let job = inspect::job(&bed.db, first.id).await.unwrap();
    assert_eq!((job.ran_seconds, job.worker_id, job.worker.as_deref()), (Some(90.0), Some(worker), Some("test")));
}

#[tokio::test]
async fn what_ended_is_found_by_when_and_what_failed_by_its_last_error() {
    let bed = Bed::make().await;
    let worker = bed.worker().await;
    let [old, new, other] = [bed.enqueue(probe()).await, bed.enqueue(probe()).await, bed.enqueue(probe()).await];
    let claimed = bed.claim_up_to(worker, 3).await;
    let of = |id| claimed.iter().find(|job| job.id == id).unwrap();
    assert!(bed.complete(of(old)).await && bed.discard(of(new)).await && bed.discard(of(other)).await);
    bed.execute("UPDATE queue.history SET finished_at = finished_at - interval '8 minutes' WHERE state = 'completed'")
        .await;
    let later =
        "INSERT INTO queue.attempts (job_id, claim, outcome, error_class) VALUES ($1, 9, 'discarded', 'throttled')";
    sqlx::query(later).bind(other).execute(&bed.gate.pool).await.unwrap();
    let untold = bed.enqueue(probe()).await;
    steer::one(&bed.db, Change::Discard, untold).await.unwrap();
    let running = bed.enqueue(probe()).await;
    assert_eq!(bed.claim(worker).await.id, running);

    let ended = |minutes| Filter { ended_since: Some(Utc::now() - TimeDelta::minutes(minutes)), ..Filter::default() };
    assert_eq!(found(&bed, &ended(1)).await, [untold, other, new], "what runs has not ended");
    // Of the week that is looked at, what ended before is left out.
    assert_eq!(found(&bed, &ended(7)).await, [untold, other, new]);
    assert_eq!(found(&bed, &ended(9)).await, [untold, other, new, old]);
    assert!(found(&bed, &Filter { states: vec![JobState::Running], ..ended(9) }).await.is_empty());
    assert_eq!(found(&bed, &Filter { states: vec![JobState::Completed], ..ended(9) }).await, [old]);

    let class = |name: &str| Filter { error_class: Some(name.parse().unwrap()), ..Filter::default() };
    assert_eq!(found(&bed, &class("not_found")).await, [new]);
    assert_eq!(found(&bed, &class("throttled")).await, [other], "the last counts");
    assert_eq!(found(&bed, &class("none")).await, [untold]);
    assert!(found(&bed, &class("expired")).await.is_empty());
}

#[tokio::test]
async fn pages_hold_every_job_once_and_end() {
    let bed = Bed::make().await;
    for n in 0..7 {
        bed.enqueue(if n % 2 == 0 { probe() } else { plain_job() }).await;
    }
    let worker = bed.worker().await;
    for job in bed.claim_up_to(worker, 2).await {
        assert!(bed.complete(&job).await);
    }
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = inspect::list(&bed.db, &Filter::default(), after, 2).await.unwrap();
        assert!(page.jobs.len() <= 2 && page.looked_back_to.is_none());
        seen.extend(page.jobs.iter().map(|job| job.id));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|earlier, later| earlier > later), "{seen:?}");
}

#[tokio::test]
async fn a_page_that_finds_nothing_says_how_far_it_looked_and_the_next_goes_on() {
    let bed = Bed::make().await;
    let needle = bed.enqueue(NewJob { tags: vec!["needle".into()], ..probe() }).await;
    bed.execute(
        "INSERT INTO queue.jobs (id, kind, payload, created_at)
         SELECT ('ffff' || lpad(to_hex(n), 28, '0'))::uuid, 'probe', '{}', timestamptz '2026-01-01' + n * interval '1 s'
         FROM generate_series(1, 10005) AS n",
    )
    .await;
    bed.execute("ANALYZE queue.jobs").await;
    let filter = Filter { tag: Some("needle".into()), ..Filter::default() };
    let page = inspect::list(&bed.db, &filter, None, 10).await.unwrap();
    let edge: Uuid = format!("ffff{:028x}", 10_005 - REACH + 1).parse().unwrap();
    assert_eq!((page.jobs.len(), page.next), (0, Some(edge)));
    assert_eq!(page.looked_back_to.unwrap().to_rfc3339(), "2026-01-01T00:00:06+00:00");
    assert_eq!(inspect::count(&bed.db, &filter, None).await.unwrap().next, Some(edge));
    let page = inspect::list(&bed.db, &filter, page.next, 10).await.unwrap();
    assert_eq!((page.jobs[0].id, page.next, page.looked_back_to), (needle, None, None));
}
