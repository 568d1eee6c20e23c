//! What one may ask for, how often and how.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::starting::{guarded, token_in};
use crate::commands::shell;
use crate::support::cli::Service;
use crate::support::http::{ask, bearer, get, send};

fn list(service: &Service, more: &str) -> crate::support::http::Answer {
    ask(service, &format!("GET /v1/generations HTTP/1.1{more}"), b"")
}

#[test]
fn each_token_has_a_rate_of_its_own() {
    let shell = shell("rates");
    let service = Service::start(guarded(&shell, &[("RATE_PER_MINUTE", "3")]));
    let token = bearer(&token_in(&shell.path("data/admin-token")));
    // The first counts for the address: nobody knew yet that the token works.
    assert_eq!(list(&service, &token).header("ratelimit-policy"), Some("\"address\";q=3;w=60"));
    let told: Vec<_> = (0..3).map(|_| list(&service, &token)).collect();
    assert!(told.iter().all(|answer| answer.status == 200));
    assert_eq!(told[0].header("ratelimit-policy"), Some("\"token\";q=3;w=60"));
    assert_eq!(told[0].header("ratelimit"), Some("\"token\";r=2;t=20"));
    let refused = list(&service, &token);
    assert_eq!((refused.status, refused.json()["type"].as_str()), (429, Some("urn:repo-to-cat:throttled")));
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&wait), "{wait}");
    assert_eq!(list(&service, "").status, 401, "the address is another asker");
    assert!((0..9).all(|_| get(&service, "/health/live").status == 200), "who watches the service always gets it");
}

#[test]
fn the_address_of_a_stranger_is_blocked_but_not_who_is_known() {
    let shell = shell("tries");
    let service = Service::start(guarded(&shell, &[]));
    let token = bearer(&token_in(&shell.path("data/admin-token")));
    assert_eq!(list(&service, &token).status, 200);
    let wrong = |n: u32| list(&service, &bearer(&format!("rtc_{n:040}"))).status;
    assert!((0..30).all(|n| wrong(n) == 401));
    assert_eq!(wrong(30), 429);
    assert_eq!(list(&service, &token).status, 200);
}

#[test]
fn a_proxy_that_is_trusted_tells_whose_address_it_is() {
    let shell = shell("proxied");
    let wrong = |service: &Service, from: &str| {
        let token = bearer("rtc_wrong");
        ask(service, &format!("GET /v1/generations HTTP/1.1\nx-forwarded-for: {from}{token}"), b"").status
    };
    let service = Service::start(guarded(&shell, &[("TRUSTED_PROXIES", "127.0.0.1,10.0.0.0/8")]));
    assert!((0..30).all(|n| wrong(&service, &format!("198.51.100.{n}, 203.0.113.7")) == 401));
    assert_eq!(wrong(&service, "203.0.113.7, 10.0.0.1"), 429);
    assert_eq!(wrong(&service, "203.0.113.8"), 401);
    let service = Service::start(guarded(&shell, &[]));
    assert!((0..30).all(|n| wrong(&service, &format!("198.51.100.{n}")) == 401));
    assert_eq!(wrong(&service, "203.0.113.7"), 429, "nobody is believed unasked");
}

