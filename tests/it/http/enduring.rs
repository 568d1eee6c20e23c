//! Slow clients and outages.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use repo_to_cat::postgres::DATABASE;
use rustix::process::Signal;
use sqlx::{Connection as _, PgConnection};

use super::starting::{guarded, token_in};
use super::{GOOD, ask_for};
use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::http::{bearer, get};
use crate::support::postgres::{PrivateCluster, fresh_database, wait_until};

#[test]
fn a_request_that_never_ends_does_not_keep_the_service() {
    let shell = shell("slow");
    let service = shell.service("http");
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.write_all(b"POST /v1/generations HTTP/1.1\r\nhost: 127.0.0.1\r\n").unwrap();
    stream.write_all(b"content-type: application/json\r\ncontent-length: 100\r\n\r\n{").unwrap();
    // Another connection's answer shows that the first was accepted.
    assert_eq!(get(&service, "/health/live").status, 200);
    let (status, log) = service.stop(Signal::TERM);
    assert!(status.success() && log.contains("were cut off"), "{status}: {log}");
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let shell = shell("late");
    let service = Service::start(guarded(&shell, &[("MAX_SECONDS", "1"), ("WAIT_SECONDS", "0")]));
    let token = bearer(&token_in(&shell.path("data/admin-token")));
    let form = "\r\ncontent-type: application/x-www-form-urlencoded";
    let json = format!("\r\ncontent-type: application/json{}", token.replace('\n', "\r\n"));
    for (path, headers) in [("/login", form), ("/v1/generations", &json)] {
        for begun in ["", "{"] {
            let mut stream = TcpStream::connect(service.address()).unwrap();
            stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            let head = format!("POST {path} HTTP/1.1\r\nhost: 127.0.0.1{headers}\r\ncontent-length: 100\r\n\r\n");
            stream.write_all((head + begun).as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer, and the end of the connection");
            assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("did not arrive"), "{path}: {answer}");
        }
    }
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
    for answer in [get(&service, "/health/ready"), get(&service, "/v1/generations"), ask_for(&service, "", GOOD)] {
        assert_eq!((answer.status, answer.json()["type"].as_str()), (503, Some("urn:repo-to-cat:database")));
        assert_eq!(answer.json()["detail"], "the service cannot answer this now", "nothing of the inside is told");
    }
    assert_eq!(get(&service, "/health/live").status, 200);
    private.end_outage();
    wait_until("the service to be well", || get(&service, "/health/ready").status == 200);
    assert_eq!(ask_for(&service, "", GOOD).status, 202);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_begun_is_done_and_written_down_though_nobody_waits_for_it() {
    let url = fresh_database("hung_up");
    let shell = Shell::migrated(&url);
    let service = shell.service("http");
    let mut holder = PgConnection::connect(&url).await.unwrap();
    let mut watcher = PgConnection::connect(&url).await.unwrap();
    let mut lock = holder.begin().await.unwrap();
    sqlx::query("LOCK TABLE queue.kinds").execute(&mut *lock).await.unwrap();
    let mut stream = TcpStream::connect(service.address()).unwrap();
    stream.write_all(b"POST /v1/queue/generation/pause HTTP/1.1\r\nhost: 127.0.0.1\r\n").unwrap();
    stream.write_all(b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}").unwrap();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'queue.kinds'::regclass
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    until(&mut watcher, waits, 1).await;
    drop(stream);
    // A later one's answer: the service has had its turn to see that the first is gone.
    assert_eq!(get(&service, "/health/live").status, 200);
    lock.rollback().await.unwrap();
    until(&mut watcher, "SELECT count(*) FROM web.audit WHERE action = 'queue.pause' AND outcome = 'done'", 1).await;
}

/// Returns when a query counts so many.
async fn until(connection: &mut PgConnection, query: &'static str, wanted: i64) {
    for _ in 0..6000 {
        let found: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await.unwrap();
        if found == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited in vain for {wanted}: {query}");
}
