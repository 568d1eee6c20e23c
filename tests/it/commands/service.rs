//! `run`: start, stop, and a private server that is killed under it.

use std::net::TcpListener;

use rustix::process::Signal;
use serde_json::Value;

use super::{honest, shell, state};
use crate::support::cli::Shell;
use crate::support::postgres::{kill, wait_until};

#[test]
fn the_service_stops_gracefully_on_both_signals() {
    let shell = shell("stop");
    for signal in [Signal::TERM, Signal::INT] {
        let service = shell.service("worker,scheduler,http");
        let id = shell.enqueue(&["repo"]).remove(0);
        let (status, log) = service.stop(signal);
        assert!(status.success(), "{status}: {log}");
        assert!(log.contains("stopping: no more jobs are claimed"), "{log}");
        let now = state(&shell, &id);
        assert!(["available", "completed"].contains(&now.as_str()), "finished or handed back, not {now}");
        shell.wait_for_silence();
    }
    let worker = shell.service("worker");
    wait_until("every job to be done", || shell.json(&["generations", "list"]).as_array().unwrap().len() == 2);
    drop(worker);
}

#[test]
fn a_port_in_use_is_told_before_any_job_is_claimed() {
    let shell = shell("port");
    let id = shell.enqueue(&["repo"]).remove(0);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = shell.command(&["run"]);
    let output = command.env("REPO_TO_CAT_HTTP__LISTEN", &address).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(7), "{told}");
    assert!(
        told.contains(&format!("error: cannot listen on {address}")) && told.contains("hint: set http.listen"),
        "{told}"
    );
    assert_eq!(state(&shell, &id), "available");
}

#[test]
fn a_service_brings_its_killed_private_server_back() {
    let shell = Shell::private();
    honest(&shell.path("repo"));
    let mut service = shell.service("worker");
    service.read_until("worker registered");
    let supervisor = || {
        let state = std::fs::read(shell.path("data/postgres/server.json")).ok()?;
        serde_json::from_slice::<Value>(&state).ok()?["supervisor"].as_u64()
    };
    for _ in 0..2 {
        let before = supervisor().expect("a server runs");
        kill(u32::try_from(before).unwrap(), Signal::KILL);
        // Nobody else uses the cluster: it is this process that starts the server again.
        service.read_until("the private PostgreSQL server was gone and was started again");
        assert_ne!(supervisor(), Some(before));
    }
    let cats = shell.json(&["enqueue", "repo", "--wait"]);
    assert_eq!(cats[0]["repo_name"], "repo");
    assert!(service.stop(Signal::TERM).0.success());
    shell.wait_for_silence();
}