#[test]
fn each_request_is_counted_and_told_in_one_line() {
    let shell = shell("access");
    let service = Service::start(guarded(&shell, &[]));
    let token = bearer(&token_in(&shell.path("data/admin-token")));
    let unknown = "/v1/generations/0198c0de-0000-7000-8000-000000000000";
    ask(&service, &format!("GET {unknown} HTTP/1.1\nx-request-id: mine-1{token}"), b"");
    let head = ask(&service, &format!("HEAD /v1/generations HTTP/1.1{token}"), b"");
    assert_eq!((head.status, head.body.len()), (200, 0));
    get(&service, "/no/such/path/at/all");
    let metrics = ask(&service, &format!("GET /metrics HTTP/1.1{token}"), b"");
    for line in [
        "repo_to_cat_http_requests_total{method=\"GET\",path=\"/v1/generations/{id}\",status=\"404\"} 1",
        "repo_to_cat_http_requests_total{method=\"HEAD\",path=\"/v1/generations\",status=\"200\"} 1",
        "repo_to_cat_http_request_seconds_count{path=\"/v1/generations\"} 1",
    ] {
        assert!(metrics.text().lines().any(|told| told == line), "{line}: {}", metrics.text());
    }
    assert!(!metrics.text().contains("0198c0de") && !metrics.text().contains("such/path"));
    promtool(&metrics.body);
    assert_eq!(get(&service, "/metrics").status, 401);
    let (_, log) = service.stop(Signal::TERM);
    let line =
        log.lines().find(|line| line.contains("repo_to_cat::http: answered") && line.contains("mine-1")).unwrap();
    for part in ["method=GET", "path=\"/v1/generations/{id}\"", "status=404", "caller=\"admin\"", "ms="] {
        assert!(line.contains(part), "{part}: {line}");
    }
}

/// What Prometheus' own checker says.
fn promtool(page: &[u8]) {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/promtool/promtool");
    let program = if own.exists() { own.as_path() } else { Path::new("promtool") };
    let mut checker = Command::new(program)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("promtool, of Prometheus: {error}; scripts/setup test installs it"));
    checker.stdin.take().unwrap().write_all(page).unwrap();
    let said = checker.wait_with_output().unwrap();
    assert!(said.status.success() && said.stderr.is_empty(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
fn bodies_and_text_are_bounded() {
    let shell = shell("bounds");
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_HTTP__MAX_BODY_KB", "1");
    let service = Service::start(command);
    let large = send(&service, "POST", "/v1/generations", "", &" ".repeat(1025));
    assert_eq!((large.status, large.json()["field"].as_str()), (413, Some("body")));
    // Where the length is not told before, it is counted.
    let mut body = b"800\r\n".to_vec();
    body.extend([b' '; 2048]);
    body.extend(b"\r\n0\r\n\r\n");
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.write_all(b"POST /v1/generations HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n").unwrap();
    let _ = stream.write_all(&body);
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("urn:repo-to-cat:too_large"), "{answer}");
    for path in ["/v1/generations?owner=%00", "/v1/generations/%00", "/%00/x.png"] {
        let answer = get(&service, path);
        assert_eq!((answer.status, answer.json()["type"].as_str()), (400, Some("urn:repo-to-cat:invalid")), "{path}");
    }
    assert_eq!(ask(&service, "GET /v1/generations HTTP/1.1\norigin: null", b"").status, 200);
    let forged = ask(&service, "POST /v1/generations HTTP/1.1\norigin: http://evil.example", b"{}");
    assert_eq!((forged.status, forged.json()["field"].as_str()), (403, Some("origin")));
}

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

#[test]
fn http_2_is_spoken_with_prior_knowledge() {
    let shell = shell("http2");
    let service = shell.service("http");
    let mut stream = TcpStream::connect(service.address()).unwrap();
    // Indexed by the static table of HPACK: GET, http; then the path and the host in letters.
    let mut head = vec![0x82, 0x86, 0x04, 12];
    head.extend(b"/health/live");
    head.extend([0x01, 9]);
    head.extend(b"localhost");
    let request = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, &[]), frame(1, 0x5, 1, &head)].concat();
    stream.write_all(&request).unwrap();
    let (mut status, mut body) = (None, Vec::new());
    loop {
        let mut header = [0; 9];
        stream.read_exact(&mut header).unwrap();
        let length = u32::from_be_bytes([0, header[0], header[1], header[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).unwrap();
        match header[3] {
            0 => body.extend(payload),
            1 => status = payload.into_iter().find(|byte| *byte & 0xe0 != 0x20),
            _ => continue,
        }
        if header[4] & 1 == 1 {
            break;
        }
    }
    // 0x88: the status 200 of the static table.
    assert_eq!((status, body.as_slice()), (Some(0x88), &br#"{"status":"ok"}"#[..]));
}
