//! Declarations of the configuration against edits at run time.

use repo_to_cat::db::schedules::{self, ScheduleRow};
use repo_to_cat::model::failure::Kind;
use repo_to_cat::model::schedule::{Patch, State};
use repo_to_cat::schedule::declared::apply;
use repo_to_cat::schedule::edit;
use repo_to_cat::schedule::firing::Firing;
use serde_json::json;

use super::bed::{Bed, add, outcomes, utc};

const NIGHTLY: &str = "[schedules.nightly]\ncron = \"30 2 * * *\"\nzone = \"Europe/Berlin\"\n\
                       payload = { github_url = \"https://github.com/owner/name\" }\n";

async fn applied(bed: &Bed, text: &str) -> Firing {
    let host = bed.firing(text).await;
    apply(&host.db, &host.config).await.unwrap();
    host
}

async fn nightly(host: &Firing) -> ScheduleRow {
    schedules::get(&host.db, "nightly").await.unwrap()
}

#[tokio::test]
async fn an_edit_holds_until_the_declaration_changes() {
    let bed = Bed::make();
    bed.set_clock("2027-06-01T12:00:00Z").await;
    let host = applied(&bed, NIGHTLY).await;
    assert_eq!(nightly(&host).await.next_at, Some(utc("2027-06-02T00:30:00Z")));

    edit::edit(&host.db, "nightly", Patch { cron: Some("0 4 * * *".into()), ..Patch::default() }, &host.config)
        .await
        .unwrap();
    let host = applied(&bed, NIGHTLY).await;
    assert_eq!(nightly(&host).await.spec.cron, "0 4 * * *");
    assert_eq!(nightly(&host).await.next_at, Some(utc("2027-06-02T02:00:00Z")));

    let changed = NIGHTLY.replace("30 2", "45 2");
    let host = applied(&bed, &changed).await;
    assert_eq!(nightly(&host).await.spec.cron, "45 2 * * *");

    // To pause is nobody's declaration.
    edit::pause(&host.db, "nightly").await.unwrap();
    let host = applied(&bed, NIGHTLY).await;
    assert_eq!((nightly(&host).await.state, nightly(&host).await.spec.cron.as_str()), (State::Paused, "30 2 * * *"));
}

#[tokio::test]
async fn a_declaration_that_is_taken_out_is_withdrawn_and_comes_back() {
    let bed = Bed::make();
    bed.set_clock("2027-06-01T12:00:00Z").await;
    let host = applied(&bed, NIGHTLY).await;
    add(&host, "by-hand", &json!({"cron": "@yearly"})).await;
    applied(&bed, "").await;
    assert_eq!(nightly(&host).await.state, State::Withdrawn);
    assert_eq!(schedules::get(&host.db, "by-hand").await.unwrap().state, State::Active);
    let late = bed.set_clock("2027-06-03T12:00:00Z").await;
    assert_eq!(late.fire_due().await.unwrap(), 0);
    applied(&bed, NIGHTLY).await;
    assert_eq!(nightly(&host).await.state, State::Active);
    assert_eq!(nightly(&host).await.next_at, Some(utc("2027-06-04T00:30:00Z")), "what came meanwhile was not missed");
}

#[tokio::test]
async fn a_person_may_keep_what_was_withdrawn() {
    let bed = Bed::make();
    let host = applied(&bed, NIGHTLY).await;
    applied(&bed, "").await;
    edit::resume(&host.db, "nightly").await.unwrap();
    applied(&bed, "").await;
    assert_eq!(nightly(&host).await.state, State::Active);
}

#[tokio::test]
async fn a_restart_with_the_same_declaration_makes_up_for_the_slot_between() {
    let bed = Bed::make();
    bed.set_clock("2027-06-01T12:00:00Z").await;
    applied(&bed, NIGHTLY).await;
    bed.set_clock("2027-06-02T09:00:00Z").await;
    let host = applied(&bed, NIGHTLY).await;
    assert_eq!(host.fire_due().await.unwrap(), 1);
    assert_eq!(outcomes(&host, "nightly").await, ["00:30 enqueued"]);
}

#[tokio::test]
async fn hosts_that_start_at_once_agree() {
    let bed = Bed::make();
    let hosts = [bed.firing(NIGHTLY).await, bed.firing(NIGHTLY).await];
    let (one, other) = tokio::join!(apply(&hosts[0].db, &hosts[0].config), apply(&hosts[1].db, &hosts[1].config));
    one.and(other).unwrap();
    assert_eq!(bed.count("queue.schedules").await, 1);
}

#[tokio::test]
async fn a_declaration_that_makes_no_job_is_refused_with_its_name() {
    let bed = Bed::make();
    for (from, to) in [("github.com/owner", "evil.example/owner"), ("github_url", "url")] {
        let host = bed.firing(&NIGHTLY.replace(from, to)).await;
        let failure = apply(&host.db, &host.config).await.unwrap_err();
        assert!(matches!(failure.kind(), Kind::Refused | Kind::Invalid), "{failure:?}");
        assert!(failure.what().starts_with("schedules.nightly: "), "{failure}");
    }
    assert_eq!(bed.count("queue.schedules").await, 0);
}
