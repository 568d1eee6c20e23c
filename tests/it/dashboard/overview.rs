//! How all does, at a glance.

use super::{Browser, EVIL, run};
use crate::commands::shell;
use crate::support::postgres::wait_until;

#[test]
fn an_empty_service_says_what_to_do_next() {
    let shell = shell("overview_empty");
    let service = shell.service("http");
    let page = Browser::new(&service).get("/");
    let told = page.text();
    for hint in ["Nobody works.", "repo-to-cat run", "No cats yet.", "repo-to-cat enqueue", "The cats purr.", "never"] {
        assert!(told.contains(hint), "no {hint}");
    }
}

#[test]
fn the_verified_backup_is_that_of_the_database_that_is_worst_off() {
    let shell = shell("overview_worst");
    shell.succeeds(&["backup", "now"]);
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/").has(&["fresh enough"]).lacks(&["none is proven yet"]);
    let payload = r#"{"database": "other"}"#;
    shell.succeeds(&["schedules", "add", "others", "--cron", "0 3 * * *", "--kind", "backup", "--payload", payload]);
    browser.get("/").has(&["other: none is proven yet", "<span class=\"value\">never"]).lacks(&["fresh enough"]);
}

#[test]
fn each_figure_leads_to_what_is_behind_it() {
    let shell = shell("overview");
    let service = shell.service("worker,http,scheduler");
    let browser = Browser::new(&service);
    shell.enqueue(&["repo"]);
    shell.enqueue(&["repo", "--delay", "1h"]);
    wait_until("a cat", || browser.get("/").text().contains("class=\"cat\""));
    let failed = shell.enqueue(&["repo", "--delay", "2h"]).remove(0);
    shell.succeeds(&["jobs", "discard", &failed, "--yes"]);
    let attempt = format!(
        "INSERT INTO queue.attempts (job_id, claim, started_at, outcome, error_class, error)
         VALUES ('{failed}', 1000, now(), 'discarded', 'too_large', '{}')",
        EVIL.replace('\'', "''")
    );
    run(&shell, &attempt);
    let page = browser.get("/");
    let told = page.text();
    for link in [
        "/jobs?state=available",
        "/jobs?state=running",
        "/jobs?state=completed&amp;since=1h",
        "/jobs?state=scheduled&amp;kind=generation",
        "/jobs?state=discarded&amp;since=24h",
        "/queues",
        "/backups",
        "/schedules",
        "/generations/",
    ] {
        assert!(told.contains(&format!("href=\"{link}")), "no {link}: {told}");
    }
    assert!(told.contains("too large") && told.contains("&lt;script&gt;") && !told.contains(EVIL), "{told}");
    // Charts are read without being seen, and live parts are marked.
    assert!(told.contains("1 completed and 1 discarded in six hours") && told.contains("<summary>Data"), "{told}");
    assert!(told.contains("id=\"overview\" data-live"));
}
