//! What admins do all day, from the login on.

use std::fs;

use crate::commands::{many_files, shell};
use crate::http::host::Host;
use crate::support::browser::{Browser, Look};
use crate::support::cli::{Service, Shell};

/// A service that asks for a token, and a browser that has shown the one of its first start.
pub async fn logged_in(shell: &Shell, look: Look) -> (Service, Browser) {
    let mut command = shell.command(&["run"]);
    let service = Service::start({
        command.env("REPO_TO_CAT_HTTP__AUTH", "token");
        command
    });
    let browser = Browser::open(&service.address(), look).await;
    let token = fs::read_to_string(shell.path("data/admin-token")).unwrap();
    browser.go("/jobs?state=available").await;
    assert!(browser.path().await.starts_with("/login"), "nobody is let in without a token");
    browser.fill("token", "rtc_wrong").await;
    browser.press("Log in").await;
    browser.until("the token is not known").await;
    assert_eq!(browser.complaints().await.len(), 1, "of that alone");
    browser.fill("token", token.trim()).await;
    browser.press("Log in").await;
    browser.until("Signed in as admin").await;
    assert_eq!(browser.path().await, "/jobs?state=available", "where it was going");
    (service, browser)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_becomes_a_cat_before_ones_eyes() {
    let shell = shell("story");
    many_files(&shell.path("many"));
    let (_service, browser) = logged_in(&shell, Look::DESK).await;
    let id = shell.enqueue(&["many"]).remove(0);
    browser.go(&format!("/generations/{id}")).await;
    // Nobody presses anything: the page tells how far it is, and becomes the cat.
    browser.until("Its story").await;
    browser.go("/gallery").await;
    browser.until("many").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.press("Log out").await;
    browser.until("Where do I get one?").await;
    browser.go("/jobs").await;
    assert!(browser.path().await.starts_with("/login"), "the login is over");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cat_is_asked_for_at_the_gallery() {
    let shell = shell("wish");
    let host = Host::for_shell(&shell);
    let (_service, browser) = logged_in(&shell, Look::DESK).await;
    browser.go("/gallery").await;
    browser.fill("github_url", &host.url("whiskers/tom")).await;
    browser.press("Paint its cat").await;
    browser.until("Its story").await;
    assert!(browser.path().await.starts_with("/generations/"), "where one is led to");
    assert!(browser.says("whiskers/tom").await);
    // The picture itself is there, and not only its place.
    browser.until_true("document.querySelector('.showcase img').naturalWidth > 100").await;
    browser.go("/gallery").await;
    browser.until("whiskers/tom").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_cancelled_one_by_one_and_brought_back_together() {
    let shell = shell("steered");
    let (_service, browser) = logged_in(&shell, Look::DESK).await;
    let ids = shell.enqueue(&["--delay", "1h", "repo"]);
    shell.succeeds(&["enqueue", "--delay", "2h", "repo"]);
    browser.go(&format!("/jobs/{}", ids[0])).await;
    browser.press("Cancel").await;
    browser.until("Are you sure?").await;
    browser.press("Cancel the job").await;
    browser.until("It was cancelled.").await;
    browser.go("/jobs?state=scheduled").await;
    browser.choose("which", "all").await;
    browser.press("Cancel…").await;
    browser.until("1 job would be cancelled.").await;
    browser.press("Cancel the job").await;
    browser.until("1 job was cancelled.").await;

    browser.go("/jobs?state=cancelled").await;
    browser.choose("which", "all").await;
    browser.press("Retry…").await;
    browser.until("2 jobs would be retried.").await;
    browser.press("Retry the jobs").await;
    browser.until("2 jobs will run again.").await;
    browser.go("/gallery").await;
    browser.until("repo").await;
    browser.go("/audit").await;
    browser.until("jobs.retry").await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_made_and_seen_to_be_verified() {
    let shell = shell("backed_up");
    let (_service, browser) = logged_in(&shell, Look::PHONE).await;
    browser.go("/backups").await;
    browser.press("Back up now").await;
    browser.until("The backup is under way").await;
    // The page renews itself until the drill has spoken.
    browser.go("/backups").await;
    browser.until("The last verified backup is").await;
    let name = shell.json(&["backup", "list"])[0]["name"].as_str().unwrap().to_owned();
    browser.go(&format!("/backups/{name}")).await;
    browser.until(&format!("repo-to-cat backup restore {name}")).await;
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_is_read_and_done_without_scripts() {
    let shell = shell("plain");
    let (_service, browser) = logged_in(&shell, Look::DESK.without_scripts()).await;
    let id = shell.enqueue(&["--delay", "1h", "repo"]).remove(0);
    browser.go(&format!("/jobs/{id}")).await;
    browser.until("scheduled").await;
    browser.press("Run it now").await;
    browser.until("It will run again.").await;
    shell.succeeds(&["enqueue", "--wait", "repo"]);
    browser.go(&format!("/generations/{id}")).await;
    browser.until("Its story").await;
    browser.go("/queues").await;
    browser.press("Pause").await;
    browser.until("paused").await;
    browser.close().await;
}
