//! What the supervisor and the fetching child say to each other: JSON, one line each.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config;
use crate::model::failure::{Failure, Kind};
use crate::model::repository::RepositoryUrl;

/// What the child is to do; it stands on its standard input, so that nothing of it shows in a list of processes.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) url: RepositoryUrl,
    pub(super) reference: Option<String>,
    /// Where the bare repository is made; it does not exist yet.
    pub(super) folder: PathBuf,
    pub(super) settings: config::Fetch,
    /// Process id of the supervisor: without it the child has no reason to live.
    pub(super) supervisor: u32,
}

/// What the child says, in this order: any number of `Received`, then one of the others.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Message {
    /// So many bytes have come over the wire.
    Received(u64),
    /// The repository is in the folder.
    Fetched(Fetched),
    /// It is not.
    Failed(FailureMessage),
}

/// What was fetched.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Fetched {
    /// The URL under which it was found, after a permanent redirect.
    pub(super) url: RepositoryUrl,
    pub(super) commit: String,
    pub(super) reference: Option<String>,
}

/// A [`Failure`] that can be sent; its causes become text.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct FailureMessage {
    kind: Kind,
    what: String,
    hint: Option<String>,
    after_seconds: Option<u64>,
    causes: Vec<String>,
}

impl From<&Failure> for FailureMessage {
    fn from(failure: &Failure) -> Self {
        Self {
            kind: failure.kind(),
            what: failure.what().to_owned(),
            hint: failure.hint_text().map(str::to_owned),
            after_seconds: failure.retry_after().map(|wait| wait.as_secs()),
            causes: failure.causes(),
        }
    }
}

impl From<FailureMessage> for Failure {
    fn from(message: FailureMessage) -> Self {
        let mut failure = Self::new(message.kind, message.what);
        if let Some(hint) = message.hint {
            failure = failure.hint(hint);
        }
        if let Some(seconds) = message.after_seconds {
            failure = failure.after(Duration::from_secs(seconds));
        }
        if !message.causes.is_empty() {
            failure = failure.source(message.causes.join(": "));
        }
        failure
    }
}
