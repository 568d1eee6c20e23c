//! The gate around handlers that do what they should not.

use axum::body::{Body, to_bytes};
use axum::routing::{get, post};
use serde_json::Value;
use tower::ServiceExt as _;

use super::*;
use crate::config::{Environment, Flag, Layers, Loaded};

fn gate(settings: &[(&'static str, &str)]) -> Router {
    let flags = settings.iter().map(|(key, value)| Flag { name: "--test", key, value: (*value).to_owned() }).collect();
    let environment = Environment::of(&[]).as_root();
    let loaded: Loaded = Config::load(&Layers { environment, flags, ..Layers::default() }).unwrap();
    let router = Router::new()
        .route("/fine", get(|| async { "purr ".repeat(100) }))
        .route("/panic", get(panics))
        .route("/never", get(std::future::pending::<()>).post(std::future::pending::<()>))
        .route("/refused", get(|| async { (StatusCode::BAD_REQUEST, "that was wrong") }))
        .route("/wrong", get(|| async { Problem::from(Failure::new(Kind::Unauthorized, "the token is not known")) }))
        .route("/body", post(|body: String| async move { body }))
        .fallback(error::no_such_path);
    around(router, &loaded.config, Arc::default())
}

async fn panics() -> StatusCode {
    panic!("a cat sat on the keyboard")
}

async fn ask(gate: &Router, line: &str, headers: &[(&str, &str)]) -> (StatusCode, axum::http::HeaderMap, String) {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = gate.clone().oneshot(request.body(Body::from("meow")).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, String::from_utf8_lossy(&body).into_owned())
}

/// The type of a problem.
fn problem(body: &str) -> String {
    let problem: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"));
    problem["type"].as_str().unwrap().trim_start_matches("urn:repo-to-cat:").to_owned()
}

#[tokio::test]
async fn a_panic_is_a_problem_that_tells_nothing_but_its_request() {
    let (status, headers, body) = ask(&gate(&[]), "GET /panic", &[("x-request-id", "mine")]).await;
    assert_eq!((status.as_u16(), problem(&body).as_str()), (500, "internal"));
    assert!(body.contains("\"request_id\":\"mine\"") && !body.contains("keyboard"), "{body}");
    assert_eq!(headers["x-request-id"], "mine");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let gate = gate(&[("http.max_seconds", "1"), ("http.wait_seconds", "0")]);
    for (line, goes_on) in [("GET /never", false), ("POST /never", true)] {
        let (status, _, body) = ask(&gate, line, &[]).await;
        assert_eq!((status.as_u16(), problem(&body).as_str()), (503, "unavailable"));
        assert_eq!(body.contains("is still being done"), goes_on, "{body}");
    }
}

#[tokio::test]
async fn what_frameworks_say_in_plain_text_becomes_a_problem() {
    let (status, headers, body) = ask(&gate(&[]), "GET /refused", &[]).await;
    assert_eq!((status.as_u16(), problem(&body).as_str()), (400, "invalid"));
    assert!(body.contains("that was wrong"), "{body}");
    assert_eq!(headers["content-type"], "application/problem+json");
}

#[tokio::test]
async fn every_answer_has_the_usual_headers_and_is_compressed_where_it_may() {
    let gate = gate(&[]);
    for path in ["/fine", "/no/such/path", "/panic"] {
        let (_, headers, _) = ask(&gate, &format!("GET {path}"), &[]).await;
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["cross-origin-resource-policy"], "same-origin", "{path}");
        assert_eq!(
            (&headers["x-frame-options"], &headers["cache-control"]),
            (&"DENY".parse().unwrap(), &"no-store".parse().unwrap())
        );
        assert!(headers.contains_key("ratelimit") && headers.contains_key("content-security-policy"), "{path}");
    }
    let (_, headers, _) = ask(&gate, "GET /fine", &[("accept-encoding", "gzip")]).await;
    assert_eq!(headers["content-encoding"], "gzip");
}

#[tokio::test]
async fn methods_slashes_and_nul_are_answered_for() {
    let gate = gate(&[]);
    let (status, headers, body) = ask(&gate, "DELETE /fine", &[]).await;
    assert_eq!(
        (status.as_u16(), problem(&body).as_str(), &headers["allow"]),
        (405, "invalid", &"GET,HEAD".parse().unwrap())
    );
    let (status, headers, _) = ask(&gate, "OPTIONS /fine", &[]).await;
    assert_eq!((status.as_u16(), &headers["allow"]), (204, &"GET,HEAD".parse().unwrap()));
    let (status, headers, _) = ask(&gate, "GET /fine/?a=1", &[]).await;
    assert_eq!((status.as_u16(), &headers["location"]), (308, &"/fine?a=1".parse().unwrap()));
    for astray in ["GET //evil.example/", "GET /%5Cevil.example//", "GET /", "POST /fines/"] {
        let (status, headers, _) = ask(&gate, astray, &[]).await;
        let leads_away = headers.get("location").is_some_and(|place| place.as_bytes().starts_with(b"//"));
        assert!(!leads_away && status != StatusCode::OK, "{astray}");
    }
    for (text, field) in [("/fine?limit=1&owner=a%00b", "owner"), ("/%00", "path")] {
        let (status, _, body) = ask(&gate, &format!("GET {text}"), &[]).await;
        assert_eq!((status.as_u16(), problem(&body).as_str()), (400, "invalid"), "{text}");
        assert!(body.contains(&format!("\"field\":\"{field}\"")), "{body}");
    }
}

#[tokio::test]
async fn a_body_is_measured_before_it_is_read() {
    let gate = gate(&[("http.max_body_kb", "1")]);
    let (status, _, body) = ask(&gate, "POST /body", &[("content-length", "1025")]).await;
    assert_eq!((status.as_u16(), problem(&body).as_str()), (413, "too_large"));
    assert_eq!(ask(&gate, "POST /body", &[]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn who_is_wrong_too_often_is_not_even_looked_up() {
    let gate = gate(&[]);
    let token = [("authorization", "Bearer rtc_garbage")];
    for _ in 0..30 {
        assert_eq!(ask(&gate, "GET /wrong", &token).await.0, StatusCode::UNAUTHORIZED);
    }
    let (status, headers, body) = ask(&gate, "GET /wrong", &token).await;
    assert_eq!((status.as_u16(), problem(&body).as_str()), (429, "throttled"));
    assert!(headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() <= 60);
    assert_eq!(ask(&gate, "GET /fine", &[]).await.0, StatusCode::OK, "who shows none is let in where none is needed");
}

#[tokio::test]
async fn pages_of_other_sites_ask_only_where_they_are_named() {
    let preflight = [("origin", "https://app.example"), ("access-control-request-method", "POST")];
    let (_, headers, _) = ask(&gate(&[]), "OPTIONS /fine", &preflight).await;
    assert!(!headers.contains_key("access-control-allow-origin"));
    let gate = gate(&[("http.allowed_origins", "https://app.example")]);
    let (status, headers, _) = ask(&gate, "OPTIONS /fine", &preflight).await;
    assert_eq!(
        (status.as_u16(), &headers["access-control-allow-origin"]),
        (200, &"https://app.example".parse().unwrap())
    );
    let (_, headers, _) = ask(&gate, "GET /fine", &preflight[..1]).await;
    let shown = headers["access-control-expose-headers"].to_str().unwrap();
    for header in ["link", "retry-after", "idempotent-replayed", "www-authenticate"] {
        assert!(shown.split(',').any(|name| name == header), "{header}: {shown}");
    }
    let (_, headers, _) = ask(&gate, "OPTIONS /fine", &[("origin", "https://evil.example"), preflight[1]]).await;
    assert!(!headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn where_nobody_is_asked_who_they_are_other_sites_stay_out() {
    let gate = gate(&[("http.auth", "none")]);
    let (status, _, body) = ask(&gate, "GET /fine", &[("host", "evil.example")]).await;
    assert_eq!((status.as_u16(), problem(&body).as_str()), (403, "forbidden"));
    let from_elsewhere = [("host", "127.0.0.1"), ("origin", "http://evil.example")];
    assert_eq!(ask(&gate, "POST /body", &from_elsewhere).await.0, StatusCode::FORBIDDEN);
    assert_eq!(ask(&gate, "GET /fine", &[("host", "localhost:8000")]).await.0, StatusCode::OK);
}
