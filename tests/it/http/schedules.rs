//! Schedules over HTTP.

use serde_json::{Value, json};

use crate::commands::shell;
use crate::support::http::{get, post, send};

fn nightly() -> Value {
    json!({"name": "nightly", "cron": "30 2 * * *", "zone": "Europe/Berlin",
           "payload": {"github_url": "https://github.com/owner/name"}})
}

#[test]
fn a_schedule_is_added_changed_run_and_deleted() {
    let shell = shell("http_schedules");
    let service = shell.service("http");
    let own = "/v1/schedules/nightly";
    let added = post(&service, "/v1/schedules", &nightly().to_string());
    assert_eq!((added.status, added.header("location")), (201, Some(own)), "{}", added.text());
    assert_eq!((&added.json()["state"], &added.json()["zone"]), (&json!("active"), &json!("Europe/Berlin")));
    assert_eq!(post(&service, "/v1/schedules", &nightly().to_string()).status, 409);
    assert_eq!(get(&service, "/v1/schedules").json(), shell.json(&["schedules", "list"]));

    let edited = send(&service, "PATCH", own, "", r#"{"cron": "0 3 * * *", "priority": 5}"#);
    assert_eq!(edited.status, 200, "{}", edited.text());
    let shown = get(&service, own).json();
    assert_eq!((&shown["schedule"]["cron"], &shown["schedule"]["priority"]), (&json!("0 3 * * *"), &json!(5)));
    let next = shown["next"].as_array().unwrap();
    assert!(next.len() == 10 && next.iter().all(|slot| slot.as_str().unwrap().contains("T03:00:00+0")), "{next:?}");

    assert_eq!(post(&service, &format!("{own}/pause"), "").json()["state"], "paused");
    assert_eq!(post(&service, &format!("{own}/resume"), "").json()["state"], "active");
    let run = post(&service, &format!("{own}/run"), "");
    let id = run.json()["id"].as_str().unwrap().to_owned();
    assert_eq!((run.status, run.header("location")), (202, Some(&*format!("/v1/jobs/{id}"))));
    assert_eq!(get(&service, &format!("/v1/jobs/{id}")).json()["job"]["kind"], "generation");
    assert_eq!(send(&service, "DELETE", own, "", "").status, 204);
    assert_eq!(send(&service, "DELETE", own, "", "").status, 404);

    let log = get(&service, "/v1/audit?action=schedules.").json();
    let told: Vec<_> =
        log["entries"].as_array().unwrap().iter().rev().map(|entry| entry["action"].as_str().unwrap()).collect();
    let done =
        ["add", "add", "edit", "pause", "resume", "run", "delete", "delete"].map(|deed| format!("schedules.{deed}"));
    assert_eq!(told, done);
    assert_eq!(log["entries"][7]["detail"]["spec"]["cron"], "30 2 * * *");
}

#[test]
fn what_a_schedule_would_do_is_told_before() {
    let shell = shell("http_preview");
    let service = shell.service("http");
    let preview = |body: Value| post(&service, "/v1/schedules/preview", &body.to_string());
    let next = preview(json!({"cron": "0 12 * * mon", "zone": "Asia/Tokyo"})).json();
    let next = next["next"].as_array().unwrap();
    assert!(
        next.len() == 10 && next.iter().all(|slot| slot.as_str().unwrap().ends_with("T12:00:00+09:00")),
        "{next:?}"
    );
    let field = |name: &str, value: Value| {
        let mut schedule = nightly();
        schedule[name] = value;
        schedule
    };
    for wrong in [json!({"cron": "0 25 * * *"}), json!({"cron": "@daily", "zone": "Europe/Berlinn"})] {
        let problem = preview(wrong.clone());
        assert_eq!(
            (problem.status, problem.json()["type"].as_str()),
            (400, Some("urn:repo-to-cat:invalid")),
            "{wrong}"
        );
    }
    for (wrong, status) in [
        (json!({}), 400),
        (field("name", json!("No Name")), 400),
        (field("name", json!(4)), 400),
        (field("paused", json!("no")), 400),
        (field("crn", json!("")), 400),
        (field("kind", json!("nap")), 400),
        (field("priority", json!(101)), 400),
        (field("payload", json!({"github_url": "https://evil.example/a/b"})), 422),
        (field("key_prefix", json!("\0")), 400),
    ] {
        let answer = post(&service, "/v1/schedules", &wrong.to_string());
        assert_eq!(answer.status, status, "{wrong}: {}", answer.text());
    }
    assert_eq!(send(&service, "PATCH", "/v1/schedules/nightly", "", r#"{"priority": 1}"#).status, 404);
    assert_eq!(get(&service, "/v1/schedules").json(), json!([]));
    post(&service, "/v1/schedules", &field("paused", json!(true)).to_string());
    assert_eq!(get(&service, "/v1/schedules/nightly").json()["schedule"]["state"], "paused");
    assert_eq!(send(&service, "PATCH", "/v1/schedules/nightly", "", "{}").status, 400, "nothing is to be changed");
}
