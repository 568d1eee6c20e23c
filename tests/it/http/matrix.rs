//! Each operation with each sort of token: refused exactly where the document says so, and never a fault of ours.

use std::net::SocketAddr;

use repo_to_cat::http::openapi;
use rustix::process::Signal;
use serde_json::Value;
use sqlx::Connection as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::runtime::Builder;

use super::starting::guarded;
use crate::commands::redacted;
use crate::support::cli::{Service, Shell};
use crate::support::postgres::fresh_database;

/// Operations that everybody may ask for.
const PUBLIC: [&str; 3] = ["get /health/live", "get /health/ready", "get /health"];
/// An id of nothing.
const UNKNOWN_ID: &str = "0198c0de-0000-7000-8000-000000000000";

/// Who asks.
struct Caller {
    what: &'static str,
    token: Option<String>,
    /// The scopes that it has; none where it is nobody who is known.
    scopes: Option<&'static [&'static str]>,
}

fn callers(shell: &Shell) -> Vec<Caller> {
    let new = |user: &str, scope: &str| {
        let made = shell.json(&["users", "token", "new", user, "--scope", scope, "--name", scope]);
        made["token"].as_str().unwrap().to_owned()
    };
    for user in ["somebody", "disabled"] {
        shell.succeeds(&["users", "add", user]);
    }
    let nobody = |what, token: Option<String>| Caller { what, token, scopes: None };
    let known = |what, token, scopes| Caller { what, token: Some(token), scopes: Some(scopes) };
    let (revoked, disabled) = (new("somebody", "admin"), new("disabled", "admin"));
    shell.succeeds(&["users", "token", "revoke", &revoked[..12]]);
    shell.succeeds(&["users", "disable", "disabled"]);
    vec![
        nobody("no token", None),
        nobody("garbage", Some("rtc_garbage".to_owned())),
        nobody("expired", Some(new("somebody", "admin"))),
        nobody("revoked", Some(revoked)),
        nobody("disabled", Some(disabled)),
        known("enqueue", new("somebody", "enqueue"), &["enqueue"]),
        known("read", new("somebody", "read"), &["read"]),
        known("admin", new("somebody", "admin"), &["enqueue", "read", "admin"]),
    ]
}

/// Lets a token's time pass.
async fn expire(url: &str, token: &str) {
    let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
    let expired = sqlx::query("UPDATE tokens SET created_at = now() - interval '2 h', expires_at = now() - interval '1 h' WHERE hash = sha256($1::bytea)")
        .bind(token.as_bytes())
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(expired.rows_affected(), 1);
}

/// The status of an answer whose body may never end. Each request comes from an address of its own, so that so many wrong
/// tokens are not taken for somebody who guesses.
async fn status(service: SocketAddr, number: u32, method: &str, path: &str, token: Option<&str>) -> u16 {
    let socket = TcpSocket::new_v4().unwrap();
    let [_, b, c, d] = number.to_be_bytes();
    socket.bind(SocketAddr::from(([127, b + 1, c, d], 0))).unwrap();
    let mut stream = socket.connect(service).await.unwrap();
    let token = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    let body = if matches!(method, "get" | "delete" | "head") { "" } else { "{}" };
    let head = format!(
        "{} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{token}content-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        method.to_uppercase(),
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut line = [0; 12];
    stream.read_exact(&mut line).await.unwrap();
    std::str::from_utf8(&line[9..]).unwrap().parse().unwrap()
}

/// A path with an id where one is wanted.
fn sample(path: &str, operation: &Value) -> String {
    let mut path = path.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten().filter(|one| one["in"] == "path") {
        let name = parameter["name"].as_str().unwrap();
        let schema = &parameter["schema"];
        let value = match (schema["format"].as_str(), schema["type"].as_str()) {
            (Some("uuid"), _) => UNKNOWN_ID,
            (_, Some("integer")) => "1",
            _ => "sample",
        };
        path = path.replace(&format!("{{{name}}}"), value);
    }
    path
}

/// What of the document is not true. Public operations must be on the list.
fn lacking(name: &str, operation: &Value) -> Option<String> {
    let ways = operation["security"].as_array();
    let is_open =
        ways.is_some_and(|ways| ways.iter().any(|way| way.as_object().is_some_and(serde_json::Map::is_empty)));
    match ways {
        None => Some(format!("{name} does not say who may ask")),
        Some(_) if is_open && !PUBLIC.contains(&name) => Some(format!("{name} is open to everybody")),
        Some(_) => None,
    }
}

#[test]
fn an_operation_that_is_open_by_mistake_is_found() {
    let of = |security: &str| serde_json::from_str::<Value>(&format!("{{{security}}}")).unwrap();
    assert!(lacking("get /v1/new", &of("")).is_some());
    assert!(lacking("get /v1/new", &of(r#""security": [{}]"#)).is_some());
    assert!(lacking("get /v1/new", &of(r#""security": [{"token": ["read"]}]"#)).is_none());
    assert!(lacking("get /health", &of(r#""security": [{}]"#)).is_none());
}

#[test]
fn each_operation_lets_in_whom_the_document_names() {
    let url = fresh_database("matrix");
    let shell = Shell::migrated(&url);
    let callers = callers(&shell);
    let service = Service::start(guarded(&shell, &[("RATE_PER_MINUTE", "0"), ("MAX_SECONDS", "60")]));
    let address: SocketAddr = service.address().parse().unwrap();
    let document = serde_json::to_value(openapi::document()).unwrap();
    let mut wrong = Vec::new();
    let mut asked = 0;
    Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        let expired = callers.iter().find(|caller| caller.what == "expired").unwrap();
        expire(&url, expired.token.as_deref().unwrap()).await;
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let name = format!("{method} {path}");
                wrong.extend(lacking(&name, operation));
                let wanted = operation["security"].as_array().into_iter().flatten();
                let scopes: Vec<&str> =
                    wanted.filter_map(|way| way["token"].as_array()).flatten().filter_map(Value::as_str).collect();
                for caller in &callers {
                    asked += 1;
                    let got = status(address, asked, method, &sample(path, operation), caller.token.as_deref()).await;
                    let expected = match caller.scopes {
                        _ if PUBLIC.contains(&name.as_str()) => None,
                        None => Some(401),
                        Some(has) if scopes.iter().any(|scope| has.contains(scope)) => None,
                        Some(_) => Some(403),
                    };
                    let is_right = match expected {
                        Some(expected) => got == expected,
                        None => !matches!(got, 401 | 403) && got < 500,
                    };
                    if !is_right {
                        wrong.push(format!("{name} with {}: {got} in place of {expected:?}", caller.what));
                    }
                }
            }
        }
    });
    let (_, log) = service.stop(Signal::TERM);
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), redacted(&shell, &log));
    assert!(asked > 60, "{asked}");
}
