//! Receivers that are not to be told, and those that cannot prove who they are.

use repo_to_cat::providers::receiver::Receiver;

use super::bed::Bed;
use crate::fetch::server::{Certificate, Server, answer};

#[test]
fn a_url_that_leads_inside_is_refused_when_it_is_asked_for() {
    let bed = Bed::make("inside", Vec::new());
    for (url, code) in [
        ("https://127.0.0.1:9/", 3),
        ("https://169.254.169.254/latest/meta-data", 3),
        ("http://example.org/", 3),
        ("https://u:p@example.org/", 2),
        ("no url", 2),
    ] {
        bed.shell.fails(code, &["enqueue", "repo", "--webhook-url", url]);
    }
    assert_eq!(crate::commands::count(&bed.shell), 0);
}

#[test]
fn a_name_that_leads_inside_is_refused_when_it_is_told() {
    let bed = Bed::make("names", Vec::new());
    let other = Server::start(|_, stream| answer(stream, 200, &[], b""));
    let url = format!("https://localhost:{}/", other.port);
    let id = bed.shell.enqueue(&["repo", "--webhook-url", &url]).remove(0);
    let _service = bed.shell.service("worker");
    let tries = bed.tries(&id, 1);
    assert!(tries[0]["error"].as_str().unwrap().contains("not a public address"), "{tries:?}");
    bed.wait_for(tries[0]["job_id"].as_str().unwrap(), "discarded");
    assert!(other.requests.lock().unwrap().is_empty());
}

#[test]
fn a_redirect_is_not_followed() {
    let other = Server::start(|_, stream| answer(stream, 200, &[], b""));
    let target = format!("https://localhost:{}/", other.port);
    let bed =
        Bed::make("redirects", vec![(307, vec![("Location", target.clone())]), (302, vec![("Location", target)])]);
    let id = bed.ask(&[]);
    let _service = bed.shell.service("worker");
    let tries = bed.tries(&id, 3);
    let statuses: Vec<_> = tries.iter().map(|tried| tried["status"].as_i64().unwrap()).collect();
    assert_eq!(statuses, [307, 302, 200]);
    assert!(other.requests.lock().unwrap().is_empty());
}

#[test]
fn who_cannot_prove_who_they_are_is_told_nothing() {
    for certificate in [Certificate::WrongHost, Certificate::UnknownAuthority, Certificate::Expired] {
        let bed = Bed::with_certificate("certificates", certificate, Vec::new());
        let id = bed.ask(&[]);
        let service = bed.shell.service("worker");
        // It is tried again: certificates are mended.
        let tries = bed.tries(&id, 2);
        drop(service);
        assert!(tries[0]["error"].as_str().unwrap().contains("certificate"), "{certificate:?}: {tries:?}");
        assert!(bed.receiver.requests.lock().unwrap().is_empty());
    }
}

#[test]
fn a_receiver_is_named_in_messages_without_its_path() {
    let settings = repo_to_cat::config::Webhooks {
        secret_file: "".into(),
        timeout_seconds: 1,
        max_attempts: 1,
        allow_http: false,
        slots: 1,
    };
    let receiver = Receiver::parse("https://example.org/T0KEN", &settings, &[]).unwrap();
    assert_eq!(receiver.host(), "example.org");
}
