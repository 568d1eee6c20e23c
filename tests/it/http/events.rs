//! Events as a client hears them from the service.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::commands::shell;
use crate::support::cli::Service;
use crate::support::http::get;

/// A stream of events.
struct Events(BufReader<TcpStream>);

#[derive(Debug, Clone, PartialEq)]
struct Heard {
    name: String,
    id: String,
    data: Value,
}

impl Events {
    /// Listens, from after the event with the id `since` on. Of HTTP/1.0, so that nothing stands between the lines.
    fn open(service: &Service, path: &str, since: Option<&str>) -> Self {
        let mut stream = TcpStream::connect(service.address()).unwrap();
        let since = since.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        write!(stream, "GET {path} HTTP/1.0\r\nhost: 127.0.0.1\r\naccept-encoding: gzip\r\n{since}\r\n").unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let head = head.to_lowercase();
        assert!(head.contains(" 200 ") && head.contains("text/event-stream"), "{head}");
        assert!(head.contains("x-accel-buffering: no") && !head.contains("content-encoding"), "{head}");
        Self(reader)
    }

    /// The next event, but for `stats` and comments; none at the end.
    fn next(&mut self) -> Option<Heard> {
        loop {
            let (mut name, mut id, mut data) = (String::new(), String::new(), None);
            loop {
                let mut line = String::new();
                if self.0.read_line(&mut line).unwrap() == 0 {
                    return None;
                }
                let Some((field, value)) = line.trim_end().split_once(": ") else {
                    if line.trim_end().is_empty() {
                        break;
                    }
                    continue;
                };
                match field {
                    "event" => value.clone_into(&mut name),
                    "id" => value.clone_into(&mut id),
                    "data" => data = Some(serde_json::from_str(value).unwrap()),
                    _ => {}
                }
            }
            if let Some(data) = data.filter(|_| name != "stats") {
                return Some(Heard { name, id, data });
            }
        }
    }

    fn rest(mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.next()).collect()
    }

    /// Reads up to an event of a job.
    fn until(&mut self, name: &str, job: &str) -> (Heard, Vec<Heard>) {
        let mut before = Vec::new();
        loop {
            let heard = self.next().expect("it goes on");
            if heard.name == name && heard.data["id"] == job {
                return (heard, before);
            }
            before.push(heard);
        }
    }
}

fn done(events: &[Heard]) -> Vec<&str> {
    let done = events.iter().filter(|event| event.name == "step" && event.data["state"] == "done");
    done.map(|event| event.data["step"].as_str().unwrap()).collect()
}

#[test]
fn the_life_of_a_cat_is_told_and_whoever_comes_back_hears_the_rest() {
    let shell = shell("life");
    let service = shell.service("http");
    let id = shell.enqueue(&["repo"]).remove(0);
    let path = format!("/v1/generations/{id}/events");
    let mut early = Events::open(&service, &path, None);
    let first = early.next().unwrap();
    assert_eq!((first.name.as_str(), &first.data["state"]), ("state", &json!("available")));
    let _worker = shell.service("worker");
    let life = [vec![first], early.rest()].concat();
    let steps = ["fetch", "analyse", "attributes", "texts", "prompt", "paint", "caption", "store"];
    assert_eq!(done(&life), steps);
    let end = life.last().unwrap();
    assert_eq!((end.name.as_str(), &end.data["state"]), ("end", &json!("completed")));
    assert_eq!(end.data["links"]["self"], format!("/v1/generations/{id}"));
    assert!(life.iter().any(|event| event.name == "state" && event.data["state"] == "running"));

    for (place, event) in life.iter().enumerate().take(life.len() - 1) {
        let rest = Events::open(&service, &path, Some(&event.id)).rest();
        assert_eq!([done(&life[..=place]), done(&rest)].concat().len(), steps.len(), "after {event:?}: {rest:?}");
        assert_eq!(rest.last().unwrap().data, end.data);
    }
    assert_eq!(get(&service, &format!("{path}?last_event_id={}", end.id)).status, 204, "all was told");
    // What is no id of ours is none.
    assert_eq!(done(&Events::open(&service, &path, Some("nonsense")).rest()), steps);
    assert_eq!(get(&service, "/v1/generations/0198c0de-0000-7000-8000-000000000000/events").status, 404);
    assert_eq!(get(&service, &format!("{path}?after=x")).status, 400);
}

#[test]
fn a_life_that_ends_badly_is_told_with_its_attempts() {
    let shell = shell("bad_life");
    let service = shell.service("worker,http");
    let id = shell.enqueue(&["repo", "--ref", "no-such-branch"]).remove(0);
    let life = Events::open(&service, &format!("/v1/generations/{id}/events"), None).rest();
    let attempt = life.iter().find(|event| event.name == "attempt").unwrap();
    assert_eq!(attempt.data["outcome"], "discarded");
    let end = life.last().unwrap();
    assert_eq!((end.name.as_str(), &end.data["state"]), ("end", &json!("discarded")));
    assert!(end.data["error"].as_str().unwrap().contains("no-such-branch"));
}

#[test]
fn what_happens_to_all_jobs_is_told_and_nothing_is_missed_or_told_twice() {
    let shell = shell("all_events");
    let service = shell.service("worker,http");
    let mut events = Events::open(&service, "/v1/events", None);
    let first = shell.enqueue(&["repo"]).remove(0);
    let (begun, _) = events.until("state", &first);
    assert_eq!((&begun.data["kind"], &begun.data["state"]), (&json!("generation"), &json!("enqueued")));
    let (end, _) = events.until("end", &first);
    assert_eq!(end.data["state"], "completed");
    drop(events);

    // While nobody listens, things go on.
    let second = shell.enqueue(&["repo"]).remove(0);
    crate::support::postgres::wait_until("the second cat", || {
        shell.json(&["jobs", "show", &second])["job"]["state"] == "completed"
    });
    let mut events = Events::open(&service, "/v1/events", Some(&end.id));
    let (_, before) = events.until("state", &second);
    assert_eq!(before, [], "nothing twice");
    let (last, before) = events.until("end", &second);
    assert_eq!(before, []);
    drop(events);

    // Another process knows what was only from the database.
    let other = shell.service("http");
    let mut events = Events::open(&other, "/v1/events", Some(&end.id));
    assert_eq!(events.until("state", &second).1, []);
    assert_eq!(events.until("end", &second).1, []);
    drop(events);
    let third = shell.enqueue(&["repo", "--delay", "1h"]).remove(0);
    let mut events = Events::open(&other, "/v1/events", Some(&last.id));
    assert_eq!(events.until("state", &third).1, []);
    shell.succeeds(&["jobs", "cancel", "--yes", &third]);
    let (cancelled, before) = events.until("end", &third);
    assert_eq!((before.len(), &cancelled.data["state"]), (0, &json!("cancelled")));

    let mut events = Events::open(&other, "/v1/events", Some("nonsense"));
    assert_eq!(events.next().unwrap().name, "reset");
    assert!(other.stop(Signal::TERM).0.success());
    assert_eq!(events.next(), None, "a service that stops ends its streams");
}
