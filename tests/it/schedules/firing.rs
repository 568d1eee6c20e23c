//! One slot fires once: over the changes of the clocks, over several hosts, through cut connections.

use std::collections::BTreeSet;

use repo_to_cat::db::schedules::{self, ScheduleListener};
use repo_to_cat::model::schedule::due::Turn;
use repo_to_cat::schedule::edit;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::bed::{Bed, add, key_of, outcomes, slots, spec, utc};
use crate::support::gate::eventually;

#[tokio::test]
async fn a_slot_fires_once_where_the_clocks_change() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-03-27T20:00:00Z").await;
    add(&host, "nightly", &json!({"cron": "30 2 * * sun,mon", "zone": "Europe/Berlin", "overlap": "queue"})).await;
    for (time, fired) in [
        // 02:30 is left out: it comes at 03:00.
        ("2027-03-28T00:59:00Z", 0),
        ("2027-03-28T01:00:10Z", 1),
        ("2027-03-28T01:30:10Z", 0),
        ("2027-03-29T00:30:10Z", 1),
        // 02:30 comes twice.
        ("2027-10-31T00:30:10Z", 1),
        ("2027-10-31T01:30:10Z", 0),
        ("2027-11-01T01:30:10Z", 1),
    ] {
        let host = bed.set_clock(time).await;
        assert_eq!(host.fire_due().await.unwrap(), fired, "at {time}");
        assert_eq!(host.fire_due().await.unwrap(), 0, "again at {time}");
    }
    let due: Vec<_> = slots(&host, "nightly").await.into_iter().filter(|slot| slot.job_id.is_some()).collect();
    let due: Vec<_> = due.iter().map(|slot| slot.due_at).collect();
    let expected = ["2027-03-28T01:00:00Z", "2027-03-29T00:30:00Z", "2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"];
    assert_eq!(due, expected.map(utc));
    assert_eq!(bed.count("queue.jobs").await, 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_hosts_fire_each_slot_once() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T00:00:30Z").await;
    for name in ["one", "two", "three"] {
        add(&host, name, &json!({"cron": "* * * * *", "missed": "all", "missed_limit": 100, "overlap": "queue"})).await;
    }
    bed.set_clock("2027-06-01T00:20:05Z").await;
    let mut firing = JoinSet::new();
    for _ in 0..4 {
        let host = bed.firing("").await;
        firing.spawn(async move { host.fire_due().await.unwrap() });
    }
    // Whatever each of them got.
    let fired: usize = firing.join_all().await.into_iter().sum();
    let mut jobs = BTreeSet::new();
    for name in ["one", "two", "three"] {
        let slots = slots(&host, name).await;
        assert!(slots.iter().all(|slot| slot.outcome == "enqueued"));
        assert!(slots.windows(2).all(|two| (two[1].due_at - two[0].due_at).num_seconds() == 60), "none is left out");
        assert_eq!(slots[0].due_at, utc("2027-06-01T00:01:00Z"));
        assert!(slots.len() >= 20);
        jobs.extend(slots.iter().map(|slot| slot.job_id));
    }
    assert_eq!(fired, jobs.len());
    assert_eq!(usize::try_from(bed.count("queue.jobs").await).unwrap(), jobs.len());
}

#[tokio::test]
async fn who_is_cut_off_half_way_has_done_nothing_and_the_next_one_fires() {
    let mut bed = Bed::make();
    bed.execute("CREATE TRIGGER gate BEFORE INSERT ON queue.slots FOR EACH ROW EXECUTE FUNCTION gate.wait('slot')")
        .await;
    let host = bed.set_clock("2027-06-01T12:00:00Z").await;
    add(&host, "daily", &json!({"cron": "@daily"})).await;
    add(&host, "later", &json!({"cron": "5 0 * * *"})).await;
    let host = bed.set_clock("2027-06-02T00:05:10Z").await;
    bed.gate.close_at("slot").await;
    let firing = tokio::spawn(async move { host.fire_due().await });
    let session = bed.gate.caught().await;
    let other = bed.firing("").await;
    assert_eq!(other.fire_due().await.unwrap(), 1, "nobody waits for a schedule that another one fires");
    assert_eq!(outcomes(&other, "daily").await, [""; 0]);
    bed.gate.terminate(session).await;
    bed.gate.open().await;
    firing.await.unwrap().unwrap_err();
    assert_eq!(bed.count("queue.jobs").await, 1, "the job went with the slot");
    assert_eq!(other.fire_due().await.unwrap(), 1);
    assert_eq!(outcomes(&other, "daily").await, ["00:00 enqueued"]);
    assert_eq!(bed.count("queue.jobs").await, 2);
}

