//! The HTTP listener.

mod backups;
mod badges;
mod enduring;
mod events;
mod generations;
mod health;
pub mod host;
mod jobs;
mod limits;
mod matrix;
mod original;
mod owners;
mod people;
mod pictures;
mod problems;
mod queues;
mod reference;
mod schedules;
mod schemathesis;
mod starting;
mod stopping;
mod strangers;
mod streams;
mod system;

use crate::support::cli::{Service, Shell};
use crate::support::http::{Answer, get, send};
use crate::support::postgres::wait_until;

const GOOD: &str = r#"{"github_url": "https://github.com/owner/name"}"#;

/// Asks for a cat, with `more` headers: each a line that begins with a line break.
fn ask_for(service: &Service, more: &str, body: &str) -> Answer {
    send(service, "POST", "/v1/generations", more, body)
}

/// The id of the cat of the repository in the shell's folder, once it is there.
fn local_cat(shell: &Shell, service: &Service) -> String {
    let id = shell.enqueue(&["repo"]).remove(0);
    completed(service, &id);
    id
}

/// Returns when the generation is completed.
fn completed(service: &Service, id: &str) {
    let state = || get(service, &format!("/v1/generations/{id}")).json()["state"].as_str().unwrap().to_owned();
    wait_until("the cat", || {
        let state = state();
        assert!(!["discarded", "cancelled"].contains(&state.as_str()), "{state}");
        state == "completed"
    });
}
