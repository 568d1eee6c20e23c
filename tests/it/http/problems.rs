//! What is wrong with a request is told.

use serde_json::json;

use super::{GOOD, ask_for};
use crate::commands::{count, redacted, shell};
use crate::support::http::{ask, get};

#[test]
fn what_is_wrong_with_a_request_is_a_problem() {
    let shell = shell("problems");
    let service = shell.service("http");
    let url = |url: &str| json!({ "github_url": url }).to_string();
    let unknown = "0198c0de-0000-7000-8000-000000000000";
    let huge = url(&"x".repeat(3_000_000));
    let answers = [
        ("not JSON", ask_for(&service, "", "{")),
        ("empty body", ask_for(&service, "", "")),
        ("no URL", ask_for(&service, "", "{}")),
        ("unknown field", ask_for(&service, "", r#"{"github_url": "https://github.com/a/b", "colour": "blue"}"#)),
        ("malformed URL", ask_for(&service, "", &url("https://github.com/owner"))),
        ("URL with a secret", ask_for(&service, "", &url("https://u:s3cret@github.com/a/b"))),
        ("foreign host", ask_for(&service, "", &url("https://evil.example/a/b"))),
        ("local path", ask_for(&service, "", &url(shell.path("repo").to_str().unwrap()))),
        ("relative path", ask_for(&service, "", &url("no/such/path"))),
        ("file URL", ask_for(&service, "", &url("file:///etc"))),
        ("bad reference", ask_for(&service, "", r#"{"github_url": "https://github.com/a/b", "ref": "a..b"}"#)),
        ("priority", ask_for(&service, "", r#"{"github_url": "https://github.com/a/b", "priority": 101}"#)),
        (
            "too late",
            ask_for(&service, "", r#"{"github_url": "https://github.com/a/b", "run_at": "+200000-01-01T00:00:00Z"}"#),
        ),
        ("empty key", ask_for(&service, "\nidempotency-key:", GOOD)),
        ("huge body", ask_for(&service, "", &huge)),
        ("media type", ask(&service, "POST /v1/generations HTTP/1.1\ncontent-type: text/plain", GOOD.as_bytes())),
        ("bad id", get(&service, "/v1/generations/1")),
        ("unknown id", get(&service, &format!("/v1/generations/{unknown}"))),
        ("no image", get(&service, &format!("/v1/generations/{unknown}/image"))),
        ("bad query", get(&service, "/v1/generations?color=red")),
        ("bad limit", get(&service, "/v1/generations?limit=0")),
        ("unknown cursor", get(&service, &format!("/v1/generations?after={unknown}"))),
        ("no such path", get(&service, "/v2")),
        ("no such method", ask(&service, "DELETE /v1/generations HTTP/1.1", b"")),
    ];
    let mut told = String::new();
    for (what, answer) in answers {
        assert!(answer.headers.contains("content-type: application/problem+json"), "{what}: {}", answer.headers);
        let problem = answer.json();
        assert_eq!(problem["status"], answer.status, "{what}");
        let line =
            format!("{what}: {} {} {} | {}\n", problem["status"], problem["type"], problem["detail"], problem["hint"]);
        assert!(!line.contains("s3cret"), "{line}");
        told += &line;
    }
    insta::assert_snapshot!(redacted(&shell, &told));
    assert_eq!(count(&shell), 0);
}