#[tokio::test]
async fn who_is_frozen_half_way_loses_the_slot_to_others() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T12:00:00Z").await;
    add(&host, "daily", &json!({"cron": "@daily"})).await;
    let host = bed.set_clock("2027-06-02T00:05:10Z").await;
    let other = bed.firing("").await;
    let frozen = schedules::hold_due(&host.db, &[]).await.unwrap().unwrap();
    assert_eq!(other.fire_due().await.unwrap(), 0, "it is held");
    eventually("the server to take it back", async || other.fire_due().await.unwrap() == 1).await;
    frozen.advance(None).await.unwrap_err();
    assert_eq!(outcomes(&other, "daily").await, ["00:00 enqueued"]);
}

#[tokio::test]
async fn a_slot_that_is_done_with_is_not_fired_again_whatever_the_schedule_says() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T00:00:00Z").await;
    add(&host, "daily", &json!({"cron": "@daily", "overlap": "queue"})).await;
    let host = bed.set_clock("2027-06-02T00:00:10Z").await;
    assert_eq!(host.fire_due().await.unwrap(), 1);
    // As after a restored backup, or by somebody's hand.
    bed.execute("UPDATE queue.schedules SET next_at = '2027-06-02 00:00Z', fires_at = '2027-06-02 00:00Z'").await;
    assert_eq!(host.fire_due().await.unwrap(), 0);
    assert_eq!(schedules::get(&host.db, "daily").await.unwrap().next_at, Some(utc("2027-06-03T00:00:00Z")));
}

#[tokio::test]
async fn a_slot_waits_for_its_jitter() {
    let bed = Bed::make();
    let host = bed.set_clock("2027-06-01T12:00:00Z").await;
    let fields = json!({"cron": "@daily", "jitter_seconds": 7200, "key_prefix": "cat/"});
    add(&host, "daily", &fields).await;
    let spec = spec(&fields);
    let turn = Turn::after(utc("2027-06-01T12:00:00Z"), "daily", &spec, &spec.check().unwrap()).unwrap();
    assert!((turn.fires_at - turn.due_at).num_seconds() > 120, "or there is nothing to wait for");
    let host = bed.set_clock(&(turn.fires_at - chrono::TimeDelta::seconds(110)).to_rfc3339()).await;
    assert_eq!(host.fire_due().await.unwrap(), 0);
    assert!(schedules::seconds_to_next(&host.db, &[]).await.unwrap().unwrap() > 0.0);
    let host = bed.set_clock(&turn.fires_at.to_rfc3339()).await;
    assert_eq!(host.fire_due().await.unwrap(), 1);
    let slot = &slots(&host, "daily").await[0];
    assert_eq!(slot.due_at, utc("2027-06-02T00:00:00Z"));
    assert_eq!(key_of(&host, slot).await.as_deref(), Some("cat/2027-06-02T00:00:00Z"));
}

#[tokio::test]
async fn whoever_sleeps_hears_of_a_change() {
    let bed = Bed::make();
    let host = bed.firing("").await;
    let mut listener = ScheduleListener::start(&host.db).await.unwrap();
    add(&host, "yearly", &json!({"cron": "@yearly"})).await;
    listener.heard().await.unwrap();
    edit::pause(&host.db, "yearly").await.unwrap();
    listener.heard().await.unwrap();
    edit::resume(&host.db, "yearly").await.unwrap();
    listener.heard().await.unwrap();
}

#[tokio::test]
async fn the_loop_fires_and_survives_cut_connections() {
    let bed = Bed::make();
    let host = bed.firing("").await;
    let stop = CancellationToken::new();
    let running = tokio::spawn(host.clone().run(stop.clone()));
    add(&host, "often", &json!({"cron": "@every 2s", "overlap": "queue"})).await;
    eventually("a slot to fire", async || bed.count("queue.slots").await > 0).await;
    bed.gate.cut_all().await;
    let before = bed.count("queue.slots WHERE outcome = 'enqueued'").await;
    let fired = async || bed.count("queue.slots WHERE outcome = 'enqueued'").await > before + 1;
    eventually("slots to fire again", fired).await;
    stop.cancel();
    running.await.unwrap();
    let jobs = bed.count("queue.jobs").await;
    assert_eq!(jobs, bed.count("queue.slots WHERE outcome = 'enqueued'").await);
    assert_eq!(jobs, bed.count("(SELECT DISTINCT job_id FROM queue.slots WHERE outcome = 'enqueued') AS job").await);
}
