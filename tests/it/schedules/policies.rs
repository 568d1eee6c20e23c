//! What becomes of slots that were missed, that overlap, and that no job can be made for.

use repo_to_cat::db::schedules;
use repo_to_cat::db::steer::{self, Change};
use repo_to_cat::model::schedule::Patch;
use repo_to_cat::schedule::edit;
use repo_to_cat::schedule::firing::Firing;
use serde_json::json;

use super::bed::{Bed, add, outcomes, slots, utc};

/// A host after a night on which none ran, with an hourly schedule for each way to go on.
async fn after_a_night(bed: &Bed, now: &str) -> Firing {
    let host = bed.set_clock("2027-06-01T00:30:00Z").await;
    for missed in ["skip", "once", "all"] {
        let fields = json!({"cron": "0 * * * *", "missed": missed, "missed_limit": 3, "overlap": "queue"});
        add(&host, missed, &fields).await;
    }
    bed.set_clock(now).await
}

#[tokio::test]
async fn missed_slots_are_skipped_run_once_or_run_all() {
    let bed = Bed::make();
    let host = after_a_night(&bed, "2027-06-01T05:20:00Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 4);
    let skipped = ["01:00 missed", "02:00 missed", "03:00 missed", "04:00 missed", "05:00 missed"];
    assert_eq!(outcomes(&host, "skip").await, skipped);
    let once = ["01:00 missed", "02:00 missed", "03:00 missed", "04:00 missed", "05:00 enqueued"];
    assert_eq!(outcomes(&host, "once").await, once);
    let all = ["01:00 missed", "02:00 missed", "03:00 enqueued", "04:00 enqueued", "05:00 enqueued"];
    assert_eq!(outcomes(&host, "all").await, all);
    for name in ["skip", "once", "all"] {
        let next = schedules::get(&host.db, name).await.unwrap().next_at;
        assert_eq!(next, Some(utc("2027-06-01T06:00:00Z")), "{name}");
    }
}

#[tokio::test]
async fn a_slot_that_is_a_moment_late_was_not_missed() {
    let bed = Bed::make();
    let host = after_a_night(&bed, "2027-06-01T01:00:01Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 3);
    for name in ["skip", "once", "all"] {
        assert_eq!(outcomes(&host, name).await, ["01:00 enqueued"]);
    }
}

#[tokio::test]
async fn a_slot_is_skipped_while_an_earlier_job_lives_or_queued() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T00:30:00Z").await;
    for overlap in ["skip", "queue"] {
        add(&host, overlap, &json!({"cron": "0 * * * *", "overlap": overlap})).await;
    }
    bed.set_clock("2027-06-01T01:00:05Z").await.fire_due().await.unwrap();
    bed.set_clock("2027-06-01T02:00:05Z").await.fire_due().await.unwrap();
    bed.set_clock("2027-06-01T03:00:05Z").await.fire_due().await.unwrap();
    assert_eq!(outcomes(&host, "skip").await, ["01:00 enqueued", "02:00 skipped", "03:00 skipped"]);
    assert_eq!(outcomes(&host, "queue").await, ["01:00 enqueued", "02:00 enqueued", "03:00 enqueued"]);
    let first = slots(&host, "skip").await[0].job_id.unwrap();
    steer::one(&host.db, Change::Cancel, first).await.unwrap();
    let host = bed.set_clock("2027-06-01T04:00:05Z").await;
    host.fire_due().await.unwrap();
    assert_eq!(outcomes(&host, "skip").await[3], "04:00 enqueued");
    assert_eq!(slots(&host, "skip").await[0].job_state.as_deref(), Some("cancelled"));
}

#[tokio::test]
async fn what_comes_while_paused_is_not_made_up_for() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T00:30:00Z").await;
    add(&host, "hourly", &json!({"cron": "0 * * * *"})).await;
    edit::pause(&host.db, "hourly").await.unwrap();
    let host = bed.set_clock("2027-06-01T05:20:00Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 0);
    edit::resume(&host.db, "hourly").await.unwrap();
    assert_eq!(host.fire_due().await.unwrap(), 0);
    let host = bed.set_clock("2027-06-01T06:00:05Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 1);
    assert_eq!(outcomes(&host, "hourly").await, ["06:00 enqueued"]);
}

#[tokio::test]
async fn a_job_run_by_hand_disturbs_no_slot() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T00:30:00Z").await;
    add(&host, "hourly", &json!({"cron": "0 * * * *"})).await;
    let before = schedules::get(&host.db, "hourly").await.unwrap();
    assert!(edit::run_now(&host.db, "hourly", &host.config).await.unwrap().is_new);
    assert_eq!(schedules::get(&host.db, "hourly").await.unwrap(), before);
    let host = bed.set_clock("2027-06-01T01:00:05Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 1);
    assert_eq!(outcomes(&host, "hourly").await, ["01:00 enqueued"]);
}

#[tokio::test]
async fn a_schedule_that_makes_no_job_says_so_and_keeps_no_other_from_firing() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T00:30:00Z").await;
    for name in ["broken", "foreign", "good", "newer", "rejected"] {
        add(&host, name, &json!({"cron": "0 * * * *"})).await;
    }
    bed.execute(
        "UPDATE queue.schedules SET zone = 'Europe/Berlinn' WHERE name = 'broken';
         UPDATE queue.schedules SET payload = '{\"github_url\": \"https://evil.example/a/b\"}' WHERE name = 'foreign';
         UPDATE queue.schedules SET kind = 'maintenance' WHERE name = 'newer';
         UPDATE queue.schedules SET priority = 7 WHERE name = 'rejected';
         ALTER TABLE queue.jobs ADD CONSTRAINT no_seven CHECK (priority <> 7)",
    )
    .await;
    let host = bed.set_clock("2027-06-01T01:00:05Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 1);
    assert_eq!(outcomes(&host, "good").await, ["01:00 enqueued"]);
    assert_eq!(outcomes(&host, "foreign").await, ["01:00 failed"]);
    assert!(slots(&host, "foreign").await[0].note.as_ref().unwrap().contains("evil.example"));
    assert_eq!(outcomes(&host, "rejected").await, ["01:00 failed"]);
    assert!(slots(&host, "rejected").await[0].note.as_ref().unwrap().contains("no_seven"));
    // What this program cannot read is left to newer ones, which may.
    for name in ["broken", "newer"] {
        let row = schedules::get(&host.db, name).await.unwrap();
        assert_eq!(row.next_at, Some(utc("2027-06-01T01:00:00Z")), "{name}");
        assert!(slots(&host, name).await.is_empty(), "{name}");
    }
    let broken = schedules::get(&host.db, "broken").await.unwrap();
    assert_eq!(broken.problem.as_deref(), Some("`Europe/Berlinn` is no IANA time zone"));
    edit::edit(&host.db, "broken", Patch { zone: Some("Europe/Berlin".into()), ..Patch::default() }, &host.config)
        .await
        .unwrap();
    let mended = schedules::get(&host.db, "broken").await.unwrap();
    assert_eq!((mended.problem, mended.next_at), (None, Some(utc("2027-06-01T02:00:00Z"))));
}

#[tokio::test]
async fn old_slots_are_removed() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T00:00:00Z").await;
    add(&host, "often", &json!({"cron": "@every 1s", "missed": "skip", "overlap": "queue"})).await;
    let host = bed.set_clock("2027-06-02T00:00:00Z").await;
    host.fire_due().await.unwrap();
    let first = slots(&host, "often").await;
    assert_eq!(first.len(), 100);
    let host = bed.set_clock("2027-06-02T00:01:00Z").await;
    host.fire_due().await.unwrap();
    let later = slots(&host, "often").await;
    assert!(later.len() == 100 && later[0].due_at > first[40].due_at);
}
