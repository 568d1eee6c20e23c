//! Old jobs go with all that belongs to them; young ones stay with all of it.

use std::time::Duration;

use repo_to_cat::config::{Retention, Scheduler};
use repo_to_cat::model::job::{JobKind, NewJob};
use repo_to_cat::model::unique::Unique;
use repo_to_cat::providers::pictures::Pictures;
use repo_to_cat::queue::enqueue::enqueue_all;
use repo_to_cat::schedule::upkeep::Upkeep;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::yard::{DEFAULTS, Yard};
use crate::support::cli::Shell;
use crate::support::gate::eventually;
use crate::support::postgres::temporary_folder;

const ALL: [i64; 5] = [1; 5];
const NOTHING: [i64; 5] = [0; 5];

#[tokio::test]
async fn each_state_is_kept_for_its_own_time() {
    let yard = Yard::make().await;
    // Whichever day it is, all weeks that are made as of then are over.
    for days in [240, 70] {
        yard.make_weeks_as_of(days).await;
    }
    let gone = [
        yard.finished("completed", 60).await,
        yard.finished("cancelled", 60).await,
        yard.finished("discarded", 230).await,
    ];
    let kept = [
        yard.finished("discarded", 60).await,
        yard.finished("completed", 20).await,
        yard.finished("cancelled", 1).await,
        yard.finished("discarded", 170).await,
    ];
    let pruned = yard.prune(&DEFAULTS).await;
    for id in gone {
        assert_eq!(yard.traces(id).await, NOTHING);
    }
    for id in kept {
        assert_eq!(yard.traces(id).await, ALL);
    }
    // Whole weeks, by dropping them: of completed jobs all ten that were made.
    let dropped: Vec<usize> = pruned.iter().map(|state| state.dropped.len()).collect();
    assert_eq!(dropped, [10, 5, 10], "{pruned:?}");
    assert!(pruned.iter().all(|state| state.rows == 0 && state.belongings == 4), "{pruned:?}");
    // Once more finds nothing.
    assert!(yard.prune(&DEFAULTS).await.iter().all(|state| !state.did_something()));
}

#[tokio::test]
async fn rows_of_no_week_are_deleted_one_by_one() {
    let yard = Yard::make().await;
    let (old, young) = (yard.finished("completed", 60).await, yard.finished("completed", 20).await);
    assert_eq!(yard.place(old).await, "queue.history_completed_default");
    assert_eq!(yard.place(young).await, "queue.history_completed_default");
    let pruned = yard.prune(&DEFAULTS).await;
    assert_eq!((yard.traces(old).await, yard.traces(young).await), (NOTHING, ALL));
    assert_eq!((pruned[0].rows, pruned[0].belongings), (1, 4));
}

#[tokio::test]
async fn many_rows_go_in_batches() {
    let yard = Yard::make().await;
    yard.run(
        "INSERT INTO queue.history (id, created_at, run_at, finished_at, claims, priority, max_attempts, attempts, deaths,
                                    kind, state, payload)
         SELECT gen_random_uuid(), at, at, at, 1, 0, 5, 0, 0, 'probe', 'completed', '{}'
         FROM generate_series(queue.now() - interval '90 days', queue.now() - interval '50 days', interval '4 minutes') AS at;
         INSERT INTO queue.attempts (job_id, claim, outcome) SELECT id, 1, 'retried' FROM queue.history;",
    )
    .await;
    let pruned = yard.prune(&DEFAULTS).await;
    assert_eq!((pruned[0].rows, pruned[0].belongings), (14_401, 14_401));
    assert_eq!(yard.run("DELETE FROM queue.history").await + yard.run("DELETE FROM queue.attempts").await, 0);
}

#[tokio::test]
async fn the_audit_log_goes_by_days() {
    let yard = Yard::make().await;
    yard.run(
        "INSERT INTO web.audit (at, who, via, action)
         SELECT queue.now() - n * interval '1 hour', 'cat', 'http', 'jobs.cancel' FROM generate_series(1, 20000) AS n",
    )
    .await;
    yard.prune(&Retention { audit_days: 0, ..DEFAULTS }).await;
    yard.prune(&DEFAULTS).await;
    let kept = yard.run("DELETE FROM web.audit WHERE at > queue.now() - interval '365 days'").await;
    assert_eq!((kept, yard.run("DELETE FROM web.audit").await), (365 * 24 - 1, 0));
}

#[tokio::test]
async fn nought_days_are_for_ever() {
    let yard = Yard::make().await;
    let old = yard.finished("completed", 10_000).await;
    let settings = Retention { completed_days: 0, discarded_days: 0, cancelled_days: 0, audit_days: 0 };
    assert!(yard.prune(&settings).await.is_empty());
    assert_eq!(yard.traces(old).await, ALL);
}

