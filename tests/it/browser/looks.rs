//! How pages look, empty and full, on a desk and on a phone, in the light and in the dark: nobody is kept out, nothing
//! sticks out, nothing is forbidden. With `BROWSER_SHOTS=folder` each is photographed.

use crate::commands::shell;
use crate::fetch::fixture::honest;
use crate::support::browser::{Browser, Look};
use crate::support::cli::Shell;
use crate::support::postgres::{fresh_database, wait_until};

const PAGES: [(&str, &str); 15] = [
    ("overview", "/"),
    ("gallery", "/gallery"),
    ("jobs", "/jobs"),
    ("queues", "/queues"),
    ("schedules", "/schedules"),
    ("schedule_new", "/schedules/.new"),
    ("backups", "/backups"),
    ("webhooks", "/webhooks"),
    ("users", "/users"),
    ("audit", "/audit"),
    ("system", "/system"),
    ("checks", "/system/checks"),
    ("docs", "/docs"),
    ("login", "/login"),
    ("nothing", "/no/such/page"),
];

/// Looks at each page; all that is wrong, together.
async fn look_at(address: &str, name: &str, look: Look, pages: &[(String, String)]) -> Vec<String> {
    let browser = Browser::open(address, look).await;
    let mut wrong = Vec::new();
    for (page, path) in pages {
        browser.go(path).await;
        browser.shoot(&format!("{page}_{name}")).await;
        let mut tell = |what: String| wrong.push(format!("{path} {name}: {what}"));
        browser.barriers().await.into_iter().for_each(&mut tell);
        let overflow = browser.overflow().await;
        if overflow > 0 {
            tell(format!("{overflow} pixels wider than the window"));
        }
        // That a page is not there is no complaint.
        browser.complaints().await.into_iter().filter(|line| !line.contains("404")).for_each(tell);
    }
    browser.close().await;
    wrong
}

fn named(pages: &[(&str, &str)]) -> Vec<(String, String)> {
    pages.iter().map(|(name, path)| ((*name).to_owned(), (*path).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_pages_say_what_to_do() {
    let shell = Shell::migrated(&fresh_database("empty"));
    let service = shell.service("http");
    let wrong = look_at(&service.address(), "empty_desk", Look::DESK, &named(&PAGES)).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let wrong = look_at(&service.address(), "empty_phone_dark", Look::PHONE.dark(), &named(&PAGES)).await;
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn full_pages_are_for_everybody() {
    let shell = shell("full");
    let service = shell.service("worker,scheduler,http");
    let pages = fill(&shell);
    for (name, look) in [("full_desk_dark", Look::DESK.dark()), ("full_phone", Look::PHONE)] {
        let wrong = look_at(&service.address(), name, look, &pages).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }
    if std::env::var_os("BROWSER_SHOTS").is_some() {
        look_at(&service.address(), "full_desk", Look::DESK, &pages).await;
        look_at(&service.address(), "full_phone_dark", Look::PHONE.dark(), &pages).await;
    }
}

/// Something of everything; the pages that show it.
fn fill(shell: &Shell) -> Vec<(String, String)> {
    honest(&shell.path("a-repository-whose-name-is-rather-long-for-a-narrow-screen"));
    let cat = shell.enqueue(&["repo"]).remove(0);
    shell.succeeds(&["enqueue", "--wait", "a-repository-whose-name-is-rather-long-for-a-narrow-screen"]);
    shell.succeeds(&["enqueue", "--wait", "--tag", "nightly", "repo"]);
    std::fs::create_dir(shell.path("hollow")).unwrap();
    shell.run(&["enqueue", "--wait", "hollow"]);
    let failed = shell.json(&["jobs", "list", "--state", "discarded"])["jobs"][0]["id"].as_str().unwrap().to_owned();
    let waiting = shell.enqueue(&["--delay", "3h", "--tag", "later", "--priority", "7", "repo"]).remove(0);
    shell.succeeds(&[
        "schedules",
        "add",
        "nightly",
        "--cron",
        "0 3 * * *",
        "--kind",
        "generation",
        "--payload",
        r#"{"github_url": "https://github.com/owner/name"}"#,
    ]);
    shell.succeeds(&["users", "add", "tom"]);
    shell.succeeds(&["users", "token", "new", "tom", "--scope", "read"]);
    shell.succeeds(&["backup", "now"]);
    shell.succeeds(&["backup", "now", "--queue", "--database", "nowhere"]);
    wait_until("that there is no such database", || {
        let given_up = shell.json(&["jobs", "list", "--state", "discarded", "--kind", "backup"]);
        given_up["jobs"].as_array().is_some_and(|jobs| !jobs.is_empty())
    });
    let backup = shell.json(&["backup", "list"])[0]["name"].as_str().unwrap().to_owned();
    let mut pages = named(&PAGES);
    let of = |name: &str, path: String| (name.to_owned(), path);
    pages.extend([
        of("generation", format!("/generations/{cat}")),
        of("making", format!("/generations/{waiting}")),
        of("job_waiting", format!("/jobs/{waiting}")),
        of("job_done", format!("/jobs/{cat}")),
        of("job_failed", format!("/jobs/{failed}")),
        of("schedule", "/schedules/nightly".to_owned()),
        of("schedule_edit", "/schedules/nightly/edit".to_owned()),
        of("backup", format!("/backups/{backup}")),
        of("user", "/users/tom".to_owned()),
    ]);
    pages
}
