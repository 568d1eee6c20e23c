//! The list of jobs, one job, and steering them.

use serde_json::json;

use super::browser::OWN_SITE;
use super::{Browser, EVIL, audited, deeds, guarded, job};
use crate::commands::shell;
use crate::support::postgres::wait_until;

const URL: &str = "https://github.com/owner/name";

#[test]
fn an_empty_list_says_what_to_do_next() {
    let shell = shell("desk_no_jobs");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/jobs").has(&["No jobs yet", "repo-to-cat enqueue"]);
    browser.get("/jobs?state=running").has(&["No job is like that", "See all jobs"]);
    let unknown = browser.try_get("/jobs/0198c0de-0000-7000-8000-000000000000");
    assert_eq!(unknown.status, 404);
    assert_eq!(browser.try_get("/jobs/1").status, 400);
}

#[test]
fn the_list_is_narrowed_down_and_paged() {
    let shell = shell("desk_jobs");
    let (plain, tagged) = (shell.enqueue(&[URL]).remove(0), shell.enqueue(&[URL, "--tag", "nightly"]).remove(0));
    let urls: Vec<String> = (0..60).map(|n| format!("{URL}{n}")).collect();
    shell.enqueue(&urls.iter().map(String::as_str).collect::<Vec<_>>());
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let first = browser.get("/jobs");
    first.has(&[&format!("{URL}59"), "Older"]).lacks(&[&plain]);
    let (_, after) = first.text().split_once("/jobs?after=").unwrap();
    let second = browser.get(&format!("/jobs?after={}", &after[..36]));
    second.has(&[&plain, &tagged, "Newest"]).lacks(&["name59"]);

    browser.get("/jobs?tag=nightly").has(&[&tagged, "value=\"nightly\""]).lacks(&[&plain]);
    browser.get("/jobs?text=name59").has(&["name59"]).lacks(&[&plain]);
    browser.get("/jobs?state=available&state=running&kind=generation&since=1h&user=").has(&["name59"]);
    browser.get("/jobs?state=discarded").has(&["No job is like that"]);
    for wrong in [
        "state=sleeping",
        "kind=nap",
        "since=yesterday",
        "ended_since=noon",
        "error_class=sleepy",
        "longer_than=long",
        "user=nobody",
    ] {
        let page = browser.try_get(&format!("/jobs?{wrong}"));
        assert!((400..500).contains(&page.status), "{wrong}: {}", page.status);
        page.has(&["role=\"alert\"", wrong.split('=').nth(1).unwrap()]);
    }
}

#[test]
fn nothing_that_others_wrote_is_markup() {
    let shell = shell("desk_evil");
    let id = shell.enqueue(&[URL, "--tag", EVIL]).remove(0);
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let query: String = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    for path in
        ["/jobs".to_owned(), format!("/jobs/{id}"), format!("/jobs?tag={query}"), format!("/jobs?since={query}")]
    {
        browser.try_get(&path).has(&["&lt;script&gt;"]).lacks(&["<script>alert"]);
    }
}

#[test]
fn a_job_tells_its_life() {
    let shell = shell("desk_life");
    let cat = shell.enqueue(&["repo"]).remove(0);
    let lost = shell
        .enqueue(&["--max-attempts", "1", shell.path("repo").to_str().unwrap(), "--ref", "no-such-branch"])
        .remove(0);
    let service = shell.service("worker,http");
    let browser = Browser::new(&service);
    wait_until("both to end", || [&cat, &lost].iter().all(|id| job(&shell, id)["finished_at"] != json!(null)));
    let page = browser.get(&format!("/jobs/{cat}"));
    page.has(&["completed", "Attempt 1", "its cat", &format!("/generations/{cat}"), "github_url", "<rect"]);
    // What is completed is for ever.
    page.lacks(&["Run it again", "data-live=\"\""]);
    let page = browser.get(&format!("/jobs/{lost}"));
    page.has(&["discarded", "no-such-branch", "class=\"error\"", "class=\"hint\"", "Run it again"])
        .lacks(&["Not before"]);
}

#[test]
fn one_job_is_steered() {
    let shell = shell("desk_steer");
    let id = shell.enqueue(&[URL]).remove(0);
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let own = format!("/jobs/{id}");
    let act = |action: &str, fields: &[(&str, &str)]| browser.send(&own, &format!("{own}/{action}"), fields);

    let (there, page) = act("reprioritize", &[("priority", "7")]);
    assert_eq!((there.as_str(), &job(&shell, &id)["priority"]), (own.as_str(), &json!(7)));
    page.has(&["It was reprioritized."]);
    act("reschedule", &[("at", "2h")]).1.has(&["It was rescheduled.", "scheduled"]);
    assert_eq!(job(&shell, &id)["state"], "scheduled");
    act("reschedule", &[("at", "soon")]).1.has(&["`soon` is no time"]);
    act("reprioritize", &[("priority", "1000")]).1.has(&["flash bad", "-100"]);
    act("retry", &[]).1.has(&["It will run again."]);
    assert_eq!(job(&shell, &id)["state"], "available");
    // What ends a job is asked once more, by a page.
    let asked = browser.post(&own, &format!("{own}/cancel"), &[]);
    asked.has(&["Are you sure?", "would be cancelled"]);
    assert_eq!(job(&shell, &id)["state"], "available");
    act("cancel", &[("confirmed", "yes")]).1.has(&["It was cancelled.", "Run it again"]).lacks(&["Not before"]);
    act("cancel", &[("confirmed", "yes")]).1.has(&["is cancelled and cannot be cancelled"]);
    act("stroke", &[]).1.has(&["`stroke` is nothing that can be done"]);
    let done = ["jobs.reprioritize", "jobs.reschedule", "jobs.retry", "jobs.cancel"];
    assert_eq!(deeds(&shell), done);
    let last = audited(&shell).pop().unwrap();
    assert_eq!((last.0.as_str(), last.1.as_deref()), ("jobs.cancel", Some(id.as_str())));
    assert!(last.2.unwrap().contains("cannot be cancelled"), "what was refused is written down, too");
}

