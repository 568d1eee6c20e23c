//! Backups over HTTP: made and tried by a worker, looked at, removed.

use serde_json::{Value, json};

use crate::commands::shell;
use crate::support::http::{get, post};
use crate::support::postgres::wait_until;

#[test]
fn a_backup_is_made_looked_at_and_tried() {
    let shell = shell("http_backups");
    let service = shell.service("worker,http");
    let make = |body: Value| {
        let made = post(&service, "/v1/backups", &body.to_string());
        assert_eq!(made.status, 202, "{}", made.text());
        let job = made.header("location").unwrap().to_owned();
        wait_until("the backup", || get(&service, &job).json()["job"]["state"] == "completed");
    };
    let checks = |query: &str| get(&service, &format!("/v1/backups/preflight{query}"));
    let told = checks("").json();
    let names = |checks: &Value| {
        let state = |check: &Value| (check["name"].clone(), check["state"].clone());
        checks.as_array().unwrap().iter().map(state).collect::<Vec<_>>()
    };
    assert_eq!(names(&told), names(&shell.json(&["backup", "check"])));
    assert!(names(&told).iter().all(|(_, state)| state != "fail"), "{told}");
    let nowhere = checks("?database=nowhere");
    assert_eq!(nowhere.status, 200, "that it cannot be done is the answer");
    assert!(names(&nowhere.json()).contains(&(json!("connection"), json!("fail"))), "{}", nowhere.text());
    assert_eq!(checks(&format!("?database={}", "x".repeat(64))).status, 400);
    make(json!({"drill": false}));
    let history = get(&service, "/v1/backups").json();
    let name = history["backups"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(history["backups"][0]["verdict"], "unverified");
    assert_eq!(history["databases"][0]["last"], name.as_str());
    assert_eq!(get(&service, "/v1/backups/stored").json(), shell.json(&["backup", "list"]));

    let shown = get(&service, "/v1/backups/latest").json();
    let told = shell.json(&["backup", "show", "latest"]);
    for part in ["name", "store", "manifest", "drill", "problem"] {
        assert_eq!(shown[part], told[part], "{part}");
    }
    assert_eq!((&shown["record"]["name"], &shown["drills"]), (&json!(name), &json!([])));
    let command = get(&service, &format!("/v1/backups/{name}/restore-command")).json();
    assert_eq!(command["beside"], format!("repo-to-cat backup restore {name}"));
    shell.succeeds(&["backup", "restore", &name, "--dry-run"]);
    let same = get(&service, &format!("/v1/backups/diff?from=latest&to={name}")).json();
    assert_eq!((&same["changed"], &same["added"]), (&json!([]), &json!([])));

    let tried = post(&service, &format!("/v1/backups/{name}/verify"), "");
    assert_eq!(tried.status, 202, "{}", tried.text());
    let job = tried.header("location").unwrap().to_owned();
    wait_until("the drill", || get(&service, &job).json()["job"]["state"] == "completed");
    let shown = get(&service, &format!("/v1/backups/{name}")).json();
    assert_eq!((&shown["record"]["verdict"], &shown["drills"][0]["verdict"]), (&json!("verified"), &json!("verified")));

    let dry = post(&service, "/v1/backups/prune", "{}").json();
    assert_eq!((&dry["dry_run"], &dry["keep"][0]["name"], &dry["removed"]), (&json!(true), &json!(name), &json!([])));
    assert_eq!(post(&service, "/v1/backups/prune", r#"{"dry_run": false}"#).status, 200);
    let actions = get(&service, "/v1/audit?action=backups.").json();
    let actions: Vec<_> = actions["entries"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["backups.prune", "backups.verify", "backups.make"], "a dry run changes nothing");
}

#[test]
fn what_cannot_be_is_refused() {
    let shell = shell("http_no_backups");
    let service = shell.service("http");
    let nothing = "repo_to_cat_20261122_030000Z";
    assert_eq!(get(&service, "/v1/backups").json()["backups"], json!([]));
    for (path, status) in [
        (format!("/v1/backups/{nothing}"), 404),
        ("/v1/backups/latest".to_owned(), 404),
        ("/v1/backups/..%2F..%2Fetc".to_owned(), 404),
        (format!("/v1/backups/{nothing}/restore-command"), 404),
        (format!("/v1/backups/diff?from={nothing}&to=latest"), 404),
        ("/v1/backups/diff".to_owned(), 400),
        ("/v1/backups?after=x".to_owned(), 400),
        (format!("/v1/backups?after={nothing}"), 200),
    ] {
        let answer = get(&service, &path);
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
    }
    for (path, body, status) in [
        ("/v1/backups".to_owned(), r#"{"level": 77}"#, 400),
        ("/v1/backups".to_owned(), r#"{"database": ""}"#, 400),
        ("/v1/backups".to_owned(), r#"{"format": "tar"}"#, 400),
        ("/v1/backups".to_owned(), r#"{"selection": {"tables": ["\u0000"]}}"#, 400),
        (format!("/v1/backups/{nothing}/verify"), "", 404),
        ("/v1/backups/prune".to_owned(), r#"{"keep": 1}"#, 400),
    ] {
        let answer = post(&service, &path, body);
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text());
    }
    assert_eq!(get(&service, "/v1/jobs").json()["jobs"], json!([]));
}
