//! Backups and their drills.

use super::{Browser, deeds, job, run};
use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::postgres::wait_until;
use crate::support::s3::{BUCKET, Faults, KEY, S3Server, SECRET};

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
    let others = "<a href=\"/jobs?kind=backup&amp;state=discarded\">look what became of others";
    browser.get("/backups").has(&["no fresh verified backup", "role=\"alert\"", others]);
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
fn a_backup_that_could_not_be_made_is_told_with_its_reason() {
    let shell = shell("desk_unmade");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let title = "The last backup that could not be made";
    browser.get("/backups").lacks(&[title]);
    let make = |database: &str| {
        let (there, _) = browser.send("/backups", "/backups", &[("database", database)]);
        there.strip_prefix("/jobs/").unwrap().to_owned()
    };
    let failed = |id: &str, error: &str| {
        run(
            &shell,
            &format!(
                "INSERT INTO queue.attempts (job_id, claim, started_at, outcome, error_class, error, hint)
             VALUES ('{id}', 1, now(), 'retried', 'environment', '{error}', 'make <i>room</i>')"
            ),
        );
    };
    let given_up = make("first");
    failed(&given_up, "the disk is <b>full</b>");
    browser.get("/backups").lacks(&[title, "full"]);
    shell.succeeds(&["jobs", "discard", &given_up, "--yes"]);
    browser
        .get("/backups")
        .has(&[
            title,
            "first",
            "discarded",
            "the disk is &lt;b&gt;full",
            "make &lt;i&gt;room",
            &format!("/jobs/{given_up}"),
        ])
        .has(&["href=\"/jobs?kind=backup&amp;state=discarded\""])
        .lacks(&["<b>full"]);

    // One that will be tried again is a failure, too; one that only waits is none.
    let (tried, waits) = (make("second"), make("third"));
    for id in [&tried, &waits] {
        shell.succeeds(&["jobs", "reschedule", id, "--at", "1h", "--yes"]);
    }
    failed(&tried, "the store sleeps");
    run(&shell, &format!("UPDATE queue.jobs SET attempts = 1 WHERE id = '{tried}'"));
    let page = browser.get("/backups");
    page.has(&[title, "second", "the store sleeps", "will be tried again", &format!("/jobs/{tried}")]);
    page.lacks(&["full", &given_up, &waits]);
}

/// A listener whose backups lie in the bucket.
fn with_bucket(shell: &Shell, server: &S3Server) -> Service {
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_BACKUP__STORE", format!("s3://{BUCKET}/prod"));
    command.env("AWS_ENDPOINT_URL", server.endpoint()).env("AWS_ACCESS_KEY_ID", KEY);
    Service::start({
        command.env("AWS_SECRET_ACCESS_KEY", SECRET);
        command
    })
}

#[test]
fn the_store_is_not_listed_for_each_look() {
    let (shell, server) = (shell("desk_bucket"), S3Server::start());
    let name = "cats_20261122_030000Z";
    server.place(&format!("prod/{name}/manifest.json"), b"{");
    let service = with_bucket(&shell, &server);
    let browser = Browser::new(&service);
    for _ in 0..3 {
        browser.get("/backups").has(&["Only in the store", name]);
    }
    let lists = server.requests().iter().filter(|request| request.contains("list-type")).count();
    assert_eq!(lists, 1, "{:?}", server.requests());
}

#[test]
fn a_store_that_does_not_answer_holds_no_page() {
    let (shell, server) = (shell("desk_slow_store"), S3Server::start());
    server.fail(Faults { no_lists: true, ..Faults::default() });
    let service = with_bucket(&shell, &server);
    let browser = Browser::new(&service);
    for _ in 0..2 {
        browser.get("/backups").has(&["has not answered within 2 s", "Back up now"]);
    }
}

#[test]
fn a_store_that_cannot_be_read_is_told() {
    let shell = shell("desk_no_store");
    std::fs::create_dir_all(shell.path("data")).unwrap();
    let mut command = shell.command(&["run", "--only", "http"]);
    let store = shell.path("repo/cat.rs/backups");
    command.env("REPO_TO_CAT_BACKUP__STORE", store);
    let service = Service::start(command);
    Browser::new(&service).get("/backups").has(&["The backup store cannot be read", "flash bad"]);
}
