//! Slow clients and outages.

use std::io::Write;
use std::net::TcpStream;

use repo_to_cat::postgres::DATABASE;
use rustix::process::Signal;

use super::{GOOD, ask_for};
use crate::commands::shell;
use crate::support::cli::{Service, Shell};
use crate::support::http::get;
use crate::support::postgres::{PrivateCluster, wait_until};

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
