//! `GET /metrics`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use repo_to_cat::postgres::DATABASE;

use crate::support::cli::{Service, Shell};
use crate::support::postgres::{PrivateCluster, fresh_database, wait_until};

/// Head and body of the answer to a request on a connection of its own.
pub fn ask(address: &str, head: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(stream, "{head}\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_lowercase(), body.to_owned())
}

fn get(address: &str, path: &str) -> (String, String) {
    ask(address, &format!("GET {path} HTTP/1.1"), "")
}

/// The samples of a page, by name and labels. Every one must belong to a family that was announced.
pub fn samples(address: &str) -> BTreeMap<String, String> {
    let (head, body) = get(address, "/metrics");
    assert!(head.starts_with("http/1.1 200") && head.contains("content-type: text/plain; version=0.0.4"), "{head}");
    let mut family = "";
    let mut samples = BTreeMap::new();
    for line in body.lines() {
        if let Some(announced) = line.strip_prefix("# TYPE ") {
            family = announced.split(' ').next().unwrap();
        } else if !line.starts_with("# HELP ") {
            assert!(!family.is_empty() && line.starts_with(family), "{line}");
            let (name, value) = line.rsplit_once(' ').unwrap();
            let is_new = samples.insert(name.to_owned(), value.to_owned()).is_none();
            assert!(is_new && value.parse::<f64>().is_ok(), "told twice, or no number: {line}");
        }
    }
    samples
}

#[test]
fn the_http_listener_tells_the_queue_and_its_process() {
    let shell = Shell::migrated(&fresh_database("metrics"));
    let service = shell.service("http");
    let jobs = "repo_to_cat_queue_jobs{kind=\"generation\",state=\"available\"}";
    let before = samples(&service.address());
    assert_eq!((before.get(jobs), &*before["repo_to_cat_workers"]), (None, "0"));
    shell.enqueue(&["https://github.com/owner/name"]);
    let after = samples(&service.address());
    assert_eq!((&*after[jobs], &*after["repo_to_cat_queue_sampled_ratio"]), ("1", "1"));
    let oldest = "repo_to_cat_queue_oldest_seconds{kind=\"generation\",state=\"available\"}";
    assert!(after[oldest].parse::<f64>().unwrap() >= 0.0);
    assert_eq!(after["repo_to_cat_attempts_total{kind=\"generation\",ending=\"completed\"}"], "0");
}

#[test]
fn a_worker_without_http_tells_its_metrics_and_nothing_else() {
    let shell = Shell::migrated(&fresh_database("metrics_only"));
    let mut command = shell.command(&["run", "--only", "worker"]);
    command.env("REPO_TO_CAT_METRICS__LISTEN", "127.0.0.1:0");
    let service = Service::start(command);
    let address = service.told("metrics=");
    wait_until("the worker's lease", || samples(&address)["repo_to_cat_workers"] == "1");
    assert!(get(&address, "/v1/generations").0.starts_with("http/1.1 404"));
    assert!(get(&address, "/health/live").0.starts_with("http/1.1 404"));
}

#[test]
fn what_a_process_counted_is_told_during_an_outage() {
    let mut private = PrivateCluster::start();
    let shell = Shell::migrated(&private.cluster.url_of(DATABASE));
    let mut command = shell.command(&["run", "--only", "http"]);
    command.env("REPO_TO_CAT_DATABASE__CONNECT_SECONDS", "1");
    let service = Service::start(command);
    assert_eq!(samples(&service.address())["repo_to_cat_database_up"], "1");
    private.begin_outage();
    let during = samples(&service.address());
    assert_eq!((&*during["repo_to_cat_database_up"], &*during["repo_to_cat_rescued_jobs_total"]), ("0", "0"));
    assert!(!during.contains_key("repo_to_cat_workers"));
    private.end_outage();
    wait_until("the database to be up", || samples(&service.address())["repo_to_cat_database_up"] == "1");
}
