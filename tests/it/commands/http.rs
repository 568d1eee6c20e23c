//! The HTTP listener.

use std::io::{Read, Write};
use std::net::TcpStream;

use repo_to_cat::postgres::DATABASE;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{count, shell};
use crate::support::cli::{Service, Shell};
use crate::support::postgres::{PrivateCluster, wait_until};

struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.headers))
    }
}

/// One request on a connection of its own.
fn ask(service: &Service, head: &str, body: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    let length = if body.is_empty() { String::new() } else { format!("content-length: {}\r\n", body.len()) };
    let head = head.replace('\n', "\r\n");
    write!(stream, "{head}\r\nhost: test\r\nconnection: close\r\n{length}\r\n").unwrap();
    // A server that refuses a body may close before all of it is sent.
    let _ = stream.write_all(body);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    let headers = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
    let status = headers.split(' ').nth(1).unwrap().parse().unwrap();
    Answer { status, headers, body: answer[end + 4..].to_vec() }
}

fn get(service: &Service, path: &str) -> Answer {
    ask(service, &format!("GET {path} HTTP/1.1"), b"")
}

fn post(service: &Service, more: &str, body: &str) -> Answer {
    ask(service, &format!("POST /v1/generations HTTP/1.1\ncontent-type: application/json{more}"), body.as_bytes())
}

const GOOD: &str = r#"{"github_url": "https://github.com/owner/name"}"#;

#[test]
fn a_cat_is_asked_for_followed_and_looked_at() {
    let shell = shell("http");
    let service = shell.service("worker,http");
    assert_eq!(get(&service, "/health/live").json(), json!({"status": "ok"}));
    assert_eq!(get(&service, "/health/ready").json()["status"], "ok");

    let asked = post(&service, "\nidempotency-key: mine", GOOD);
    assert_eq!(asked.status, 202, "{}", asked.headers);
    let job = asked.json();
    let id = job["id"].as_str().unwrap();
    let own = format!("/v1/generations/{id}");
    assert_eq!((&job["is_new"], &job["links"]["self"]), (&true.into(), &own.as_str().into()));
    assert!(asked.headers.contains(&format!("location: {own}")), "{}", asked.headers);
    let again = post(&service, "\nidempotency-key: mine", GOOD).json();
    assert_eq!((&again["id"], &again["is_new"]), (&job["id"], &false.into()));
    let other = post(&service, "\nidempotency-key: mine", r#"{"github_url": "https://github.com/owner/other"}"#);
    assert_eq!(other.status, 409, "the key stands for another request");
    assert_eq!(get(&service, &format!("{own}/image")).status, 404, "it has no picture yet");
    assert_eq!(count(&shell), 1);

    // Hosts cannot be reached here: a local cat, enqueued on the command line, has the same status page.
    let id = shell.enqueue(&["repo"]).remove(0);
    let own = format!("/v1/generations/{id}");
    wait_until("the cat", || get(&service, &own).json()["state"] == "completed");
    let done = get(&service, &own).json();
    assert_eq!((&done["result"]["repo_name"], &done["job"]["claims"]), (&"repo".into(), &1.into()));
    for picture in ["image", "original"] {
        let png = get(&service, &format!("{own}/{picture}"));
        assert_eq!(png.status, 200);
        assert!(png.headers.contains("content-type: image/png") && png.headers.contains("nosniff"), "{}", png.headers);
        assert!(png.body.starts_with(b"\x89PNG\r\n\x1a\n"));
    }
    let list = get(&service, "/v1/generations?name=repo&limit=1").json();
    assert_eq!((&list["generations"][0]["id"], &list["next_after"]), (&id.as_str().into(), &id.as_str().into()));
    let rest = get(&service, &format!("/v1/generations?after={id}")).json();
    assert_eq!(rest, json!({"generations": [], "next_after": null}));
    assert!(service.stop(Signal::TERM).0.success());
}

#[test]
fn what_is_wrong_with_a_request_is_a_problem() {
    let shell = shell("problems");
    let service = shell.service("http");
    let url = |url: &str| json!({ "github_url": url }).to_string();
    let unknown = "0198c0de-0000-7000-8000-000000000000";
    let huge = url(&"x".repeat(3_000_000));
    let answers = [
        ("not JSON", post(&service, "", "{")),
        ("empty body", post(&service, "", "")),
        ("no URL", post(&service, "", "{}")),
        ("unknown field", post(&service, "", r#"{"github_url": "https://github.com/a/b", "colour": "blue"}"#)),
        ("malformed URL", post(&service, "", &url("https://github.com/owner"))),
        ("URL with a secret", post(&service, "", &url("https://u:s3cret@github.com/a/b"))),
        ("foreign host", post(&service, "", &url("https://evil.example/a/b"))),
        ("local path", post(&service, "", &url(shell.path("repo").to_str().unwrap()))),
        ("relative path", post(&service, "", &url("no/such/path"))),
        ("file URL", post(&service, "", &url("file:///etc"))),
        ("bad reference", post(&service, "", r#"{"github_url": "https://github.com/a/b", "ref": "a..b"}"#)),
        ("priority", post(&service, "", r#"{"github_url": "https://github.com/a/b", "priority": 101}"#)),
        (
            "too late",
            post(&service, "", r#"{"github_url": "https://github.com/a/b", "run_at": "+200000-01-01T00:00:00Z"}"#),
        ),
        ("empty key", post(&service, "\nidempotency-key:", GOOD)),
        ("huge body", post(&service, "", &huge)),
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
    insta::assert_snapshot!(super::redacted(&shell, &told));
    assert_eq!(count(&shell), 0);
}

#[test]
fn a_request_that_never_ends_does_not_keep_the_service() {
    let shell = shell("slow");
    let service = shell.service("http");
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.write_all(b"POST /v1/generations HTTP/1.1\r\nhost: test\r\n").unwrap();
    stream.write_all(b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{").unwrap();
    // Another connection's answer shows that the first was accepted.
    assert_eq!(get(&service, "/health/live").status, 200);
    let (status, log) = service.stop(Signal::TERM);
    assert!(status.success() && log.contains("were cut off"), "{status}: {log}");
}

#[test]
fn an_outage_is_told_as_such_and_ends() {
    let mut private = PrivateCluster::start();
    let shell = Shell::migrated(&private.cluster.url_of(DATABASE));
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_DATABASE__CONNECT_SECONDS", "1");
    let service = Service::start(command);
    assert_eq!(get(&service, "/health/ready").status, 200);
    private.begin_outage();
    for answer in [get(&service, "/health/ready"), get(&service, "/v1/generations"), post(&service, "", GOOD)] {
        assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some("urn:repo-to-cat:database")));
        assert_eq!(answer.json()["detail"], "the service cannot answer this now", "nothing of the inside is told");
    }
    assert_eq!(get(&service, "/health/live").status, 200);
    private.end_outage();
    wait_until("the service to be well", || get(&service, "/health/ready").status == 200);
    assert_eq!(post(&service, "", GOOD).status, 202);
}
