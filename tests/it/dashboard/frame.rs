//! What is around each page, and the pages of what went wrong.

use serde_json::Value;

use super::Browser;
use crate::commands::shell;
use crate::support::http::{ask, get};

#[test]
fn each_page_is_framed_and_runs_nothing_that_stands_in_it() {
    let shell = shell("frame");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    for path in ["/", "/gallery"] {
        let page = browser.get(path);
        let told = page.text();
        let policy = page.header("content-security-policy").unwrap();
        for rule in
            ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"]
        {
            assert!(policy.contains(rule), "{path}: {policy}");
        }
        assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"), "{path}");
        for part in ["<html lang=\"en\">", "href=\"#content\"", "<main id=\"content\"", "aria-current=\"page\"", "<h1>"]
        {
            assert!(told.contains(part), "{path} has no {part}");
        }
        for inline in [" style=", "<style", " onclick=", "javascript:"] {
            assert!(!told.contains(inline), "{path} has {inline}");
        }
        assert_eq!(told.matches("<script").count(), 1, "the one that is loaded");
        for asset in told.split('"').filter(|word| word.starts_with("/assets/")) {
            let loaded = get(&service, asset);
            assert_eq!(loaded.status, 200, "{asset}");
            assert!(loaded.header("cache-control").unwrap().contains("immutable"), "{asset}");
        }
    }
    assert_eq!(get(&service, "/assets/style-0000000000000000.css").status, 404);
}

#[test]
fn who_looks_reads_a_page_and_a_program_a_problem() {
    let shell = shell("faults");
    let service = shell.service("http");
    let browser = Browser::new(&service);
    let lost = browser.try_get("/no/such/page");
    assert_eq!(lost.status, 404);
    assert!(lost.text().contains("No cat here") && lost.header("content-type").unwrap().starts_with("text/html"));
    assert!(lost.header("x-request-id").is_some_and(|id| lost.text().contains(id)), "{}", lost.headers);
    let program = get(&service, "/no/such/page");
    assert_eq!((program.status, &program.json()["type"]), (404, &Value::from("urn:repo-to-cat:not_found")));
    // What is for programs stays so, whoever asks.
    let asked = ask(&service, "GET /v1/generations/1 HTTP/1.1\naccept: text/html", b"");
    assert_eq!((asked.status, asked.header("content-type")), (400, Some("application/problem+json")));

    for (path, status) in [
        ("/gallery?colour=red", 400),
        ("/gallery?min_score=lots", 400),
        ("/gallery?after=0198c0de-0000-7000-8000-000000000000", 404),
        ("/generations/1", 400),
        ("/generations/0198c0de-0000-7000-8000-000000000000", 404),
    ] {
        let page = browser.try_get(path);
        assert_eq!(page.status, status, "{path}");
        assert!(page.text().contains("<!DOCTYPE html>") && page.text().contains("To the overview"), "{path}");
    }
    let script = browser.try_get("/gallery?min_score=%3Cscript%3E");
    assert!(script.text().contains("&lt;script&gt;") && !script.text().contains("`<script>"), "{}", script.text());
}
