//! Kinds of jobs, limits, workers, and the hold after a restore.

use super::{Browser, EVIL, deeds, run};
use crate::commands::shell;
use crate::support::postgres::wait_until;

#[test]
fn queues_are_paused_limited_and_go_on() {
    let shell = shell("desk_queues");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/queues").has(&["A quiet house.", "No worker is there", "Nothing is limited.", "/queues/probe/pause"]);
    shell.enqueue(&["https://github.com/owner/name"]);
    let act = |to: &str, fields: &[(&str, &str)]| browser.send("/queues", &format!("/queues/{to}"), fields).1;

    act("generation/pause", &[("because", EVIL)])
        .has(&["generation is paused.", "&lt;script&gt;", "/queues/generation/resume"])
        .lacks(&["<script>alert"]);
    let stats = shell.json(&["queue", "stats"]);
    assert_eq!(stats["kinds"][0]["paused"]["because"], EVIL);
    act("generation/resume", &[]).has(&["generation goes on."]);
    act("generation/resume", &[]).has(&["generation was not paused."]);
    act("nap/pause", &[]).has(&["there are no jobs of kind `nap`"]);

    let limit =
        [("kind", "generation"), ("key", "*"), ("max_running", "4"), ("rate_count", "30"), ("rate_seconds", "60")];
    act("limits", &limit).has(&["generation is limited.", "each key", "30 in 60 s"]);
    assert_eq!(shell.json(&["queue", "limits"])[0]["max_running"], 4);
    for (fields, said) in [
        (vec![("kind", "generation")], "nothing is limited"),
        (vec![("kind", "generation"), ("rate_count", "3")], "a rate has two parts"),
        (vec![("kind", "generation"), ("max_running", "many")], "`many` is no number"),
        (vec![("kind", "generation"), ("max_running", "-1")], "a limit is below zero"),
        (vec![("kind", "nap"), ("max_running", "1")], "there are no jobs of kind"),
    ] {
        act("limits", &fields).has(&[said]);
    }
    act("unlimit", &[("kind", "generation"), ("key", "*")]).has(&["is removed", "Nothing is limited."]);
    act("unlimit", &[("kind", "generation"), ("key", "*")]).has(&["has no limit"]);
    let done = ["queue.pause", "queue.resume", "queue.resume", "queue.limit", "queue.unlimit"];
    assert_eq!(deeds(&shell), done);
}

#[test]
fn workers_are_shown_while_they_live() {
    let shell = shell("desk_workers");
    let service = shell.service("worker,http");
    let browser = Browser::new(&service);
    wait_until("the worker to register", || browser.get("/queues").text().contains("alive"));
    browser.get("/queues").has(&["Busy slots", "<progress"]).lacks(&["No worker is there"]);
}

#[test]
fn a_restored_queue_waits_for_a_person() {
    let shell = shell("desk_hold");
    let id = shell.enqueue(&["https://github.com/owner/name"]).remove(0);
    // As in a copy: it worked elsewhere before.
    run(&shell, "UPDATE queue.home SET system_identifier = '1', database_oid = 1");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    for path in ["/jobs", "/queues", "/schedules"] {
        browser.get(path).has(&["The queue is held", "Let it go on"]);
    }
    let release = "/queues/release";
    browser.post("/queues", release, &[]).has(&["Let the queue go on?", "The parked jobs run"]);
    let cancel = [("cancel_jobs", "true"), ("confirmed", "yes")];
    browser
        .send("/queues", release, &cancel)
        .1
        .has(&["The queue goes on: 1 job was cancelled."])
        .lacks(&["The queue is held"]);
    assert_eq!(super::job(&shell, &id)["state"], "cancelled");
    assert_eq!(deeds(&shell), ["queue.release"]);
}
