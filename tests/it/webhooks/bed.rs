//! A receiver of webhooks, and a program that may tell it.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Mutex;

use serde_json::Value;

use crate::commands::shell;
use crate::fetch::server::{Certificate, Request, Server, answer};
use crate::support::cli::Shell;
use crate::support::postgres::wait_until;

/// An answer: a status and headers.
pub type Answer = (u16, Vec<(&'static str, String)>);

/// A program on a database of its own, and a receiver that it may tell.
pub struct Bed {
    pub shell: Shell,
    pub receiver: Server,
}

impl Bed {
    /// The receiver answers with these, then with 200.
    pub fn make(name: &str, answers: Vec<Answer>) -> Self {
        Self::with_certificate(name, Certificate::Good, answers)
    }

    pub fn with_certificate(name: &str, certificate: Certificate, answers: Vec<Answer>) -> Self {
        let answers = Mutex::new(VecDeque::from(answers));
        let receiver = Server::with_certificate(certificate, move |_, stream| {
            let (status, headers) = answers.lock().unwrap().pop_front().unwrap_or((200, Vec::new()));
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            answer(stream, status, &headers, b"heard")
        });
        let shell = shell(name);
        let settings = receiver.settings();
        let mut file = OpenOptions::new().append(true).open(shell.path("quick.toml")).unwrap();
        // The file ends within [fetch].
        writeln!(file, "ca_file = '{}'\nprivate_hosts = ['{}']", settings.ca_file.display(), settings.private_hosts[0])
            .unwrap();
        Self { shell, receiver }
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}/hook?for=cats", self.receiver.port)
    }

    /// Asks for a cat whose end is told.
    pub fn ask(&self, more: &[&str]) -> String {
        let url = self.url();
        self.shell.enqueue(&[&["repo", "--webhook-url", &url], more].concat()).remove(0)
    }

    /// The requests, once there are so many.
    pub fn heard(&self, count: usize) -> Vec<Request> {
        let requests = || self.receiver.requests.lock().unwrap().clone();
        wait_until(&format!("{count} requests"), || requests().len() >= count);
        requests()
    }

    /// The tries of a generation or a webhook, the first one first, once there are so many.
    pub fn tries(&self, of: &str, count: usize) -> Vec<Value> {
        let mut tries = Vec::new();
        wait_until(&format!("{count} tries"), || {
            tries.clone_from(self.shell.json(&["webhooks", "list", "--job", of]).as_array().unwrap());
            tries.len() >= count
        });
        tries.reverse();
        tries
    }

    /// Waits for a job's state.
    pub fn wait_for(&self, job: &str, state: &str) {
        wait_until(&format!("{job} to be {state}"), || {
            self.shell.json(&["jobs", "show", job])["job"]["state"] == state
        });
    }

    /// How many webhooks there are.
    pub fn webhooks(&self) -> Vec<Value> {
        self.shell.json(&["jobs", "list", "--kind", "webhook"])["jobs"].as_array().unwrap().clone()
    }
}

/// What a request says.
pub fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}
