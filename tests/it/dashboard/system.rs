//! The audit log and the system.

use super::{Browser, EVIL};
use crate::commands::shell;
use crate::support::cli::Service;

#[test]
fn the_audit_log_is_looked_through() {
    let shell = shell("desk_audit");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    browser.get("/audit").has(&["Nothing was done yet"]);
    browser.send("/queues", "/queues/probe/pause", &[("because", EVIL)]);
    browser.send("/queues", "/queues/backup/pause", &[]);
    browser.send("/users", "/users", &[("name", "cat")]);
    browser
        .get("/audit")
        .has(&["queue.pause", "users.add", "anybody", "dashboard", "done", "&lt;script&gt;"])
        .lacks(&["<script>alert"]);
    browser.get("/audit?action=queue.").has(&["queue.pause", "probe"]).lacks(&["users.add"]);
    browser.get("/audit?target=backup").has(&["backup"]).lacks(&["probe"]);
    browser.get("/audit?who=nobody").has(&["Nothing was done yet"]);
    browser.get("/audit?after=1").lacks(&["users.add"]);
}

#[test]
fn the_system_tells_its_settings_without_secrets() {
    let shell = shell("desk_system");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let page = browser.get("/system");
    page.has(&["repo-to-cat ", "current", "worker.lease_seconds", "quick.toml", "http.auth", "web"]);
    page.lacks(&["password="]);
    browser.get("/system/checks").has(&["settings", "data folder", "the server answers"]);
}

#[test]
fn a_password_in_a_setting_is_masked() {
    let shell = shell("desk_masked");
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_BACKUP__WEBHOOK_URL", "https://example.org/hook?key=s3cret");
    let service = Service::start(command);
    Browser::new(&service).get("/system").has(&["backup.webhook_url"]).lacks(&["s3cret"]);
}
