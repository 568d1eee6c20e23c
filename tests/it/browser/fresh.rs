//! How pages renew themselves: without taking from anybody what they type, and from nobody what they listen with.

use serde_json::json;

use super::story::logged_in;
use crate::commands::shell;
use crate::dashboard::run;
use crate::support::browser::Look;

/// Tabs for one more than there are connections.
const TABS: usize = 7;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_stays_and_what_is_folded_stays_folded() {
    let shell = shell("typed");
    let (_service, browser) = logged_in(&shell, Look::DESK).await;
    let id = shell.enqueue(&["--delay", "1h", "repo"]).remove(0);
    let attempt = format!(
        "INSERT INTO queue.attempts (job_id, claim, started_at, outcome, error_class, error)
         VALUES ('{id}', 1, now(), 'retried', 'unavailable', 'the host sleeps')"
    );
    tokio::task::block_in_place(|| run(&shell, &attempt));
    browser.go(&format!("/jobs/{id}")).await;
    browser.until("the host sleeps").await;
    browser.fill("at", "3h").await;
    let fold = "document.querySelector('.attempt').open = false; document.querySelector('#job').dataset.old = 'yes'";
    browser.client.execute(fold, vec![]).await.unwrap();
    // The one changes what is shown, the other is heard of.
    shell.succeeds(&["jobs", "reprioritize", &id, "--priority", "7", "--yes"]);
    shell.enqueue(&["--delay", "2h", "repo"]);
    browser.until_true("document.querySelector('#job').dataset.old === undefined").await;
    let kept = "return [document.querySelector('[name=at]').value, document.activeElement.name,
                       document.querySelector('.attempt').open]";
    let kept = browser.client.execute(kept, vec![]).await.unwrap();
    assert_eq!(kept, json!(["3h", "at", false]));
    // What may not be typed any more goes.
    shell.succeeds(&["jobs", "cancel", &id, "--yes"]);
    browser.until("Run it again").await;
    browser.until_true("document.querySelector('[name=at]') === null").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_tab_in_front_listens() {
    let shell = shell("tabs");
    let (_service, browser) = logged_in(&shell, Look::DESK).await;
    shell.enqueue(&["--delay", "3h", "repo"]);
    let first = browser.client.window().await.unwrap();
    browser.note_streams().await;
    browser.go("/jobs").await;
    browser.until_true("streams.join() === 'open'").await;
    // Where there are only numbers, nothing is heard: an event of a job is none of a backup.
    browser.go("/backups").await;
    browser.until_true("streams.length === 0 && document.querySelector('[data-live]') !== null").await;
    browser.go("/jobs").await;
    browser.until_true("streams.join() === 'open'").await;
    for _ in 1..TABS {
        browser.open_tab().await;
        browser.go("/jobs").await;
        browser.until("scheduled").await;
    }
    let id = shell.enqueue(&["--delay", "1h", "repo"]).remove(0);
    browser.client.switch_to_window(first).await.unwrap();
    browser.until_true("streams.join() === 'open,close,open'").await;
    browser.until_true(&format!("document.querySelector('[value=\"{id}\"]') !== null")).await;
    browser.close().await;
}
