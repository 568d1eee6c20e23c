//! The queue as a whole: its figures, pauses, limits, and the hold after a restore.

use serde_json::{Value, json};

use crate::commands::shell;
use crate::support::http::{get, post, send};

#[test]
fn a_kind_is_paused_and_goes_on() {
    let shell = shell("http_pause");
    let service = shell.service("http");
    let paused = post(&service, "/v1/queue/generation/pause", r#"{"because": "the disk is full"}"#);
    assert_eq!(paused.json(), json!({"kind": "generation", "paused": true, "because": "the disk is full"}));
    let stats = get(&service, "/v1/queue?kind=generation").json();
    assert_eq!(stats["kinds"][0]["paused"]["because"], "the disk is full");
    let resume = || post(&service, "/v1/queue/generation/resume", "").json()["was_paused"].clone();
    assert_eq!((resume(), resume()), (json!(true), json!(false)));
    assert_eq!(get(&service, "/v1/workers").json(), json!([]));
    for (path, body, status) in [
        ("/v1/queue/nap/pause", "{}", 400),
        ("/v1/queue/generation/pause", "", 400),
        ("/v1/queue/generation/pause", r#"{"why": ""}"#, 400),
        ("/v1/queue/generation/pause", r#"{"because": "\u0000"}"#, 400),
        ("/v1/queue/release", "{}", 409),
    ] {
        assert_eq!(post(&service, path, body).status, status, "{path} {body}");
    }
    assert_eq!(get(&service, "/v1/queue?kind=nap").status, 400);
}

#[test]
fn limits_are_set_told_and_removed() {
    let shell = shell("http_limits");
    let service = shell.service("http");
    let put = |body: Value| send(&service, "PUT", "/v1/queue/limits/generation", "", &body.to_string());
    let remove = |query: &str| send(&service, "DELETE", &format!("/v1/queue/limits/generation{query}"), "", "").status;
    assert_eq!(put(json!({"max_running": 2})).status, 200);
    assert_eq!(put(json!({"key": "*", "rate_count": 30, "rate_seconds": 60})).status, 200);
    let told = get(&service, "/v1/queue/limits").json();
    assert_eq!(told, shell.json(&["queue", "limits"]));
    assert_eq!((&told[0]["max_running"], &told[1]["limit_key"]), (&json!(2), &json!("*")));
    for wrong in [
        json!({}),
        json!({"max_running": -1}),
        json!({"rate_count": 1}),
        json!({"rate_count": 0, "rate_seconds": 1}),
        json!({"key": "", "max_running": 1}),
    ] {
        assert_eq!(put(wrong.clone()).status, 400, "{wrong}");
    }
    assert_eq!(put(json!({"max_running": 99_999_999_999_u64})).status, 400);
    assert_eq!([remove(""), remove(""), remove("?key=*"), remove("?key=*")], [204, 404, 204, 404]);
    assert_eq!(get(&service, "/v1/queue/limits").json(), json!([]));
}
