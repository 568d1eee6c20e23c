//! Backups and their drills.

use super::{Browser, deeds, job, run};
use crate::commands::shell;
use crate::support::postgres::wait_until;

#[test]
fn a_backup_is_made_tried_and_looked_at() {
    let shell = shell("desk_backups");
    let service = shell.service("worker,http");
    let browser = Browser::new(&service);
    browser.get("/backups").has(&["No backup was made yet", "Back up now", "none yet"]).lacks(&["badge good"]);

    let (there, page) = browser.send("/backups", "/backups", &[]);
    page.has(&["The backup is under way"]);
    let id = there.strip_prefix("/jobs/").unwrap().to_owned();
    wait_until("the backup", || job(&shell, &id)["state"] == "completed");
    let list = browser.get("/backups");
    list.has(&["unverified", "0 verified, 1 not tried"]).lacks(&["badge good"]);
    let (_, after) =
        browser.get(&there).text().split_once("href=\"/backups/").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let name = after.split('"').next().unwrap().to_owned();
    let own = format!("/backups/{name}");
    let command = format!("repo-to-cat backup restore {name}");
    browser.get(&own).has(&["unverified", &command, "generations", "pg_dump", "custom"]).lacks(&["badge good"]);

    let (there, page) = browser.send(&own, &format!("{own}/verify"), &[]);
    page.has(&["It is being tried"]);
    let id = there.strip_prefix("/jobs/").unwrap().to_owned();
    wait_until("the drill", || job(&shell, &id)["state"] == "completed");
    browser.get(&own).has(&["badge good", "verified", "Last drill", "Restoring alone took", "Drills"]);
    browser.get("/backups").has(&["badge good", "fresh", "1 verified"]);

    // Another one: what changed since, and a trend.
    shell.enqueue(&["https://github.com/owner/name"]);
    let second = shell.json(&["backup", "now", "--no-drill"])[0]["name"].as_str().unwrap().to_owned();
    let page = browser.get(&format!("/backups/{second}"));
    page.has(&["Since the one before", &name, "queue.jobs", "Rows before"]);
    browser.get("/backups").has(&["Size in the store", "How long it took", "<svg", &second]);
    assert_eq!(deeds(&shell), ["backups.make", "backups.verify"]);

    // What was proven once is too old one day.
    run(&shell, "UPDATE backup.backups SET started_at = started_at - interval '1 year'");
    run(&shell, "UPDATE backup.beginning SET at = at - interval '1 year'");
    browser.get("/backups").has(&["no fresh verified backup", "role=\"alert\""]);
    assert_eq!(browser.try_get("/backups/cats_20200101_000000Z").status, 404);
    assert_eq!(browser.try_get("/backups/nonsense").status, 400);
}

#[test]
fn a_failed_drill_is_red_and_tells_what_came_back_otherwise() {
    let shell = shell("desk_failed_drill");
    let made = shell.json(&["backup", "now", "--no-drill"])[0]["name"].as_str().unwrap().to_owned();
    let differences = r#"[{"what": "missing", "object": "INDEX <script>alert(1)</script>"}]"#;
    run(&shell, &format!(
        "INSERT INTO backup.drills (id, backup, started_at, finished_at, verdict, reason, differences, tables, rows, images, fetched_bytes, scratch_bytes)
         VALUES (gen_random_uuid(), '{made}', now(), now(), 'failed', '2 tables <b>differ</b>', '{differences}', 1, 1, 0, 1, 1)"
    ));
    run(&shell, "UPDATE backup.backups SET verdict = 'failed', drilled_at = now(), alarms = '{half as <i>large</i>}'");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/backups").has(&["badge bad", "half as &lt;i&gt;large"]).lacks(&["badge good", "<i>large"]);
    let page = browser.get(&format!("/backups/{made}"));
    page.has(&["2 tables &lt;b&gt;differ", "missing: INDEX &lt;script&gt;", "Unlike the last verified"])
        .lacks(&["<script>alert", "<b>differ"]);
}

#[test]
fn a_store_that_cannot_be_read_is_told() {
    let shell = shell("desk_no_store");
    std::fs::create_dir_all(shell.path("data")).unwrap();
    let mut command = shell.command(&["run", "--only", "http"]);
    let store = shell.path("repo/cat.rs/backups");
    command.env("REPO_TO_CAT_BACKUP__STORE", store);
    let service = crate::support::cli::Service::start(command);
    Browser::new(&service).get("/backups").has(&["The backup store cannot be read", "flash bad"]);
}
