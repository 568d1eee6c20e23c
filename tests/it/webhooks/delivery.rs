//! From the end of a generation to its receiver, through the program itself.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::bed::{Bed, body};
use crate::support::http::{get, send};
use crate::support::postgres::wait_until;

#[test]
fn a_completed_cat_is_told_once_and_others_are_not() {
    let bed = Bed::make("told", Vec::new());
    let plain = bed.shell.enqueue(&["repo"]).remove(0);
    let id = bed.ask(&[]);
    let service = bed.shell.service("worker");
    let request = bed.heard(1).remove(0);
    let told = body(&request);
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/hook?for=cats"));
    assert_eq!(request.header("content-type"), Some("application/json"));
    assert_eq!((&told["type"], &told["data"]["id"]), (&json!("generation.completed"), &json!(id)));
    assert_eq!(told["data"]["state"], "completed");
    assert_eq!(told["data"]["result"]["repo_name"], "repo");
    assert_eq!(told["data"]["result"].get("analysis_data"), None);
    assert_eq!(told["data"]["links"]["image"], format!("/v1/generations/{id}/image"));
    assert_eq!(request.header("webhook-id"), told["id"].as_str());
    let tries = bed.tries(&id, 1);
    assert_eq!(
        (&tries[0]["status"], &tries[0]["answer"], &tries[0]["error"]),
        (&json!(200), &json!("heard"), &Value::Null)
    );
    bed.wait_for(&plain, "completed");
    let webhooks = bed.webhooks();
    assert_eq!(webhooks.len(), 1, "none for a job that asked for none");
    bed.wait_for(webhooks[0]["id"].as_str().unwrap(), "completed");
    assert_eq!(bed.heard(1).len(), 1);
    assert!(service.stop(Signal::TERM).0.success());
}

#[test]
fn every_other_end_is_told_too() {
    let bed = Bed::make("ends", Vec::new());
    let cancelled = bed.ask(&["--delay", "1h"]);
    bed.shell.succeeds(&["jobs", "cancel", "--yes", &cancelled]);
    let discarded = bed.ask(&["--delay", "1h"]);
    bed.shell.succeeds(&["jobs", "discard", "--yes", &discarded]);
    let late = bed.ask(&["--delay", "1h", "--deadline", "1s"]);
    let failed = bed.ask(&["--ref", "no-such-branch"]);
    let _service = bed.shell.service("worker");
    let told: Vec<Value> = bed.heard(4).iter().map(body).collect();
    let of = |id: &str| told.iter().find(|told| told["data"]["id"] == id).expect("it is told");
    assert_eq!(of(&cancelled)["type"], "generation.cancelled");
    assert_eq!(of(&discarded)["type"], "generation.discarded");
    assert_eq!(
        (&of(&late)["type"], &of(&late)["data"]["error"]["class"]),
        (&json!("generation.discarded"), &json!("expired"))
    );
    let failure = &of(&failed)["data"]["error"];
    assert!(failure["message"].as_str().unwrap().contains("no-such-branch"), "{failure}");
    assert_eq!(of(&failed)["data"]["ref"], "no-such-branch");
}