#[test]
fn many_jobs_are_steered_once_it_was_said_how_many() {
    let shell = shell("desk_many");
    let ids = shell.enqueue(&["--tag", "nightly", &format!("{URL}1"), &format!("{URL}2"), &format!("{URL}3")]);
    let other = shell.enqueue(&[&format!("{URL}4")]).remove(0);
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let state = |id: &str| job(&shell, id)["state"].as_str().unwrap().to_owned();

    let fields = [("action", "cancel"), ("which", "all"), ("filter", "tag=nightly")];
    browser.post("/jobs", "/jobs", &fields).has(&[
        "3 jobs would be cancelled.",
        "value=\"tag=nightly\"",
        "name=\"confirmed\"",
    ]);
    assert_eq!(state(&ids[0]), "available", "nothing is done yet");
    let (there, page) = browser.send("/jobs", "/jobs", &[&fields[..], &[("confirmed", "yes")]].concat());
    assert_eq!(there, "/jobs?tag=nightly");
    page.has(&["3 jobs were cancelled."]);
    assert_eq!(
        [state(&ids[0]), state(&ids[1]), state(&ids[2]), state(&other)],
        ["cancelled", "cancelled", "cancelled", "available"]
    );

    let fields =
        [("action", "retry"), ("which", "selected"), ("filter", ""), ("id", ids[0].as_str()), ("id", other.as_str())];
    browser.post("/jobs", "/jobs", &fields).has(&["1 job would be retried.", "is available and cannot be retried"]);
    browser.send("/jobs", "/jobs", &[&fields[..], &[("confirmed", "yes")]].concat()).1.has(&["1 job will run again."]);
    assert_eq!([state(&ids[0]), state(&ids[1])], ["available", "cancelled"]);

    for (fields, said) in [
        (vec![("action", "retry"), ("which", "selected")], "no job was selected"),
        (
            vec![("action", "cancel"), ("which", "all"), ("filter", "state=completed")],
            "completed jobs cannot be cancelled",
        ),
        (vec![("action", "cancel"), ("which", "all"), ("filter", "tag=none")], "No job was changed."),
    ] {
        browser.send("/jobs", "/jobs", &fields).1.has(&[said]);
    }
    assert_eq!(deeds(&shell), ["jobs.cancel", "jobs.retry"]);
}

#[test]
fn only_admins_steer_and_only_by_forms_of_ours() {
    let shell = shell("desk_scopes");
    let id = shell.enqueue(&[URL]).remove(0);
    let (read, admin) = super::people::two_tokens(&shell);
    let service = guarded(&shell, &[]);
    let own = format!("/jobs/{id}");
    let (reader, boss) = (Browser::of(&service, &read), Browser::of(&service, &admin));
    let proof = boss.get(&own).has(&["/cancel"]).field("csrf").unwrap().to_owned();
    reader.get(&own).has(&["available"]).lacks(&["/cancel", "/reprioritize"]);
    reader.get("/jobs").lacks(&["type=\"radio\""]);
    let to = format!("{own}/cancel");
    let yes = ("confirmed", "yes");
    assert_eq!(reader.post_raw(&to, OWN_SITE, &[("csrf", &proof), yes]).status, 403);
    for fields in [vec![yes], vec![("csrf", ""), yes], vec![("csrf", "0000"), yes]] {
        assert_eq!(boss.post_raw(&to, OWN_SITE, &fields).status, 403);
    }
    assert_eq!(job(&shell, &id)["state"], "available");
    assert_eq!(audited(&shell), []);
    for (path, admins_only) in [
        ("/jobs", false),
        ("/queues", false),
        ("/schedules", false),
        ("/backups", false),
        ("/users", true),
        ("/audit", true),
        ("/system", true),
        ("/system/checks", true),
        ("/schedules/.new", true),
    ] {
        assert_eq!(reader.try_get(path).status, if admins_only { 403 } else { 200 }, "{path}");
    }
    let login = Browser::new(&service).try_get("/jobs?state=running");
    assert_eq!((login.status, login.header("location")), (303, Some("/login?next=%2Fjobs%3Fstate%3Drunning")));
}
