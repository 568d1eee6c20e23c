//! Servers that go away and come back, and some that are not there yet.

use std::str::FromStr;

use rustix::process::Signal;
use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use super::crew::Crew;
use super::server::Server;
use crate::support::postgres::wait_until;

/// A connection of the test's own.
pub async fn connection(url: &str) -> PgConnection {
    // Without what poolers refuse.
    let options = PgConnectOptions::from_str(url).unwrap().application_name("test").extra_float_digits(None);
    options.connect().await.unwrap()
}

#[tokio::test]
async fn workers_survive_a_server_that_stops_and_one_that_crashes() {
    let mut server = Server::start(&[]);
    let mut crew = Crew::on(&server.url()).await;
    crew.enqueue(12).await;
    let mut worker = crew.start();
    for (outage, signal) in [Signal::INT, Signal::KILL, Signal::QUIT].into_iter().enumerate() {
        crew.completed(&mut connection(&server.url()).await, 2 * outage + 1).await;
        server.end(signal);
        wait_until("the worker to notice", || crew.log().matches("fails; trying again").count() > outage);
        server.run();
    }
    crew.settle(&mut connection(&server.url()).await).await;
    crew.said_once(3);
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}

#[tokio::test]
async fn a_worker_waits_for_a_server_that_is_not_there_yet() {
    let mut server = Server::start(&[]);
    let mut crew = Crew::on(&server.url()).await;
    crew.enqueue(1).await;
    server.end(Signal::INT);
    let mut impatient = crew.start();
    let mut worker = crew.start();
    wait_until("both to wait", || crew.log().matches("the database is not there; waiting").count() == 2);
    impatient.signal(Signal::TERM);
    assert!(impatient.wait().success(), "it can be stopped meanwhile: {}", impatient.log());
    server.run();
    crew.settle(&mut connection(&server.url()).await).await;
    assert_eq!(crew.log().matches("the database is not there; waiting").count(), 2, "{}", crew.log());
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}

#[tokio::test]
async fn few_connections_slow_a_worker_down_and_stop_nothing() {
    let server = Server::start(&["max_connections = 14"]);
    let mut crew = Crew::on(&server.url()).await;
    crew.enqueue(6).await;
    crew.settings = vec![
        ("DATABASE__MAX_CONNECTIONS", "2".into()),
        ("DATABASE__CONNECT_SECONDS", "2".into()),
        ("WORKER__SLOTS", "6".into()),
    ];
    // Somebody takes every connection that there is.
    let mut taken = vec![connection(&server.url()).await];
    let options = PgConnectOptions::from_str(&server.url()).unwrap();
    while let Ok(connection) = options.connect().await {
        taken.push(connection);
    }
    let mut worker = crew.start();
    wait_until("the worker to wait", || crew.log().contains("the database is not there; waiting"));
    taken.truncate(1);
    crew.settle(&mut taken[0]).await;
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}

#[tokio::test]
async fn a_full_disk_is_waited_for() {
    if !rustix::process::geteuid().is_root() {
        // Mounting takes root. The answer of a full disk is played in `answers`, too.
        return;
    }
    let server = Server::start_with_disk(48);
    let disk = server.disk();
    let disk = disk.display();
    server.sql(&format!("CREATE TABLESPACE small LOCATION '{disk}'"));
    server.sql("CREATE DATABASE cats TABLESPACE small");
    let url = server.url_of("cats");
    let mut crew = Crew::on(&url).await;
    crew.enqueue(8).await;
    let mut worker = crew.start();
    let mut own = connection(&url).await;
    crew.completed(&mut own, 1).await;
    server.sql(&format!("COPY (SELECT) TO PROGRAM 'cat /dev/zero > {disk}/filler || true'"));
    // Rows that still fit into pages that are there may go on; in the end nothing does.
    wait_until("the worker to notice", || crew.log().contains("53100"));
    server.sql(&format!("COPY (SELECT) TO PROGRAM 'rm {disk}/filler'"));
    crew.settle(&mut own).await;
    worker.signal(Signal::TERM);
    assert!(worker.wait().success(), "{}", worker.log());
}
