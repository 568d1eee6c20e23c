//! The HTTP listener.

mod enduring;
mod generations;
mod problems;

use crate::support::cli::Service;
use crate::support::http::{Answer, send};

const GOOD: &str = r#"{"github_url": "https://github.com/owner/name"}"#;

/// Asks for a cat, with `more` headers: each a line that begins with a line break.
fn ask_for(service: &Service, more: &str, body: &str) -> Answer {
    send(service, "POST", "/v1/generations", more, body)
}
