//! What users may not learn of each other, nor do to each other.

use serde_json::{Value, json};

use super::ask_for;
use super::starting::guarded;
use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::http::{Answer, ask, bearer, send};

fn token(shell: &Shell, user: &str, scopes: &[&str]) -> String {
    let scopes: Vec<_> = scopes.iter().flat_map(|scope| ["--scope", scope]).collect();
    shell.succeeds(&[&["users", "token", "new", user], &scopes[..]].concat()).trim_end().to_owned()
}

fn look(service: &Service, path: &str, token: &str) -> Answer {
    let answer = ask(service, &format!("GET {path} HTTP/1.1{}", bearer(token)), b"");
    assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    answer
}

#[test]
fn who_may_look_sees_the_host_of_a_receiver_and_no_more() {
    let shell = shell("receivers");
    for user in ["keeper", "guest"] {
        shell.succeeds(&["users", "add", user]);
    }
    let (admin, guest) = (token(&shell, "keeper", &["admin"]), token(&shell, "guest", &["read"]));
    let service = Service::start(guarded(&shell, &[]));
    let payload = json!({"github_url": "https://github.com/owner/name", "webhook_url": "https://hooks.example/T0/s3cret?k=s3cret"});
    let asked = ask_for(&service, &bearer(&admin), &payload.to_string()).json();
    let id = asked["id"].as_str().unwrap();
    let schedule = json!({"name": "nightly", "cron": "0 3 * * *", "kind": "generation", "payload": payload});
    let added = send(&service, "POST", "/v1/schedules", &bearer(&admin), &schedule.to_string());
    assert_eq!(added.status, 201, "{}", added.text());
    for path in [
        format!("/v1/jobs/{id}"),
        format!("/v1/generations/{id}"),
        "/v1/jobs".into(),
        "/v1/schedules".into(),
        "/v1/schedules/nightly".into(),
        format!("/jobs/{id}"),
        "/schedules".into(),
        "/schedules/nightly".into(),
    ] {
        let seen = look(&service, &path, &guest);
        assert!(seen.text().contains("https://hooks.example/***"), "{path}: {}", seen.text());
        assert!(!seen.text().contains("s3cret"), "{path}: {}", seen.text());
    }
    // The job that tells how it ended knows the address, too. Nobody finds either by what they may not see.
    let cancelled = send(&service, "POST", &format!("/v1/jobs/{id}/cancel"), &bearer(&admin), "");
    assert_eq!(cancelled.status, 200, "{}", cancelled.text());
    for (text, found) in [("s3cret", 0), ("https://hooks.example/T0/s", 0), ("\"webhook_url\"", 0), ("owner/name", 2)] {
        let text: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let seen = look(&service, &format!("/v1/jobs?text={text}"), &guest).json();
        assert_eq!(seen["jobs"].as_array().unwrap().len(), found, "{text}: {seen}");
        let page = look(&service, &format!("/jobs?text={text}"), &guest);
        assert_eq!(page.text().contains("No job is like that."), found == 0, "{text}: {}", page.text());
    }
    let patch = json!({"payload": payload});
    let edited = send(&service, "PATCH", "/v1/schedules/nightly", &bearer(&admin), &patch.to_string());
    assert_eq!(edited.status, 200, "{}", edited.text());
    let refused = json!({"name": "hourly", "cron": "@hourly", "kind": "generation", "payload":
        {"github_url": "https://cat:s3cret@github.com/owner/name", "webhook_url": "https://hooks.example/T0/s3cret"}});
    let refused = send(&service, "POST", "/v1/schedules", &bearer(&admin), &refused.to_string());
    assert!(refused.status == 400 || refused.status == 422, "{}", refused.text());
    for (path, secrets) in [("/v1/audit?action=schedules.", 3), ("/audit", 3)] {
        let seen = look(&service, path, &admin);
        assert_eq!(seen.text().matches("https://hooks.example/***").count(), secrets, "{path}: {}", seen.text());
        assert!(!seen.text().contains("s3cret"), "{path}: {}", seen.text());
    }
    let whole = look(&service, "/v1/schedules/nightly", &admin).json();
    assert_eq!(whole["schedule"]["payload"], payload, "who edits it must know it");
}

#[test]
fn a_unique_key_is_its_users_own() {
    let shell = shell("own_keys");
    let cat = shell.json(&["users", "add", "cat"])["id"].as_str().unwrap().to_owned();
    shell.succeeds(&["users", "add", "dog"]);
    let (cats, dogs) = (token(&shell, "cat", &["enqueue"]), token(&shell, "dog", &["enqueue", "read"]));
    let admins = token(&shell, "dog", &["admin"]);
    let service = Service::start(guarded(&shell, &[]));
    let keyed = |token: &str, key: &str| {
        let body = json!({"github_url": "https://github.com/dog/bone", "unique_key": key, "on_conflict": "replace"});
        ask_for(&service, &bearer(token), &body.to_string()).json()
    };
    let mine = |header: &str| {
        let body = json!({"github_url": "https://github.com/cat/fish", "unique_key": header.is_empty().then_some("k")});
        ask_for(&service, &format!("{header}{}", bearer(&cats)), &body.to_string()).json()["id"].clone()
    };
    let (first, second) = (mine(""), mine("\nidempotency-key: k"));
    for key in ["k", &format!("{cat}/k"), &format!("{cat} k")] {
        assert_eq!(keyed(&dogs, key)["is_new"], true, "{key}");
    }
    for id in [&first, &second] {
        let job = look(&service, &format!("/v1/jobs/{}", id.as_str().unwrap()), &dogs).json()["job"].clone();
        let is = [&job["payload"]["github_url"], &job["user_id"]];
        assert_eq!(is, [&Value::from("https://github.com/cat/fish"), &cat.as_str().into()]);
    }
    assert_eq!(keyed(&dogs, "k")["is_new"], false, "the own one is replaced");
    // The command line's keys are an admin's.
    shell.succeeds(&["enqueue", "https://github.com/cat/fish", "--key", "night"]);
    assert_eq!((&keyed(&dogs, "night")["is_new"], &keyed(&admins, "night")["is_new"]), (&true.into(), &false.into()));
}