#[test]
fn what_is_not_taken_is_told_again_until_it_is() {
    let retry = vec![("Retry-After", "1".to_owned())];
    let bed = Bed::make("retried", vec![(500, Vec::new()), (404, Vec::new()), (503, retry), (204, Vec::new())]);
    let id = bed.ask(&[]);
    let _service = bed.shell.service("worker");
    let tries = bed.tries(&id, 4);
    let statuses: Vec<_> = tries.iter().map(|tried| tried["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [500, 404, 503, 204]);
    assert!(tries[..3].iter().all(|tried| tried["error"].is_string()) && tries[3]["error"].is_null());
    let requests = bed.heard(4);
    assert!(requests.windows(2).all(|pair| body(&pair[0]) == body(&pair[1])), "the same event");
    let job = tries[0]["job_id"].as_str().unwrap();
    bed.wait_for(job, "completed");
    let shown = bed.shell.json(&["webhooks", "show", job]);
    assert_eq!(shown["deliveries"].as_array().unwrap().len(), 4);
    assert!(bed.shell.succeeds(&["webhooks", "show", job]).contains("HTTP 503"));
    assert!(bed.shell.fails(2, &["webhooks", "show", &id]).contains("no webhook"));
}

#[test]
fn who_wants_to_hear_no_more_hears_no_more() {
    let bed = Bed::make("gone", vec![(410, Vec::new())]);
    let id = bed.ask(&[]);
    let _service = bed.shell.service("worker");
    let tries = bed.tries(&id, 1);
    bed.wait_for(tries[0]["job_id"].as_str().unwrap(), "discarded");
    assert_eq!(bed.heard(1).len(), 1);
}

#[test]
fn a_webhook_that_is_never_taken_ends_after_its_attempts() {
    let bed = Bed::make("exhausted", vec![(500, Vec::new()), (500, Vec::new()), (500, Vec::new())]);
    let id = bed.ask(&[]);
    let mut command = bed.shell.command(&["run", "--only", "worker"]);
    command.env("REPO_TO_CAT_WEBHOOKS__MAX_ATTEMPTS", "2");
    let _service = crate::support::cli::Service::start(command);
    let tries = bed.tries(&id, 2);
    bed.wait_for(tries[0]["job_id"].as_str().unwrap(), "discarded");
    assert_eq!(bed.heard(2).len(), 2);
}

#[test]
fn a_worker_that_is_killed_between_the_end_and_the_telling_loses_nothing() {
    let bed = Bed::make("killed", Vec::new());
    bed.shell.succeeds(&["queue", "pause", "webhook"]);
    let id = bed.ask(&[]);
    let service = bed.shell.service("worker");
    bed.wait_for(&id, "completed");
    service.stop(Signal::KILL);
    assert_eq!(bed.webhooks().len(), 1, "it was made with the end");
    bed.shell.succeeds(&["queue", "resume", "webhook"]);
    let _service = bed.shell.service("worker");
    assert_eq!(body(&bed.heard(1)[0])["data"]["id"], id);
}

#[test]
fn a_replay_tells_the_same_event_by_a_new_job() {
    let bed = Bed::make("replay", Vec::new());
    let id = bed.ask(&[]);
    let service = bed.shell.service("worker,http");
    let job = bed.tries(&id, 1)[0]["job_id"].as_str().unwrap().to_owned();
    bed.wait_for(&job, "completed");
    let answer = send(&service, "POST", &format!("/v1/webhooks/{job}/replay"), "", "");
    assert_eq!(answer.status, 202, "{}", answer.headers);
    assert_ne!(answer.json()["id"], json!(job));
    bed.heard(2);
    let again = bed.shell.json(&["webhooks", "replay", &job]);
    assert_eq!(again[0]["replay_of"], json!(job));
    let told = bed.heard(3);
    assert!(told.iter().all(|request| request.header("webhook-id") == told[0].header("webhook-id")));
    bed.tries(&id, 3);
    let page = get(&service, &format!("/v1/webhooks/deliveries?job={id}&limit=2"));
    assert!(page.header("link").is_some_and(|link| link.ends_with("rel=\"next\"")), "{}", page.headers);
    let page = page.json();
    assert_eq!(page["deliveries"].as_array().unwrap().len(), 2);
    let rest =
        get(&service, &format!("/v1/webhooks/deliveries?limit=2&after={}", page["next"].as_str().unwrap())).json();
    assert_eq!((rest["deliveries"].as_array().unwrap().len(), &rest["next"]), (1, &Value::Null));
    for (method, more) in [("POST", "/replay"), ("GET", "")] {
        let answer = send(&service, method, &format!("/v1/webhooks/{id}{more}"), "", "");
        assert_eq!(answer.status, 400, "it is no webhook: {}", answer.text());
    }
    let shown = get(&service, &format!("/v1/webhooks/{job}")).json();
    assert_eq!(shown, bed.shell.json(&["webhooks", "show", &job]));
    assert_eq!((&shown["job"]["id"], shown["deliveries"].as_array().unwrap().len()), (&json!(job), 1));
    assert_eq!(get(&service, "/v1/webhooks/deliveries?limit=0").status, 400);
}

#[test]
fn a_webhook_that_waits_is_not_replayed() {
    let bed = Bed::make("waiting", Vec::new());
    let id = bed.ask(&["--delay", "1h"]);
    bed.shell.succeeds(&["jobs", "cancel", "--yes", &id]);
    let mut webhooks = Vec::new();
    wait_until("the webhook", || {
        webhooks = bed.webhooks();
        !webhooks.is_empty()
    });
    assert!(bed.shell.fails(7, &["webhooks", "replay", webhooks[0]["id"].as_str().unwrap()]).contains("jobs retry"));
}
