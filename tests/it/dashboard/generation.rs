//! A cat's own page: while it is made, and after.

use super::{Browser, location, run};
use crate::commands::shell;
use crate::support::http::get;
use crate::support::postgres::wait_until;

/// The path of the page, once the cat is there.
fn cat(browser: &Browser, id: &str) -> String {
    let path = format!("/generations/{id}");
    wait_until("the cat", || browser.get(&path).text().contains("data-stage=\"ready\""));
    path
}

#[test]
fn who_waits_sees_the_place_in_line() {
    let shell = shell("cat_line");
    let id = |url: &str| shell.enqueue(&[url]).remove(0);
    let [first, second] = ["https://github.com/owner/one", "https://github.com/owner/two"].map(id);
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let page = |id: &str| browser.get(&format!("/generations/{id}"));
    page(&first).has(&["It waits in line for a worker. Place 1 in line."]).lacks(&["left."]);
    page(&second).has(&["Place 2 in line."]);
    // Hosts take turns.
    page(&id("https://gitlab.com/owner/three")).has(&["Place ~2 in line (estimate)."]);
    shell.succeeds(&["jobs", "cancel", &first, "--yes"]);
    page(&first).has(&["Somebody stopped it."]).lacks(&["in line"]);
}

#[test]
fn a_cat_is_watched_looked_at_made_again_and_deleted() {
    let shell = shell("cat_page");
    let waiting = shell.enqueue(&["repo", "--delay", "1h"]).remove(0);
    let id = shell.enqueue(&["repo"]).remove(0);
    let service = shell.service("worker,http");
    let browser = Browser::new(&service);
    let making = browser.get(&format!("/generations/{waiting}"));
    let told = making.text();
    for part in [
        "data-stage=\"making\"",
        "data-live=\"2\"",
        "scheduled",
        "fetch",
        "paint",
        "to come",
        &format!("/jobs/{waiting}"),
    ] {
        assert!(told.contains(part), "no {part}");
    }

    let own = cat(&browser, &id);
    // Now that it is known how long one takes.
    let left = "It sleeps until its time has come. About ";
    wait_until("the time left", || browser.get(&format!("/generations/{waiting}")).text().contains(left));
    let page = browser.get(&own);
    let told = page.text();
    for part in [
        "local/repo",
        "Why this score",
        "From measure to cat",
        "Its story",
        "Languages",
        "Measures",
        "This repository over time",
        "Markdown for a README",
        // The host that the request named.
        "](http://127.0.0.1/local/repo.png)](http://127.0.0.1/generations/",
        "http.public_pictures",
        &format!("src=\"/v1/generations/{id}/image?width=768\""),
        &format!("href=\"/v1/generations/{id}\""),
        "Run again",
        "Only paint again",
        "Delete",
    ] {
        assert!(told.contains(part), "no {part}: {told}");
    }
    let bare = browser.get(&format!("{own}?picture=original"));
    assert!(bare.text().contains(&format!("src=\"/v1/generations/{id}/original?width=768\"")));
    assert_eq!(get(&service, &format!("/v1/generations/{id}/original?width=768")).status, 200);

    // Painted again from its analysis: the same commit, the same cat, but no fetch.
    let asked = browser.submit(&page, &format!("{own}/rerun"), &[("from", "analysis")]);
    let new = location(&asked).rsplit('/').next().unwrap().to_owned();
    let new_page = cat(&browser, &new);
    let flashed = browser.try_get(&new_page);
    let [old, again] = [&id, &new].map(|id| get(&service, &format!("/v1/generations/{id}")).json()["result"].clone());
    assert_eq!((&old["commit_oid"], &old["image_path"]), (&again["commit_oid"], &again["image_path"]));
    assert_eq!(shell.json(&["jobs", "show", &new])["job"]["rerun_of"], id.as_str());
    assert!(flashed.text().contains("This repository over time") && flashed.text().contains(&own), "its past");
    let whole = browser.submit(&page, &format!("{own}/rerun"), &[]);
    cat(&browser, location(&whole).rsplit('/').next().unwrap());
    let early = browser.submit(&page, &format!("/generations/{waiting}/rerun"), &[]);
    let told = browser.get(location(&early));
    assert!(told.text().contains("not finished") && told.text().contains("role=\"alert\""), "{}", told.text());
    assert!(!browser.get(location(&early)).text().contains("role=\"alert\""), "said once");

    // What cannot be undone is asked once more.
    let question = browser.submit(&page, &format!("{own}/delete"), &[]);
    assert_eq!(question.status, 200);
    assert!(question.text().contains("Delete this cat?") && question.text().contains("name=\"confirmed\""));
    assert_eq!(browser.try_get(&own).status, 200);
    let deleted = browser.submit(&question, &format!("{own}/delete"), &[("confirmed", "yes")]);
    assert_eq!(location(&deleted), "/gallery");
    assert!(browser.get("/gallery").text().contains("The cat is deleted."));
    assert!(browser.get(&own).text().contains("Its cat is gone"), "the job is still there");
}

#[test]
fn a_job_of_another_kind_has_no_cat() {
    let shell = shell("cat_page_of_a_backup");
    let id = "0198c0de-0000-7000-8000-000000000001";
    run(
        &shell,
        &format!(
            "INSERT INTO queue.history (id, created_at, run_at, started_at, finished_at, claims, priority, max_attempts,
                                        attempts, deaths, kind, state, payload)
             SELECT '{id}', at, at, at, at, 1, 0, 5, 0, 0, 'backup', 'completed', '{{}}' FROM queue.now() AS at"
        ),
    );
    let service = shell.service("http");
    let page = Browser::new(&service).try_get(&format!("/generations/{id}"));
    assert_eq!(page.status, 404);
    page.has(&["is no generation but a backup job"]).lacks(&["Its cat is gone"]);
    for path in [format!("/v1/generations/{id}"), format!("/v1/generations/{id}/events")] {
        let answer = get(&service, &path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.text().contains("is no generation but a backup job"), "{path}: {}", answer.text());
    }
}