#[tokio::test]
async fn what_live_jobs_have_stays_and_windows_outlive_their_jobs() {
    let yard = Yard::make().await;
    let job = NewJob { unique: Some(Unique::key("live")), ..NewJob::new(JobKind::Probe, json!({})) };
    let live = enqueue_all(&yard.db, &[job]).await.unwrap()[0].id;
    yard.run(format!("INSERT INTO queue.attempts (job_id, claim, outcome) VALUES ('{live}', 1, 'retried')")).await;
    let (open, expired) = (yard.finished("completed", 60).await, yard.finished("completed", 1).await);
    yard.run(format!(
        "UPDATE queue.unique_keys SET expires_at = queue.now() + interval '1 hour' WHERE job_id = '{open}'"
    ))
    .await;
    yard.run(format!(
        "UPDATE queue.unique_keys SET expires_at = queue.now() - interval '1 s' WHERE job_id = '{expired}'"
    ))
    .await;
    yard.prune(&DEFAULTS).await;
    assert_eq!(yard.traces(live).await, [0, 1, 0, 1, 0]);
    assert_eq!(yard.traces(open).await, [0, 0, 0, 1, 0], "its key is in use until its window closes");
    assert_eq!(yard.traces(expired).await, [1, 1, 1, 0, 1], "its key is free");
}

#[tokio::test]
async fn a_long_transaction_delays_pruning_and_no_worker() {
    let yard = Yard::make().await;
    yard.make_weeks_as_of(70).await;
    let old = yard.finished("completed", 60).await;
    let mut dump = yard.pool.begin().await.unwrap();
    sqlx::query("SELECT count(*) FROM queue.history").execute(&mut *dump).await.unwrap();
    let pruned = yard.prune(&DEFAULTS).await;
    assert_eq!((pruned[0].dropped.len(), pruned[0].busy.len()), (0, 1), "{pruned:?}");
    // Nothing waits for the dump: jobs can go on to be finished.
    yard.finished("completed", 0).await;
    let told = Shell::on(&yard.url).fails(7, &["prune"]);
    assert!(told.contains("in use") && told.contains("try again"), "{told}");
    dump.rollback().await.unwrap();
    let pruned = yard.prune(&DEFAULTS).await;
    assert_eq!((pruned[0].dropped.len(), pruned[0].busy.len()), (5, 0), "{pruned:?}");
    assert_eq!(yard.traces(old).await, NOTHING);
}

#[tokio::test]
async fn one_process_prunes_at_a_time() {
    let yard = Yard::make().await;
    let old = yard.finished("completed", 60).await;
    // Whoever prunes holds this lock; it is found by what a held one looks like.
    let mut other = yard.pool.begin().await.unwrap();
    sqlx::query("SELECT pg_advisory_xact_lock(x'686973746f727921'::bigint)").execute(&mut *other).await.unwrap();
    let pruned = yard.prune(&DEFAULTS).await;
    assert!(pruned.iter().all(|state| state.elsewhere && !state.did_something()), "{pruned:?}");
    other.commit().await.unwrap();
    let settings = DEFAULTS;
    let all = tokio::join!(yard.prune(&settings), yard.prune(&settings), yard.prune(&settings));
    let rows: i64 = [all.0, all.1, all.2].iter().flatten().map(|state| state.rows).sum();
    // Whoever came to a piece that another had left it to that one; what is left comes with the next time.
    assert_eq!(rows + yard.prune(&DEFAULTS).await[0].rows, 1);
    assert_eq!(yard.traces(old).await, NOTHING);
}

#[tokio::test]
async fn by_hand_it_tells_first_and_does_then() {
    let yard = Yard::make().await;
    yard.make_weeks_as_of(70).await;
    let (old, loose) = (yard.finished("completed", 60).await, yard.finished("cancelled", 100).await);
    let shell = Shell::on(&yard.url);
    let told = shell.succeeds(&["prune", "--dry-run"]);
    assert!(told.contains("completed before") && told.contains("would drop 5 weeks"), "{told}");
    let would = shell.json(&["prune", "--dry-run"]);
    assert_eq!(would[0]["weeks"].as_array().unwrap().len(), 5, "{would}");
    assert_eq!(would[2]["rows"], 1, "{would}");
    assert_eq!((yard.traces(old).await, yard.traces(loose).await), (ALL, ALL));
    let told = shell.succeeds(&["prune"]);
    assert!(told.contains("dropped 5 weeks, deleted 0 jobs of no week, and 4 rows"), "{told}");
    assert!(told.contains("dropped 5 weeks, deleted 1 job of no week, and 4 rows"), "{told}");
    assert_eq!((yard.traces(old).await, yard.traces(loose).await), (NOTHING, NOTHING));
}

#[tokio::test]
async fn one_part_of_the_upkeep_that_fails_keeps_no_other_from_being_done() {
    let yard = Yard::make().await;
    let old = yard.finished("completed", 60).await;
    let last = "SELECT max(relname)::text FROM pg_class WHERE relname ~ '^history_cancelled_[0-9]{4}_w[0-9]{2}$'";
    let last: String = sqlx::query_scalar(last).fetch_one(&yard.pool).await.unwrap();
    // Making a week fails without the default partition.
    yard.run(format!("DROP TABLE queue.{last}, queue.history_cancelled_default")).await;
    let folder = temporary_folder();
    let upkeep = Upkeep {
        db: yard.db.clone(),
        pictures: Pictures::open(&folder.path().join("pictures")).unwrap(),
        work_folder: folder.path().join("work"),
        settings: Scheduler { sweep_seconds: 3600, sweep_grace_seconds: 86_400 },
        retention: DEFAULTS,
    };
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(upkeep.run(stop.clone()));
    eventually("the old job to go", async || yard.traces(old).await == NOTHING).await;
    stop.cancel();
    tokio::time::timeout(Duration::from_mins(1), keeping).await.unwrap().unwrap();
}
