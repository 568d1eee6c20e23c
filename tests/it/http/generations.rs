//! Asking for cats, following them, looking at them.

use rustix::process::Signal;
use serde_json::json;

use super::{GOOD, ask_for};
use crate::commands::{count, shell};
use crate::support::http::get;
use crate::support::postgres::wait_until;

#[test]
fn a_cat_is_asked_for_followed_and_looked_at() {
    let shell = shell("http");
    let service = shell.service("worker,http");
    assert_eq!(get(&service, "/health/live").json(), json!({"status": "ok"}));
    assert_eq!(get(&service, "/health/ready").json()["status"], "ok");

    let asked = ask_for(&service, "\nidempotency-key: mine", GOOD);
    assert_eq!(asked.status, 202, "{}", asked.headers);
    let job = asked.json();
    let id = job["id"].as_str().unwrap();
    let own = format!("/v1/generations/{id}");
    assert_eq!((&job["is_new"], &job["links"]["self"]), (&true.into(), &own.as_str().into()));
    assert!(asked.headers.contains(&format!("location: {own}")), "{}", asked.headers);
    let again = ask_for(&service, "\nidempotency-key: mine", GOOD).json();
    assert_eq!((&again["id"], &again["is_new"]), (&job["id"], &false.into()));
    let other = ask_for(&service, "\nidempotency-key: mine", r#"{"github_url": "https://github.com/owner/other"}"#);
    assert_eq!(other.status, 409, "the key stands for another request");
    assert_eq!(get(&service, &format!("{own}/image")).status, 404, "it has no picture yet");
    assert_eq!(count(&shell), 1);

    // Hosts cannot be reached here: a local cat, enqueued on the command line, has the same status page.
    let id = shell.enqueue(&["repo"]).remove(0);
    let own = format!("/v1/generations/{id}");
    wait_until("the cat", || get(&service, &own).json()["state"] == "completed");
    let done = get(&service, &own).json();
    assert_eq!((&done["result"]["repo_name"], &done["job"]["claims"]), (&"repo".into(), &1.into()));
    for picture in ["image", "original"] {
        let png = get(&service, &format!("{own}/{picture}"));
        assert_eq!(png.status, 200);
        assert!(png.headers.contains("content-type: image/png") && png.headers.contains("nosniff"), "{}", png.headers);
        assert!(png.body.starts_with(b"\x89PNG\r\n\x1a\n"));
    }
    let list = get(&service, "/v1/generations?name=repo&limit=1").json();
    assert_eq!((&list["generations"][0]["id"], &list["next_after"]), (&id.as_str().into(), &id.as_str().into()));
    let rest = get(&service, &format!("/v1/generations?after={id}")).json();
    assert_eq!(rest, json!({"generations": [], "next_after": null}));
    assert!(service.stop(Signal::TERM).0.success());
}
