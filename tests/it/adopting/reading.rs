//! Our own verbs on the application's rows, the odd ones among them.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::bed::{HEAD, connect, original};
use crate::support::cli::{Service, Shell};

fn get(service: &Service, path: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(service.address()).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{path}: {error}: {answer}")))
}

#[tokio::test]
async fn every_row_can_be_looked_at() {
    let url = original(HEAD);
    let shell = Shell::on(&url);
    shell.succeeds(&["migrate", "adopt", "--yes"]);
    let mut connection = connect(&url).await;
    let rows: Vec<(Uuid, String, Option<String>)> =
        sqlx::query_as("SELECT id, github_url, code_quality_score::text FROM generations")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    let listed = shell.succeeds(&["generations", "list"]);
    assert_eq!(shell.json(&["generations", "list"]).as_array().unwrap().len(), rows.len());
    let service = shell.service("http");
    for (id, url, score) in &rows {
        let name = id.to_string();
        assert!(listed.contains(&name), "{url}: {listed}");
        let card = shell.succeeds(&["generations", "show", &name]);
        assert!(card.contains(&name), "{url}: {card}");
        let expected = match score.as_deref() {
            None | Some("NaN") => "No score".to_owned(),
            Some(score) => format!("Score {score} of 10"),
        };
        assert!(card.contains(&expected), "{expected}: {card}");
        let shown = shell.json(&["generations", "show", &name]);
        assert_eq!(shown["github_url"], **url);
        let (status, answer) = get(&service, &format!("/v1/generations/{id}"));
        assert_eq!((status, &answer["state"], &answer["result"]), (200, &json!("completed"), &shown), "{url}");
        let (status, _) = get(&service, &format!("/v1/generations/{id}/image"));
        assert_eq!(status, 404, "{url}: its picture is not in our store");
        shell.fails(4, &["generations", "open", &name]);
    }
    let (status, page) = get(&service, "/v1/generations?limit=1000");
    assert_eq!((status, page["generations"].as_array().unwrap().len()), (200, rows.len()));
    service.stop(Signal::TERM);
    assert!(!listed.contains(" / "), "a name that is empty is the URL: {listed}");

    let ids: Vec<String> = rows.iter().map(|(id, _, _)| id.to_string()).collect();
    let delete: Vec<&str> = ["generations", "delete"].into_iter().chain(ids.iter().map(String::as_str)).collect();
    shell.succeeds(&delete);
    assert_eq!(shell.json(&["generations", "list"]), json!([]));
}
